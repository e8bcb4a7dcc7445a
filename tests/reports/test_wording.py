# SPDX-License-Identifier: Apache-2.0
"""What is said of start-up, single steps, failures and continuations, in every renderer that shows it."""

from __future__ import annotations

import json as standard_json
from dataclasses import replace

import made
import pytest

from serialprof.estimate import Estimate
from serialprof.model.results import Analysis, DeclaredWork, FamilyAnalysis, Latency, Moment
from serialprof.records import Resumption
from serialprof_reports import wording
from serialprof_reports.html import html
from serialprof_reports.tables import json
from serialprof_reports.terminal import terminal

RUN = made.stored_run((made.LSTM,))
FAMILY = made.family(RUN, made.LSTM)
STARTUP = Estimate(0.25, 0.24, 0.26, "s")


def latency(p50: float, p95: float | None, p99: float | None, worst: float) -> Latency:
    """Quantiles of a thousand steps."""
    quantiles = [Estimate.unknown("too few steps", "s") if q is None else made.spread(q, 0.1, "s") for q in (p95, p99)]
    return Latency(1000, made.spread(p50, 0.1, "s"), *quantiles, worst, (Moment(0.5, 0, p50, p50, worst),))


def with_points(**changes: object) -> FamilyAnalysis:
    """The family with its first point changed."""
    return replace(FAMILY, points=(replace(FAMILY.points[0], **changes), *FAMILY.points[1:]))  # type: ignore[arg-type]


def words(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def test_start_up_is_told_with_its_interval() -> None:
    family = with_points(startup=STARTUP)
    said = "250 ms (240 ms to 260 ms) a run at W = 1, 1 thread; taken off by differencing over depth"
    assert wording.startup(family) == said
    assert f"start-up {said}" in words(terminal(made.view(RUN, Analysis((family,)))))
    assert said in html(made.view(RUN, Analysis((family,))))
    document = standard_json.loads(json(made.view(RUN, Analysis((family,)))))
    assert document["families"][0]["points"][0]["startup"] == {
        "value": 0.25, "low": 0.24, "high": 0.26, "unit": "s", "level": STARTUP.level,
        "identified": True, "reason": "", "what_would_identify_it": "",
    }  # fmt: skip


def test_the_start_up_of_a_failed_point_is_not_told() -> None:
    second = replace(FAMILY.points[1], startup=Estimate(0.5, unit="s"))
    family = with_points(startup=STARTUP, failed="boom")
    family = replace(family, points=(family.points[0], second, *family.points[2:]))
    assert wording.startup(family).startswith("500 ms a run")


def test_a_program_without_depth_says_that_start_up_is_in_every_step() -> None:
    process = replace(FAMILY, family=replace(FAMILY.family, mode="process"))
    said = "part of every step: the command has no {depth} to take it off by"
    assert wording.startup(process) == said
    starting = replace(process, description=replace(process.description, startup=True))
    assert wording.startup(starting) == "", "a run in which no start-up could be told apart yet"
    assert wording.startup(FAMILY) == ""
    assert said in words(terminal(made.view(RUN, Analysis((process,)))))
    assert "start-up" not in terminal(made.view(RUN, Analysis((FAMILY,))))


def test_the_longest_tail_is_told() -> None:
    points = (
        replace(FAMILY.points[0], latency=latency(1e-6, 2e-6, 3e-6, 4e-6)),
        replace(FAMILY.points[8], latency=latency(2e-6, 5e-6, 8e-6, 1e-4)),  # p99 / p50 = 4, not 3
        replace(FAMILY.points[12], latency=latency(1e-9, 1e-6, None, 1e-3)),  # no p99
    )
    family = replace(FAMILY, points=points)
    setting = points[1].point.setting
    quantiles = "p50 2.00 us ±10%, p95 5.00 us ±10%, p99 8.00 us ±10%"
    said = f"{quantiles}, longest 100 us at W = {setting.width}, 1 thread (1000 steps)"
    assert setting.width == 16 and setting.threads == 1
    assert wording.tail(family) == said
    assert f"step tail {said}" in words(terminal(made.view(RUN, Analysis((family,)))))
    page = html(made.view(RUN, Analysis((family,))))
    assert said in page
    assert "Quantiles of samples" in page, "the run has ticks of no step"


def test_without_single_steps_there_is_no_tail() -> None:
    assert wording.tail(FAMILY) == ""
    assert wording.tail(with_points(latency=latency(1e-6, None, None, 2e-6))) == ""
    assert "step tail" not in terminal(made.view(RUN, Analysis((FAMILY,))))
    assert "Single steps" not in html(made.view(RUN, Analysis((FAMILY,))))


def test_what_failed_in_the_analysis_alone_is_a_failure() -> None:
    # Every visit went well; only the model found that the steps take no time.
    reason = "40 steps take no longer than 10: the command ignores {depth}, or needs a larger --depth"
    analysis = Analysis((with_points(failed=reason),))
    told = ("lstm, W = 1, 1 thread, serial", reason)
    assert wording.failures(analysis)[0] == told
    assert standard_json.loads(json(made.view(RUN, analysis)))["failures"][0]["reason"] == reason
    assert f"{told[0]}: {reason}" in words(terminal(made.view(RUN, analysis)))
    assert reason in html(made.view(RUN, analysis))


def test_failures_stand_in_the_order_of_the_plan() -> None:
    points = tuple(replace(item, failed=f"reason {number}") for number, item in enumerate(FAMILY.points[:3]))
    analysis = Analysis((replace(FAMILY, points=points), replace(FAMILY, points=FAMILY.points[4:5])))
    assert [reason for _, reason in wording.failures(analysis)] == ["reason 0", "reason 1", "reason 2"]
    assert wording.failures(Analysis(())) == []


@pytest.mark.parametrize("count", [0, 2])
def test_continuations_stand_on_the_page(count: int) -> None:
    # 2026-01-02 03:04 UTC and an hour later
    times = [1767323040.0 + 3600 * number for number in range(count)]
    resumptions = tuple(
        Resumption(started, ("serialprof", "run", "--resume", "a"), made.machine(f"bench{number}"), "0.1.0", "code")
        for number, started in enumerate(times)
    )
    page = html(made.view(replace(RUN, resumptions=resumptions), Analysis((FAMILY,))))
    told = "2026-01-02 03:04 UTC on bench0; 2026-01-02 04:04 UTC on bench1"
    assert (told in page) == (count == 2)
    assert ("resumed" in page) == (count == 2)


def test_declared_counts_are_whole() -> None:
    assert wording.declared(DeclaredWork(4, 144.0, 96.0)).startswith("work 144, depth 96, work/depth 1.50 (")
    assert wording.declared(DeclaredWork(4, 8120.0, 4060.0)).startswith("work 8.12 k, depth 4.06 k, work/depth 2 (")


def test_where_nothing_was_measured_there_is_no_grade() -> None:
    failed = replace(FAMILY, points=tuple(replace(item, units=0) for item in FAMILY.points))
    analysis = made.analysis(RUN, (made.LSTM,))
    unmeasured = made.view(RUN, replace(analysis, families=(failed,)))
    assert 'class="badge' in html(made.view(RUN, analysis))
    assert 'class="badge' not in html(unmeasured)
    assert "evidence" in terminal(made.view(RUN, analysis))
    assert "  evidence" not in terminal(unmeasured)
