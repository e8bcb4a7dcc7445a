# SPDX-License-Identifier: Apache-2.0
"""The published schemas are made of the types, and every run's JSON document is one of them."""

import json
from pathlib import Path

import made
import msgspec
import pytest

from serialprof.view import load
from serialprof_reports import schema, tables
from tests.reports.documents import check

ROOT = Path(__file__).parents[2]


def published(name: str) -> Path:
    return ROOT / f"docs/schema/{name}.schema.json"


@pytest.mark.parametrize("name", schema.PUBLISHED)
def test_the_published_schema_is_that_of_the_types(name: str) -> None:
    told = f"make it anew: .venv/bin/python -m serialprof_reports.schema {name} > docs/schema/{name}.schema.json"
    assert published(name).read_text() == schema.text(name), told


@pytest.mark.parametrize("name", schema.PUBLISHED)
def test_the_schema_names_the_version_of_the_document(name: str) -> None:
    known, (_, version) = json.loads(published(name).read_text()), schema.PUBLISHED[name]
    told = known["$defs"]["Schema"]["properties"]
    assert (told["name"]["enum"], told["version"]["enum"]) == ([version["name"]], [version["version"]])
    assert known["title"] == f"{version['name']}, version {version['version']}"


def test_an_estimate_says_whether_it_is_identified_and_may_lack_every_number() -> None:
    estimate = json.loads(published("run-analysis").read_text())["$defs"]["Estimate"]
    assert estimate["required"] == [
        "value", "low", "high", "unit", "level", "reason", "identified", "what_would_identify_it",
    ]  # fmt: skip
    assert estimate["properties"]["low"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}


@pytest.mark.parametrize("name", ["amd-epyc-2-cores", "nvidia-h200"])
def test_the_examples_are_documents_of_the_schema(name: str) -> None:
    run = load(ROOT / f"docs/examples/{name}.serialprof")
    document = check("run-analysis", run.render("json"))
    assert len(document["families"]) == len(run.analysis.families)


def test_a_run_in_which_everything_failed_is_one_too_and_says_so() -> None:
    run = made.stored_run(all_fail=True)
    document = check("run-analysis", tables.json(made.view(run)))
    assert document["samples"] == {"taken": 0, "disturbed": 0}
    assert len(document["failures"]) == len(run.plan.points)


def test_a_missing_key_or_another_type_is_no_document_of_the_schema() -> None:
    run = made.stored_run((made.LSTM,))
    document = check("run-analysis", tables.json(made.view(run, made.analysis(run, (made.LSTM,)))))
    del document["families"][0]["verdict"]["grade"]
    with pytest.raises(msgspec.ValidationError, match="grade"):
        msgspec.convert(document, schema.document_type("run-analysis"))
    with pytest.raises(msgspec.ValidationError, match="taken"):
        msgspec.convert(document | {"families": [], "samples": {"taken": "6"}}, schema.document_type("run-analysis"))
