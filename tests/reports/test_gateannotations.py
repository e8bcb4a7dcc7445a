# SPDX-License-Identifier: Apache-2.0
"""Annotations of a gate: one workflow command a line, decoded as GitHub's runner decodes it."""

import re

import pytest

from serialprof.gating.records import GateReport
from serialprof_reports.gateannotations import workflow_commands as annotations
from tests.gating import made


def decoded(line: str) -> tuple[str, dict[str, str], str]:
    """Command, properties and message."""
    match = re.fullmatch(r"::(error|warning) (.*?)::(.*)", line)
    assert match is not None, line

    def text(told: str) -> str:
        for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            told = told.replace(code, character)
        return told

    pairs = (item.partition("=") for item in match[2].split(","))
    return match[1], {name: text(value) for name, _, value in pairs}, text(match[3])


def all_of(report: GateReport) -> list[tuple[str, dict[str, str], str]]:
    return [decoded(line) for line in annotations(report).splitlines()]


def test_errors_are_what_the_exit_code_comes_from() -> None:
    told = [(kind, properties["title"]) for kind, properties, _ in all_of(made.failing())]
    assert told == [
        ("error", "serialprof gate: lstm, fail"),
        ("error", "serialprof gate: renamed, no baseline"),
        ("error", "serialprof gate: crash, error"),
        ("warning", "serialprof gate: loop, inconclusive"),
        ("warning", "serialprof gate: noisy, inconclusive"),
        ("warning", "serialprof gate: decode, waived"),
        ("warning", "serialprof gate"),
    ]


def test_a_pass_says_nothing() -> None:
    assert annotations(made.passing()) == ""


def test_files_are_named_where_a_benchmark_stands_in_one() -> None:
    files = {properties["title"]: properties.get("file") for _, properties, _ in all_of(made.failing())}
    assert files["serialprof gate: crash, error"] == "bench/loops.py"
    assert files["serialprof gate: lstm, fail"] is None


def test_nothing_that_ran_is_an_error() -> None:
    assert [kind for kind, _, _ in all_of(made.report())] == ["error"]


@pytest.mark.parametrize(("strict", "kind"), [(False, "warning"), (True, "error")])
def test_what_is_inconclusive_is_an_error_where_it_is_asked_to_be(strict: bool, kind: str) -> None:
    report = made.report(made.outcome("loop", made.pairs(0.02, 16, spread=0.03)), strict=strict)
    assert [each for each, _, _ in all_of(report)] == [kind]


def test_names_stay_within_their_property_and_their_line() -> None:
    found = all_of(made.hostile())
    assert len(found) == 4
    titles = [properties["title"] for _, properties, _ in found]
    assert any('`x`\N{REPLACEMENT CHARACTER}::error::%0A,:"&' in title for title in titles)
    assert all(set(properties) <= {"title", "file"} for _, properties, _ in found)
    assert not any(character in annotations(made.hostile()) for character in "\x00\x1b\r")


def test_what_github_would_not_show_is_counted() -> None:
    found = all_of(made.report(*(made.broken(f"b{index}", "error", "gone") for index in range(25))))
    assert len(found) == 10
    assert found[-1][2] == "and 16 more; the job's summary has all"
