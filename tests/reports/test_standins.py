# SPDX-License-Identifier: Apache-2.0
"""Stand-ins in every outlet; and that a dilated run is a clock in none of them."""

from __future__ import annotations

import csv as standard
import io
import json as standard_json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import made
import pytest

from serialprof.estimate import Estimate
from serialprof.model import analyse
from serialprof.model.answers import StandIns
from serialprof.model.results import Analysis
from serialprof.model.standins import DELAY_LABEL, DILATION_LABEL
from serialprof.records import StandIn, StandInGap, StoredRun
from serialprof.view import Run
from serialprof_reports import standins
from serialprof_reports.html import html
from serialprof_reports.tables import csv, json
from serialprof_reports.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = re.compile(r"host time dilation x (\d+\.\d\d|k), not a clock")
CLOCKS = re.compile(r"clock|[kMG]?Hz|frequency|turbo", re.IGNORECASE)
DILATED = re.compile(r"dilat", re.IGNORECASE)


def dilated_run() -> StoredRun:
    """A run whose lstm was dilated at one point, refused at another, and delayed at both."""
    run = made.stored_run((made.LSTM, made.LIFE))
    first, second = [point for point in run.plan.points if point.workload == "lstm" and point.setting.form == "serial"][
        :2
    ]
    dilations = [
        StandIn("dilation", first.id, block, share, 1e-5 / (1 - share), 1e-5)
        for block in range(6)
        for share in (0.0, 0.2, 0.5, 0.5, 0.2, 0.0)
    ]
    delays = [
        StandIn("delay", point.id, block, level, 1e-5 + level, 1e-5)
        for point in (first, second)
        for block in range(6)
        for level in (0.0, 5e-6, 1e-5, 2e-5, 2e-5, 1e-5, 5e-6, 0.0)
    ]
    gap = StandInGap("dilation", second.id, "the kernel gives no real-time thread (Operation not permitted)")
    plan = replace(run.plan, stand_ins=("delay", "dilation"))
    return replace(run, plan=plan, stand_ins=(*delays, *dilations), stand_in_gaps=(gap,))


@pytest.fixture(scope="module")
def run() -> StoredRun:
    return dilated_run()


@pytest.fixture(scope="module")
def analysis(run: StoredRun) -> Analysis:
    return analyse(run)


def flat(text: str) -> str:
    return " ".join(text.split())


def unlabelled(text: str) -> str:
    """The text without what it says in the label."""
    return LABEL.sub("", text)


def test_the_terminal_names_dilation_by_its_label_alone(run: StoredRun, analysis: Analysis) -> None:
    text = terminal(made.view(run, analysis))
    assert max(map(len, text.splitlines())) <= 80
    items = re.split(r"\n(?=  \S|\S|\n)", text)
    told = [flat(item) for item in items if DILATED.search(item)]
    assert len(told) == 2, "what it tells, and where it is missing"
    for item in told:
        assert LABEL.search(item), item
        assert not CLOCKS.search(unlabelled(item)), item
    assert "dilation host time dilation x 2.00, not a clock: a step takes 2.00" in told[0]


def test_the_page_names_dilation_by_its_label_alone(run: StoredRun, analysis: Analysis) -> None:
    page = html(made.view(run, analysis))
    told = [
        part for part in re.split(r"</?(?:h4|caption|table|tr|p|dd|li|section)[^>]*>", page) if DILATED.search(part)
    ]
    texts = [flat(re.sub(r"<[^>]+>", " ", part)) for part in told]
    assert any(LABEL.search(text) for text in texts)
    for text in texts:
        assert not CLOCKS.search(unlabelled(text)), text
    (table,) = re.findall(r"<caption>Time dilation</caption>.*?</table>", page, re.DOTALL)
    assert LABEL.search(table)
    assert not CLOCKS.search(unlabelled(re.sub(r"<[^>]+>", " ", table)))


def test_the_json_names_dilation_by_its_label_alone(run: StoredRun, analysis: Analysis) -> None:
    document = standard_json.loads(json(made.view(run, analysis)))
    told = list(_records(document))
    assert {key for key, _ in told} == {"dilations", "missing"}
    for _, record in told:
        assert LABEL.search(record["label"])
        assert not CLOCKS.search(unlabelled(standard_json.dumps(record))), record
    assert document["plan"]["stand_ins"] == ["delay", "dilation"]


def _records(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """The innermost records that speak of dilation, with the key under which they stand."""
    if isinstance(value, dict):
        inner = [item for name, part in value.items() for item in _records(part, name)]
        yield from inner
        told = any(isinstance(part, str) and DILATED.search(part) for part in value.values())
        if told and not inner:
            yield key, value
    elif isinstance(value, list) and key != "stand_ins":
        for part in value:
            yield from _records(part, key)


def test_the_csv_holds_no_dilated_sample(run: StoredRun, analysis: Analysis) -> None:
    text = csv(made.view(run, analysis))
    assert not DILATED.search(text)
    assert len(list(standard.reader(io.StringIO(text)))) - 1 == sum(len(visit.samples) for visit in run.visits)


def test_nothing_else_is_made_of_a_dilated_run(run: StoredRun, analysis: Analysis) -> None:
    """Not a clock of the fit, the verdict or the frontier; nor of what-if questions, tables, or the plan."""
    dilated, plain = (Run(each, Path("a")) for each in (run, replace(run, stand_ins=(), stand_in_gaps=())))
    for family, other in zip(analysis.families, plain.analysis.families, strict=True):
        assert replace(family, stand_ins=other.stand_ins) == other
    asked: dict[str, Any] = {"clock": 1.1}
    assert dilated.whatif("lstm", **asked) == plain.whatif("lstm", **asked)
    assert dilated.samples.equals(plain.samples)
    assert {point.setting.clock for point in run.plan.points} == {None}


def test_the_labels_are_those_of_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "clocks.md").read_text("utf-8")
    assert f'"{DELAY_LABEL}"' in text
    assert f'"{DILATION_LABEL.format("k")}"' in text


def test_lines_for_a_terminal() -> None:
    stored = made.stored_run()
    family = made.with_stand_ins(made.family(stored, made.LSTM))
    assert dict(standins.lines(family.stand_ins)) == {
        "delay": "serial-criticality slope (injected delay): 1.01 [0.99 - 1.03], slack at most 224 ns at W = 1 on 2 "
        "threads; 0.99 [0.97 - 1.01], slack 13.4 us (12.3 us to 14.6 us) at W = 256 on 2 threads; 1.00 on 1 thread, "
        "where it is 1 by construction: a sanity check",
        "serial gain": "+10 % clock saves, through the serial part, 0..8 % of a step at W = 1 on 2 threads, 0..8 % by "
        "injected delay; 0..1 % of a step at W = 256 on 2 threads (injected delay: others share its clock)",
        "dilation": "host time dilation x 2.00, not a clock: a step takes 2.01 [1.99 - 2.03] times as long at W = 1 on "
        "1 thread, sensitivity at most 1.02 (waiting for memory is dilated too)",
        "stand-ins": "host time dilation x k, not a clock: the kernel gives no real-time thread (W = 256 on 2 threads)",
    }


def test_too_few_sound_blocks_give_dilation_no_upper_bound() -> None:
    stored = made.stored_run()
    known = made.with_stand_ins(made.family(stored, made.LSTM)).stand_ins
    few = replace(known.dilations[0], sensitivity=Estimate(1.0), units=3)
    found = replace(known, dilations=(few,))
    wanted = "without an upper bound: 3 of 5 blocks that it takes were sound"
    assert f"sensitivity {wanted}" in dict(standins.lines(found))["dilation"]
    rows = {title: rows for title, _, rows in standins.tables(found)}
    assert wanted in rows["Time dilation"][0]


def test_tables_for_the_page() -> None:
    stored = made.stored_run()
    family = made.with_stand_ins(made.family(stored, made.LSTM))
    found = {title: rows for title, _, rows in standins.tables(family.stand_ins)}
    assert [row[-1] for row in found[DELAY_LABEL]] == [
        "1 by construction: a sanity check",
        "no slack is sure: serial time may be on the critical path",
        "its driving thread waits: serial time there is not on the critical path",
    ]
    assert all(len(row) == len(columns) for _, columns, rows in standins.tables(family.stand_ins) for row in rows)


def test_a_thread_that_waits_is_told_so_even_where_no_slope_is_known() -> None:
    stored = made.stored_run()
    known = made.with_stand_ins(made.family(stored, made.LSTM)).stand_ins
    unsloped = replace(known.delays[2], slope=Estimate.unknown("the delays never exceeded the slack"))
    ((_, _, rows),) = standins.tables(StandIns(delays=(unsloped, replace(unsloped, waits=False))))
    assert [row[-1] for row in rows] == [
        "its driving thread waits: serial time there is not on the critical path",
        "the delays never exceeded the slack",
    ]


def test_a_run_without_stand_ins_says_nothing_of_them() -> None:
    stored = made.stored_run()
    assert list(standins.lines(made.family(stored, made.LSTM).stand_ins)) == []
    assert list(standins.tables(made.family(stored, made.LSTM).stand_ins)) == []
