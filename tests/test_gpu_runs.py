# SPDX-License-Identifier: Apache-2.0
"""Runs that lock GPU clocks: real workers and a real store, on GPUs that are made up."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from serialprof import preparation
from serialprof.clock.gpurestoring import gpus_pending
from serialprof.clock.sysfs import Tree
from serialprof.clocksetup import ClockFiles
from serialprof.errors import CannotMeasureError, InterruptedRunError, UsageError
from serialprof.limits import Limits
from serialprof.measure.engine import Progress
from serialprof.planning import Request
from serialprof.preparation import prepare
from serialprof.session import measure, resume
from serialprof_reports.tables import json as as_json
from tests.cli.calling import MAIN
from tests.clock import gpus as made

HERTZ = 1_410_000_000
REQUEST = Request(("chain",), widths=(1,), threads=(1,), depth=1000, budget=1.0, quick=True, gpu_clock="1410MHz")
#: Known already, so that nothing is probed.
LIMITS = Limits(clock=3e9)


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> made.Gpus:
    if made.COMPILER is None:
        pytest.skip("needs a C compiler")
    found = made.Gpus(made.compiled(tmp_path), tmp_path / "gpus")
    monkeypatch.setenv("FAKE_NVML", str(found.folder))
    return found


@pytest.fixture
def files(gpus: made.Gpus, tmp_path: Path) -> ClockFiles:
    return ClockFiles(Tree(tmp_path / "cpu"), tmp_path / "state", gpus.library)


def test_the_clock_is_locked_while_the_run_goes_on_and_kept_in_its_file(
    gpus: made.Gpus, files: ClockFiles, tmp_path: Path
) -> None:
    seen: list[dict[str, int]] = []
    prepared = prepare(REQUEST, files=files)
    assert gpus.calls == []
    run = measure(prepared, tmp_path / "a.serialprof", lambda progress: seen.append(gpus.locked), limits=LIMITS)
    assert seen and all(state == {"gpu0": 1410, "gpu1": 1410} for state in seen)
    assert gpus.locked == {}
    assert gpus_pending(files.folder) is None
    told = [(each.policy, each.requested, each.read_back) for each in run.stored.gpu_clocks]
    assert told == [("gpu0", HERTZ, HERTZ), ("gpu1", HERTZ, HERTZ)]
    (first, _) = json.loads(as_json(run))["run"]["gpu_clocks"]
    assert (first["policy"], first["requested"], first["read_back"]) == ("gpu0", HERTZ, HERTZ)
    assert "GPU clock: gpu0 asked for 1.41 GHz, read back 1.41 GHz; gpu1 asked" in run.render("terminal", width=200)


def test_a_run_that_goes_on_locks_them_again(gpus: made.Gpus, files: ClockFiles, tmp_path: Path) -> None:
    visits: list[Progress] = []

    def stop(progress: Progress) -> None:
        visits.extend([progress] if progress.stage != "calibrating" else [])
        if len(visits) > 3:
            raise KeyboardInterrupt

    path = tmp_path / "a.serialprof"
    with pytest.raises(InterruptedRunError):
        prepared = prepare(REQUEST, files=files)
        measure(prepared, path, stop, limits=LIMITS)
    assert gpus.locked == {}
    locked: list[dict[str, int]] = []
    run = resume(path, lambda progress: locked.append(gpus.locked), files=files)
    assert run.stored.status == "complete"
    assert locked and all(state == {"gpu0": 1410, "gpu1": 1410} for state in locked)
    assert gpus.locked == {}


def test_without_permission_no_file_is_left(gpus: made.Gpus, files: ClockFiles, tmp_path: Path) -> None:
    gpus.put("deny-lock", "all")
    prepared = prepare(REQUEST, files=files)
    with pytest.raises(CannotMeasureError, match="run it with sudo"):
        measure(prepared, tmp_path / "a.serialprof", limits=LIMITS)
    assert not (tmp_path / "a.serialprof").exists()
    assert gpus.calls == []


def test_a_run_that_asks_for_none_leaves_them_alone(gpus: made.Gpus, files: ClockFiles, tmp_path: Path) -> None:
    run = measure(prepare(replace(REQUEST, gpu_clock=None), files=files), tmp_path / "a.serialprof", limits=LIMITS)
    assert (gpus.calls, run.stored.gpu_clocks) == ([], ())
    assert "GPU clock:" not in run.render("terminal")


def test_what_makes_no_sense_is_refused_before_the_machine_is_looked_at(
    files: ClockFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "look_at_machine", None)
    with pytest.raises(UsageError, match="has no unit"):
        prepare(replace(REQUEST, gpu_clock="1410"), files=files)


def test_a_machine_without_nvml_ends_3_with_one_sentence_and_no_file(tmp_path: Path) -> None:
    if subprocess.run(["sh", "-c", "ldconfig -p | grep -q libnvidia-ml"], check=False).returncode == 0:
        pytest.skip("this machine has NVML")
    program = MAIN
    command = [sys.executable, "-c", program, "run", "chain", "--quick", "--gpu-clock", "1410MHz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "serialprof: GPU clocks cannot be locked: there is no NVIDIA driver (NVML) on this machine; "
        "leave out --gpu-clock\n"
    )
    assert list(tmp_path.iterdir()) == []
