# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads import sudoku as module
from serialprof_workloads.sudoku import sudoku

CPU = min(os.sched_getaffinity(0))


def setting(**changes):
    knobs = {"width": 3, "depth": 4, "cpus": (CPU,), "parameters": {"difficulty": "easy"}, **changes}
    return Setting(**knobs)


def test_is_registered():
    assert load("sudoku") is sudoku
    assert sudoku.parameters == {"difficulty": "hard"}
    assert sudoku.forms == ("serial", "wide")
    assert "parallel" in sudoku.hatch


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("difficulty", ["easy", "hard"])
def test_builds_and_checks(form, difficulty):
    stepper = sudoku.stepper(setting(form=form, parameters={"difficulty": difficulty}))
    stepper.run(4)
    stepper.check()


def test_check_finds_a_wrong_sweep(monkeypatch):
    monkeypatch.setattr(module, "BOXES", module.BOXES[:8])
    with pytest.raises(AssertionError, match="sudoku"):
        sudoku.stepper(setting()).check()


def test_refuses_another_difficulty():
    with pytest.raises(ValueError, match="difficulty = 'devilish' is none of easy, hard"):
        sudoku.stepper(setting(parameters={"difficulty": "devilish"}))


def test_declares_one_sweep():
    work = sudoku.work(setting(width=64))
    assert work.flops.at(64) == 64 * 27 * 9 * 17 * 16 / 64  # cells of 16 bits, in words of 64
    assert work.lanes.at(64) == 4
    assert work.barriers == 0
