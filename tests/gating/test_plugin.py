# SPDX-License-Identifier: Apache-2.0
"""The pytest plug-in in runs of pytest of its own; what the gates say is made, and nothing is timed."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import scipy.special  # noqa: F401 - a run within a run forgets what it imported, and numpy cannot be imported twice

import serialprof.preparation
import serialprof_reports.gate  # noqa: F401
from serialprof.errors import BaselineError
from serialprof.gating import sessions
from serialprof.gating.baselining import Comparison
from serialprof.gating.contest import Side
from serialprof.gating.reading import read_report
from serialprof.gating.records import Benchmark, Criteria, Outcome, Pair
from serialprof.gating.running import Effort, decided
from serialprof.gating.sides import BuiltSides
from tests.gating import made

PAIRS = {"same": made.pairs(0.0), "slower": made.pairs(0.1), "noisy": made.pairs(0.02, 16, spread=0.03)}
GATE = """
def test_{name}(serialprof_gate):
    outcome = serialprof_gate("steps.py:{name}")
    assert outcome.judgement is not None
"""
QUIET = ["-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
BASE = f"--serialprof-base-python={sys.executable}"


class Gates:
    """Stands in for what runs gates, by the name of the benchmark; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Benchmark] = []
        self.effort = Effort()
        self.elsewhere: list[int] = []
        self.opened = 0

    def run(
        self,
        benchmarks: Sequence[Benchmark],
        base: Side,
        head: Side,
        machine: Any,
        effort: Effort,
        elsewhere: int,
        rebuilds: Callable[[], Sequence[Side]] | None,
    ) -> tuple[Outcome, ...]:
        (benchmark,) = benchmarks
        self.rebuilds = rebuilds
        self.asked.append(benchmark)
        self.effort = effort
        self.elsewhere.append(elsewhere)
        assert (base.label, head.label) == ("base", "head")
        if benchmark.name not in PAIRS:
            return (made.broken(benchmark.name, "error", "head: no more"),)
        return decided([outcome(benchmark, PAIRS[benchmark.name])], elsewhere)


def outcome(benchmark: Benchmark, pairs: Sequence[Pair]) -> Outcome:
    return made.outcome(benchmark.name, pairs, benchmark.criteria, benchmark.reference)


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> Gates:
    fake = Gates()

    def given(base: str, head: str, folder: Path) -> tuple[Side, Side]:
        fake.opened += 1
        if not Path(base).is_file():
            raise BaselineError(f"there is no {base}")
        return Side("base", base, folder), Side("head", head, folder)

    monkeypatch.setattr(sessions, "run_gate", fake.run)
    monkeypatch.setattr(sessions, "given_sides", given)
    monkeypatch.setattr(serialprof.preparation, "look_at_machine", lambda: made.MACHINE)
    return fake


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Runs pytest on a file of tests, one per name of a benchmark or as it stands."""

    def call(text: str, *options: str) -> pytest.RunResult:
        names = text.split() if "def " not in text else []
        pytester.makepyfile("\n".join(GATE.format(name=name) for name in names) if names else text)
        return pytester.runpytest_inprocess("-rA", *QUIET, *options)

    return call


def test_a_slower_head_fails_with_its_sentence(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    result = run("same slower", BASE)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["slower: +10.* % *slower than the tolerance of 1 %", "*serialprof gates*"])
    result.stdout.fnmatch_lines(["pass: same: *", "fail: slower: *"])
    assert gates.opened == 1


def test_without_a_base_it_is_skipped(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    result = run("same")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*no base to compare with: give --serialprof-base-python*"])
    assert not gates.asked


def test_what_cannot_be_told_warns_or_fails(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], gates: Gates
) -> None:
    pytester.makeini("[pytest]\nfilterwarnings = error")  # as many projects have it
    result = run("noisy", BASE)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*GateWarning: noisy: *inconclusive: the data exclude neither*"])
    run("noisy", BASE, "--serialprof-strict").assert_outcomes(failed=1)
    strict = 'def test_one(serialprof_gate):\n    serialprof_gate("noisy", strict=True)'
    run(strict, BASE).assert_outcomes(failed=1)


def test_a_side_that_does_not_run_is_an_error(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    result = run("same crash", BASE)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at call of test_crash*", "crash: head: no more"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_base_that_cannot_be_had_is_an_error_once(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    result = run("same slower", "--serialprof-base-python=none/python")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["there is no none/python"])
    assert gates.opened == 1


def test_knobs_come_from_marker_and_call(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    marked = """
import pytest

@pytest.mark.serialprof_gate(tolerance=0.02, mde=0.05, width=4, metrics=("memory",), budget=7)
def test_one(serialprof_gate):
    serialprof_gate("steps.py:same", name="same", width=8, parameters={"hidden": 3})
"""
    run(marked, BASE).assert_outcomes(passed=1)
    assert gates.asked == [
        Benchmark(
            "same",
            "steps.py:same",
            width=8,
            parameters={"hidden": 3},
            criteria=Criteria(0.02, 0.05),
            metrics=("memory",),
        )
    ]
    assert gates.effort.budget == 7


def test_criteria_come_from_the_configuration(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], gates: Gates
) -> None:
    pytester.makepyprojecttoml('[tool.serialprof.gate]\ntolerance = "20%"\nmde = "30%"')
    run("slower", BASE).assert_outcomes(passed=1)
    assert gates.asked[0].criteria == Criteria(0.20, 0.30)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('serialprof_gate("same", widht=4)', "has no knob 'widht'"),
        ('serialprof_gate("same", timeout=300)', "timeout is 120 s at most"),
        ('serialprof_gate("same", tolerance=0.5)', "leave room between them"),
        ('serialprof_gate("same", metrics=("p99",))', "metrics belong into the marker"),
        ('serialprof_gate("same"); serialprof_gate("noisy")', "gates one benchmark a test"),
    ],
)
def test_a_call_that_cannot_be_carried_out_says_so(
    run: Callable[..., pytest.RunResult], gates: Gates, call: str, words: str
) -> None:
    result = run(f"def test_one(serialprof_gate):\n    {call}", BASE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*{words}*"])


def test_a_metric_that_there_is_not_is_an_error(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    marked = """
import pytest

@pytest.mark.serialprof_gate(metrics=("speed",))
def test_one(serialprof_gate):
    serialprof_gate("same")
"""
    result = run(marked, BASE)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*there is no metric 'speed'; choose from step, memory, p99, launches"])


def test_two_benchmarks_of_one_name_are_an_error(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    twice = "\n".join(f'def test_{name}(serialprof_gate):\n    serialprof_gate("same")' for name in "ab")
    result = run(twice, BASE)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*two benchmarks are called 'same'*"])


def test_a_gate_has_to_survive_all_that_are_collected(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    many = """
import pytest

def test_other():
    pass

@pytest.mark.serialprof_gate(metrics=("step", "memory"))
def test_a(serialprof_gate):
    serialprof_gate("same")

@pytest.mark.parametrize("width", [1, 2, 3])
def test_b(serialprof_gate, width):
    serialprof_gate("same", name=f"crash{width}")
"""
    run(many, BASE)
    assert gates.elsewhere == [3, 4, 4, 4]
    gates.elsewhere.clear()
    run(many, BASE, "-k", "test_b and not 3")
    assert gates.elsewhere == [1, 1]


def test_one_report_names_every_gate(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], gates: Gates
) -> None:
    text = "".join(GATE.format(name=name) for name in ("same", "slower"))
    text += "\ndef test_early(serialprof_gate):\n    raise ValueError\n"
    path = pytester.path / "gates.json"
    run(text, BASE, f"--serialprof-json={path}").assert_outcomes(passed=1, failed=2)
    report = read_report(path)
    assert [item.verdict for item in report.outcomes] == ["pass", "fail", "error"]
    assert report.outcomes[2].sentence.endswith("::test_early: its test ended before it was gated")
    assert report.command[0] == "pytest"
    assert BASE in report.command
    assert json.loads(path.read_text())["exit_code"] == 2


def test_a_report_says_where_the_base_cannot_be_had(
    pytester: pytest.Pytester, run: Callable[..., pytest.RunResult], gates: Gates
) -> None:
    path = pytester.path / "gates.json"
    run("same", "--serialprof-base-python=none/python", f"--serialprof-json={path}").assert_outcomes(errors=1)
    (found,) = read_report(path).outcomes
    assert found.verdict == "no baseline"
    assert "there is no none/python" in found.sentence


def test_a_baseline_advises_unless_it_is_enforced(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., pytest.RunResult], gates: Gates
) -> None:
    read = made.report()
    monkeypatch.setattr(sessions, "read", lambda path: type("Stored", (), {"side": read.base, "path": path}))
    monkeypatch.setattr(
        sessions,
        "compare",
        lambda stored, benchmarks, *_, elsewhere, timeout: Comparison(
            decided([outcome(benchmarks[0], PAIRS[benchmarks[0].name])]), "", ("an edited file",)
        ),
    )
    result = run("slower", "--serialprof-baseline=base.json")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*GateWarning: slower: *compared with a stored baseline*", "warning: an edited file"])
    run("slower", "--serialprof-baseline=base.json", "--serialprof-enforce").assert_outcomes(failed=1)


def test_a_commit_is_built_by_the_command_that_is_given(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., pytest.RunResult],
    gates: Gates,
) -> None:
    asked: list[tuple[object, ...]] = []

    def built(ref: str, install: str, folder: Path, *, allow_dirty: bool) -> BuiltSides:
        asked.append((ref, install, folder, allow_dirty))
        return BuiltSides(Side("base", "python", folder), Side("head", "python", folder), tuple)

    monkeypatch.setattr(sessions, "built_sides", built)
    result = run("same", "--serialprof-base-ref=main")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*needs the command that installs it; give --serialprof-install CMD*"])
    run("same", "--serialprof-base-ref=main", "--serialprof-install=make", "--serialprof-allow-dirty")
    pytester.makepyprojecttoml('[tool.serialprof.gate]\ninstall = "pip install ."')
    run("same", "--serialprof-base-ref=main").assert_outcomes(passed=1)
    assert gates.rebuilds is None
    pytester.makepyprojecttoml('[tool.serialprof.gate]\ninstall = "pip install ."\nlayout-floor = true')
    run("same", "--serialprof-base-ref=main").assert_outcomes(passed=1)
    assert gates.rebuilds is tuple
    assert asked[:2] == [("main", "make", pytester.path, True), ("main", "pip install .", pytester.path, False)]


def test_gates_do_not_run_beside_other_tests(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    pytest.importorskip("xdist")
    result = run("same", BASE, "-n", "1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*gates time, so they must not run beside other tests*"])


def test_a_baseline_that_is_not_there_is_an_error(run: Callable[..., pytest.RunResult], gates: Gates) -> None:
    result = run("same", "--serialprof-baseline=none.json")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the baseline none.json cannot be read*"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([BASE, "--serialprof-base-ref=main"], "both name a base"),
        (["--serialprof-install=true"], "--serialprof-install goes with --serialprof-base-ref"),
        ([BASE, "--serialprof-enforce"], "--serialprof-enforce goes with --serialprof-baseline"),
        (["--serialprof-json=x.json"], "no base to compare with"),
        ([BASE, "--serialprof-json=none/x.json"], "there is no folder"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    run: Callable[..., pytest.RunResult], options: list[str], words: str
) -> None:
    result = run("same", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{words}*"])


def test_loading_the_plug_in_imports_nothing_else() -> None:
    probe = (
        "import sys, pytest; before = set(sys.modules); import serialprof.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    assert found == ["serialprof", "serialprof.pytest_plugin"]


def test_the_plug_in_is_registered(pytestconfig: pytest.Config) -> None:
    plugin = pytestconfig.pluginmanager.get_plugin("serialprof")
    assert plugin is not None
    assert plugin.__name__ == "serialprof.pytest_plugin"
