# SPDX-License-Identifier: Apache-2.0
"""From visits to step times."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from serialprof.model.results import PointSummary
from serialprof.model.steptimes import collect, paired
from serialprof.store import Sample, StoredRun, Visit
from tests.model import builder


def flat(blocks: int = 6) -> StoredRun:
    return builder.run(lambda width, threads, form: 1e-6 * width, widths=(1, 2), blocks=blocks)


def first(run: StoredRun) -> PointSummary:
    return collect(run)[0].summaries[0]


def with_samples(run: StoredRun, *samples: Sample) -> StoredRun:
    return builder.with_visits(run, 0, samples=samples)


def test_step_time_is_the_median_over_runs_and_depth() -> None:
    steps = builder.DEPTH * builder.RUNS
    run = with_samples(flat(), Sample(3.0 * steps, 0, 0), Sample(1.0 * steps, 0, 0), Sample(1.5 * steps, 0, 0))
    assert first(run).step.value == pytest.approx(1.5)
    assert first(run).samples == 18


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
    disturbed = replace(run.visits[0], samples=(replace(run.visits[0].samples[0], disturbed="off the CPU"),))
    times = collect(replace(run, visits=(disturbed, *run.visits)))[0]
    assert times.logs.shape[0] == 6
    logs = paired(times.column(2, 1, "serial"), times.column(1, 1, "serial"))
    assert logs == pytest.approx([math.log(2)] * 6)


def test_rounds_of_processes_are_different_units() -> None:
    run = builder.with_visits(flat(), 1, process=9)
    times = collect(run)[0]
    assert paired(times.column(2, 1, "serial"), times.column(1, 1, "serial")).size == 0


def test_pairs_need_both_points() -> None:
    run = flat()
    times = collect(replace(run, visits=run.visits[1:]))[0]
    assert paired(times.column(1, 1, "serial"), times.column(2, 1, "serial")).size == 5
    assert paired(times.column(4, 1, "serial"), times.column(2, 1, "serial")).size == 0


def test_cycles_are_step_time_times_the_mean_reading() -> None:
    run = builder.with_visits(flat(), 0, clock_before=2e9, clock_after=None)
    assert first(run).cycles.value == pytest.approx(2e9 * 1e-6)
    without = builder.with_visits(flat(), 0, clock_before=None, clock_after=math.nan)
    assert first(without).cycles.value is None and first(without).cycles.reason
