# SPDX-License-Identifier: Apache-2.0
"""The page of a gate: what stands on it, and that nothing breaks out of it."""

import base64
import gzip
import hashlib
import html as escaping
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from serialprof.gating.judging import unjudged
from serialprof.gating.records import GateReport
from serialprof_reports import gatepage
from serialprof_reports.gate import json as rendered
from serialprof_reports.gatepage import html
from tests.gating import made


def text_of(page: str) -> str:
    """What is read on the page."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(escaping.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_every_outcome_stands_on_it_with_its_verdict() -> None:
    report = made.failing()
    page = html(report)
    text = text_of(page)
    for outcome in report.outcomes:
        assert outcome.sentence in text
    assert page.count('<article class="card">') == len(report.outcomes)
    assert "waived until 2026-12-31: the fix is under way" in text
    assert "the clock governor is powersave" in text
    assert "time per step base 1.00 us, head 1.05 us a sample W = 1, 1 thread, 3000 steps on CPU took 6.25 s" in text


def test_what_was_judged_has_its_pairs_drawn_and_in_a_table() -> None:
    report = made.failing()
    page = html(report)
    judged = [outcome for outcome in report.outcomes if outcome.judgement is not None]
    assert page.count("</svg>") == len(judged) + 1
    assert page.count("Change in per cent, one by one</caption>") == len(judged)
    first = judged[0].judgement
    assert first is not None
    assert f"<td>{100 * (2.718281828459045 ** first.logs[0] - 1):+.2f}</td>" in page


def test_figures_are_well_formed_and_their_ids_single() -> None:
    page = html(made.failing())
    figures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(figures) == 6
    for figure in figures:
        ElementTree.fromstring(figure)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_policy_allows_its_own_style_and_script_alone() -> None:
    page = html(made.failing())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    allowed = escaping.unescape(policy[1])
    assert allowed.startswith("default-src 'none';")
    for name in ("style", "script"):
        (inline,) = re.findall(rf"<{name}>(.*?)</{name}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in allowed
    assert "style=" not in page.replace("<style>", "")


def test_the_data_can_be_downloaded() -> None:
    report = made.failing()
    data = re.search(r'href="data:application/gzip;base64,([^"]+)"', html(report))
    assert data is not None
    assert json.loads(gzip.decompress(base64.b64decode(data[1]))) == json.loads(rendered(report))


def test_nothing_becomes_markup() -> None:
    page = html(made.hostile())
    assert page.count("<script>") == 1
    assert "alert(1)" in text_of(page)
    assert not any(character in page for character in "\x00\x1b\ufffe")


def test_a_gate_in_which_nothing_ran_says_so() -> None:
    assert "ERROR: no benchmark ran" in text_of(html(made.report()))


@pytest.mark.parametrize("report", [made.passing(), made.failing()])
def test_the_page_is_the_same_when_it_is_made_again(report: GateReport) -> None:
    assert html(report) == html(report)


def test_no_more_figures_than_a_page_can_bear_and_the_gravest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatepage, "_MOST_FIGURES", 3)
    outcomes = [made.outcome(f"b{index}", made.pairs(0.0, seed=index)) for index in range(5)]
    page = html(made.report(*outcomes, made.outcome("slow", made.pairs(0.05))))
    assert page.count("Change pair by pair</p>") == 3
    assert "3 more are in the data below" in page
    pairs = page[page.index('id="pairs"') :]
    assert pairs.index("<h3>slow</h3>") < pairs.index("<h3>b0</h3>")


def test_a_stored_baseline_has_processes_in_place_of_pairs_and_no_null() -> None:
    page = html(made.stored())
    assert "Change process by process" in page
    assert "<dt>base against itself</dt>" in html(made.passing())
    assert "<dt>base against itself</dt>" not in page
    assert "memory of a stored baseline is not known" in text_of(page)


def test_what_was_not_judged_has_no_figure() -> None:
    report = made.stored()
    outcome = report.outcomes[0]
    bare = replace(outcome, judgement=unjudged("it was not measured", outcome.benchmark.criteria), unpaired=None)
    assert "<svg" not in html(replace(report, outcomes=(bare,)))
