# SPDX-License-Identifier: Apache-2.0
"""Elasticities, crossover and depth cost by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from serialprof.estimate import Estimate
from serialprof.model import FamilyAnalysis, analyse
from serialprof.model.results import Futility, Tradeoff, Winner
from serialprof.model.tradeoff import clock_elasticity, clock_gains, crossing, futility, winner
from serialprof.model.whatif import ask
from serialprof.question import question_of
from serialprof.store import StoredRun
from tests.model import builder

L, TAU, S = 1e-6, 2e-8, 3e-7


def law(width: int, threads: int, form: str = "serial") -> float:
    """The sum form, with a barrier between threads."""
    return L + TAU * width / min(threads, width) + S * (threads > 1)


def ends(estimate: Estimate) -> tuple[float | None, float | None]:
    assert estimate.value is None, "a bracket prefers no point"
    return estimate.low, estimate.high


def test_the_clock_of_a_report_is_that_of_whatif() -> None:
    run = builder.run(law, threads=(1, 2, 4), noise=0.02)
    (answer,) = ask(run, question_of({"clock": "+10%"}))
    speedups = {(item.width, item.threads): item.speedup for item in answer.predictions}
    for item in analyse(run).families[0].tradeoffs:
        low, high = ends(speedups[item.width, item.threads])
        assert ends(item.clock_gain) == pytest.approx(((low or 0) - 1, (high or 0) - 1))


def test_a_barrier_may_or_may_not_follow_the_clock() -> None:
    found = {(item.width, item.threads): item for item in tradeoffs_of(builder.run(law, threads=(1, 2, 4)))}
    assert ends(found[64, 1].clock) == pytest.approx((1, 1), abs=builder.NEAR)
    assert ends(found[64, 2].clock) == pytest.approx((1 - S / law(64, 2), 1), abs=1e-3)
    assert ends(found[64, 1].clock_gain) == pytest.approx((0.1, 0.1), abs=builder.NEAR)


def test_an_unmeasured_launch_may_be_all_of_the_serial_part() -> None:
    found = tradeoffs_of(builder.run(law, threads=(1, 2), mode="eager"))
    low, high = ends(next(item for item in found if item.width == 64).clock)
    assert (low, high) == pytest.approx((1 - L / law(64, 1), 1), abs=1e-3)


def test_the_clock_without_a_fit_is_the_bare_bracket() -> None:
    (bare,) = clock_gains(None, [(1, 2)])
    assert ends(bare) == (0, 0.1)
    assert "only one clock was measured" in bare.reason and "two clocks" in bare.remedy
    assert ends(clock_elasticity(bare)) == pytest.approx((0, 1))
    assert clock_elasticity(bare).remedy == bare.remedy
    for item in tradeoffs_of(builder.run(law, (1, 2), threads=(1, 2))):
        assert ends(item.clock) == pytest.approx((0, 1))


def test_the_share_that_scales_from_the_gain_of_ten_per_cent() -> None:
    # All of the time scales: 1.1. Half of it: 1 / (0.5 + 0.5 / 1.1) = 22 / 21.
    assert ends(clock_elasticity(Estimate.bracket(1 / 21, 0.1, ""))) == pytest.approx((0.5, 1.0))


def tradeoffs_of(run: StoredRun) -> tuple[Tradeoff, ...]:
    return analyse(run).families[0].tradeoffs


@pytest.mark.parametrize(
    ("clock", "cores", "expected"),
    [
        ((0.7, 1.0), (-1.0, 0.6), "clock"),
        ((0.1, 0.3), (0.4, 0.9), "cores"),
        ((0.1, 0.5), (0.4, 0.9), "unknown"),
        ((0.5, 1.0), (0.4, 0.6), "unknown"),
        ((0.001, 0.004), (-0.9, 0.0), "neither"),
        ((0.006, 0.007), (-0.9, 0.0), "clock"),
        ((0.004, 0.007), (-0.9, -0.8), "unknown"),
        ((0.005, 0.1), (-0.9, -0.8), "unknown"),
        ((0.7, 1.0), (None, None), "unknown"),
    ],
)
def test_winner(clock: tuple[float, float], cores: tuple[float | None, float | None], expected: Winner) -> None:
    assert winner(Estimate(None, *clock), Estimate(0.0, *cores)) == expected


@pytest.mark.parametrize(
    ("clock", "cores", "named", "expected"),
    [
        ((0.0, 0.1), (-0.9, -0.1), "unknown", "lose"),
        ((0.005, 0.1), (-0.9, -0.1), "unknown", "lose"),
        ((0.006, 0.1), (-0.9, -0.1), "unknown", None),  # withheld: the clock would win
        ((0.006, 0.1), (-0.9, -0.1), "clock", None),
        ((0.0, 0.004), (-0.9, -0.1), "neither", None),
        ((0.0, 0.1), (-0.9, 0.0), "unknown", "gain nothing"),
        ((0.0, 0.1), (-0.9, 0.019), "unknown", "gain nothing"),
        ((0.006, 0.1), (-0.9, 0.01), "unknown", None),
        ((0.0, 0.1), (-0.9, 0.02), "unknown", None),
        ((0.0, 0.1), (-0.9, None), "unknown", None),
        ((None, 0.1), (-0.9, -0.1), "unknown", None),
    ],
)
def test_threads_that_are_of_no_use_where_the_clock_may_gain_nothing(
    clock: tuple[float | None, float], cores: tuple[float, float | None], named: Winner, expected: Futility | None
) -> None:
    nothing = Estimate.unknown("not needed")
    item = Tradeoff(4, 1, 2, nothing, nothing, Estimate(None, *clock), Estimate(-0.5, *cores), named)
    assert futility(item) == expected


def ratio(mean: float, spread: float = 0.01) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Six log ratios about a mean."""
    return mean + spread * np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])


def test_crossover_is_interpolated_between_sure_neighbours() -> None:
    # -0.2 at 4 and 0.6 at 64: a quarter of the way in ln W, so 4 * 16^(1/4) = 8.
    width = crossing((1, 4, 64), (ratio(-0.5), ratio(-0.2), ratio(0.6)))
    assert width.value == pytest.approx(8)
    assert (width.low, width.high) == (4, 64)


def test_insure_widths_between_widen_the_bracket() -> None:
    width = crossing((1, 4, 16, 64), (ratio(-0.5), ratio(-0.1, 1.0), ratio(0.1, 1.0), ratio(0.6)))
    assert (width.low, width.high) == (1, 64)
    assert width.value == pytest.approx(8)


def test_more_threads_win_or_lose_everywhere() -> None:
    wins = crossing((1, 4), (ratio(0.2), ratio(0.6)))
    assert (wins.value, wins.low, wins.high) == (None, None, 1)
    assert wins.remedy == "smaller widths"
    loses = crossing((1, 4), (ratio(-0.6), ratio(-0.2)))
    assert (loses.value, loses.low, loses.high) == (None, 4, None)
    assert loses.reason.startswith("beyond W = 4")
    assert loses.remedy == "widths up to 16 and more"


def test_no_sure_order_cannot_be_told() -> None:
    unknown = crossing((1, 4), (ratio(-0.1, 1.0), ratio(0.6)))
    assert (unknown.value, unknown.low, unknown.high) == (None, None, None)
    assert unknown.reason == "the data cannot tell: more threads surely win at W = 4"
    few = crossing((1, 4), (ratio(-0.5)[:4], ratio(0.6)[:4]))
    assert few.value is None and "5 independent units" in few.reason


def test_a_second_turn_is_mentioned() -> None:
    width = crossing((1, 4, 16), (ratio(-0.5), ratio(0.5), ratio(-0.5)))
    assert (width.low, width.high) == (1, 4)
    assert "more than once" in width.reason
    assert crossing((1, 4), (ratio(0.5), ratio(-0.5))).reason.startswith("the data cannot tell")


def analysed(**options: object) -> FamilyAnalysis:
    def step(width: int, threads: int, form: str) -> float:
        chain = 8e-7 if form == "serial" else 0.0
        return 2e-7 + chain + 2e-8 * width / min(threads, width) + 8e-7 * (threads > 1)

    run = builder.run(step, threads=(1, 2), forms=("serial", "wide"), **options)  # type: ignore[arg-type]
    return analyse(run).families[0]


def test_core_elasticity_and_gain_from_paired_blocks() -> None:
    # Drift is common to a block, so it cancels exactly.
    item = next(item for item in analysed(drift=0.3).tradeoffs if item.width == 256)
    speedup = (1e-6 + 2e-8 * 256) / (1.8e-6 + 2e-8 * 128)
    assert item.cores_gain.value == pytest.approx(speedup - 1)
    assert item.cores_gain.low == pytest.approx(speedup - 1)
    assert item.cores.value == pytest.approx(math.log(speedup) / math.log(2))
    assert (item.threads, item.more_threads) == (1, 2)


def test_depth_cost_is_serial_over_wide() -> None:
    cost = next(cost for cost in analysed(drift=0.3).depth_costs if (cost.width, cost.threads) == (64, 2))
    assert cost.ratio.value == pytest.approx((1.8e-6 + 6.4e-7) / (1.0e-6 + 6.4e-7))
    assert cost.ratio.low == pytest.approx(cost.ratio.value)
