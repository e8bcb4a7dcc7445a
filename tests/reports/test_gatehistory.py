# SPDX-License-Identifier: Apache-2.0
"""A history as text, JSON and page: since when a benchmark takes another time, and that nothing breaks out."""

import base64
import gzip
import json
import re
from dataclasses import replace

import pytest

from serialprof.gating.history import History, history
from serialprof_reports import gatehistory
from serialprof_reports.gatehistorypage import html
from tests.gating.test_history import gates, runs
from tests.reports.documents import check
from tests.reports.test_gatepage import text_of

COMMAND = ("serialprof", "gate", "history", "a.serialprof", "b c.json")


@pytest.fixture(autouse=True)
def library() -> None:
    pytest.importorskip("ruptures")


def whole() -> History:
    """Series that changed and did not, on two machines, of runs and of gates."""
    stepped = runs([1e-6] * 12 + [1.1e-6] * 8)
    level = runs([3e-6] * 20, name="decode, W = 64, 2 threads")
    files = [first + second for first, second in zip(stepped, level, strict=True)]
    files += [*runs([2e-6] * 5, "another machine"), *gates([0.0, 0.002, 0.08, 0.0, -0.05, 0.0])]
    return history(files, command=COMMAND)


def hostile() -> History:
    name = '<script>alert(1)</script>|`x`\n"&\x1b[31m\x00'
    word = "w" * 5000
    files = [
        [replace(reading, name=each, label=each, machine=each)]
        for each in (name, word)
        for (reading,) in runs([1e-6] * 9)
    ]
    return history(files, command=("serialprof", name))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_change_is_told_with_its_levels_its_place_and_its_interval() -> None:
    text = flat(gatehistory.terminal(whole()))
    assert "31 files by time, 4 series, 2 changed" in text
    assert re.search(
        r"lstm: \d+ ns until 1970-01-12 \(run-11\), 1\.\d\d us since 1970-01-13 \(run-12\): "
        r"\+9\.\d % \[\+8\.\d, \+10\.\d\]",
        text,
    )
    assert "decode, W = 64, 2 threads: 3.00 us; no change over 20 values" in text
    assert "lstm: 2.00 us; 5 values, and from 8 on a change can be told" in text


def test_a_chain_is_told_link_by_link_and_as_a_whole() -> None:
    text = flat(gatehistory.terminal(whole()))
    assert "time over the first base 1.001x until 1970-01-01 (c2), 1.085x since 1970-01-01 (c3): +8.2 %" in text
    assert re.search(r"in all \+3\.\d % \[.*?\] over 6 gates", text)


def test_machines_have_headings_of_their_own() -> None:
    lines = gatehistory.terminal(whole()).splitlines()
    assert [line for line in lines if line.startswith("on ")] == ["on a machine", "on another machine"]


def test_what_is_claimed_is_said_with_its_error() -> None:
    assert "shows one in 5 % at most" in flat(gatehistory.terminal(whole()))


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal_nor_holds_controls(width: int) -> None:
    for found in (whole(), hostile(), history([])):
        for line in gatehistory.terminal(found, width=width).splitlines():
            assert len(line) <= width
            assert line.isprintable() or not line


def test_colour_marks_what_changed() -> None:
    assert "\x1b" not in gatehistory.terminal(whole())
    assert gatehistory.terminal(whole(), color=True).count("\x1b[33m") == 2


def test_histories_are_documents_of_the_schema() -> None:
    for found in (whole(), hostile(), history([])):
        document = check("gate-history", gatehistory.json(found))
        assert len(document["series"]) == len(found.series)


def test_the_page_has_a_figure_and_a_table_per_series_and_its_data() -> None:
    found = whole()
    page = html(found)
    assert page.count("</svg>") == page.count("<table") == len(found.series)
    assert page.count('<article class="card">') == 2
    assert "serialprof gate history a.serialprof 'b c.json'" in text_of(page)
    data = re.search(r'href="data:application/gzip;base64,([^"]+)"', page)
    assert data is not None
    assert json.loads(gzip.decompress(base64.b64decode(data[1]))) == json.loads(gatehistory.json(found))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_nothing_becomes_markup_on_the_page() -> None:
    page = html(hostile())
    assert page.count("<script>") == 1
    assert "alert(1)" in text_of(page)
    assert not any(character in page for character in "\x00\x1b")


def test_a_history_of_nothing_has_a_page() -> None:
    assert "No series changed." in text_of(html(history([])))
