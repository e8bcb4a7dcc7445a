# SPDX-License-Identifier: Apache-2.0
"""Every gate's JSON is a document of the published schema."""

import json

import msgspec
import pytest

from serialprof.gating.records import GateReport
from serialprof_reports import schema
from serialprof_reports.gate import json as rendered
from tests.gating import made
from tests.reports.documents import check


@pytest.mark.parametrize("report", [made.passing(), made.failing(), made.hostile(), made.report(), made.stored()])
def test_reports_are_documents_of_the_schema(report: GateReport) -> None:
    document = check("gate", rendered(report))
    assert document["exit_code"] == report.exit_code
    assert len(document["outcomes"]) == len(report.outcomes)


def test_every_raw_sample_is_there() -> None:
    document = check("gate", rendered(made.passing()))
    pair = document["outcomes"][0]["pairs"][0]
    assert [len(pair[role]) for role in ("base", "twin", "head")] == [12, 12, 12]


def test_a_missing_key_or_another_type_is_no_document_of_the_schema() -> None:
    document = check("gate", rendered(made.failing()))
    del document["outcomes"][0]["judgement"]["ratio"]["identified"]
    with pytest.raises(msgspec.ValidationError, match="identified"):
        msgspec.convert(document, schema.document_type("gate"))
    with pytest.raises(msgspec.ValidationError, match="exit_code"):
        msgspec.convert(json.loads(rendered(made.passing())) | {"exit_code": 9}, schema.document_type("gate"))
