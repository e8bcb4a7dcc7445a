# SPDX-License-Identifier: Apache-2.0
"""Workloads of one's own on the command line: several files at once, packages of others, and steps that misbehave."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from serialprof.store import read_run
from tests.cli.calling import called, processed

LOOP = '''
import serialprof
from helper import K

@serialprof.workload(depth="laps", width="cars", widths=(1, 2), default_depth=4)
def loop(setting):
    """Goes round."""
    return lambda: sum(range(50 * K * setting.width))
'''
#: Each is sound at width 1 and misbehaves at width 2; the one that forks does so once in a process.
BAD = """
import ctypes, os, sys
import serialprof

forked = []

def bad(action):
    def build(setting):
        step = action(setting)
        return step if setting.width == 2 else lambda: sum(range(50))
    build.__name__ = action.__name__
    return serialprof.workload(widths=(1, 2), default_depth=4)(build)

@bad
def late(setting):
    count = [0]
    def step():
        count[0] += 1
        if count[0] == 1000:
            raise ValueError(f"lost at step {count[0]}")
    return step

@bad
def promises(setting):
    def step():
        yield 1
    return step

@bad
def ends(setting):
    return lambda: os._exit(0)

@bad
def shouts(setting):
    libc = ctypes.CDLL(None)
    def step():
        print("a" * 500_000, flush=True)
        print("b" * 500_000, file=sys.stderr, flush=True)
        libc.puts(b"c" * 500_000)
        libc.fflush(None)
    return step

@bad
def wanders(setting):
    return lambda: os.chdir("/")

@bad
def forks(setting):
    def step():
        if not forked:
            forked.append(True)
            if child := os.fork():
                os.waitpid(child, 0)
    return step
"""
REASONS = {
    "late": "ValueError: lost at step 1000 (bad.py, line 20)",
    "promises": "its step returned a generator, so its body never ran; run it to its end within the step",
    "ends": "worker ended with exit code 0",
    "shouts": "it printed ",
    "wanders": "it changed the working folder to /: give whole paths instead",
    "forks": "it forked, and the child came back as a second worker: end the child with os._exit",
}


class Told(NamedTuple):
    """What a run of everything above came to."""

    code: int
    result: dict[str, Any]
    errors: list[str]
    folder: Path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("own")
    for name, speed in (("a", 1), ("b", 2)):
        (folder / name).mkdir()
        (folder / name / "loop.py").write_text(LOOP)
        (folder / name / "helper.py").write_text(f"K = {speed}\n")
    (folder / "bad.py").write_text(BAD)
    # Eight: as many workers as a run keeps alive.
    workloads = ["a/loop.py:loop", "b/loop.py:loop", *(f"bad.py:{name}" for name in REASONS)]
    options = ["--quick", "--budget", "6s", "--threads", "1", "--width", "1,2", "--json", "--no-html", "--no-stand-ins"]
    done = processed("run", *workloads, *options, "-o", "run.serialprof", cwd=folder)
    return Told(done.returncode, json.loads(done.stdout), done.stderr.splitlines(), folder)


def test_several_files_in_one_run(told: Told) -> None:
    """Two of one stem and one name: each with its own neighbour, its own points and a name that tells it apart."""
    run = read_run(told.folder / "run.serialprof")
    assert run.status == "complete"
    assert [item.name for item in run.plan.descriptions][:3] == ["a/loop.py:loop", "b/loop.py:loop", "late"]
    assert run.plan.descriptions[0].depth_name == "laps"
    sound = {run.point(visit.point).workload for visit in run.visits if visit.status == "ok"}
    assert sound >= {"a/loop.py:loop", "b/loop.py:loop"}
    assert len({point.family for point in run.plan.points}) == len(run.plan.descriptions)


def test_every_misbehaving_point_fails_with_its_sentence_and_nothing_else_does(told: Told) -> None:
    failures = {item["point"]: item["reason"] for item in told.result["failures"]}
    for name, reason in REASONS.items():
        assert failures.pop(f"bad.py:{name}, W = 2, 1 thread, serial").startswith(reason)
    assert not failures


def test_what_was_sound_of_a_misbehaving_workload_is_kept(told: Told) -> None:
    run = read_run(told.folder / "run.serialprof")
    for name in REASONS:
        states = {
            (run.point(visit.point).setting.width, visit.status)
            for visit in run.visits
            if run.point(visit.point).workload == f"bad.py:{name}"
        }
        assert (1, "ok") in states and (2, "failed") in states


def test_it_ends_as_documented_with_the_paths_of_the_run_where_they_belong(told: Told) -> None:
    assert told.code == 2
    assert "run file: run.serialprof" in told.errors
    assert f"failed: bad.py:ends: {REASONS['ends']}" in told.errors
    assert not any("aaaa" in line or "Traceback" in line for line in told.errors if not line.startswith("failed: "))
    assert sorted(path.name for path in told.folder.iterdir() if path.suffix == ".serialprof") == ["run.serialprof"]


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package of somebody else, which registers a workload, and one that is not there."""
    package, info = tmp_path / "site/theirs", tmp_path / "site/theirs-1.0.dist-info"
    for folder in (package, info):
        folder.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("K = 1\n")
    (package / "loops.py").write_text(LOOP.replace("from helper", "from .helper"))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    lines = ["[serialprof.workloads]", "their-loop = theirs.loops:loop", "gone = theirs.gone:loop"]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    return tmp_path


def test_a_workload_that_an_installed_package_registers(theirs: Path) -> None:
    done = processed("run", "their-loop", "--dry-run", cwd=theirs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("loop: cars 1, 2; ")


def test_a_registered_workload_that_is_not_there_is_a_sentence(theirs: Path) -> None:
    done = processed("run", "gone", "--dry-run", cwd=theirs)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "serialprof: workload 'gone': ModuleNotFoundError: No module named 'theirs.gone'\n"


def test_a_file_that_does_not_import_shows_its_own_frames(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import json\n\ndef read():\n    return json.loads('{')\n\nread()\n")
    done = called("run", "broken.py:loop", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    first, *trace = done.stderr.splitlines()
    assert first.startswith("serialprof: workload 'broken.py:loop': JSONDecodeError: ")
    files = [line.split('"')[1] for line in trace if line.startswith("  File ")]
    assert files == [str(tmp_path / "broken.py")] * 2
