# SPDX-License-Identifier: Apache-2.0
"""What is seen of steps before anything is timed. Whatever starts a process here does so once, on a signal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from serialprof.gating import preflight as module
from serialprof.gating.contestants import BenchmarkFailedError, Contestant, ask
from serialprof.gating.preflight import preflight
from serialprof.machine.topology import allowed_cpus
from serialprof.measure import protocol
from serialprof.setting import Setting

#: A step that misbehaves once: when the file "now" is there, which goes before anything else happens.
WORKLOADS = """
import os, subprocess, sys, time
from pathlib import Path

NOW = Path(__file__).with_name("now")

def once(act):
    def build(setting):
        def step():
            if NOW.exists():
                NOW.unlink()
                act()
        return step
    return build

def child_that_ends():
    subprocess.run(["true"], check=True)

def child_that_stays():
    subprocess.Popen(["sleep", "20"])

def child_that_nobody_waits_for():
    if os.fork() == 0:
        os._exit(0)

calls = once(child_that_ends)
leaves = once(child_that_stays)
forks = once(child_that_nobody_waits_for)
prints = once(lambda: print("here"))
floods = once(lambda: sys.stdout.write("x" * (3 << 20)))
hangs = once(lambda: time.sleep(60))
quiet = once(lambda: None)
"""
SETTING = Setting(mode="eager", depth=64, cpus=allowed_cpus()[-1:])


def contestant(folder: Path, name: str) -> Contestant:
    (folder / "mine.py").write_text(WORKLOADS)
    return Contestant(sys.executable, f"{folder}/mine.py:{name}", folder)


@pytest.fixture
def signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[protocol.Calibrate]:
    """Lets a step misbehave while it is warmed up the second time; the list has what was asked."""
    asked: list[Any] = []

    def note(role: Any, worker: Any, request: Any, *rest: Any) -> Any:
        asked.append(request)
        if len(asked) == 2:
            (tmp_path / "now").touch()
        return ask(role, worker, request, *rest)

    monkeypatch.setattr(module, "ask", note)
    return asked


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("calls", "its steps start processes"),
        ("leaves", "its steps start processes"),
        ("forks", "its steps start processes"),
        ("prints", "its steps print (5 B"),
    ],
)
def test_what_a_step_may_not_do_is_said(signal: list[Any], tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(BenchmarkFailedError, match="^" + told.replace("(", r"\(")) as failed:
        preflight("head", contestant(tmp_path, name), SETTING)
    assert failed.value.role == "head"
    assert not (tmp_path / "now").exists()


def test_what_was_printed_is_counted_also_where_it_is_no_longer_kept(signal: list[Any], tmp_path: Path) -> None:
    (tmp_path / "now").touch()
    with pytest.raises(BenchmarkFailedError, match=r"^its steps print \(3 MiB"):
        preflight("head", contestant(tmp_path, "floods"), SETTING)


def test_a_step_that_hangs_costs_no_more_than_the_limit(signal: list[Any], tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFailedError, match=r"hung: no answer within 2 s.*; .* --timeout"):
        preflight("head", contestant(tmp_path, "hangs"), SETTING, 2.0)


@pytest.mark.parametrize("name", ["quiet", "forks", "prints"])
def test_what_happens_once_while_a_step_warms_up_is_let_through(tmp_path: Path, name: str) -> None:
    (tmp_path / "now").touch()
    preflight("head", contestant(tmp_path, name), SETTING)
    assert not (tmp_path / "now").exists()


def test_runs_have_one_step_so_that_a_step_that_forks_is_two_processes(signal: list[Any], tmp_path: Path) -> None:
    preflight("base", contestant(tmp_path, "quiet"), SETTING)
    assert [request.setting.depth for request in signal] == [1, 1]


def test_a_whole_program_is_a_process_that_may_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "start", None)
    preflight("base", contestant(tmp_path, "quiet"), Setting(mode="process"))
