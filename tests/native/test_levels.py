# SPDX-License-Identifier: Apache-2.0
"""Every instruction set that this processor has gives what the default one gives: exactly, or up to rounding."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

RESULTS = """
import os, sys
import numpy as np
from serialprof._native import Billiards, NBody, Rollout, Scan, Team, Value, instruction_set
team, results = Team([min(os.sched_getaffinity(0))]), {}
def ran(name, kernel, read, steps=9):
    kernel.run(steps)
    results[name] = read(kernel)
ran("scan", Scan(team, 45, 4, 9, ring=5), Scan.result)
ran("scan_wide", Scan(team, 45, 4, 9, True, ring=5), Scan.result)
ran("selective", Scan(team, 45, 4, 9, states=5), Scan.result)
ran("nbody", NBody(team, 21, 4), lambda kernel: np.stack(kernel.state()))
ran("billiards", Billiards(team, 45, 4), Billiards.state, 5000)
ran("value", Value(team, 101, 4, 9), Value.values)
ran("value_many", Value(team, 70000, 4, 9), Value.values)
ran("value_wide", Value(team, 101, 4, 9, True), Value.values)
ran("rollout", Rollout(team, 45, 4, 9), Rollout.returns)
ran("rollout_3", Rollout(team, 45, 4, 9, actions=3), Rollout.returns)
np.savez(sys.argv[1], **results)
print(instruction_set())
"""
TOLERANCES = {"nbody": 1e-14, "billiards": 0, "rollout": 0, "rollout_3": 0}


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    return results("baseline", tmp_path_factory.mktemp("baseline"))


def results(level, folder):
    done = subprocess.run(
        [sys.executable, "-c", RESULTS, str(folder / "results.npz")],
        env={**os.environ, "SERIALPROF_ISA": level},
        capture_output=True,
        text=True,
        check=False,
    )
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.stdout.strip() == level, done.stderr
    return dict(np.load(folder / "results.npz"))


@pytest.mark.parametrize("level", ["avx2", "avx512"])
def test_every_instruction_set_agrees(level, baseline, tmp_path):
    found = results(level, tmp_path)
    assert found.keys() == baseline.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, baseline[name], rtol=0, atol=TOLERANCES.get(name, 1e-5), err_msg=name)
