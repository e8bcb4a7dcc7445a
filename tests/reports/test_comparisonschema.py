# SPDX-License-Identifier: Apache-2.0
"""Every comparison's JSON is a document of the published schema."""

from dataclasses import replace

import msgspec
import pytest

from serialprof.estimate import Estimate
from serialprof.model.comparison.comparing import compare
from serialprof.model.comparison.records import BesideDevice, BesidePart, Comparison
from serialprof.question import Cost
from serialprof_reports import comparison as outlet
from serialprof_reports import schema
from tests.model import builder
from tests.reports.documents import check


def law(width: int, threads: int, _: str) -> float:
    return 1e-6 + 1e-8 * width / threads


def whole() -> Comparison:
    """A comparison in which everything stands that may be absent."""
    runs = [
        replace(builder.run(law, (1, 4, 16, 64, 256), (1, 2), noise=0.01, seed=seed), run_id=str(seed))
        for seed in range(3)
    ]
    compared = compare(runs, "abc", (Cost(0.1, 0.0), Cost(0.1, 0.04), Cost(0.0, 0.1)), fitted=True)
    part = BesidePart("host dispatch", Estimate(0.5), Estimate.unknown("not measured"))
    device = BesideDevice(Estimate(64.0, 60.0, 70.0), Estimate.unknown("beyond B = 4 Ki"), 1, (part,))
    first, *others = compared.pairs
    families = (replace(first.families[0], device=device),)
    return replace(compared, pairs=(replace(first, families=families), *others))


def test_comparisons_with_and_without_all_that_may_be_absent_are_documents_of_the_schema() -> None:
    everything = whole()
    document = check("comparison", outlet.json(everything))
    family = document["pairs"][0]["families"][0]
    assert family["levers"] and family["device"] and family["points"][0]["cost"]
    first, *_ = everything.pairs
    bare = replace(first, families=(), kinds=())
    sides = tuple(replace(side, price=None, clock=None) for side in everything.sides)
    assert check("comparison", outlet.json(Comparison(sides, (bare,))))["sides"][0]["price"] is None


def test_a_missing_key_or_another_type_is_no_document_of_the_schema() -> None:
    document = check("comparison", outlet.json(whole()))
    del document["pairs"][1]["families"][0]["points"][0]["ratio"]["identified"]
    with pytest.raises(msgspec.ValidationError, match="identified"):
        msgspec.convert(document, schema.document_type("comparison"))
    with pytest.raises(msgspec.ValidationError, match="sides"):
        msgspec.convert(document | {"pairs": [], "sides": "none"}, schema.document_type("comparison"))
