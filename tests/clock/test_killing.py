# SPDX-License-Identifier: Apache-2.0
"""Clocks are given back when the run that set them is killed: real processes, on a tree of files."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serialprof.clock.control import ClockControl
from serialprof.clock.policies import policies
from serialprof.clock.recovery import pending, recover
from serialprof.clock.sysfs import Tree
from tests.clock import trees

SWEEP = Path(__file__).parent / "sweep.py"
PATIENCE = 60.0  # seconds until a test gives up; none of them takes one


class Sweep:
    """A run in its own process, and its guardian's number."""

    def __init__(self, tree: Tree, folder: Path, *more: str) -> None:
        command = [sys.executable, str(SWEEP), str(tree.root), str(folder), *more]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.guardian = int(self.process.stdout.readline())

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def sweeping(tree: Tree, folder: Path, *more: str) -> Iterator[Sweep]:
    sweep = Sweep(tree, folder, *more)
    try:
        yield sweep
    finally:
        sweep.process.kill()
        sweep.process.communicate()


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def gone(pid: int) -> bool:
    """Whether the process has ended, be its parent aware of it or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def state(tree: Tree) -> dict[str, str]:
    """Every file but the speed, which a kernel takes away with the userspace governor, and files do not."""
    return {name: value for name, value in trees.contents(tree.root).items() if not name.endswith("setspeed")}


@pytest.fixture(params=["acpi", "intel"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    return Tree(getattr(trees, request.param)(tmp_path / "cpu"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_the_guardian_gives_back_after_a_kill(tree: Tree, folder: Path) -> None:
    before = state(tree)
    draw = random.Random(3)
    for _ in range(5):
        with sweeping(tree, folder) as sweep:
            assert pending(folder) is not None
            time.sleep(draw.uniform(0.0, 0.02))
            assert sweep.end(signal.SIGKILL) == -signal.SIGKILL
            until(lambda: pending(folder) is None and gone(sweep.guardian))
            assert state(tree) == before


def test_when_both_are_killed_the_journal_gives_back(tree: Tree, folder: Path) -> None:
    before = state(tree)
    with sweeping(tree, folder) as sweep:
        os.kill(sweep.guardian, signal.SIGSTOP)  # so that it does not hear of the run's end
        sweep.end(signal.SIGKILL)
        assert tree.lock() is None  # the guardian holds the tree as long as it lives
        os.kill(sweep.guardian, signal.SIGKILL)
        until(lambda: gone(sweep.guardian))
    assert state(tree) != before
    recovery = recover(folder, tree)
    assert recovery is not None
    assert recovery.pid == sweep.process.pid
    assert recovery.restoration.failed == ()
    assert recovery.restoration.changed
    assert state(tree) == before
    assert recover(folder, tree) is None


def test_the_next_run_gives_back_first(tree: Tree, folder: Path) -> None:
    before = state(tree)
    with sweeping(tree, folder) as sweep:
        os.kill(sweep.guardian, signal.SIGSTOP)
        sweep.end(signal.SIGKILL)
        os.kill(sweep.guardian, signal.SIGKILL)
        until(lambda: gone(sweep.guardian))
    with ClockControl(policies(tree), tree, folder) as control:
        assert control.recovered is not None
        assert control.recovered.pid == sweep.process.pid
        assert state(tree) == before
    assert state(tree) == before


def test_a_run_that_starts_while_the_guardian_gives_back_waits_for_it(tree: Tree, folder: Path) -> None:
    before = state(tree)
    with sweeping(tree, folder) as sweep:
        os.kill(sweep.guardian, signal.SIGSTOP)
        sweep.end(signal.SIGKILL)
        assert state(tree) != before
        later = threading.Timer(0.2, os.kill, (sweep.guardian, signal.SIGCONT))
        later.start()
        with ClockControl(policies(tree), tree, folder) as control:
            assert state(tree) == before
            assert control.recovered is None  # it was the guardian
        later.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_give_back(tree: Tree, folder: Path, number: signal.Signals) -> None:
    before = state(tree)
    with sweeping(tree, folder) as sweep:
        assert sweep.end(number) != 0
        assert pending(folder) is None
        assert gone(sweep.guardian)
    assert state(tree) == before


def test_the_guardian_outlives_what_a_terminal_sends(tree: Tree, folder: Path) -> None:
    before = state(tree)
    with sweeping(tree, folder) as sweep:
        assert os.getsid(sweep.guardian) == sweep.guardian
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            os.kill(sweep.guardian, number)
        sweep.end(signal.SIGKILL)
        until(lambda: pending(folder) is None and gone(sweep.guardian))
    assert state(tree) == before


def test_a_child_of_the_run_that_holds_the_pipe_does_not_keep_the_guardian(tree: Tree, folder: Path) -> None:
    before = state(tree)
    with sweeping(tree, folder, "fork") as sweep:
        sweep.end(signal.SIGKILL)
        until(lambda: pending(folder) is None)
        assert state(tree) == before


def test_while_a_run_lives_another_process_is_refused(tree: Tree, folder: Path) -> None:
    with sweeping(tree, folder) as sweep:
        command = [sys.executable, str(SWEEP), str(tree.root), str(folder)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert second.returncode != 0
        assert f"process {sweep.process.pid} is setting this machine's clocks" in second.stderr
        assert not gone(sweep.guardian)
