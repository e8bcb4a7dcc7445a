# SPDX-License-Identifier: Apache-2.0
"""A gate's report on a terminal: what it says, and that nothing breaks out of it."""

import random
import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import entry_points

import pytest

from serialprof.gating.records import GateReport
from serialprof_reports.gate import terminal
from tests.gating import made

FORMATS = ("annotations", "json", "junit", "markdown", "terminal")


def flat(text: str) -> str:
    return " ".join(text.split())


def test_every_outcome_is_told_in_the_expected_order() -> None:
    report = made.failing()
    text = flat(terminal(report))
    places = [text.index(outcome.sentence) for outcome in report.outcomes]
    assert places == sorted(places)
    assert "ERROR: 1 error, 1 no baseline, 1 fail, 2 inconclusive, 1 waived, 1 pass; exit code 2" in text
    assert "waived until 2026-12-31: the fix is under way" in text
    assert "note the clock governor is powersave" in text


def test_what_to_do_is_said_of_what_there_is_alone() -> None:
    assert "to do" not in terminal(made.passing())
    only = terminal(made.report(made.outcome("lstm", made.pairs(0.05))))
    assert "waive it in the configuration" in flat(only)
    assert "--self-test" not in only


@pytest.mark.parametrize(
    ("report", "told", "not_told"),
    [
        (made.report(made.outcome("loop", made.pairs(0.02, 5, spread=0.03))), "(--budget)", "further pairs"),
        (made.report(made.outcome("loop", made.pairs(0.02, 16, spread=0.03))), "further pairs would not", "--budget"),
        (made.report(made.outcome("noisy", made.pairs(0.06, twin=0.04))), "further pairs would not", "--budget"),
        (made.report(made.refused_p99()), "leave it out of `metrics`", "--budget"),
        (made.stored(0.0, barred="another machine: CPUs 2, 4 in the baseline"), "gate save --replace", "--budget"),
    ],
)
def test_more_time_is_advised_where_it_helps_alone(report: GateReport, told: str, not_told: str) -> None:
    assert [outcome.verdict for outcome in report.outcomes] == ["inconclusive"]
    advice = flat(terminal(report)).partition("to do")[2]
    assert told in advice
    assert not_told not in advice


def test_the_command_repeats_the_gate() -> None:
    assert "again         serialprof gate --base-ref origin/main --install 'pip install .'" in terminal(made.passing())


def test_the_null_and_the_times_stand_behind_a_verdict() -> None:
    text = flat(terminal(made.report(made.outcome("lstm", made.pairs(0.05)))))
    assert "base against itself +0.0 % [-0.1, +0.2]; step: base 1.00 us, head 1.05 us; took 6.25 s" in text


def test_the_times_differ_by_the_change_where_the_machine_was_slow_in_some_pairs() -> None:
    draw = random.Random(1)
    pairs = [made.pair(0.05, 0.0, draw, base) for base in (1e-6, 1e-6, 1e-6, 2e-6, 2e-6)]
    # A median over all samples is the fast machine's for one side, and may be the slow one's for the other.
    pairs[2] = replace(pairs[2], head=tuple(2 * sample for sample in pairs[2].head))
    text = flat(terminal(made.report(made.outcome("lstm", tuple(pairs)))))
    assert "lstm: +20.6 % [" in text
    assert "step: base 1.32 us, head 1.59 us" in text


def test_a_stored_baseline_has_no_null() -> None:
    text = flat(terminal(made.stored()))
    assert "FAIL: 1 fail; exit code 0" in text
    assert re.search(r"\+(29|30)\.\d % \[", text) and "over 8 processes, against a stored baseline" in text
    assert "base against itself" not in text
    assert "step: base 1.00 us, head 1.30 us" in text
    assert "INCONCLUSIVE lstm" in flat(terminal(made.stored(barred="another machine: processor")))


def test_programs_are_named_as_they_were_given() -> None:
    base = replace(made.BASE, commit="", command="-- ./old --steps {depth}")
    assert "base ./old --steps {depth} (Python 3.12.4) against head" in terminal(replace(made.passing(), base=base))


def test_nothing_that_ran_is_no_pass() -> None:
    assert "ERROR: no benchmark ran" in terminal(made.report())


def test_an_advisory_failure_says_so() -> None:
    text = flat(terminal(made.report(made.outcome("lstm", made.pairs(0.05)), advisory="a stored baseline")))
    assert "FAIL: 1 fail; exit code 0" in text
    assert "advisory: a stored baseline" in text


@pytest.mark.parametrize("report", [made.passing(), made.failing(), made.hostile(), made.report(), made.stored()])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal_nor_holds_controls(report: GateReport, width: int) -> None:
    for line in terminal(report, width=width).splitlines():
        assert len(line) <= width
        assert line.isprintable() or not line


def test_colour_is_for_terminals() -> None:
    assert "\x1b[" not in terminal(made.failing())
    assert "\x1b[31mFAIL\x1b[0m          lstm" in terminal(made.failing(), color=True)
    assert "\x1b[32mpass\x1b[0m          life" in terminal(made.failing(), color=True)


def test_the_outlets_of_ci_load_no_plots_tables_or_templates() -> None:
    """What a gate installs and loads on a runner stays small; each outlet is loaded and used in a fresh interpreter."""
    code = f"""
import sys
from importlib.metadata import entry_points
from tests.gating import made
for entry in entry_points(group="serialprof.gates"):
    if entry.name in {FORMATS}:
        entry.load()(made.failing())
print([name for name in ("jinja2", "matplotlib", "pandas", "torch") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_outlet_is_registered() -> None:
    assert {*FORMATS, "html"} == {entry.name for entry in entry_points(group="serialprof.gates")}
