# SPDX-License-Identifier: Apache-2.0
"""`serialprof gate` through a small real git repository; recorded pairs decide what depends on time."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import xmlschema

from serialprof import cli
from serialprof.cli import gateoutput, main
from serialprof.gating import baselining, environments, pairing, running
from serialprof.gating import gate as carried
from serialprof.gating.records import Pair
from serialprof.intervals import MINIMUM_UNITS
from serialprof.machine.topology import allowed_cpus

ROOT = Path(__file__).parents[1]
SCHEMA = xmlschema.XMLSchema11(ROOT / "reports/junit.xsd")
RECORDED = msgspec.json.decode((ROOT / "gating/recorded.json").read_bytes(), type=dict[str, tuple[Pair, ...]])
STEPS = """
import serialprof

@serialprof.workload
def {name}(setting):
    state = [1]
    def step():
        state[0] = state[0] * 5 % 7
    return step
"""
#: No installer here needs pip, which takes longer to install than all else.
WITHOUT_PIP = ("--without-pip",)
CONFIGURATION = """
[tool.serialprof.gate]
install = "true"

[[tool.serialprof.gate.benchmark]]
run = "steps.py:{name}"
"""


def git(folder: Path, *words: str) -> None:
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    subprocess.run(["git", *words], cwd=folder, env=os.environ | identity, check=True, capture_output=True)


def commit(folder: Path, name: str) -> None:
    """A commit whose configuration expects a benchmark of this name, and whose file has it."""
    (folder / "steps.py").write_text(STEPS.format(name=name))
    (folder / "pyproject.toml").write_text(CONFIGURATION.format(name=name))
    git(folder, "add", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", name)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two equal commits, and on the branch "renamed" a third one. Its environments are built once, and kept."""
    folder = tmp_path_factory.mktemp("prepared") / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "first")
    commit(folder, "first")
    git(folder, "checkout", "-q", "-b", "renamed")
    commit(folder, "second")
    git(folder, "checkout", "-q", "main")
    return folder


@pytest.fixture
def repository(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user stands in it, on a runner of GitHub; whatever a test leaves there is gone after it."""
    monkeypatch.chdir(prepared)
    monkeypatch.setenv("XDG_CACHE_HOME", str(prepared.parent / "cache"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(environments, "_VENV", (*environments._VENV, *WITHOUT_PIP))
    yield prepared
    git(prepared, "checkout", "-q", "--force", "main")
    git(prepared, "clean", "-q", "-f")


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives a gate pairs that were recorded in place of those that it would take; everything else is real."""

    def use(name: str) -> None:
        pairs: Iterator[Pair] = iter(RECORDED[name])
        monkeypatch.setattr(running, "time_pair", lambda *_: next(pairs))

    return use


def gate(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["serialprof", "gate", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def read(folder: Path) -> tuple[dict[str, Any], str, str]:
    """JSON, JUnit (held to its schema) and summary of a gate, of which all were written."""
    SCHEMA.validate(folder / "gate.xml")
    document = json.loads((folder / "gate.json").read_text())
    return document, (folder / "gate.xml").read_text(), Path(os.environ["GITHUB_STEP_SUMMARY"]).read_text()


REPORTS: Sequence[str] = ("-o", "gate.json", "-o", "gate.xml")


def worktrees(folder: Path) -> int:
    listed = subprocess.run(["git", "worktree", "list"], cwd=folder, capture_output=True, text=True, check=True)
    return len(listed.stdout.splitlines())


def revision(folder: Path, name: str) -> str:
    done = subprocess.run(["git", "rev-parse", name], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_unchanged_passes(repository, recorded, monkeypatch, capsys) -> None:
    recorded("unchanged")
    assert gate(monkeypatch, "--base-ref", "HEAD~1", *REPORTS) == 0
    document, junit, summary = read(repository)
    assert document["outcomes"][0]["verdict"] == "pass"
    assert len(document["outcomes"][0]["pairs"]) == 5
    # The commit, since HEAD~1 is another one tomorrow; no reports, since one that exists would stop the repetition.
    assert document["command"] == ["serialprof", "gate", "--base-ref", revision(repository, "HEAD~1")]
    assert 'failures="0"' in junit
    assert "pass" in summary
    told = capsys.readouterr()
    assert "PASS" in told.out
    assert "::" not in told.err
    assert worktrees(repository) == 1


def test_slower_fails(repository, recorded, monkeypatch, capsys) -> None:
    recorded("slower")
    assert gate(monkeypatch, "--base-ref", "HEAD~1", *REPORTS) == 1
    document, junit, summary = read(repository)
    assert document["outcomes"][0]["verdict"] == "fail"
    assert "<failure" in junit
    assert "first" in summary
    assert "fail" in summary
    assert "::error" in capsys.readouterr().err


def test_noise_is_inconclusive(repository, recorded, monkeypatch, capsys) -> None:
    recorded("noisy")
    assert gate(monkeypatch, "--base-ref", "HEAD~1", *REPORTS) == 0
    document, junit, _ = read(repository)
    assert document["outcomes"][0]["verdict"] == "inconclusive"
    assert len(document["outcomes"][0]["pairs"]) == 16
    assert 'failures="0"' in junit
    assert "::warning" in capsys.readouterr().err


def test_noise_fails_where_that_is_asked_for(repository, recorded, monkeypatch) -> None:
    recorded("noisy")
    assert gate(monkeypatch, "--base-ref", "HEAD~1", "--on-inconclusive", "fail") == 3


def test_a_renamed_benchmark_is_missed_by_name(repository, recorded, monkeypatch, capsys) -> None:
    git(repository, "checkout", "-q", "renamed")
    recorded("unchanged")
    assert gate(monkeypatch, "--base-ref", "HEAD~1", *REPORTS) == 2
    document, junit, _ = read(repository)
    verdicts = {outcome["benchmark"]["name"]: outcome["verdict"] for outcome in document["outcomes"]}
    assert verdicts == {"second": "no baseline", "first": "error"}
    assert "<error" in junit
    sentence = document["outcomes"][0]["sentence"]
    assert sentence == "second: base: workload 'steps.py:second': steps.py has no 'second'; it declares first"
    assert "first: the base expects it" in capsys.readouterr().out.replace("\n              ", " ")


def test_a_base_that_is_not_there(repository, monkeypatch, capsys) -> None:
    assert gate(monkeypatch, "--base-ref", "nowhere", *REPORTS) == 4
    told = capsys.readouterr()
    document, junit, summary = read(repository)
    assert [outcome["verdict"] for outcome in document["outcomes"]] == ["no baseline"]
    assert '<error type="no baseline"' in junit
    assert "nowhere" in summary
    assert "base against head\n" in told.out  # of which nothing more is known
    assert "has no commit 'nowhere'; name a branch, a tag or a commit" in " ".join(told.out.split())
    assert "::error title=serialprof gate%3A first%2C no baseline" in told.err


def test_a_base_that_cannot_be_built_is_told_in_full_once(repository, monkeypatch, capsys) -> None:
    install = "echo the compiler is missing; false"
    assert gate(monkeypatch, "--base-ref", "HEAD~1", "--install", install, *REPORTS) == 4
    document, _, summary = read(repository)
    assert document["outcomes"][0]["sentence"] == f"first: base: {install!r} ended with exit code 1"
    assert summary.count("the compiler is missing; all of it is in") == 1
    assert worktrees(repository) == 1


def test_a_head_that_cannot_be_built_is_reported_too(repository, monkeypatch) -> None:
    install = 'test "$(git rev-parse HEAD)" = "$(git rev-parse main~1)"'  # what succeeds for the base alone
    assert gate(monkeypatch, "--base-ref", "HEAD~1", "--install", install, *REPORTS) == 2
    document, junit, _ = read(repository)
    assert document["outcomes"][0]["verdict"] == "error"
    assert document["outcomes"][0]["sentence"].startswith("first: head: ")
    assert "<error" in junit
    assert worktrees(repository) == 1


def test_a_base_whose_configuration_is_not_understood(repository, recorded, monkeypatch, capsys) -> None:
    git(repository, "checkout", "-q", "-b", "broken", "main")
    (repository / "pyproject.toml").write_text("[tool.serialprof.gate]\ntolerence = 1\n")
    git(repository, "commit", "-qam", "broken")
    commit(repository, "first")
    assert gate(monkeypatch, "--base-ref", "HEAD~1", *REPORTS) == 4
    document, _, summary = read(repository)
    sentence = "first: base: pyproject.toml, gate: there is no key 'tolerence'"
    assert document["outcomes"][0]["sentence"] == sentence
    assert "name what is gated here, until the base is mended" in summary
    recorded("unchanged")
    assert gate(monkeypatch, "steps.py:first", "--base-ref", "HEAD~1", "--install", "true") == 0


def test_a_head_that_is_not_there_is_reported_beside_a_baseline(repository, monkeypatch) -> None:
    monkeypatch.setattr(carried, "read", lambda path: None)
    assert gate(monkeypatch, "--baseline", "b.json", "--head-python", "nowhere", *REPORTS) == 2
    document, _, _ = read(repository)
    assert document["outcomes"][0]["sentence"].startswith("first: head: there is no interpreter 'nowhere'")


def test_what_cannot_be_written_keeps_nothing_else_from_being_so(repository, recorded, monkeypatch, capsys) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(repository / "nowhere" / "summary.md"))
    recorded("slower")
    assert gate(monkeypatch, "--base-ref", "HEAD~1", *REPORTS) == 2
    told = capsys.readouterr()
    assert (repository / "gate.json").exists()
    assert (repository / "gate.xml").exists()
    assert "FAIL" in told.out
    assert "::error" in told.err
    assert "cannot append to" in told.err


@pytest.mark.parametrize(("reason", "code"), [(errno.EPIPE, 1), (errno.ENOSPC, 2)])
@pytest.mark.parametrize("err", [False, True])
def test_what_cannot_be_printed_keeps_no_report_from_being_written(
    repository, recorded, monkeypatch, reason: int, code: int, err: bool
) -> None:
    """A reader that has gone changes no verdict; a disk that is full is an error."""
    echo, dropped = click.echo, []

    def broken(message: object = None, **how: Any) -> None:
        if how.get("err", False) == err and "gate" in str(message):
            raise OSError(reason, os.strerror(reason))
        echo(message, **how)

    monkeypatch.setattr(gateoutput.click, "echo", broken)
    monkeypatch.setattr(gateoutput, "drop_output", dropped.append)
    monkeypatch.setattr(cli, "drop_output", lambda: dropped.append("at the end"))
    recorded("slower")
    assert gate(monkeypatch, "--base-ref", "HEAD~1", *REPORTS) == code
    assert read(repository)[0]["outcomes"][0]["verdict"] == "fail"
    assert dropped == ([2 if err else 1] if reason == errno.EPIPE else ["at the end"])


def test_changes_that_are_not_committed(repository, monkeypatch, capsys) -> None:
    (repository / "steps.py").write_text(STEPS.format(name="first") + "\n")
    assert gate(monkeypatch, "--base-ref", "HEAD~1") == 2
    assert "--allow-dirty" in capsys.readouterr().err
    assert worktrees(repository) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chain"], "there is no base"),
        (["chain", "--base-ref", "HEAD", "--base-python", "python"], "more than one way"),
        (["--base-cmd", "true"], "go together"),
        (["chain", "--base-python", "python", "--install", "true"], "--install goes with --base-ref"),
        (["chain", "--base-python", sys.executable, "-o", "gate.txt"], "no such kind of report"),
        (["--base-python", sys.executable, "--width", "4"], "go with workloads that are named"),
        (["chain", "--base-python", sys.executable, "--tolerance", "5%"], "leave room"),
        (["chain", "--base-python", sys.executable, "--timeout", "5min"], "--timeout is 120 s at most"),
        (["save", "chain", "-o", "b.json", "--timeout", "5min"], "--timeout is 120 s at most"),
        (["chain", "--base-python", sys.executable, "--gates", "3"], "--gates goes with --self-test"),
        (["chain", "chain", "--base-python", sys.executable], "two benchmarks are called 'chain'"),
        (["chain", "--base-python", sys.executable, "-o", "a.json", "-o", "./a.json"], "-o a.json is given twice"),
        (["--base-cmd", "true", "--head-cmd", "./a 'x"], """--head-cmd "./a 'x": no closing quotation"""),
        (["--base-cmd", " ", "--head-cmd", "true"], "--base-cmd is empty"),
        (["save", "chain", "-o", "b.json", "--metric", "memory"], "stores the time of a step alone"),
        (["save", "chain", "-o", "b.json", "--python", "nowhere"], "head: there is no interpreter 'nowhere'"),
        (["chain", "--self-test", "--head-python", "nowhere"], "head: there is no interpreter 'nowhere'"),
        (["chain", "--self-test", "--base-ref", "HEAD~1"], "compares the head with itself, without --base-ref"),
    ],
)
def test_what_cannot_be_carried_out_is_said(repository, monkeypatch, capsys, words: list[str], told: str) -> None:
    assert gate(monkeypatch, *words) == 2
    assert told in capsys.readouterr().err


MISBEHAVING = """
import os, time
import serialprof

@serialprof.workload
def prints(setting):
    return lambda: print("here")

@serialprof.workload
def strays(setting):
    return lambda: os.sched_setaffinity(0, range(os.cpu_count()))

@serialprof.workload
def hangs(setting):
    return lambda: time.sleep(60)
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("prints", "base: its steps print ("),
        pytest.param(
            "strays",
            "CPU",  # that it was not given
            marks=pytest.mark.skipif(len(allowed_cpus()) < 2, reason="has one CPU"),
        ),
        ("hangs", "base: hung: no answer within 2 s"),
    ],
)
def test_a_step_that_misbehaves_is_an_error_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pairing, "PAIR_SECONDS", 0.0)
    (tmp_path / "steps.py").write_text(MISBEHAVING)
    words = (f"steps.py:{name}", "--base-python", sys.executable, "--timeout", "2s" if name == "hangs" else "120s")
    assert gate(monkeypatch, *words, "-o", "gate.json") == 2
    (outcome,) = json.loads((tmp_path / "gate.json").read_text())["outcomes"]
    assert outcome["verdict"] == "error"
    assert told in outcome["sentence"]


def test_a_job_that_is_cancelled_leaves_nothing_behind(repository: Path) -> None:
    """SIGTERM, which runners send, while an installer is at work."""
    program = (
        "from serialprof.gating import environments; from serialprof.cli import main; "
        f"environments._VENV = (*environments._VENV, *{WITHOUT_PIP}); main()"
    )
    install = "echo $$ > installing && mv installing installer && sleep 60"
    job = subprocess.Popen(
        [sys.executable, "-c", program, "gate", "--base-ref", "HEAD", "--install", install],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    cache = repository.parent / "cache"
    while not (found := list(cache.rglob("source/installer"))):
        assert job.poll() is None
        time.sleep(0.02)
    installer = int(found[0].read_text())
    job.terminate()
    _, told = job.communicate()
    assert job.returncode == 130
    assert told.endswith(b"serialprof: interrupted\n")
    assert worktrees(repository) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(installer, 0)


def test_nothing_is_gated_without_a_list(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert gate(monkeypatch, "--base-python", sys.executable) == 2
    assert "nothing to gate" in capsys.readouterr().err


def test_programs_and_a_baseline(tmp_path, monkeypatch, capsys) -> None:
    """Real processes, whose exit code no time decides: a null passes or is inconclusive, and both end with 0."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pairing, "PAIR_SECONDS", 0.0)  # the fewest blocks and processes
    monkeypatch.setattr(baselining, "save", partial(baselining.save, processes=MINIMUM_UNITS))
    monkeypatch.setattr(carried, "compare", partial(baselining.compare, processes=MINIMUM_UNITS))
    wide = ("--tolerance", "50%", "--mde", "90%")
    assert gate(monkeypatch, "--base-cmd", "true", "--head-cmd", "true", *wide, "--json") == 0
    assert json.loads(capsys.readouterr().out)["outcomes"][0]["verdict"] in ("pass", "inconclusive")
    assert gate(monkeypatch, "save", "chain", "-o", "b.json") == 0
    assert gate(monkeypatch, "save", "chain", "-o", "b.json") == 2
    assert gate(monkeypatch, "chain", "--baseline", "b.json", *wide) == 0
    (tmp_path / "b.json").write_text((tmp_path / "b.json").read_text()[:-9])
    assert gate(monkeypatch, "chain", "--baseline", "b.json") == 4
