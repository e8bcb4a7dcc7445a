# SPDX-License-Identifier: Apache-2.0
"""The project's own gate, .ci/gate.py: what may fail CI, on made outcomes and small repositories."""

import importlib.util
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from serialprof.errors import ExitCode
from serialprof.estimate import Estimate
from serialprof.gating.configuration import Configuration, Waiver, read_configuration
from serialprof.gating.contest import Side
from serialprof.gating.environments import Recipe
from serialprof.gating.records import Benchmark, Criteria, Judgement, Outcome, Verdict
from serialprof.gating.repository import UnavailableError

ROOT = Path(__file__).parents[1]
WHEEL = Path("a b.whl")
TODAY = date(2026, 11, 27)
DECODE, LIFE = Benchmark("decode", "decode"), Benchmark("life", "life")


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("own_gate", ROOT / ".ci" / "gate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "own_gate", module)
    spec.loader.exec_module(module)
    return module


def outcome(benchmark: Benchmark, verdict: Verdict) -> Outcome:
    ratio = 1.3 if verdict == "fail" else 1.0
    judgement = Judgement(verdict, Estimate(ratio), Estimate(1.0), False, 0.5, 0.2, 0.3, (0.0,) * 5, (0.0,) * 5)
    return Outcome(benchmark, verdict, f"{benchmark.name}: as planted", judgement=judgement)


class Planted:
    """Runs that come out as told, in turn; remembers what was asked."""

    def __init__(self, *verdicts: dict[str, Verdict]) -> None:
        self.verdicts = list(verdicts)
        self.asked: list[tuple[list[str], int]] = []

    def __call__(self, benchmarks: Sequence[Benchmark], seed: int) -> list[Outcome]:
        self.asked.append(([benchmark.name for benchmark in benchmarks], seed))
        told = self.verdicts.pop(0)
        return [outcome(benchmark, told[benchmark.name]) for benchmark in benchmarks]


def configuration(**more: Any) -> Configuration:
    return Configuration(benchmarks=(DECODE, LIFE), **more)


def test_what_is_not_slower_passes(own: ModuleType) -> None:
    run = Planted({"decode": "pass", "life": "pass"})
    assert own.decide(configuration(), run, TODAY).code == ExitCode.OK
    assert run.asked == [(["decode", "life"], 0)]


@pytest.mark.parametrize("verdict", ["inconclusive", "error", "no baseline"])
def test_anything_else_is_advice(own: ModuleType, verdict: Verdict) -> None:
    decision = own.decide(configuration(), Planted({"decode": verdict, "life": "pass"}), TODAY)
    assert decision.code == ExitCode.OK
    assert decision.lines[0] == f"{verdict}: decode: as planted"


def test_a_failure_that_a_second_run_confirms_fails(own: ModuleType) -> None:
    run = Planted({"decode": "pass", "life": "fail"}, {"life": "fail"})
    decision = own.decide(configuration(), run, TODAY)
    assert decision.code == ExitCode.REGRESSION
    assert run.asked[1] == (["life"], 1)
    assert "again: fail: life: as planted" in decision.lines


@pytest.mark.parametrize("second", ["pass", "inconclusive", "error"])
def test_a_failure_that_a_second_run_does_not_confirm_is_advice(own: ModuleType, second: Verdict) -> None:
    decision = own.decide(configuration(), Planted({"decode": "pass", "life": "fail"}, {"life": second}), TODAY)
    assert decision.code == ExitCode.OK
    assert "advice alone" in decision.lines[-1]


def test_a_waiver_lets_a_failure_through(own: ModuleType) -> None:
    waiver = Waiver("life", 0.5, TODAY, "a slower rule")
    fails: dict[str, Verdict] = {"decode": "pass", "life": "fail"}
    once = Planted(fails)
    assert own.decide(configuration(waivers=(waiver,)), once, TODAY).code == ExitCode.OK
    assert len(once.asked) == 1
    low = replace(waiver, ceiling=0.25)
    assert own.decide(configuration(waivers=(low,)), Planted(fails, {"life": "fail"}), TODAY).code == 1


def commit(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / name).mkdir(exist_ok=True)
        (root / name / "file").write_text(text)
    git = ["git", "-C", str(root), "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["add", "."], ["commit", "--quiet", "--allow-empty", "--message=Next"]):
        subprocess.run([*git, *words], check=True)


@pytest.fixture
def repository(own: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit, which the gate takes for its own."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "serialprof.toml").write_text('[gate]\ninstall = "false"\n[[gate.benchmark]]\nrun = "decode"\n')
    commit(tmp_path, native="1", docs="1")
    monkeypatch.setattr(own, "ROOT", tmp_path)
    return tmp_path


def test_without_a_parent_there_is_no_baseline(own: ModuleType, repository: Path) -> None:
    decision = own.gate(sys.executable, WHEEL)
    assert decision == own.Decision(ExitCode.OK, ("no baseline: there is no HEAD~1",))


def test_a_change_of_docs_is_not_gated(own: ModuleType, repository: Path) -> None:
    commit(repository, docs="2")
    decision = own.gate(sys.executable, WHEEL)
    assert decision.code == ExitCode.OK
    assert "nothing to gate" in decision.lines[0]


class Environments:
    """Builds nothing; an install command of "false" fails."""

    def get(self, commit: str, recipe: Recipe) -> SimpleNamespace:
        if "false" in recipe.install.splitlines():
            raise UnavailableError("it does not build")
        return SimpleNamespace(python=Path(f"/built/{commit}/python"), folder=Path(f"/built/{commit}"))


def test_a_parent_that_does_not_build_is_no_baseline(
    own: ModuleType, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, native="2")
    monkeypatch.setattr(own, "open_environments", lambda *_: Environments())
    monkeypatch.setattr(own, "look_at", lambda python: SimpleNamespace(packages=python.parent))
    assert own.gate(sys.executable, WHEEL) == own.Decision(ExitCode.OK, ("no baseline: it does not build",))


def test_the_parent_is_the_base(own: ModuleType, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".ci" / "serialprof.toml").write_text(
        '[gate]\ninstall = "true"\n[[gate.benchmark]]\nrun = "decode"\n'
    )
    parent = own._git("rev-parse", "HEAD")
    commit(repository, native="2")
    seen: list[tuple[Side, Side]] = []

    def fake_gate(benchmarks: Sequence[Benchmark], base: Side, head: Side, *_: Any) -> list[Outcome]:
        seen.append((base, head))
        return [outcome(benchmark, "pass") for benchmark in benchmarks]

    monkeypatch.setattr(own, "open_environments", lambda *_: Environments())
    monkeypatch.setattr(own, "look_at", lambda python: SimpleNamespace(packages=python.parent))
    monkeypatch.setattr(own, "run_gate", fake_gate)
    assert own.gate("here/python", WHEEL).lines == ("pass: decode: as planted",)
    base = Side("base", f"/built/{parent}/python", Path(f"/built/{parent}"), parent)
    assert seen == [(base, Side("head", "here/python", repository))]


def test_only_what_is_compiled_is_compiled_again(own: ModuleType, repository: Path) -> None:
    commit(repository, profiler="2")
    told = own.recipe(configuration(install="pip install ."), WHEEL, Path("a b")).install
    assert told.startswith(f"set -e\npip install --no-deps '{WHEEL.resolve()}'\necho 'a b' >")
    assert "cp -R profiler/serialprof" in told
    commit(repository, native="2")
    told = own.recipe(configuration(install="pip install ."), WHEEL, Path("a b")).install
    assert told.startswith("set -e\npip install .\necho 'a b' >")
    assert "cp -R" not in told


def test_what_is_lent_is_found_after_what_the_parent_has(own: ModuleType, tmp_path: Path) -> None:
    packages = tmp_path / "a b"
    packages.mkdir()
    for name in ("lent", "json"):
        (packages / f"{name}.py").write_text(f"WHO = {name!r}\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    programs = tmp_path / "env" / "bin"
    lend = own.LEND.format(packages=shlex.quote(str(packages)))
    subprocess.run(["/bin/sh", "-c", lend], env={"PATH": f"{programs}:{os.defpath}"}, check=True)
    asked = "import json, lent; print(lent.WHO, hasattr(json, 'WHO'))"
    done = subprocess.run([programs / "python", "-P", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "lent False\n"


def test_the_projects_own_gate_names_what_it_should() -> None:
    found = read_configuration(ROOT / ".ci")
    assert [benchmark.name for benchmark in found.benchmarks] == ["decode", "lstm", "rule110", "life", "dispatch"]
    assert {benchmark.criteria for benchmark in found.benchmarks} == {Criteria(0.2, 0.3)}
