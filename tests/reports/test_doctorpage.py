# SPDX-License-Identifier: Apache-2.0
"""What spoilt a run, where documents of it say so."""

from __future__ import annotations

import json as standard_json
from dataclasses import replace

import made
import pytest

from serialprof.model.doctor import findings
from serialprof.view import Run
from serialprof_reports.html import html
from serialprof_reports.markdown import markdown
from serialprof_reports.tables import json


@pytest.fixture(scope="module")
def run() -> Run:
    stored = made.stored_run((made.LSTM,))
    odd = replace(stored.machine, clock_driver="<b>odd</b>", clock_governor="schedutil", siblings=((0, 1),))
    return made.view(replace(stored, machine=odd))


def test_the_page_holds_what_costs_open_and_the_rest_folded(run: Run) -> None:
    page = html(run)
    doctor = page[page.index("<h3>Doctor</h3>") : page.index("What it can do at best")]
    shown, folded = doctor.split("<details>", 1)
    costs = {finding.name for finding in findings(run.stored) if finding.state == "costs"}
    rest = {finding.name for finding in findings(run.stored)} - costs
    assert costs and rest
    assert all(f"<dt>{name}</dt>" in shown for name in costs)
    assert all(f"<dt>{name}</dt>" in folded and f"<dt>{name}</dt>" not in shown for name in rest)
    assert "Mended by <code>taskset -c 0 serialprof run</code>" in shown
    assert "by &lt;b&gt;odd&lt;/b&gt;, but not by this user" in shown


def test_json_holds_all_and_markdown_what_costs(run: Run) -> None:
    document = standard_json.loads(json(run))
    assert [item["name"] for item in document["doctor"]] == [finding.name for finding in findings(run.stored)]
    text = markdown(run)
    assert "\n- governor: The governor was schedutil" in text
    assert "- quota" not in text
