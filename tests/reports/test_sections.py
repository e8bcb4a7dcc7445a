# SPDX-License-Identifier: Apache-2.0
"""What the page's figures and their tables say: clocks, threads, widths, tails, and the time of the run."""

from __future__ import annotations

from dataclasses import replace

import made
import numpy as np
import pytest

from serialprof.estimate import Estimate
from serialprof.model.results import FamilyAnalysis
from serialprof.planning import Clock
from serialprof.records import GpuState, Readings, StepTicks, StoredRun
from serialprof_reports import clockfigures, overtime, sections, tails, threadfigures, widthfigures


def at_clocks() -> FamilyAnalysis:
    """LSTM on one thread at 1, 2 and 3 GHz: nine tenths of a step scale with the clock."""
    family = made.family(made.stored_run((made.LSTM,), thread_counts=(1,)), made.LSTM)
    points = []
    for item in family.points:
        for hertz in (3e9, 1e9, 2e9):
            point = replace(item.point, setting=replace(item.point.setting, clock=hertz))
            step = item.step.scaled(0.1 + 0.9 * 1e9 / hertz, "s")
            points.append(replace(item, point=point, step=step, clock=1.01 * hertz))
    return replace(family, points=tuple(points))


def test_speed_is_drawn_over_the_measured_clock() -> None:
    series = clockfigures._series(at_clocks())
    assert list(series) == [1, 16, 256]
    assert [item.clock for item in series[1]] == [pytest.approx(1.01 * hertz) for hertz in (1e9, 2e9, 3e9)]
    speeds = clockfigures._speeds(series[1])
    assert [speed.value for speed in speeds] == [pytest.approx(value) for value in (1, 1 / 0.55, 1 / 0.4)]
    assert speeds[1].low == pytest.approx(1 / 0.55 / 1.02)
    assert "measured clock, GHz" in clockfigures.over_clock(at_clocks(), "c").markup
    row = clockfigures.clock_points(at_clocks()).rows[0]
    assert row[:4] == ("1", "1", "1.00 GHz", "1.01 GHz")


def test_the_clock_has_figures_where_it_was_set_and_a_sentence_where_it_was_not() -> None:
    run = made.stored_run((made.LSTM,))
    swept = replace(run, plan=replace(run.plan, clocks=(Clock(1_000_000_000),)))
    analysis = made.analysis(run, (made.LSTM,))
    (left,) = (section for section in sections.sections(run, analysis) if section.anchor == "clock")
    assert not left.panels and not left.tables
    assert left.lead == (
        "Speed over clock was not measured, as this run left the cores' clocks alone. A run with --clock all, on a "
        "machine that lets clocks be set, would tell."
    )
    (found,) = (section for section in sections.sections(swept, analysis) if section.anchor == "clock")
    assert found.panels[0].plot.refusal == "No point was measured at two clocks that the meter could read."


def test_where_threads_share_cores_is_marked() -> None:
    run = made.stored_run((made.LSTM,), thread_counts=(1, 2, 4))
    machine = replace(run.machine, cpus=(0, 1, 2, 3), siblings=((0, 2), (1, 3)))
    plot = threadfigures.speed_up(made.family(run, made.LSTM), machine, "t")
    assert plot.caption == (
        "Placement: 1 thread on CPU 0 of 1 core, 2 threads on 2 CPUs of 2 cores, 4 threads on 4 CPUs of 2 cores. "
        "From 4 threads on (shaded), some share a core."
    )


def test_a_curve_that_failed_points_shortened_is_drawn_as_far_as_it_goes() -> None:
    run = made.stored_run((made.LSTM,), thread_counts=(1, 2))
    family = made.family(run, made.LSTM)
    assert family.fit is not None
    one, two = family.fit.curves
    short = replace(two, widths=two.widths[3:], steps=two.steps[3:])
    for curves in ((one, short), (one, replace(two, widths=(), steps=()))):
        cut = replace(family, fit=replace(family.fit, curves=curves))
        assert threadfigures.speed_up(cut, run.machine, "t").markup


def test_a_speed_up_has_the_ends_of_both_times() -> None:
    ratio = threadfigures._ratio(Estimate(4.0, 3.0, 5.0), Estimate(2.0, 1.0, 2.5))
    assert (ratio.value, ratio.low, ratio.high) == (2.0, 1.2, 5.0)


def test_lanes_per_second_change_the_ends_of_the_step_time() -> None:
    item = made.family(made.stored_run((made.LSTM,)), made.LSTM).points[4]
    rate = widthfigures._rate(replace(item, step=Estimate(0.5, 0.25, 1.0, "s")))
    width = item.point.setting.width
    assert (rate.value, rate.low, rate.high) == (2 * width, width, 4 * width)


def test_the_knee_is_told_with_its_interval_or_why_there_is_none() -> None:
    family = made.family(made.stored_run((made.LSTM,)), made.LSTM)
    assert family.fit is not None
    known = replace(family, fit=replace(family.fit, knees={1: Estimate(16.2, 12.0, 20.0), 2: Estimate.unknown("?")}))
    assert widthfigures.growth(known, "w").caption == "Knee at W = 16 (12 to 20)."
    unknown = replace(family, fit=replace(family.fit, knees={1: Estimate.unknown("too few widths")}))
    assert widthfigures.growth(unknown, "w").caption == "Knee: too few widths."


def ticked() -> tuple[StoredRun, FamilyAnalysis]:
    """LSTM on one thread, its first point with steps of 1 to 200 ns that were told apart in every block."""
    from serialprof.model.latency import latency

    run = made.stored_run((made.LSTM,), thread_counts=(1,))
    record = StepTicks(1e-9, np.arange(1, 201, dtype="<i8").tobytes())
    visits = tuple(
        replace(visit, readings=replace(visit.readings, ticks=record)) if visit.point == 0 else visit
        for visit in run.visits
    )
    family = made.family(run, made.LSTM)
    told = latency([visit for visit in visits if visit.point == 0])
    points = tuple(replace(item, latency=told) if item.point.id == 0 else item for item in family.points)
    return replace(run, visits=visits), replace(family, points=points)


def test_tails_are_those_of_single_steps_where_they_were_told_apart() -> None:
    run, family = ticked()
    first, *others = tails.tails(run, family)
    assert first.single and not any(tail.single for tail in others)
    assert first.seconds.size == 6 * 200
    rows = tails.quantiles(family, (first, *others)).rows
    assert rows[0][:3] == ("1", "1", "1200")
    assert [cell.split(" ns")[0] for cell in rows[0][3:]] == ["100", "190", "198", "200"]
    assert rows[1][2] == "11"  # of two samples a block, the second of the first block is disturbed
    assert rows[1][5] == "-"  # eleven samples have no p99
    plot = tails.cumulated(family, (first, *others), "e")
    assert plot.title == "Times of single steps" and "99 %" in plot.markup


def test_samples_are_said_to_hide_the_tail() -> None:
    run = made.stored_run((made.LSTM,), thread_counts=(1,))
    family = made.family(run, made.LSTM)
    plot = tails.cumulated(family, tails.tails(run, family), "e")
    assert plot.caption == "On 1 thread; means over many steps each, which hide the tail of single ones."


def test_clock_and_temperature_are_drawn_as_far_as_they_were_read() -> None:
    run = made.stored_run((made.LSTM,))
    (table,) = (overtime.over_time(run, "o") or pytest.fail("nothing was drawn")).tables
    assert [row[0] for row in table.rows] == ["core clock"]
    visits = tuple(
        replace(
            visit, readings=Readings(visit.samples, temperature=50.0 + visit.block, gpu=(GpuState(temperature=40.0),))
        )
        for visit in run.visits
    )
    (table,) = (overtime.over_time(replace(run, visits=visits), "o") or pytest.fail("nothing was drawn")).tables
    assert [(row[0], *row[2:]) for row in table.rows] == [
        ("core clock", "3.41 GHz", "3.41 GHz", "3.41 GHz"),
        ("temperature", "50 °C", "52 °C", "55 °C"),
        ("GPU temperature", "40 °C", "40 °C", "40 °C"),
    ]
    assert overtime.over_time(replace(run, visits=()), "o") is None
