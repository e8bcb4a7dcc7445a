# SPDX-License-Identifier: Apache-2.0
"""A gate's summary as Markdown: tables keep their shape, nothing becomes markup."""

import re

import pytest

from serialprof.gating.records import GateReport
from serialprof_reports.gatemarkdown import markdown
from tests.gating import made


def cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line)[1:-1]


@pytest.mark.parametrize("report", [made.passing(), made.failing(), made.hostile(), made.stored()])
def test_the_table_has_a_row_per_benchmark_and_as_many_cells_in_each(report: GateReport) -> None:
    lines = [line for line in markdown(report).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(report.outcomes)
    assert {len(cells(line)) for line in lines} == {7}


def test_nothing_becomes_markup() -> None:
    text = markdown(made.hostile())
    outside = re.sub(r"(`{3,})sh\n.*?\n\1\n", "", text, flags=re.DOTALL)
    assert set(re.findall(r"<[^>]*>", outside)) == {"<details>", "<summary>", "</summary>", "</details>"}
    assert not re.search(r"(?<!\\)`", outside)
    assert not re.search(r"^::", outside, re.MULTILINE)
    assert "\x1b" not in text and "\x00" not in text


def test_the_command_stands_in_a_fence_longer_than_its_own() -> None:
    text = markdown(made.hostile())
    fence = re.search(r"^(`+)sh$", text, re.MULTILINE)
    assert fence is not None and len(fence[1]) == 5
    assert text.count(fence[1]) == 2


def test_the_verdict_is_the_heading() -> None:
    assert markdown(made.passing()).startswith("### serialprof gate: PASS: 2 pass; exit code 0\n")
    assert "| lstm | FAIL | +5.1 % \\[+4.8, +5.2\\] | +0.0 % \\[-0.1, +0.2\\] | 5 |" in markdown(made.failing())


def test_a_gate_in_which_nothing_ran_has_no_table() -> None:
    text = markdown(made.report())
    assert "no benchmark ran" in text
    assert "\n|" not in text


def test_a_summary_stays_below_what_github_takes() -> None:
    many = made.report(*(made.broken(f"{index} {'w' * 3000}", "error", "x" * 3000) for index in range(2000)))
    text = markdown(many)
    assert len(text.encode()) < 2**20
    assert "and 1600 more benchmarks" in text
