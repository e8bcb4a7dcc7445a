# SPDX-License-Identifier: Apache-2.0
"""From visits to step times."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from serialprof.model.results import PointSummary
from serialprof.model.steptimes import collect, paired
from serialprof.planning import Point
from serialprof.records import Readings, StepTicks, StoredRun, Visit
from serialprof.samples import Sample
from tests.model import builder


def flat(blocks: int = 6) -> StoredRun:
    return builder.run(lambda width, threads, form: 1e-6 * width, widths=(1, 2), blocks=blocks)


def first(run: StoredRun) -> PointSummary:
    return collect(run)[0].summaries[0]


def with_samples(run: StoredRun, *samples: Sample) -> StoredRun:
    return builder.with_samples(run, 0, *samples)


def test_step_time_is_the_midmean_over_runs_and_depth() -> None:
    steps = builder.DEPTH * builder.RUNS
    run = with_samples(flat(), *(Sample(seconds * steps, 0, 0) for seconds in (9.0, 1.0, 1.6, 1.4)))
    assert first(run).step.value == pytest.approx(1.5)
    assert first(run).samples == 24


def test_disturbed_samples_are_counted_and_left_out() -> None:
    steps = builder.DEPTH * builder.RUNS
    run = with_samples(flat(), Sample(2.0 * steps, 0, 0), Sample(9.0 * steps, 0, 1, "off the CPU"))
    summary = first(run)
    assert summary.step.value == pytest.approx(2.0)
    assert (summary.samples, summary.disturbed, summary.units) == (6, 6, 6)


def test_a_point_of_disturbed_samples_alone_has_no_step_time_but_did_not_fail() -> None:
    summary = first(with_samples(flat(), Sample(1.0, 0, 1, "off the CPU")))
    assert (summary.step.value, summary.units, summary.failed) == (None, 0, "")
    assert summary.step.reason == "every sample was disturbed"


def test_one_failed_visit_fails_the_point_with_its_reason() -> None:
    run = flat()
    failed = Visit(0, 3, 0, "failed", reason="the worker died")
    run = replace(run, visits=(*[visit for visit in run.visits if (visit.point, visit.block) != (0, 3)], failed))
    times = collect(run)[0]
    assert times.summaries[0].failed == "the worker died"
    assert times.summaries[0].step.value is None
    assert np.isnan(times.logs[:, 0]).all() and not np.isnan(times.logs[:, 1]).any()


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf, 5e-324])
def test_what_is_no_time_fails_the_point(seconds: float) -> None:
    summary = first(with_samples(flat(), Sample(seconds, 0, 0)))
    assert "no time" in summary.failed
    assert summary.step.value is None


def test_no_runs_fail_the_point() -> None:
    assert "no step time" in first(builder.with_visits(flat(), 0, runs=0)).failed


def test_an_unvisited_point_says_so() -> None:
    run = flat()
    summary = first(replace(run, visits=tuple(visit for visit in run.visits if visit.point != 0)))
    assert (summary.step.reason, summary.failed) == ("not visited", "")


def test_visits_of_unknown_points_are_ignored() -> None:
    run = flat()
    assert first(replace(run, visits=(*run.visits, builder.visit(77, 0, 1.0)))) == first(run)


def test_a_visit_that_was_made_again_belongs_to_the_same_unit() -> None:
    run = flat()
    flagged = replace(run.visits[0].samples[0], disturbed="off the CPU")
    disturbed = replace(run.visits[0], readings=Readings((flagged,)))
    times = collect(replace(run, visits=(disturbed, *run.visits)))[0]
    assert times.logs.shape[0] == 6
    logs = paired(times.column(2, 1, "serial"), times.column(1, 1, "serial"))
    assert logs == pytest.approx([math.log(2)] * 6)


def test_pairs_need_both_points() -> None:
    run = flat()
    times = collect(replace(run, visits=run.visits[1:]))[0]
    assert paired(times.column(1, 1, "serial"), times.column(2, 1, "serial")).size == 5
    assert paired(times.column(4, 1, "serial"), times.column(2, 1, "serial")).size == 0


def test_cycles_are_step_time_times_the_mean_reading() -> None:
    seconds = 1e-6 * builder.DEPTH * builder.RUNS
    read = with_samples(
        flat(),
        Sample(seconds, 0, 0, clock_before=1.5e9, clock_after=2e9),
        Sample(seconds, 0, 0, clock_before=2e9, clock_after=2.5e9),
    )
    assert first(read).cycles.value == pytest.approx(2e9 * 1e-6)
    without = with_samples(flat(), Sample(seconds, 0, 0, clock_after=math.nan))
    assert first(without).cycles.value is None and first(without).cycles.reason


def by_turns(*turns: tuple[int, int, int, float]) -> StoredRun:
    """A run of visits (point, block, turn, seconds per step) of widths 1 and 2."""
    visits = tuple(builder.visit(point, block, seconds, turn=turn) for point, block, turn, seconds in turns)
    return replace(flat(), visits=visits)


def ratios(run: StoredRun) -> list[float]:
    times = collect(run)[0]
    return [math.exp(value) for value in paired(times.column(2, 1, "serial"), times.column(1, 1, "serial"))]


def test_what_is_compared_is_compared_turn_by_turn() -> None:
    # The machine is slower by half in turn 1, for both; in turn 2 a burst hits one of them alone.
    run = by_turns(
        (0, 0, 0, 1.0), (1, 0, 0, 2.0),
        (0, 0, 1, 1.5), (1, 0, 1, 3.0),
        (0, 0, 2, 1.0), (1, 0, 2, 8.0),
        (0, 0, 3, 1.0), (1, 0, 3, 2.0),
    )  # fmt: skip
    assert ratios(run) == [pytest.approx(2.0)]


def test_a_turn_that_one_of_them_lacks_does_not_count() -> None:
    run = by_turns((0, 0, 0, 1.0), (1, 0, 0, 2.0), (1, 0, 1, 50.0), (0, 0, 2, 70.0))
    assert ratios(run) == [pytest.approx(2.0)]


def test_a_unit_without_a_common_turn_is_left_out() -> None:
    run = by_turns((0, 0, 0, 1.0), (1, 0, 1, 2.0), (0, 1, 0, 1.0), (1, 1, 0, 3.0))
    assert ratios(run) == [pytest.approx(3.0)]
    assert paired(None, None).size == 0


def test_both_visits_of_a_turn_count_together() -> None:
    run = by_turns((0, 0, 0, 1.0), (1, 0, 0, 2.0), (1, 0, 0, 2.2), (0, 0, 0, 1.0))
    times = collect(run)[0]
    assert times.turns.shape == (1, 1, 2)
    assert math.exp(times.turns[0, 0, 1]) == pytest.approx(2.1, abs=0.09), "between the two"


SHORT, LONG = 10, 40


def programs(seconds: Callable[[int, int], float], blocks: int = 6) -> StoredRun:
    """A run of whole programs at two depths: seconds(depth, block) for a run of so many steps, two turns a block."""
    run = flat()
    settings = [replace(run.plan.points[0].setting, depth=depth, mode="process") for depth in (SHORT, LONG)]
    points = tuple(Point(number, "toy", setting) for number, setting in enumerate(settings))
    described = replace(run.plan.descriptions[0], startup=True)
    visits = tuple(
        Visit(point.id, block, block, "ok", turn=turn, readings=Readings((Sample(total, 0, 0),) * 2))
        for block in range(blocks)
        for turn in range(2)
        for point in points
        for total in [seconds(point.setting.depth, block)]
    )
    return replace(run, plan=replace(run.plan, points=points, descriptions=(described,)), visits=visits)


def test_start_up_is_taken_off_by_differencing_over_depth() -> None:
    times = collect(programs(lambda depth, block: 0.25 + 0.01 * block + 3e-3 * depth))[0]
    (summary,) = times.summaries
    assert summary.point.setting.depth == LONG
    assert summary.step.value == pytest.approx(3e-3)
    assert summary.startup is not None and summary.startup.value == pytest.approx(0.275)
    assert (summary.units, summary.samples, summary.cycles.value) == (6, 48, None)
    assert np.exp(times.turns) == pytest.approx(np.full((6, 2, 1), 3e-3))


def test_a_block_that_lacks_one_depth_gives_no_step() -> None:
    run = programs(lambda depth, block: 0.25 + 3e-3 * depth)
    visits = tuple(visit for visit in run.visits if (visit.point, visit.block) != (0, 2))
    (summary,) = collect(replace(run, visits=visits))[0].summaries
    assert summary.units == 5 and summary.step.value == pytest.approx(3e-3)


@pytest.mark.parametrize("steps", [0.0, -1e-3])
def test_a_command_that_ignores_its_depth_has_no_step_time(steps: float) -> None:
    (summary,) = collect(programs(lambda depth, block: 0.5 + steps * depth))[0].summaries
    assert summary.failed == "40 steps take no longer than 10: the command ignores {depth}, or needs a larger --depth"
    assert (summary.step.value, summary.startup, summary.units) == (None, None, 0)


def by_blocks(*steps: float) -> PointSummary:
    """The summary of whole programs whose steps take so many seconds in each block."""
    (summary,) = collect(programs(lambda depth, block: 0.25 + steps[block] * depth, blocks=len(steps)))[0].summaries
    return summary


def test_steps_that_may_take_no_time_at_all_have_no_step_time() -> None:
    # ln T(40) / T(10), T = 250 + D x step in ms: 0.105 for 1 ms, 0.547 for 8: mean 0.179, s = 0.180, n = 6:
    # t(5, 0.999) = 5.89, so 0.179 +- 0.434 for sure.
    assert by_blocks(1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 8e-3).failed.startswith("40 steps take no longer than 10")
    # 0.201 for 2 ms, 0.278 for 3, 0.346 for 4: mean 0.238, s = 0.061, so 0.238 +- 0.148 for sure.
    known = by_blocks(2e-3, 2e-3, 2e-3, 3e-3, 2e-3, 4e-3)
    assert (known.failed, known.step.low is not None) == ("", True)


def test_a_block_whose_longer_run_takes_no_longer_does_not_count() -> None:
    summary = by_blocks(*[3e-3] * 19, -1e-4)
    assert (summary.failed, summary.units) == ("", 19)
    assert summary.step.value == pytest.approx(3e-3), "a negative step has no logarithm"
    assert summary.startup is not None and summary.startup.value == pytest.approx(0.25)


def test_blocks_of_which_hardly_any_takes_longer_have_no_step_time() -> None:
    assert by_blocks(3e-3, -1e-3, -1e-3, 3e-3, -1e-3, -1e-3).failed.startswith("40 steps take no longer than 10")
    assert by_blocks(-1e-4, -1e-4).failed.startswith("40 steps take no longer than 10")


def test_too_few_blocks_for_an_interval_are_differenced_all_the_same() -> None:
    summary = by_blocks(3e-3, 3e-3)
    assert (summary.failed, summary.units, summary.step.low) == ("", 2, None)
    assert summary.step.value == pytest.approx(3e-3)
    assert summary.startup is not None and summary.startup.value == pytest.approx(0.25)


def test_a_turn_whose_longer_run_takes_no_longer_does_not_count() -> None:
    run = programs(lambda depth, block: 0.25 + 3e-3 * depth)
    slow = {(0, 0, 1): 0.40, (1, 0, 1): 0.39}  # (point, block, turn): the short run is hit by something
    visits = tuple(
        replace(visit, readings=Readings((Sample(slow[key], 0, 0),) * 2))
        if (key := (visit.point, visit.block, visit.turn)) in slow
        else visit
        for visit in run.visits
    )
    (times,) = collect(replace(run, visits=visits))
    assert np.isnan(times.turns[0, 1, 0]) and np.isfinite(times.turns).sum() == 11
    assert math.exp(times.turns[0, 0, 0]) == pytest.approx(3e-3)
    # The block as a whole: midmeans 0.38 and 0.34 of four samples each, over 30 steps.
    assert math.exp(times.logs[0, 0]) == pytest.approx(0.04 / 30)


def test_what_was_disturbed_at_either_depth_is_counted() -> None:
    run = programs(lambda depth, block: 0.25 + 3e-3 * depth)
    extra = {0: 1, 1: 2}  # disturbed samples beside those of a point's visits in block 4
    visits = tuple(
        replace(visit, readings=Readings((*visit.samples, *(Sample(9.0, 0, 1, "off the CPU"),) * extra[visit.point])))
        if visit.block == 4
        else visit
        for visit in run.visits
    )
    (summary,) = collect(replace(run, visits=visits))[0].summaries
    assert (summary.samples, summary.disturbed) == (48, 2 * (1 + 2))


def test_a_run_with_a_start_up_has_no_cycles_per_step() -> None:
    run = programs(lambda depth, block: 0.25 + 3e-3 * depth)
    metered = tuple(
        replace(visit, readings=Readings(tuple(replace(sample, clock_before=3e9) for sample in visit.samples)))
        for visit in run.visits
    )
    (summary,) = collect(replace(run, visits=metered))[0].summaries
    assert (summary.step.value, summary.cycles.value) == (pytest.approx(3e-3), None), "they would hold the start-up"


def test_widths_and_threads_are_differenced_apart() -> None:
    run = programs(lambda depth, block: 0.25 + 3e-3 * depth)
    wider = [replace(point, id=point.id + 2, setting=replace(point.setting, width=2)) for point in run.plan.points]
    twice = [
        replace(visit, point=visit.point + 2, readings=Readings((replace(sample, seconds=2 * sample.seconds),)))
        for visit in run.visits
        for sample in visit.samples[:1]
    ]
    plan = replace(run.plan, points=(*run.plan.points, *wider))
    (times,) = collect(replace(run, plan=plan, visits=(*run.visits, *twice)))
    assert [item.step.value for item in times.summaries] == pytest.approx([3e-3, 6e-3])
    assert [item.startup and item.startup.value for item in times.summaries] == pytest.approx([0.25, 0.5])
    assert paired(times.column(2, 1, "serial"), times.column(1, 1, "serial")) == pytest.approx([math.log(2)] * 6)


def test_a_depth_that_failed_fails_the_pair() -> None:
    run = programs(lambda depth, block: 0.25 + 3e-3 * depth)
    failed = Visit(0, 5, 5, "failed", "exit code 3")
    (summary,) = collect(replace(run, visits=(*run.visits, failed)))[0].summaries
    assert summary.failed == "exit code 3"


def test_without_start_up_every_depth_is_a_point() -> None:
    run = programs(lambda depth, block: 0.25 + 3e-3 * depth)
    plain = replace(run, plan=replace(run.plan, descriptions=(replace(run.plan.descriptions[0], startup=False),)))
    assert [summary.startup for summary in collect(plain)[0].summaries] == [None, None]


def test_single_steps_are_told_where_they_were_recorded() -> None:
    ticks = StepTicks(1e-9, np.arange(1, 11, dtype="<i8").tobytes())
    run = flat()
    visits = tuple(replace(visit, readings=replace(visit.readings, ticks=ticks)) for visit in run.visits)
    summary = first(replace(run, visits=visits))
    assert summary.latency is not None and summary.latency.steps == 60
    assert first(run).latency is None


@pytest.mark.parametrize(
    ("leaking", "told"), [((4096.0,), None), ((4096.0, 1e6), None), ((4096.0, 8192.0, 1e6), 8192.0)]
)
def test_what_one_visit_in_many_saw_leaking_is_no_leak(leaking: tuple[float, ...], told: float | None) -> None:
    run = flat(6)
    numbers = iter((*leaking, *(None,) * 10**3))
    visits = tuple(
        replace(visit, readings=replace(visit.readings, leaked=next(numbers))) if visit.point == 0 else visit
        for visit in run.visits
    )
    assert sum(visit.point == 0 for visit in visits) == 6
    assert first(replace(run, visits=visits)).leaked == told
