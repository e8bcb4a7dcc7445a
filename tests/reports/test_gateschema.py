# SPDX-License-Identifier: Apache-2.0
"""The published schema of a gate's report is made of its types, and every JSON document is one of them."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest

from serialprof.gating.reading import SCHEMA
from serialprof.gating.records import GateReport
from serialprof_reports import gateschema
from serialprof_reports.gate import json as rendered
from tests.gating import made

PUBLISHED = Path(__file__).parents[2] / "docs/schema/gate.schema.json"


def check(text: str) -> Any:
    """The document; it has the keys of the types, each of its type, and no others."""
    document = json.loads(text)
    known = msgspec.convert(document, gateschema.document_type())
    assert json.loads(msgspec.json.encode(known)) == document
    return document


def test_the_published_schema_is_that_of_the_types() -> None:
    told = "make it anew: .venv/bin/python -m serialprof_reports.gateschema > docs/schema/gate.schema.json"
    assert PUBLISHED.read_text() == gateschema.text(), told


def test_the_schema_names_the_version_of_the_document() -> None:
    published = json.loads(PUBLISHED.read_text())
    told = published["$defs"]["Schema"]["properties"]
    assert (told["name"]["enum"], told["version"]["enum"]) == ([SCHEMA["name"]], [SCHEMA["version"]])
    assert published["title"] == "serialprof.gate, version 1"


def test_the_document_has_every_attribute_of_a_report() -> None:
    names = {field.name for field in fields(gateschema.Document)}
    assert names == {"schema", "exit_code"} | {field.name for field in fields(GateReport)}


@pytest.mark.parametrize("report", [made.passing(), made.failing(), made.hostile(), made.report(), made.stored()])
def test_reports_are_documents_of_the_schema(report: GateReport) -> None:
    document = check(rendered(report))
    assert document["exit_code"] == report.exit_code
    assert len(document["outcomes"]) == len(report.outcomes)


def test_every_raw_sample_is_there() -> None:
    document = check(rendered(made.passing()))
    pair = document["outcomes"][0]["pairs"][0]
    assert [len(pair[role]) for role in ("base", "twin", "head")] == [12, 12, 12]


def test_a_missing_key_or_another_type_is_no_document_of_the_schema() -> None:
    document = check(rendered(made.failing()))
    del document["outcomes"][0]["judgement"]["ratio"]["identified"]
    with pytest.raises(msgspec.ValidationError, match="identified"):
        msgspec.convert(document, gateschema.document_type())
    with pytest.raises(msgspec.ValidationError, match="exit_code"):
        msgspec.convert(json.loads(rendered(made.passing())) | {"exit_code": 9}, gateschema.document_type())
