# SPDX-License-Identifier: Apache-2.0
"""The page of the examples holds what their files say and what was recorded of them, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.examples import PAGE, Example, Result, examples, in_folder, last_results, page, reported

RESULT = Result(
    command="serialprof run --budget 1s a.py:a",
    date="2026-01-02",
    packages={},
    answered=True,
    disturbed=0.0,
    report="a\n  wins",
)
SOURCE = '''"""Adds one.

    serialprof run docs/examples/adding.py:add \\
        --param much=1
    serialprof run docs/examples/adding.py:add --device cuda
"""

import heapq

import numpy as np

import serialprof


def add():
    """One."""
    from somewhere.deep import thing
'''


@pytest.fixture
def example(tmp_path: Path) -> Example:
    (tmp_path / "adding.py").write_text(f"# licence\nr{SOURCE}")
    return Example(tmp_path / "adding.py")


def test_the_page_is_that_of_the_files_and_the_last_results() -> None:
    assert PAGE.read_text() == page(examples(), last_results("amd-epyc-2-cores"))


def test_four_in_five_end_in_a_verdict() -> None:
    recorded = last_results("amd-epyc-2-cores")
    assert len(recorded) >= 8
    assert sum(result.answered for result in recorded.values()) >= 0.8 * len(recorded)


def test_an_example_is_read_from_its_own_words(example: Example) -> None:
    assert example.summary == "Adds one."
    assert example.command == "serialprof run docs/examples/adding.py:add --param much=1"
    assert (example.preparation, example.needs, example.missing) == ([], ["somewhere"], ["somewhere"])


def test_a_c_program_is_read_from_its_first_comment(tmp_path: Path) -> None:
    words = " * Adds.\n *\n *     cc docs/a.c -o a\n *     serialprof run --depth 9 -- ./a {depth}\n"
    (tmp_path / "a.c").write_text(f"/* licence\n{words} */\nint main() {{ return 0; }} /* end */\n")
    example = Example(tmp_path / "a.c")
    assert (example.summary, example.preparation, example.needs) == ("Adds.", ["cc docs/a.c -o a"], [])
    assert in_folder(example.preparation[0], "/t") == ["cc", "docs/a.c", "-o", "/t/a"]
    assert in_folder(example.command, "/t")[-2:] == ["/t/a", "{depth}"]


def test_what_is_shown_of_a_report_is_the_workload_alone() -> None:
    family = "a\n  It wins.\n\n  W  winner\n  1  cores\n\n  best  W = 1"
    assert reported(f"serialprof on x\nAMD\n\n{family}\n\nwinner: what gains\n9 samples\n") == family
    assert reported(f"serialprof on x\nAMD\n\n{family}\n\nin the page: more\n9 samples\n") == family
    assert reported(f"serialprof on x\nAMD\n\n{family}\n\n9 samples\n") == family


def test_an_example_that_was_not_run_says_what_it_needs(example: Example) -> None:
    shown = page({"adding": example}, {})
    assert "| [adding](#adding) | Adds one. | somewhere |" in shown
    assert "No undisturbed run is recorded yet. It needs somewhere." in shown and example.command in shown


def test_what_was_recorded_is_shown_as_it_is(example: Example) -> None:
    shown = page({"adding": example}, {"adding": replace(RESULT, packages={"somewhere": "1.2"})})
    assert "Run on 2026-01-02, with somewhere 1.2." in shown
    assert f"```\n{RESULT.command}\n\na\n  wins\n```" in shown
