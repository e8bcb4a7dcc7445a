# SPDX-License-Identifier: Apache-2.0
"""From stored timings to slopes, sensitivities and brackets."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from serialprof.estimate import Estimate
from serialprof.model import standins
from serialprof.model.answers import Counting, InjectedDelay, StandIns
from serialprof.model.results import CAUSES, NOT_SCALING, SCALING, SERIAL, Attribution, Part
from serialprof.model.standins import DELAY_LABEL, benefit
from serialprof.planning import Point
from serialprof.records import StandIn, StandInGap
from tests import made

CELLS = made.points(widths=(1, 16), threads=(1, 2))
LEVELS = (0.0, 2.5e-6, 5e-6, 1e-5, 2e-5)
ENDS = 1 - 1 / 1.1


def delays(point: int, slack: float, slope: float = 1.0, step: float = 1e-5, blocks: int = 6) -> list[StandIn]:
    """Exact timings, forward and back, with a drift that cancels."""
    return [
        StandIn("delay", point, block, level, step + slope * max(0.0, level - slack) + drift, 1e-5)
        for block in range(blocks)
        for drift, levels in ((-1e-8, LEVELS), (1e-8, LEVELS[::-1]))
        for level in levels
    ]


def told(*timings: StandIn, gaps: Sequence[StandInGap] = (), cells: tuple[Point, ...] = CELLS) -> StandIns:
    run = replace(made.stored(cells), stand_ins=timings, stand_in_gaps=tuple(gaps))
    return standins.stand_ins(run, cells, (), ())


def attribution(low: float, high: float, scaling: tuple[float, float] | None = None, threads: int = 2) -> Attribution:
    step = Estimate(1e-5, unit="s")
    share = Estimate((low + high) / 2, low, high)
    nothing = Estimate(0.0, 0.0, 0.0)
    parts = tuple(Part(cause, step, share if cause == SERIAL else nothing) for cause in CAUSES)
    ends = scaling or (low, high)
    finer = tuple(Part(cause, step, Estimate.bracket(*ends, "")) for cause in (SCALING, NOT_SCALING))
    return Attribution(16, threads, step, parts, finer)


def delayed(slack: float, threads: int = 2, slope: float = 1.0) -> InjectedDelay:
    point = next(cell for cell in CELLS if (cell.setting.width, cell.setting.threads) == (16, threads))
    return told(*delays(point.id, slack, slope)).delays[0]


def test_slope_and_slack_of_every_point_that_was_delayed() -> None:
    both = told(*delays(1, 4e-6), *delays(0, 0.0))
    assert [(item.width, item.threads, item.primary) for item in both.delays] == [(1, 1, False), (1, 2, True)]
    sanity, waiting = both.delays
    assert [item.slope.value for item in both.delays] == pytest.approx([1.0, 1.0])
    assert waiting.slack.value == pytest.approx(4e-6)
    assert (waiting.waits, sanity.waits) == (True, False)
    assert waiting.units == 6
    assert waiting.delays == pytest.approx(LEVELS)
    assert waiting.steps[-1] == pytest.approx(1e-5 + 2e-5 - 4e-6)
    assert waiting.label == DELAY_LABEL == "serial-criticality slope (injected delay)"


def test_a_device_makes_the_delay_primary() -> None:
    cells = tuple(replace(cell, setting=replace(cell.setting, device="cuda:0")) for cell in CELLS)
    assert told(*delays(0, 0.0), cells=cells).delays[0].primary


def test_disturbed_timings_and_blocks_without_every_level_are_left_out() -> None:
    timings = delays(1, 4e-6)
    spoilt = [replace(item, seconds=1.0, disturbed="kept off the CPU") if item.block == 2 else item for item in timings]
    lacking = [item for item in spoilt if (item.block, item.level) != (3, 5e-6)]
    found = told(*lacking).delays[0]
    assert found.units == 4
    assert found.slack.value == pytest.approx(4e-6)
    assert found.slack.low is None, "four blocks make no interval"


def test_what_was_disturbed_throughout_or_never_taken_says_so() -> None:
    bad = [replace(item, disturbed="kept off the CPU") for item in delays(1, 0.0)]
    gap = StandInGap("dilation", 2, "the kernel gives no real-time thread")
    found = told(*bad, gaps=[gap])
    assert not found.delays
    assert [(item.label, item.width, item.threads, item.reason) for item in found.missing] == [
        ("host time dilation x k, not a clock", 16, 1, "the kernel gives no real-time thread"),
        (DELAY_LABEL, 1, 2, "60 of 60 timings were disturbed: kept off the CPU"),
    ]


def test_time_that_ran_out_does_not_hide_that_what_was_taken_was_disturbed() -> None:
    bad = [replace(item, disturbed="kept off the CPU") for item in delays(1, 0.0, blocks=3)]
    gap = StandInGap("delay", 1, "3 of 12 blocks fitted into its time")
    (missing,) = told(*bad, gaps=[gap]).missing
    assert missing.reason == f"{gap.reason}; 30 of 30 timings were disturbed: kept off the CPU"
    (sound,) = told(*delays(1, 0.0, blocks=3), gaps=[gap]).missing
    assert sound.reason == gap.reason


@pytest.mark.parametrize("sensitivity", [0.0, 0.3, 1.0])
def test_the_sensitivity_is_the_slope_over_the_logarithm_of_the_factor(sensitivity: float) -> None:
    """T = 10 us x factor^sensitivity, the factor being 1 / (1 - share)."""
    timings = [
        StandIn("dilation", 0, block, share, 1e-5 * (1 - share) ** -sensitivity, 1e-5)
        for block in range(6)
        for share in (0.0, 0.2, 0.351, 0.499, 0.501, 0.35, 0.2, 0.0)
    ]
    found = told(*timings).dilations[0]
    assert found.sensitivity.value == pytest.approx(sensitivity, abs=1e-9)
    assert found.factor == pytest.approx(2.0, rel=1e-4)
    assert found.ratio.value == pytest.approx(2.0**sensitivity, rel=1e-4)
    assert found.label == "host time dilation x 2.00, not a clock"
    assert found.ratio.bounded


def test_the_bracket_is_from_nothing_to_the_serial_share_less_what_a_clock_leaves() -> None:
    found = benefit(attribution(0.4, 0.6), delayed(0.0), "cpu")
    assert (found.saved.low, found.saved.high) == (0.0, pytest.approx(0.6 * ENDS))
    assert found.saved.value is None
    assert (found.narrowed.low, found.narrowed.high) == (0.0, pytest.approx(0.6 * ENDS))
    assert (found.route, found.narrowed.reason) == ("injected delay", "the serial time is on the critical path")


def test_half_a_slope_saves_half() -> None:
    found = benefit(attribution(0.4, 0.6), delayed(0.0, slope=0.5), "cpu")
    assert found.narrowed.high == pytest.approx(0.3 * ENDS)


def test_a_host_that_waits_for_a_device_saves_nothing() -> None:
    found = benefit(attribution(0.4, 0.6), delayed(4e-6), "cuda:0")
    assert (found.narrowed.low, found.narrowed.high) == (0.0, 0.0)


@pytest.mark.parametrize(("device", "high"), [("cuda:0", 0.0), ("cpu", None)])
def test_a_host_that_surely_waits_saves_nothing_even_where_no_slope_is_known(device: str, high: float | None) -> None:
    beyond = delayed(1e-4)
    assert beyond.waits and not beyond.slope.identified
    found = benefit(attribution(0.4, 0.6), beyond, device).narrowed
    assert found.high == high
    assert found.bounded or "share its clock" in found.reason


def test_a_thread_that_waits_for_threads_of_the_same_clock_tells_nothing() -> None:
    found = benefit(attribution(0.4, 0.6), delayed(4e-6), "cpu")
    assert not found.narrowed.bounded
    assert "share its clock" in found.narrowed.reason
    unsure = replace(delayed(0.0), waits=False, slope=Estimate.unknown("the delays never exceeded the slack"))
    assert "cannot tell: the delays never" in benefit(attribution(0.4, 0.6), unsure, "cpu").narrowed.reason


def test_one_thread_is_narrowed_by_the_footprint_model() -> None:
    found = benefit(attribution(0.4, 0.6, scaling=(0.2, 0.5), threads=1), delayed(0.0, threads=1), "cpu")
    assert found.route == "footprint model"
    assert (found.narrowed.low, found.narrowed.high) == (pytest.approx(0.2 * ENDS), pytest.approx(0.5 * ENDS))


def test_one_thread_is_narrowed_by_counters_where_they_were_read() -> None:
    """Of a step of which 70 to 90 % scale, at least 0.4 - 0.3 and at most 0.6 are serial and scale."""
    none = Estimate.unknown("")
    counted = Counting(16, none, none, none, Estimate(0.8, 0.7, 0.9), none, none)
    found = benefit(attribution(0.4, 0.6, threads=1), delayed(0.0, threads=1), "cpu", (counted,))
    assert found.route == "hardware counters"
    assert (found.narrowed.low, found.narrowed.high) == (pytest.approx(0.1 * ENDS), pytest.approx(0.6 * ENDS))


def test_timings_beyond_reason_are_no_error() -> None:
    timings = [replace(item, seconds=1e-300) for item in delays(1, 0.0)] + delays(0, 0.0, step=1e-17)
    assert np.isfinite(told(*timings).delays[0].slope.value or np.nan)
