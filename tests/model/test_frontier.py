# SPDX-License-Identifier: Apache-2.0
"""Elasticities over threads, threads that equal a faster clock, tie lines and best settings by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from serialprof.catalog import Affine
from serialprof.estimate import Estimate
from serialprof.limits import BarrierRung, Limits, StreamRung
from serialprof.model import analyse
from serialprof.model.answers import BestSetting, Sensitivity
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.memory import Memory
from serialprof.model.forecast.outlook import Forecast, Outlook
from serialprof.model.forecast.scenes import Scene
from serialprof.model.frontier import tie_lines
from serialprof.model.results import FamilyAnalysis, Tradeoff, Winner
from serialprof.model.settings import best_settings
from serialprof.model.steptimes import collect
from serialprof.question import Cost
from serialprof.store import StoredRun
from tests.model import builder

L, TAU, S = 1e-6, 2e-8, 3e-7


def law(width: int, threads: int, form: str = "serial") -> float:
    return L + TAU * width / min(threads, width) + S * (threads > 1)


def family(run: StoredRun) -> FamilyAnalysis:
    return analyse(run).families[0]


def at(found: FamilyAnalysis, width: int, threads: int) -> Sensitivity:
    return next(item for item in found.frontier.sensitivities if (item.width, item.threads) == (width, threads))


@pytest.fixture(scope="module")
def exact() -> FamilyAnalysis:
    return family(builder.run(law, threads=(1, 2)))


def test_every_fitted_point_has_its_elasticities(exact: FamilyAnalysis) -> None:
    assert [(item.width, item.threads) for item in exact.frontier.sensitivities] == [
        (width, threads) for threads in (1, 2) for width in builder.OCTAVES
    ]


def test_all_points_of_a_family_are_forecast_together(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes: list[Scene] = []
    modelled = Outlook._modelled

    def counted(outlook: Outlook, scene: Scene) -> list[Forecast]:
        scenes.append(scene)
        return modelled(outlook, scene)

    monkeypatch.setattr(Outlook, "_modelled", counted)
    found = family(builder.run(law, threads=(1, 2)))
    assert len(found.frontier.sensitivities) > 10
    assert len(scenes) <= 4, "those of the trade-offs, of the other clocks, and of the first and the other threads"


def test_the_elasticity_over_threads_is_what_splits_less_what_the_barrier_adds(exact: FamilyAnalysis) -> None:
    # The barrier is taken linear in ln p from nothing at 1 to S at 2: dS / dlnp = S / ln 2.
    found = at(exact, 64, 1)
    assert found.cores.value == pytest.approx((TAU * 64 - S / math.log(2)) / law(64, 1))
    assert found.paired.value == pytest.approx(math.log(law(64, 1) / law(64, 2)) / math.log(2))
    assert at(exact, 1, 1).cores.value == pytest.approx(-S / math.log(2) / law(1, 1)), "one lane does not split"


def test_beyond_the_largest_count_barriers_may_grow_in_two_ways(exact: FamilyAnalysis) -> None:
    found = at(exact, 64, 2)
    # With p - 1: dS / dlnp = S p / (p - 1) = 2 S; with log2 p: S / ln 2.
    assert found.cores.value is None
    assert (found.cores.low, found.cores.high) == pytest.approx(
        ((TAU * 32 - 2 * S) / law(64, 2), (TAU * 32 - S / math.log(2)) / law(64, 2)),
        abs=builder.NEAR,
    )
    assert "beyond 2 threads" in found.cores.reason and found.cores.remedy == "a machine with 4 cores"
    assert found.paired.value is None and found.paired.remedy


def test_a_barrier_measured_apart_has_its_own_growth() -> None:
    weights = replace(builder.LANES, bytes=Affine(8000, 8), lanes=Affine(64, 64))
    limits = Limits(barriers=(BarrierRung(2, 0.0, S), BarrierRung(4, 0.0, 2 * S)))

    def step(width: int, threads: int, form: str) -> float:
        return L + (1e-6 + TAU * width) / threads + {1: 0.0, 2: S, 4: 2 * S}[threads]

    found = family(builder.run(step, threads=(1, 2, 4), work=weights, limits=limits))
    spread = 1e-6 + TAU * 64
    assert at(found, 64, 1).cores.value == pytest.approx((spread - S / math.log(2)) / step(64, 1, ""), rel=1e-3)
    assert at(found, 64, 2).cores.value == pytest.approx((spread / 2 - S / math.log(2)) / step(64, 2, ""), rel=1e-3)
    assert at(found, 64, 4).cores.value == pytest.approx((spread / 4 - 2 * S * 4 / 3) / step(64, 4, ""), rel=1e-3)


def test_shared_bandwidth_does_not_answer_to_threads() -> None:
    ladder = tuple(
        StreamRung(1 << power, threads, 1e11 if power <= 20 else 1e10) for threads in (1, 2) for power in range(15, 28)
    )
    work, limits = replace(builder.LANES, bytes=Affine(0, 64)), Limits(stream=ladder)
    memory = Memory.of(limits, 1 << 20)

    def step(width: int, threads: int, form: str) -> float:
        return 2e-6 + 4e-10 * width / threads + memory.seconds(Cell(width, threads, work))

    found = family(builder.run(step, tuple(4**k for k in range(3, 11)), (1, 2), work=work, limits=limits))
    wide = 4**10
    assert at(found, wide, 1).cores.value == pytest.approx(4e-10 * wide / step(wide, 1, ""), rel=1e-3)
    beyond = at(found, wide, 2).cores
    traffic = memory.seconds(Cell(wide, 2, work))
    assert beyond.low == pytest.approx(2e-10 * wide / step(wide, 2, ""), rel=1e-3)
    assert beyond.high == pytest.approx((2e-10 * wide + traffic) / step(wide, 2, ""), rel=1e-3)


def test_what_the_max_form_hides_does_not_answer_to_threads() -> None:
    found = family(builder.run(lambda w, p, f: max(1e-6, 5e-8 * w / min(p, w)), threads=(1, 2), noise=0.002))
    assert at(found, 4, 1).cores.value == pytest.approx(0, abs=0.01)
    assert at(found, 256, 1).cores.value == pytest.approx(1, abs=0.01)


def test_one_thread_count_bounds_the_elasticity_from_above() -> None:
    found = at(family(builder.run(law)), 64, 1).cores
    assert (found.value, found.low) == (None, None)
    assert found.high == pytest.approx(TAU * 64 / law(64, 1), abs=builder.NEAR)
    assert "barrier" in found.reason and found.remedy == "--threads 1,2"


def test_threads_that_equal_a_tenth_more_clock(exact: FamilyAnalysis) -> None:
    # law(64, 1) / law(64, 2) = 2.28 / 1.94 > 1.1; law(32, 1) / law(32, 2) = 1.64 / 1.62 < 1.1, and barriers grow.
    two = at(exact, 64, 1)
    assert (two.equal.value, two.equal.unit) == (2, "threads")
    assert not two.extrapolated and not two.never
    none = at(exact, 32, 1)
    assert none.never and (none.equal.value, none.equal.low, none.equal.high) == (None, 64, None)
    assert not none.extrapolated and not none.siblings
    assert none.equal.reason == "no number of threads up to 64 gains as much"


def test_more_threads_than_were_measured_are_extrapolated(exact: FamilyAnalysis) -> None:
    # At 256 lanes, 3 threads: 1e-6 + 5.12e-6 / 3 + 2 S at most = 3.31 us, 1.1 times shorter than 3.86 us of two.
    found = at(exact, 256, 2)
    assert (found.equal.value, found.extrapolated) == (3, True)
    assert found.equal.reason == "extrapolated: 2 threads can run at once here"


def test_threads_may_be_siblings() -> None:
    run = builder.run(law, threads=(1, 2))
    run = replace(run, machine=replace(run.machine, cpus=(0, 1, 2, 3), siblings=((0, 2), (1, 3))))
    found = family(run)
    assert at(found, 256, 2).siblings and not at(found, 256, 1).siblings
    assert at(found, 256, 2).equal.reason == "extrapolated: 3 threads were not measured"


def test_an_unknown_clock_gain_leaves_a_bracket_of_threads() -> None:
    # Undeclared: the clock may gain nothing (one thread is enough) or a tenth (two are).
    found = at(family(builder.run(lambda w, p, f: L + TAU * w / p, threads=(1, 2), work=None)), 256, 1).equal
    assert (found.value, found.low, found.high) == (None, 1, 2)
    assert found.reason and found.remedy


def test_a_gain_that_is_barely_that_of_the_clock_leaves_a_bracket() -> None:
    # Two threads gain a tenth, give or take what noise leaves; four gain more.
    gains = {1: 1.0, 2: 1.1, 4: 1.4}
    run = builder.run(lambda w, p, f: 1e-6 / gains[p], (64, 65, 66, 67), (1, 2, 4), noise=0.02)
    found = at(family(run), 64, 1).equal
    assert (found.value, found.low) == (None, 2)
    assert found.high is None or found.high > 2


def test_few_blocks_tell_no_number_of_threads() -> None:
    found = at(family(builder.run(law, threads=(1, 2), blocks=4)), 256, 1)
    assert found.equal.value is None and not found.never
    assert "5 independent units" in found.equal.reason and "--budget" in found.equal.remedy


def tradeoff(width: int, winner: Winner, threads: int = 1) -> Tradeoff:
    nothing = Estimate.unknown("not needed")
    return Tradeoff(width, threads, 2 * threads, nothing, nothing, nothing, nothing, winner)


def test_the_tie_line_lies_between_sure_neighbours() -> None:
    items = [tradeoff(1, "clock"), tradeoff(4, "clock"), tradeoff(16, "unknown"), tradeoff(64, "cores")]
    (line,) = tie_lines(items[::-1])
    assert (line.threads, line.more_threads, line.width.value) == (1, 2, None)
    assert (line.width.low, line.width.high) == (4, 64)
    assert "budget" in line.width.remedy
    (closer,) = tie_lines([items[1], items[3]])
    assert closer.width.remedy == "widths between them"


def test_every_pair_of_thread_counts_has_its_line() -> None:
    items = [tradeoff(1, "clock"), tradeoff(4, "cores"), tradeoff(1, "clock", 2), tradeoff(16, "cores", 2)]
    assert [(line.threads, line.width.high) for line in tie_lines(items)] == [(1, 4), (2, 16)]


def test_one_sided_and_undecided_tie_lines() -> None:
    (clock,) = tie_lines([tradeoff(1, "clock"), tradeoff(4, "clock")])
    assert (clock.width.low, clock.width.high) == (4, None)
    assert clock.width.reason.startswith("beyond W = 4")
    (cores,) = tie_lines([tradeoff(1, "cores"), tradeoff(4, "cores")])
    assert (cores.width.low, cores.width.high) == (None, 1)
    (open_,) = tie_lines([tradeoff(1, "unknown"), tradeoff(4, "cores")])
    assert (open_.width.low, open_.width.high) == (None, None)
    assert open_.width.reason == "the data cannot tell: more threads surely gain more at W = 4"
    (neither,) = tie_lines([tradeoff(1, "neither"), tradeoff(4, "neither")])
    assert "at no width" in neither.width.reason
    (back,) = tie_lines([tradeoff(1, "clock"), tradeoff(4, "cores"), tradeoff(16, "clock")])
    assert "more than once" in back.width.reason


def best(run: StoredRun, **costs: Cost) -> dict[str, BestSetting]:
    return {item.goal: item for item in best_settings(collect(run)[0], **costs)}


def test_the_best_settings_of_exact_times() -> None:
    found = best(builder.run(law, threads=(1, 2)))
    assert (found["latency"].width, found["latency"].threads) == (1, 1)
    assert found["latency"].score.value == pytest.approx(law(1, 1))
    assert (found["throughput"].width, found["throughput"].threads) == (256, 2)
    assert found["throughput"].score.value == pytest.approx(256 / law(256, 2))
    assert found["latency"].ties == found["throughput"].ties == ()


def test_a_price_and_watts_change_what_is_best() -> None:
    # Twice the threads at 256 lanes are 6.12 / 3.86 = 1.59 times as fast.
    run = builder.run(law, threads=(1, 2))
    cheap, dear = best(run, price=Cost(1.0, 0.5)), best(run, price=Cost(0.0, 1.0), watts=Cost(0.0, 10.0))
    assert cheap["price"].threads == 2, "4 / 3 of the price"
    assert cheap["price"].score.value == pytest.approx(3600 * 256 / law(256, 2) / 2.0)
    assert dear["price"].threads == 1, "twice the price"
    assert dear["power"].score.value == pytest.approx(256 / law(256, 1) / 10)
    assert dear["power"].score.unit == "1/J"


def test_settings_that_the_pairs_do_not_tell_apart_are_ties_with_the_fewest_threads_first() -> None:
    run = builder.run(lambda w, p, f: 1e-6 * (1.3 if w == 64 else 1.0), (1, 4, 16, 64), (1, 2), noise=0.02)
    latency = best(run)["latency"]
    assert latency.threads == 1
    assert {(latency.width, latency.threads), *latency.ties} == {(w, p) for w in (1, 4, 16) for p in (1, 2)}
    assert [threads for _, threads in latency.ties] == [1, 1, 2, 2, 2]


def test_a_drift_that_pairs_cancel_makes_no_ties() -> None:
    run = builder.run(lambda w, p, f: 1e-6 * (1 + 0.01 * w), (1, 2, 4, 8), drift=0.5)
    assert best(run)["latency"].ties == ()


def test_without_intervals_only_the_best_is_named() -> None:
    assert best(builder.run(law, threads=(1, 2), blocks=3, noise=0.5))["latency"].ties == ()


def test_nothing_measured_has_no_best_setting() -> None:
    assert best(replace(builder.run(law), visits=())) == {}
