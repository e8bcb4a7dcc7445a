# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import golden
import made
import pytest

from serialprof_reports import chrometrace
from serialprof_reports.chrometrace import chrome_trace, level


@pytest.fixture
def trace() -> Any:
    run = golden.short(made.stored_run((made.LSTM,)))
    return json.loads(chrome_trace(made.view(run, made.analysis(run, (made.LSTM,)))))


def test_events_have_the_fields_that_perfetto_reads(trace: Any) -> None:
    for event in trace["traceEvents"]:
        assert event["ph"] in ("X", "M", "i")
        assert {"name", "pid", "tid", "args"} <= event.keys()
        assert event["ph"] == "M" or event["ts"] >= 0
        assert event["ph"] != "X" or event["dur"] > 0


def test_steps_stand_end_to_end_in_their_visit_in_microseconds(trace: Any) -> None:
    spans = [event for event in trace["traceEvents"] if event["ph"] == "X" and event["tid"] == 1]
    visit, *steps = spans
    assert visit["cat"] == "visit" and visit["args"] == {"block": 0, "turn": 0, "steps": 3, "left_out": 0}
    assert [(step["ts"], step["dur"]) for step in steps] == [(0, 20), (20, 21), (41, 25)]
    assert (visit["ts"], visit["dur"]) == (0, 66)


def test_points_are_named_and_stand_under_their_workload(trace: Any) -> None:
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    assert names[1, 1] == "lstm, W = 1, 1 thread, serial"
    assert {(e["pid"], e["tid"]) for e in trace["traceEvents"] if e["ph"] == "X"} <= names.keys()


def test_steps_beyond_the_cap_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    run = golden.short(made.stored_run((made.LSTM,)))
    monkeypatch.setattr(chrometrace, "MOST_STEPS", 40)
    trace = json.loads(chrome_trace(made.view(run, made.analysis(run, (made.LSTM,)))))
    steps = [event for event in trace["traceEvents"] if event.get("cat") == "step"]
    told = trace["otherData"]
    assert (told["steps_recorded"], told["steps_shown"], told["steps_left_out"]) == (57, 38, 19)
    assert len(steps) == 38
    assert trace["traceEvents"][0]["name"] == "19 of 57 recorded steps are left out"


@pytest.mark.parametrize(
    ("lengths", "most", "kept"),
    [([], 5, 0), ([0, 3], 5, 3), ([3, 3], 6, 3), ([1, 9, 9], 9, 4), ([5, 5], 1, 0), ([2, 100], 50, 48)],
)
def test_every_visit_keeps_as_many(lengths: list[int], most: int, kept: int) -> None:
    assert level(lengths, most) == kept
    assert sum(min(kept, length) for length in lengths) <= most


def test_a_run_without_single_steps_says_so() -> None:
    run = made.stored_run((made.LSTM,))
    trace = json.loads(chrome_trace(made.view(run, made.analysis(run, (made.LSTM,)))))
    assert trace["traceEvents"][0]["name"] == "no single steps were recorded in this run"
