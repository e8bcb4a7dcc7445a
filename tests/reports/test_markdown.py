# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from itertools import pairwise

import made
import pytest

from serialprof_reports.markdown import escaped, markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a|b", "a\\|b"),
        ("# title\n\n- item", "\\# title\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}- item"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("1.64 ms, +10 %", "1.64 ms, +10 %"),
        ("    code", "code"),
        ("[a](b) *c* _d_ `e` ~f~", "\\[a\\](b) \\*c\\* \\_d\\_ \\`e\\` \\~f\\~"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_what_looks_like_markup_is_shown_as_it_is(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize("host", ["<script>alert(1)</script>|`", "\N{ROCKET}" * 10_000, "a\nb\r\x1b[31m"])
def test_no_host_breaks_it(host: str) -> None:
    run = made.stored_run((made.LSTM,), host=host)
    family = made.family(run, made.LSTM)
    family = replace(family, verdict=replace(family.verdict, sentence=host))
    text = markdown(made.view(run, replace(made.analysis(run, (made.LSTM,)), families=(family,))))
    assert "<" not in text and "\x1b" not in text and "\r" not in text
    plain = markdown(made.view(made.stored_run((made.LSTM,)), made.analysis(run, (made.LSTM,))))
    assert len(text.splitlines()) == len(plain.splitlines())


def test_every_row_of_a_table_has_as_many_cells() -> None:
    run = made.stored_run(host="a|b")
    lines = markdown(made.view(run, made.analysis(run))).splitlines()
    for before, after in pairwise(lines):
        if before.startswith("|") and after.startswith("|"):
            assert before.replace("\\|", "").count("|") == after.replace("\\|", "").count("|")
