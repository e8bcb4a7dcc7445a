# SPDX-License-Identifier: Apache-2.0
"""A gate's JSON read back: the same report, or one sentence."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serialprof.errors import ExitCode, StoreError
from serialprof.estimate import Estimate
from serialprof.gating.reading import read_report
from serialprof_reports.gate import json as rendered
from tests.gating import made


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "gate.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "report", [made.passing(), made.failing(), made.hostile(), made.report(strict=True), made.stored()]
)
def test_what_was_written_is_read_back_to_the_last_sample(tmp_path: Path, report: Any) -> None:
    assert read_report(written(tmp_path, rendered(report))) == report


def test_what_would_identify_a_number_is_read_back(tmp_path: Path) -> None:
    report = made.passing()
    outcome = report.outcomes[0]
    assert outcome.judgement is not None
    unknown = Estimate.unknown("not measured", "s", "a longer --budget")
    told = replace(report, outcomes=(replace(outcome, judgement=replace(outcome.judgement, null=unknown)),))
    assert read_report(written(tmp_path, rendered(told))) == told


def changed(**changes: object) -> str:
    return json.dumps(json.loads(rendered(made.passing())) | changes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        ("", "is no JSON"),
        (rendered(made.passing())[:-100], "is no JSON"),
        ("[]", "is no report of a gate"),
        ("{}", "is no report of a gate"),
        ('{"schema": {"name": "serialprof.analysis", "version": 1}}', "is no report of a gate"),
        (changed(schema={"name": "serialprof.gate", "version": 2}), "version 2 of the gate's report"),
        (changed(schema={"name": "serialprof.gate", "version": "1\n"}), "version '1\\\\n' of the gate's report"),
        (changed(outcomes=None), "outcomes"),
        (changed(started="yesterday"), "started"),
        ('{"schema": {"name": "serialprof.gate", "version": 1}}', "outcomes"),
    ],
)
def test_what_is_none_gets_a_sentence_and_exit_code_2(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(StoreError, match=told) as error:
        read_report(written(tmp_path, text))
    assert error.value.exit_code == ExitCode.USAGE
    assert "\n" not in str(error.value)


def test_a_verdict_that_is_none_is_damage(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="verdict"):
        read_report(written(tmp_path, rendered(made.passing()).replace('"pass"', '"splendid"')))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read"):
        read_report(tmp_path / "none.json")
