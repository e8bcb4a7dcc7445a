# SPDX-License-Identifier: Apache-2.0
"""Single steps: quantiles of made ticks, derived by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from serialprof.model.latency import at, latency, seconds_of
from serialprof.records import Readings, StepTicks, Visit
from serialprof.samples import Sample

SOUND = Sample(1.0, 1.0, 0)


def ticks(steps: Sequence[int], rate: float = 1e-9) -> StepTicks:
    return StepTicks(rate, np.array(steps, dtype="<i8").tobytes())


def visit(block: int, steps: Sequence[int], *, sample: Sample = SOUND, started: float = 0.0) -> Visit:
    return Visit(0, block, block, "ok", started=started, readings=Readings((sample,), ticks=ticks(steps)))


#: 1 .. 101 ticks: of evenly spaced values the quantile q stands at 1 + 100 q.
EVEN = range(1, 102)


def test_quantiles_by_hand() -> None:
    found = latency([visit(0, EVEN)])
    assert found is not None and found.steps == 101
    assert found.p50.value == pytest.approx(51e-9)
    assert found.p95.value == pytest.approx(96e-9)
    assert found.p99.value == pytest.approx(100e-9)
    assert found.worst == pytest.approx(101e-9)


def test_ticks_are_scaled_by_their_rate() -> None:
    assert seconds_of(ticks([3, 5], 0.5e-9)) == pytest.approx([1.5e-9, 2.5e-9])


def test_a_quantile_is_averaged_over_blocks_not_over_steps() -> None:
    # Four times as slow and one step in a block twice as often visited: the geometric mean of both blocks is twice.
    found = latency([visit(0, EVEN), visit(0, EVEN), visit(1, [4 * step for step in EVEN])])
    assert found is not None and found.p50.value == pytest.approx(2 * 51e-9)


def test_intervals_need_five_blocks() -> None:
    four = latency([visit(block, EVEN) for block in range(4)])
    five = latency([visit(block, EVEN) for block in range(5)])
    assert (
        four is not None and (four.p99.low, four.p99.high) == (None, None) and "5 independent units" in four.p99.reason
    )
    assert five is not None and five.p99.low == pytest.approx(100e-9) == five.p99.high


def test_the_interval_is_student_s_over_the_logarithms_of_blocks() -> None:
    # Blocks 1, 2, 4, 8 and 16 times as slow: ln 2 times -2 .. 2 about 4, whose standard error is ln 2 * sqrt(10/4/5);
    # Student's 97.5 % quantile at 4 degrees of freedom is 2.776445.
    found = latency([visit(power, [step << power for step in EVEN]) for power in range(5)])
    assert found is not None
    factor = 2 ** (2.776445 * 0.5**0.5)
    assert found.p95.value == pytest.approx(4 * 96e-9)
    assert found.p95.low == pytest.approx(4 * 96e-9 / factor)
    assert found.p95.high == pytest.approx(4 * 96e-9 * factor)


def test_a_hundred_steps_are_enough_and_one_less_is_not() -> None:
    enough, short = latency([visit(0, range(1, 101))]), latency([visit(0, range(1, 100))])
    assert enough is not None and enough.p99.value == pytest.approx(99.01e-9)
    assert short is not None and short.p99.value is None


def test_a_quantile_needs_a_step_beyond_it() -> None:
    found = latency([visit(0, range(1, 51))])
    assert found is not None
    assert found.p95.value is not None
    assert (found.p99.value, found.p99.reason) == (None, "the 99 % quantile needs 100 steps in a block")
    assert found.worst == pytest.approx(50e-9)


def test_quantiles_never_decrease_where_blocks_have_few_steps() -> None:
    # Four slow blocks have no p99 of their own: their p95 of 1.9 us stood above the p99 of the fast block alone.
    slow = [visit(block, [20 * step for step in range(1, 100)]) for block in range(4)]
    found = latency([*slow, visit(4, EVEN)])
    assert found is not None and found.steps == 4 * 99 + 101
    assert [item.value for item in (found.p50, found.p95, found.p99)] == pytest.approx([51e-9, 96e-9, 100e-9])


def test_without_any_p99_the_blocks_of_p95_are_averaged() -> None:
    found = latency([visit(0, range(1, 52)), visit(1, [1000] * 19)])
    assert found is not None and found.p99.value is None
    assert (found.p50.value, found.p95.value) == pytest.approx((26e-9, 48.5e-9))


def test_visits_of_a_block_count_together() -> None:
    found = latency([visit(0, range(1, 51)), visit(0, range(51, 102))])
    assert found is not None and found.p99.value == pytest.approx(100e-9)


def test_visits_without_a_sound_sample_do_not_count() -> None:
    disturbed = visit(1, [10**9], sample=replace(SOUND, disturbed="throttled"))
    found = latency([visit(0, EVEN), disturbed])
    assert found is not None and found.worst == pytest.approx(101e-9)
    assert latency([disturbed]) is None


def test_steps_without_duration_are_left_out() -> None:
    found = latency([visit(0, [*EVEN, 0, -5])])
    assert found is not None and found.steps == 101
    assert latency([visit(0, [0, -1])]) is None


def test_the_timeline_goes_visit_by_visit() -> None:
    found = latency([visit(0, EVEN, started=1.0), visit(2, [7, 7, 7], started=3.0)])
    assert found is not None
    first, second = found.timeline
    assert (first.started, first.block, second.started, second.block) == (1.0, 0, 3.0, 2)
    assert (first.p50, first.p99, first.worst) == pytest.approx((51e-9, 100e-9, 101e-9))
    assert (second.p50, second.p99, second.worst) == pytest.approx((7e-9,) * 3)


def test_without_ticks_there_is_no_latency() -> None:
    assert latency([Visit(0, 0, 0, "ok", readings=Readings((SOUND,)))]) is None
    assert latency([]) is None


@pytest.mark.parametrize("count", [1, 2, 3, 10, 101])
@pytest.mark.parametrize("quantile", [0.0, 0.25, 0.5, 0.95, 0.99, 1.0])
def test_a_quantile_of_ordered_values_is_numpys(count: int, quantile: float) -> None:
    ordered = np.sort(np.random.default_rng(count).exponential(size=count))
    assert at(ordered, quantile) == pytest.approx(np.quantile(ordered, quantile), rel=1e-12)
