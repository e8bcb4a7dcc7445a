# SPDX-License-Identifier: Apache-2.0
"""`serialprof run --device cuda` as a process, from the command to the page."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from serialprof.store import read_run
from tests.cli.calling import MAIN

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("torch finds no CUDA device here", allow_module_level=True)


def test_a_quick_run_of_the_lstm_ends_with_parts_and_limits_of_the_device(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAIN]
    command += ["run", "--device", "cuda", "torch-lstm", "--quick", "--json", "-o", "a.serialprof"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    run = read_run(tmp_path / "a.serialprof")
    assert run.status == "complete"
    assert {point.setting.device for point in run.plan.points} == {"cuda:0"}
    assert "failed" not in {visit.status for visit in run.visits}
    (device,) = run.devices
    assert device.device == "cuda:0" and device.memory > 0 and device.bandwidth
    assert None not in (device.launch, device.floor, device.synchronise), device.unmeasured
    anatomies = [item.anatomy for item in run.dissections]
    assert any(item.enqueue and item.device and item.profile for item in anatomies), run.dissection_gaps
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
