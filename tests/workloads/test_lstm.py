# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads.lstm import lstm

CPU = min(os.sched_getaffinity(0))


def setting(**changes):
    knobs = {"width": 3, "depth": 4, "cpus": (CPU,), "parameters": {"hidden": 8}, **changes}
    return Setting(**knobs)


def test_is_registered():
    assert load("lstm") is lstm
    assert lstm.name == "lstm"
    assert lstm.parameters == {"hidden": 256}
    assert lstm.forms == ("serial", "wide")
    assert lstm.modes == ("native",)
    assert "Newton" in lstm.hatch


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("depth", [1, 4])
def test_builds_and_checks(form, depth):
    stepper = lstm.stepper(setting(form=form, depth=depth))
    stepper.run(depth)
    stepper.check()


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_check_finds_a_wrong_state(form, monkeypatch):
    stepper = lstm.stepper(setting(form=form))
    monkeypatch.setattr("serialprof_workloads.lstm.update", lambda weights, x, h, c: (h, c + 0.01))
    with pytest.raises(AssertionError, match="is off by"):
        stepper.check()


def test_declared_work_at_hidden_8():
    work = lstm.work(setting())
    # 2 matrices of 32 x 8, multiply and add; per unit 4 + 4 adds and multiplies, 3 sigmoids of 28 and 2 tanh of 41
    assert work.flops.at(3) == 3 * (2 * 2 * 32 * 8 + 8 * (8 + 84 + 82))
    # 2 x 32 x 8 weights and 32 biases of 4 bytes; x, h, h', c, c' of 8 floats in each lane
    assert work.bytes.at(1) == 4 * (2 * 32 * 8 + 32) + 5 * 8 * 4
    assert work.footprint.at(2) == 4 * (2 * 32 * 8 + 32) + 2 * 7 * 8 * 4
    assert work.lanes.at(3) == 24
    # multiply and tree over 16: 1 + 4; bias 1, tanh 19, multiply and add 2, tanh 19, multiply 1
    assert work.serial_ops == 5 + 1 + 19 + 2 + 19 + 1
    assert work.barriers == 1


def test_refuses_a_hidden_size_that_is_no_number():
    with pytest.raises(ValueError, match="hidden = 'big'"):
        lstm.stepper(setting(parameters={"hidden": "big"}))
