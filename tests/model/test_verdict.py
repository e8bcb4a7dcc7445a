# SPDX-License-Identifier: Apache-2.0
"""The words for every case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from serialprof.catalog import Affine
from serialprof.estimate import Estimate
from serialprof.limits import BarrierRung, Limits, StreamRung
from serialprof.model import FamilyAnalysis, analyse, wording
from serialprof.model.advice import below, next_step
from serialprof.model.fitting.family import Cell, Memory
from serialprof.model.verdict import Findings
from serialprof.store import StoredRun, Visit
from tests.model import builder

WIDTHS = (1, 4, 16, 64, 256, 1024)


def family(run: StoredRun) -> FamilyAnalysis:
    return analyse(run).families[0]


def crossing(width: int, threads: int, form: str) -> float:
    if form == "wide":
        return 2e-8 * width / threads
    return 1e-6 + 2e-8 * width / min(threads, width) + 8e-7 * (threads > 1)


def test_a_crossover_says_both_sides() -> None:
    result = family(builder.run(crossing, WIDTHS, (1, 2), ("serial", "wide"), noise=0.01))
    sentence = result.verdict.sentence
    assert sentence.startswith(
        "On this machine clock beats cores from W = 1 to 64 cells (at W = 1, +10 % clock gives +10 %, a"
    )
    assert "); cores beat clock from W = 256 to 1 Ki (at W = 256, +10 % clock" in sentence
    assert "). A second thread starts to pay at about W = 80 [64 - 256]. The serial" in sentence
    assert "serial share of a step on one thread is 98 %" in sentence
    assert "Depth costs 5" in sentence
    assert result.verdict.grade == "C"
    assert "no clock was set" in result.verdict.grade_reason
    assert result.verdict.hatch == "a scan"


def test_memory_bound_steps_make_cores_beat_clock() -> None:
    limits = Limits(stream=tuple(StreamRung(1 << power, 1, 1e11 / (1 + (power > 20) * 9)) for power in range(15, 27)))
    work = replace(builder.LANES, bytes=Affine(0, 64))
    memory = Memory.of(limits, 1 << 20)

    def step(width: int, threads: int, form: str) -> float:
        traffic = memory.seconds(Cell(width, 1, work)) / threads
        return 2e-6 + 4e-10 * width / threads + traffic + 1e-6 * (threads > 1)

    # The ladder of two threads has twice the bandwidth.
    double = tuple(StreamRung(rung.footprint, 2, 2 * rung.bandwidth) for rung in limits.stream)
    limits = replace(limits, stream=(*limits.stream, *double))
    widths = tuple(4**power for power in range(3, 11))
    result = family(builder.run(step, widths, (1, 2), work=work, limits=limits, noise=0.01))
    assert "cores beat clock from W = " in result.verdict.sentence
    assert {item.winner for item in result.tradeoffs} == {"clock", "cores"}


def test_threads_that_always_lose() -> None:
    result = family(builder.run(lambda w, p, f: 1e-6 * p + 1e-9 * w, threads=(1, 2), noise=0.01))
    assert result.verdict.sentence.startswith("On this machine clock beats cores from W = 1 to 256 cells")
    assert result.verdict.next_step.startswith("Widen each step: up to W = ")


def test_threads_that_pay_more_than_the_clock_beat_it() -> None:
    work = replace(builder.LANES, bytes=Affine(4096, 8), lanes=Affine(64, 64))
    step = lambda w, p, f: 1e-6 + (1e-6 + 1e-8 * w) / p + 2e-7 * (p > 1)  # noqa: E731
    result = family(
        builder.run(step, threads=(1, 2), work=work, limits=Limits(barriers=(BarrierRung(2, 0.0, 2e-7),)), noise=0.01)
    )
    assert all(item.clock.low > item.cores.high for item in result.tradeoffs), "per cent for per cent, clock is ahead"
    assert {item.winner for item in result.tradeoffs} == {"cores"}, "yet a second thread gains more than +10 % clock"
    assert result.verdict.sentence.startswith("On this machine cores beat clock from W = 1 to 256")


def test_an_order_that_changes_again_is_mentioned() -> None:
    def step(width: int, threads: int, form: str) -> float:
        return 1e-6 * (1.0 if threads == 1 else {1: 1.1, 4: 1.1, 16: 0.85, 64: 1.1}[width])

    sentence = family(builder.run(step, (1, 4, 16, 64), (1, 2), noise=0.01)).verdict.sentence
    assert "clock beats cores from W = 1 to 4 cells" in sentence
    assert "; cores beat clock at W = 16 (" in sentence
    assert "; clock beats cores at W = 64 (" in sentence
    assert "though the order changes more than once" in sentence


def test_a_clock_that_may_gain_nothing_beats_nobody() -> None:
    step = lambda w, p, f: 1e-6 * (1 + w) * (1.05 if p > 1 else 1.0)  # noqa: E731
    result = family(builder.run(step, threads=(1, 2), work=None, mode="eager", noise=0.01))
    assert {item.winner for item in result.tradeoffs} == {"unknown"}
    assert result.verdict.sentence.startswith(
        "On this machine more threads surely lose, while +10 % clock may gain nothing, from W = 1 to 256 cells "
        "(at W = 1, +10 % clock gives +0 to +10 %, a second thread -5 % ["
    )
    assert "--budget" not in result.verdict.next_step, "a longer run tells no more of the clock"
    (tie,) = result.frontier.ties
    assert tie.width.reason.startswith("the data cannot tell: more threads surely lose at W = 1, 2, 4, ")
    assert tie.width.reason.endswith("128, 256, while +10 % clock may gain nothing")


def test_a_second_thread_that_gains_nothing_is_no_refusal() -> None:
    step = lambda w, p, f: 1e-6 * (1 + w)  # noqa: E731
    result = family(builder.run(step, threads=(1, 2), work=None, mode="eager", noise=0.002))
    assert result.verdict.sentence.startswith(
        "On this machine more threads gain nothing, while +10 % clock may gain, from W = 1 to 256 cells "
        "(at W = 1, +10 % clock gives +0 to +10 %, a second thread "
    )
    (tie,) = result.frontier.ties
    assert tie.width.reason.startswith("the data cannot tell: more threads surely gain nothing at W = 1, 2, 4, ")


def test_a_wide_interval_of_threads_that_surely_lose_asks_for_no_longer_run() -> None:
    step = lambda w, p, f: 1e-6 * (1 + w) * (1.0 + (p > 1))  # noqa: E731
    result = family(builder.run(step, threads=(1, 2), work=None, mode="eager", noise=0.12))
    assert {item.winner for item in result.tradeoffs} == {"unknown"}
    assert max(item.cores_gain.half_width or 0.0 for item in result.tradeoffs) > 0.05
    assert all((item.cores_gain.high or 0.0) < 0 for item in result.tradeoffs)
    assert "--budget" not in result.verdict.next_step


def test_intervals_of_one_round_of_processes_say_so() -> None:
    run = builder.run(crossing)
    one = replace(run, visits=tuple(replace(visit, process=0) for visit in run.visits))
    assert "within one process" in family(one).verdict.sentence


@pytest.mark.parametrize(
    ("cores", "clock", "advised"),
    [
        ((-0.1, 0.1), (0.0, 0.005), True),  # their order is open
        ((0.02, 0.2), (0.01, 0.1), True),  # meets the clock's bracket
        ((-0.2, -0.05), (0.0, 0.1), False),
        ((-0.2, -0.05), (None, None), False),
        ((-0.02, 0.02), (0.0, 0.1), False),  # narrow already
        ((None, None), (0.0, 0.1), False),
    ],
)
def test_a_longer_run_is_advised_only_where_it_may_tell(
    cores: tuple[float | None, float | None], clock: tuple[float | None, float | None], advised: bool
) -> None:
    result = family(builder.run(crossing, threads=(1, 2), noise=0.01))
    item = replace(
        result.tradeoffs[0], winner="unknown", cores_gain=Estimate(0.0, *cores), clock_gain=Estimate(None, *clock)
    )
    findings = Findings(
        result.description, result.points, "", result.attributions, (item,), result.crossovers, (), False
    )
    assert ("--budget" in next_step(findings, 2)) == advised


def test_nothing_to_tell_is_said() -> None:
    result = family(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w / p, threads=(1, 2), work=None, noise=1.0, seed=1))
    assert "the data cannot tell whether clock beats cores" in result.verdict.sentence
    assert "--budget" in result.verdict.next_step


def test_thread_counts_of_which_all_but_one_came_to_nothing() -> None:
    run = builder.run(lambda w, p, f: 1e-6 + 2e-8 * w / p, threads=(1, 2), work=None, noise=0.01)
    lost = {number for number, point in enumerate(run.plan.points) if point.setting.threads == 2}
    result = family(replace(run, visits=tuple(visit for visit in run.visits if visit.point not in lost)))
    assert result.verdict.sentence.startswith("No width has a step time on two thread counts, so the data cannot tell")
    assert "Vary the threads" not in result.verdict.next_step
    (refusal,) = [refusal for refusal in result.refusals if refusal.what == "clock against cores"]
    assert "--threads" not in refusal.remedy


def test_one_thread_count() -> None:
    result = family(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w, noise=0.01))
    assert result.verdict.sentence.startswith("Threads were not varied")
    assert "98 %" in result.verdict.sentence
    assert result.verdict.next_step == "Vary the threads, for example --threads 1,2."


def test_a_quick_run_says_what_its_intervals_leave_out() -> None:
    assert "within one process" in family(builder.run(crossing, quick=True)).verdict.sentence
    assert "within one process" not in family(builder.run(crossing)).verdict.sentence


def test_everything_failed() -> None:
    run = builder.run(crossing)
    run = replace(run, visits=tuple(Visit(point.id, 0, 0, "failed", reason="no torch") for point in run.plan.points))
    verdict = family(run).verdict
    assert verdict.sentence == "Nothing was measured, so the data cannot tell: no torch."
    assert verdict.next_step == "Remove what made the points fail (no torch), then run again."


def test_where_no_point_was_reached_time_is_advised_whatever_the_widths() -> None:
    verdict = family(replace(builder.run(crossing, (1, 4)), visits=())).verdict
    assert verdict.sentence == "Nothing was measured, so the data cannot tell."
    assert verdict.next_step.startswith("Run again with a longer --budget")


def spoilt(spoil: Callable[[Visit], Visit], width: int, widths: tuple[int, ...] = (1, 4, 16, 64)) -> StoredRun:
    """The run with the visits from a width on spoilt."""
    run = builder.run(crossing, widths)
    wide = {point.id for point in run.plan.points if point.setting.width >= width}
    return replace(run, visits=tuple(spoil(visit) if visit.point in wide else visit for visit in run.visits))


def test_the_failure_to_remove_is_named() -> None:
    run = spoilt(lambda visit: Visit(visit.point, visit.block, 0, "failed", reason="CUDA error: 700"), 64)
    assert family(run).verdict.next_step == "Remove what made W = 64 fail (CUDA error: 700), then run again."


@pytest.mark.parametrize(
    ("width", "advice"),
    [
        (16, "Run again with --width 1,2,4,8: memory ends at W = 16."),
        (4, "Make the steps smaller: memory ends at W = 4, and a fit takes 4 widths."),
    ],
)
def test_where_memory_ended_no_wider_ones_are_advised(width: int, advice: str) -> None:
    run = spoilt(lambda visit: Visit(visit.point, visit.block, 0, "ended", reason="out of memory"), width)
    assert family(run).verdict.next_step == advice


def test_widths_below_an_end_are_those_of_a_fit() -> None:
    assert below(1024) == "--width 1,8,64,512"
    assert below(17) == "--width 1,2,8,16"
    assert below(5) == "--width 1,2,3,4"
    assert below(4) == ""


def test_a_refused_fit_leaves_the_serial_share_unknown() -> None:
    verdict = family(builder.run(crossing, widths=(1, 2, 4))).verdict
    assert "serial share is unknown: no fit: it needs 4 distinct widths" in verdict.sentence
    assert "--width" in verdict.next_step
    assert "--budget" in family(builder.run(crossing, blocks=3)).verdict.next_step


def test_many_disturbed_samples_weaken_the_grade() -> None:
    def disturbed(count: int) -> str:
        run = builder.run(crossing)
        flagged = tuple(
            replace(
                visit,
                readings=replace(
                    visit.readings,
                    samples=tuple(
                        replace(sample, disturbed="kept off the CPU" if visit.block < count and number < 2 else "")
                        for number, sample in enumerate(visit.samples)
                    ),
                ),
            )
            for visit in run.visits
        )
        return family(replace(run, visits=flagged)).verdict.grade_reason

    # of 8 blocks with 3 samples a visit: 2 of them in 1, 3 or all blocks
    assert "disturbed" not in disturbed(1)
    assert "disturbed" not in disturbed(2)
    assert "25 % of the samples were disturbed and left out: see serialprof doctor" in disturbed(3)
    assert "67 % of the samples were disturbed" in disturbed(8)


@pytest.mark.parametrize(
    ("value", "text"),
    [(2202009.6, "2.1 Mi"), (65536, "64 Ki"), (80.3, "80"), (1, "1"), (3.7e10, "34 Gi"), (4.84, "4.8")],
)
def test_counts(value: float, text: str) -> None:
    assert wording.count(value) == text


def test_estimates_in_words() -> None:
    assert wording.gain(Estimate(-0.62, -0.64, -0.60)) == "-62 % [-64, -60]"
    assert wording.gain(Estimate.bracket(0.07, 0.1, "")) == "+7 to +10 %"
    assert wording.gain(Estimate.bracket(0.098, 0.1, "")) == "+10 %"
    assert wording.gain(Estimate(0.2)) == "+20 %"
    assert wording.gain(Estimate.unknown("")) == "an unknown amount"
    assert wording.share(Estimate(0.93, 0.91, 0.95)) == "93 % [91 - 95]"
    assert wording.share(Estimate.bracket(0.0, 0.41, "")) == "between 0 and 41 %"
    assert wording.share(Estimate.bracket(0.001, 0.004, "")) == "<1 %"
    assert wording.share(Estimate(0.001, 0.0, 0.004)) == "<1 %"
    assert wording.share(Estimate(0.0, 0.0, 0.0)) == "0 %"
    assert wording.share(Estimate.unknown("")) == "not identified"
    assert wording.gain(Estimate(0.1, 0.0996, 0.1004)) == "+10 %"
    assert wording.ratio(Estimate(0.9998, 0.9995, 1.004)) == "1.00x [1.00 - 1.00]"
    assert wording.ratio(Estimate(0.83, 0.80, 0.86), 1) == "1.83x [1.80 - 1.86]"
    assert wording.ratio(Estimate(3.2)) == "3.20x"
    assert wording.ratio(Estimate.unknown("")) == "an unknown ratio"
