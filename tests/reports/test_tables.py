# SPDX-License-Identifier: Apache-2.0
import csv as standard_csv
import io
import json as standard_json
import math
from dataclasses import replace

import made
import pytest

from serialprof.estimate import Estimate
from serialprof.model.answers import Contradiction, Frontier, Refusal, TieLine
from serialprof.model.results import Analysis
from serialprof.records import Readings
from serialprof_reports.tables import COLUMNS, csv, json


def test_json_holds_run_machine_and_every_estimate() -> None:
    run = made.stored_run()
    document = standard_json.loads(json(made.view(run, made.analysis(run))))
    assert document["schema"] == {"name": "serialprof.analysis", "version": 1}
    assert document["run"]["id"] == "0123456789abcdef"
    assert document["machine"]["usable"] == 2
    assert document["limits"]["barriers"] == [{"threads": 2, "grain": 0.0, "seconds": 149e-9, "error": 10e-9}]
    assert document["plan"]["points"] == len(run.plan.points)
    assert document["samples"] == {"taken": 948, "disturbed": 79}
    assert [entry["point"] for entry in document["failures"]] == ["lstm, W = 256, 2 threads, wide"]
    lstm = document["families"][1]
    assert lstm["family"]["workload"] == "lstm"
    assert lstm["declared"]["ratio"] == 81250.0
    assert lstm["tradeoffs"][0]["winner"] == "clock"
    assert lstm["tradeoffs"][0]["clock"]["value"] is None
    assert lstm["tradeoffs"][0]["clock"]["reason"] == made.NO_CLOCK
    assert lstm["points"][0]["step"]["value"] == pytest.approx(22.4e-6)
    assert lstm["fit"]["synchronisation"]["2"]["unit"] == "s"
    assert lstm["verdict"]["grade"] == "C"


def test_json_has_no_number_that_is_not_finite() -> None:
    run = made.stored_run((made.LSTM,))
    family = made.family(run, made.LSTM)
    broken = replace(family.points[0], step=Estimate(math.nan, -math.inf, math.inf, "s"))
    text = json(made.view(run, Analysis((replace(family, points=(broken,)),))))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document = standard_json.loads(text, parse_constant=refuse)
    assert document["families"][0]["points"][0]["step"]["value"] is None


def test_json_says_what_is_not_identified_and_what_would_identify_it() -> None:
    run = made.stored_run((made.LSTM,))
    family = made.family(run, made.LSTM)
    bracket = Estimate.bracket(0.0, 0.1, "no clock was set", remedy="two clocks")
    refusal = Refusal("clock elasticity", "no clock was set", "two clocks", ((1, 1), (4, 1)))
    contradiction = Contradiction("bytes", 4, 1, "At W = 4 it cannot be.", "look again")
    family = replace(
        family,
        tradeoffs=(replace(family.tradeoffs[0], clock=bracket),),
        frontier=Frontier(ties=(TieLine(1, 2, Estimate.unknown("no width is sure", remedy="more blocks")),)),
        refusals=(refusal,),
        contradictions=(contradiction,),
    )
    (told,) = standard_json.loads(json(made.view(run, Analysis((family,)))))["families"]
    assert told["tradeoffs"][0]["clock"] == {
        "value": None, "low": 0.0, "high": 0.1, "unit": "1", "level": 0.95,
        "identified": False, "reason": "no clock was set", "what_would_identify_it": "two clocks",
    }  # fmt: skip
    assert told["tradeoffs"][0]["cores"]["identified"] is True
    assert told["frontier"]["ties"][0]["width"]["what_would_identify_it"] == "more blocks"
    assert told["refusals"] == [
        {"what": "clock elasticity", "reason": "no clock was set", "remedy": "two clocks", "points": [[1, 1], [4, 1]]}
    ]
    assert told["contradictions"][0]["sentence"] == "At W = 4 it cannot be."


def test_a_value_that_is_no_number_is_not_identified() -> None:
    run = made.stored_run((made.LSTM,))
    family = made.family(run, made.LSTM)
    broken = replace(family.points[0], step=Estimate(math.nan, unit="s"))
    (told,) = standard_json.loads(json(made.view(run, Analysis((replace(family, points=(broken,)),)))))["families"]
    assert (told["points"][0]["step"]["value"], told["points"][0]["step"]["identified"]) == (None, False)


def test_json_of_nothing_is_valid() -> None:
    run = made.stored_run((), all_fail=True)
    assert standard_json.loads(json(made.view(run, Analysis(()))))["families"] == []


def test_csv_has_a_row_per_sample() -> None:
    run = made.stored_run((made.LSTM,))
    text = csv(made.view(run, Analysis(())))
    rows = list(standard_csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == sum(len(visit.samples) for visit in run.visits)
    first = rows[0]
    assert (first["workload"], first["parameters"], first["mode"]) == ("lstm", "hidden=256", "native")
    assert float(first["step_seconds"]) == pytest.approx(22.4e-6)
    assert float(first["seconds"]) == pytest.approx(64 * 22.4e-6)
    assert (first["clock_before"], first["clock_after"]) == ("3410000000.0", "")
    assert rows[1]["disturbed"] == "kept off the CPU"
    assert {row["cpus"] for row in rows} == {"0", "0 1"}


def test_csv_divides_by_runs_and_depth() -> None:
    run = made.stored_run((made.LSTM,))
    run = replace(run, visits=(replace(run.visits[0], runs=5),))
    row = next(standard_csv.DictReader(io.StringIO(csv(made.view(run, Analysis(()))), newline="")))
    assert float(row["step_seconds"]) == pytest.approx(22.4e-6 / 5)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_csv_disarms_formulas(start: str) -> None:
    run = made.stored_run((made.LSTM,))
    visit = run.visits[0]
    sample = replace(visit.samples[0], disturbed=f"{start}HYPERLINK(1)")
    run = replace(run, visits=(replace(visit, readings=Readings((sample,))),))
    row = next(standard_csv.DictReader(io.StringIO(csv(made.view(run, Analysis(()))), newline="")))
    assert row["disturbed"] == f"'{start}HYPERLINK(1)"
    assert float(row["seconds"]) > 0
