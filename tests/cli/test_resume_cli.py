# SPDX-License-Identifier: Apache-2.0
"""Runs as processes that are interrupted, killed or out of disk, and resumed by the line that they print."""

import json
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import pytest

from serialprof.limits import Limits
from serialprof.measure import effort
from serialprof.store import Store, StoredRun, read_run
from tests.cli.calling import MAIN, called, processed

TOYS = """
import serialprof

@serialprof.workload(widths=(1, 2), default_depth=4)
def spin(setting):
    return lambda: sum(range(200 * setting.width))

@serialprof.workload(widths=(1, 2), default_depth=4)
def chatty(setting):
    import os, sys
    print("built")
    os.write(1, b"\\x00\\xff{}\\n")
    return lambda: sys.stdout.write("stepped\\n")

@serialprof.workload(widths=(1, 2), default_depth=4)
def leaving(setting):
    import os
    os.write(1, b"no more\\n")
    os._exit(3)
"""
# What starts the tests may ignore SIGINT, which children inherit.
HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
QUICK = ("--quick", "--threads", "1", "--precision", "0.0001%", "--budget")
FEW = (*QUICK, "1.5s")
LINE = re.compile(r"serialprof (run --resume \S+)")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", HEED + MAIN, *arguments]


@contextmanager
def sampling(*arguments: str, cwd: Path, visits: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A run as a process, once its file a.serialprof holds so many visits; ended at the latest with the block."""
    file = cwd / "a.serialprof"
    with subprocess.Popen(command("run", *arguments), cwd=cwd, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            while not process.stderr.readline().startswith("sampling"):
                assert process.poll() is None
            while len(read_run(file).visits) < visits:
                assert process.poll() is None
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def in_drawn_order(run: StoredRun) -> bool:
    """Whether the visits are the drawn order from its start on without a gap, and only disturbed ones made again."""
    made = [
        (visit.block, visit.position, visit.point, visit.turn)
        for visit, later in zip_longest(run.visits, run.visits[1:])
        if visit.sound or later is None or (later.block, later.position) != (visit.block, visit.position)
    ]
    drawn = [
        (block, position, stop.point, stop.turn)
        for block in sorted(run.draws)
        for position, stop in enumerate(run.draws[block])
    ]
    return made == drawn[: len(made)]


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What a refused command said, once it is seen to be one line on standard error, with exit code 2."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("serialprof: ") and len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "toys.py").write_text(TOYS)
    return tmp_path


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with an interrupted run, and what the run said at its end."""
    folder = tmp_path_factory.mktemp("interrupted")
    (folder / "toys.py").write_text(TOYS)
    with sampling("toys.py:spin", *FEW, "-o", "a.serialprof", cwd=folder, visits=3) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    return folder, said


@pytest.fixture
def stopped(interrupted: tuple[Path, str], folder: Path) -> Path:
    """A folder of its own with the interrupted run."""
    (folder / "a.serialprof").write_bytes((interrupted[0] / "a.serialprof").read_bytes())
    return folder


def test_the_line_that_an_interrupted_run_prints_completes_it(interrupted: tuple[Path, str], stopped: Path) -> None:
    line = LINE.search(interrupted[1])
    assert line and line[1] == "run --resume a.serialprof"
    before = read_run(stopped / "a.serialprof")
    assert before.status == "interrupted" and len(before.visits) >= 3 and in_drawn_order(before)
    assert not (interrupted[0] / "a.html").exists()
    done = processed(*shlex.split(line[1]), cwd=stopped)
    assert done.returncode == 0, done.stderr
    assert "calibrating" not in done.stderr and "limits" not in done.stderr
    after = read_run(stopped / "a.serialprof")
    assert after.status == "complete" and in_drawn_order(after)
    assert after.visits[: len(before.visits)] == before.visits and len(after.visits) > len(before.visits)
    assert len(after.draws) >= 5, "fewer blocks than an interval needs"
    (entry,) = after.resumptions
    assert entry.command == ("serialprof", "run", "--resume", "a.serialprof")
    assert (stopped / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert "spin" in done.stdout

    again = one_sentence(called("run", "--resume", "a.serialprof", cwd=stopped))
    assert "a.serialprof is complete; there is nothing to resume" in again
    assert read_run(stopped / "a.serialprof") == after


def test_killed_at_any_moment_a_run_keeps_its_visits_and_goes_on(folder: Path) -> None:
    draw = random.Random(7)
    arguments: tuple[str, ...] = ("toys.py:spin", *QUICK, "4s", "-o", "a.serialprof")
    before: StoredRun | None = None
    for kill in range(3):
        with sampling(*arguments, cwd=folder) as process:
            time.sleep(draw.uniform(0, 0.5))
            workers = _children(process.pid)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert workers
        for worker in workers:
            deadline = time.monotonic() + 30
            while _alive(worker):
                assert time.monotonic() < deadline, "a worker outlives its run"
                time.sleep(0.01)
        run = read_run(folder / "a.serialprof")
        assert run.status == "running" and run.visits and in_drawn_order(run)
        assert len(run.resumptions) == kill
        if before is not None:
            assert run.visits[: len(before.visits)] == before.visits
        arguments, before = ("--resume", "a.serialprof"), run
    assert before is not None
    done = called("run", "--resume", "a.serialprof", "--no-html", cwd=folder)
    assert done.returncode == 0, done.stderr
    run = read_run(folder / "a.serialprof")
    assert run.status == "complete" and len(run.resumptions) == 3 and in_drawn_order(run)
    assert run.visits[: len(before.visits)] == before.visits and len(run.visits) > len(before.visits)
    assert run.limits != Limits()
    assert sorted(path.name for path in folder.iterdir()) == ["a.serialprof", "toys.py"]


def test_a_run_killed_before_its_limits_were_known_measures_them_when_resumed(
    folder: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("run", "toys.py:spin", *QUICK, "0.5s", "-o", "a.serialprof")
    with subprocess.Popen(command(*arguments), cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline().startswith("measuring this machine")
        process.kill()
    run = read_run(folder / "a.serialprof")
    assert run.limits == Limits() and not run.visits
    for part in ("chase", "stream", "barriers"):
        monkeypatch.setitem(effort.QUICK.seconds, part, 0.3)
    done = called("run", "--resume", "a.serialprof", "--no-html", cwd=folder)
    assert done.returncode == 0, done.stderr
    run = read_run(folder / "a.serialprof")
    assert run.status == "complete" and run.limits.chains["multiply"] > 0 and in_drawn_order(run)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--resume", "absent.serialprof"), "there is no run file absent.serialprof"),
        (("--resume", "nowhere/absent.serialprof"), "there is no run file nowhere/absent.serialprof"),
        (("--resume", "."), "there is no run file ."),
        (("--resume", "toys.py"), "toys.py is damaged or no run file"),
        (("--resume", "a.serialprof", "--budget", "9s"), "so --budget cannot be given"),
        (("--resume", "a.serialprof", "--precision", "2%"), "so --precision cannot be given"),
        (("--resume", "a.serialprof", "-o", "b.serialprof"), "so -o cannot be given"),
        (("--resume", "a.serialprof", "--dry-run"), "so --dry-run cannot be given"),
        (("--resume", "a.serialprof", "lstm"), "so WORKLOAD cannot be given"),
        (("--resume", "a.serialprof", "--", "true"), "so no command can be given"),
        (("--force", "toys.py:spin"), "--force goes with --resume alone"),
    ],
)
def test_what_cannot_be_resumed_is_one_sentence_and_changes_nothing(
    stopped: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    before = {path.name: path.read_bytes() for path in stopped.iterdir()}
    assert complaint in one_sentence(called("run", *arguments, cwd=stopped))
    assert {path.name: path.read_bytes() for path in stopped.iterdir()} == before


def test_a_page_in_the_way_is_said_before_anything_is_measured(stopped: Path) -> None:
    (stopped / "a.html").write_text("precious")
    before = read_run(stopped / "a.serialprof")
    said = one_sentence(called("run", "--resume", "a.serialprof", cwd=stopped))
    assert "a.html exists; remove it, or add --no-html" in said
    assert read_run(stopped / "a.serialprof") == before
    assert (stopped / "a.html").read_text() == "precious"


def test_a_file_that_another_run_writes_is_refused(stopped: Path) -> None:
    store, before = Store.reopen(stopped / "a.serialprof")
    with store:
        said = one_sentence(called("run", "--resume", "a.serialprof", cwd=stopped))
    assert "another run is writing to a.serialprof; wait for it to end" in said
    assert read_run(stopped / "a.serialprof") == before


def test_a_run_under_way_is_not_resumed(folder: Path) -> None:
    with sampling("toys.py:spin", *QUICK, "60s", "-o", "a.serialprof", cwd=folder) as running:
        said = one_sentence(called("run", "--resume", "a.serialprof", cwd=folder))
        assert running.poll() is None
    assert "another run is writing to a.serialprof" in said
    assert read_run(folder / "a.serialprof").resumptions == ()


def test_a_changed_workload_is_refused_until_forced(stopped: Path) -> None:
    before = read_run(stopped / "a.serialprof")
    (stopped / "toys.py").write_text(TOYS.replace("200", "201"))
    said = one_sentence(called("run", "--resume", "a.serialprof", cwd=stopped))
    assert "begun under other conditions: the code of serialprof or of a workload has changed" in said
    assert "--force" in said
    assert read_run(stopped / "a.serialprof") == before
    done = called("run", "--resume", "a.serialprof", "--force", "--no-html", cwd=stopped)
    assert done.returncode == 0, done.stderr
    after = read_run(stopped / "a.serialprof")
    (entry,) = after.resumptions
    assert after.status == "complete" and after.code == before.code != entry.code


def test_a_full_disk_ends_a_run_that_goes_on_once_there_is_room(folder: Path) -> None:
    room = 150_000  # bytes: the header takes about 70 000, a visit up to 20 000
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
    done = processed("run", "toys.py:spin", *FEW, "-o", "a.serialprof", cwd=folder, before=HEED + full)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("serialprof: cannot write to a.serialprof: ") and "Traceback" not in done.stderr
    line = LINE.search(last)
    assert line and "make room" in last
    before = read_run(folder / "a.serialprof")
    assert before.status != "complete" and before.visits and in_drawn_order(before)
    done = called(*shlex.split(line[1]), cwd=folder)
    assert done.returncode == 0, done.stderr
    after = read_run(folder / "a.serialprof")
    assert after.status == "complete" and in_drawn_order(after)
    assert after.visits[: len(before.visits)] == before.visits and len(after.visits) > len(before.visits)
    assert sorted(path.name for path in folder.iterdir()) == ["a.html", "a.serialprof", "toys.py"]


def test_what_workers_print_reaches_neither_the_output_nor_the_protocol(folder: Path) -> None:
    workloads = ("toys.py:chatty", "toys.py:leaving")
    done = called("run", *workloads, *QUICK, "0.5s", "--no-html", "--json", "-o", "a.serialprof", cwd=folder)
    assert done.returncode == 2
    assert json.loads(done.stdout) and "stepped" not in done.stdout + done.stderr
    assert "worker ended with exit code 3: no more" in done.stderr and "Traceback" not in done.stderr
    run = read_run(folder / "a.serialprof")
    assert {visit.status for visit in run.visits if run.point(visit.point).workload == workloads[0]} == {"ok"}
    assert {visit.status for visit in run.visits if run.point(visit.point).workload == workloads[1]} == {"failed"}


def _children(parent: int) -> list[int]:
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [number for number in numbers if _parent(Path(f"/proc/{number}")) == parent]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
