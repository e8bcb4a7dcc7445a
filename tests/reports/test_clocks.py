# SPDX-License-Identifier: Apache-2.0
"""What the outlets say of the clocks that a run set."""

import csv as standard_csv
import io
import json as standard_json
from dataclasses import replace
from pathlib import Path

import made

from serialprof.policyclock import Clock, PolicyClock
from serialprof.records import StoredRun
from serialprof.view import Run
from serialprof_reports.html import html
from serialprof_reports.tables import csv, json
from serialprof_reports.terminal import terminal


def swept(lie: float = 1.25) -> StoredRun:
    """LSTM at 1.2 and 2.4 GHz, half of the points each; the second policy obeys, the first runs at `lie` times that."""
    run = made.stored_run((made.LSTM,))
    clocks = [1.2e9 if point.id % 2 else 2.4e9 for point in run.plan.points]
    points = tuple(
        replace(point, setting=replace(point.setting, clock=clock))
        for point, clock in zip(run.plan.points, clocks, strict=True)
    )
    visits = tuple(
        replace(
            visit,
            pinned=tuple(
                PolicyClock(f"policy{cpu}", (cpu,), round(clock), round(clock), "", clock * (1 if cpu else lie))
                for cpu in points[visit.point].setting.cpus
                for clock in (clocks[visit.point],)
                if visit.status == "ok"
            ),
        )
        for visit in run.visits
    )
    plan = replace(run.plan, points=points, clocks=(Clock(1_200_000_000), Clock(2_400_000_000)))
    return replace(run, plan=plan, visits=visits)


def test_the_terminal_tells_what_was_not_reached_in_80_columns() -> None:
    text = terminal(made.view(swept()))
    assert max(map(len, text.splitlines())) <= 80
    assert " 1.20 GHz         2   1.20 GHz  1.50 GHz  +25.0 %       9\n" in text
    assert "  1.20 GHz    all points off the request by more than 3 %; measured from 1.20\n" in text


def test_a_run_that_obeyed_has_nothing_to_flag() -> None:
    text = terminal(made.view(swept(1.0)))
    assert "off the request" not in text and "as asked for" in text


def test_a_run_that_left_clocks_alone_has_no_such_table() -> None:
    run = made.stored_run((made.LSTM,))
    analysis = made.analysis(run, (made.LSTM,))
    assert "as asked for" not in terminal(made.view(run, analysis))
    assert "asked for" not in html(made.view(run, analysis))
    assert standard_json.loads(json(made.view(run, analysis)))["clocks"] == []
    rows = list(standard_csv.DictReader(io.StringIO(csv(made.view(run, analysis)))))
    assert {(row["clock_requested"], row["clock_read_back"], row["clock_measured"]) for row in rows} == {("", "", "")}


def test_the_page_holds_the_table() -> None:
    page = html(made.view(swept()))
    section = page.partition('<h2 id="clock">')[2].partition("</section>")[0]
    table = section.partition("<caption>Clocks</caption>")[2].partition("</table>")[0]
    assert "off the request by more than 3 %" in table and table.count("<tr>") == 3


def test_json_holds_every_point_and_policy() -> None:
    run = swept()
    clocks = standard_json.loads(json(made.view(run)))["clocks"]
    assert {entry["point"] for entry in clocks} == {point.id for point in run.plan.points if point.id != 19}
    first = clocks[0]
    assert (first["policy"], first["requested"], first["read_back"]) == ("policy0", 2.4e9, 2.4e9)
    assert first["measured"] == 3e9 and first["off"] == 0.25 and first["flag"] == "measured 25.0 % above the request"


def test_csv_and_tables_hold_the_three_clocks() -> None:
    run = swept()
    row = next(standard_csv.DictReader(io.StringIO(csv(made.view(run)))))
    assert (row["clock_requested"], row["clock_read_back"], row["clock_measured"]) == (
        "2400000000.0",
        "2400000000.0",
        "3000000000.0",
    )
    view = Run(run, Path("a.serialprof"))
    first = view.points.iloc[0]
    clocks = (first.clock_requested_hertz, first.clock_read_back_hertz, first.clock_measured_hertz)
    assert clocks == (2.4e9, 2.4e9, 3e9)
    assert set(view.samples.clock_requested_hertz) == {1.2e9, 2.4e9}


def test_a_failed_point_is_named_with_its_clock() -> None:
    run = swept()
    (failure,) = standard_json.loads(json(made.view(run)))["failures"]
    assert failure["point"] == "lstm, W = 256, 2 threads, wide, 1.20 GHz"
