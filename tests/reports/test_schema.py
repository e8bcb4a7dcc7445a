# SPDX-License-Identifier: Apache-2.0
"""The published schema is made of the types, and every JSON document is one of them."""

import json as standard_json
from pathlib import Path
from typing import Any

import made
import msgspec
import pytest

from serialprof.view import load
from serialprof_reports import schema
from serialprof_reports.tables import SCHEMA, json

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs/schema/run-analysis.schema.json"


def check(text: str) -> Any:
    """The document; it has the keys of the types, each of its type, and no others."""
    document = standard_json.loads(text)
    known = msgspec.convert(document, schema.document_type())
    assert standard_json.loads(msgspec.json.encode(known)) == document
    return document


def test_the_published_schema_is_that_of_the_types() -> None:
    told = "make it anew: .venv/bin/python -m serialprof_reports.schema > docs/schema/run-analysis.schema.json"
    assert PUBLISHED.read_text() == schema.text(), told


def test_the_schema_names_the_version_of_the_document() -> None:
    published = standard_json.loads(PUBLISHED.read_text())
    told = published["$defs"]["Schema"]["properties"]
    assert (told["name"]["enum"], told["version"]["enum"]) == ([SCHEMA["name"]], [SCHEMA["version"]])
    assert published["title"] == f"{SCHEMA['name']}, version {SCHEMA['version']}"


def test_an_estimate_says_whether_it_is_identified_and_may_lack_every_number() -> None:
    estimate = standard_json.loads(PUBLISHED.read_text())["$defs"]["Estimate"]
    assert estimate["required"] == [
        "value", "low", "high", "unit", "level", "reason", "identified", "what_would_identify_it",
    ]  # fmt: skip
    assert estimate["properties"]["low"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}


@pytest.mark.parametrize("name", ["amd-epyc-2-cores", "nvidia-h200"])
def test_the_examples_are_documents_of_the_schema(name: str) -> None:
    run = load(ROOT / f"docs/examples/{name}.serialprof")
    document = check(run.render("json"))
    assert len(document["families"]) == len(run.analysis.families)


def test_a_run_in_which_everything_failed_is_one_too_and_says_so() -> None:
    run = made.stored_run(all_fail=True)
    document = check(json(made.view(run)))
    assert document["samples"] == {"taken": 0, "disturbed": 0}
    assert len(document["failures"]) == len(run.plan.points)


def test_a_missing_key_or_another_type_is_no_document_of_the_schema() -> None:
    run = made.stored_run((made.LSTM,))
    document = check(json(made.view(run, made.analysis(run, (made.LSTM,)))))
    del document["families"][0]["verdict"]["grade"]
    with pytest.raises(msgspec.ValidationError, match="grade"):
        msgspec.convert(document, schema.document_type())
    with pytest.raises(msgspec.ValidationError, match="taken"):
        msgspec.convert(document | {"families": [], "samples": {"taken": "6"}}, schema.document_type())
