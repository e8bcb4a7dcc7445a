# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads.rollout import rollout

CPU = min(os.sched_getaffinity(0))


def setting(**changes):
    parameters = {**rollout.parameters, **changes.pop("parameters", {})}
    return Setting(**{"width": 5, "depth": 4, "cpus": (CPU,), "parameters": parameters, **changes})


def test_is_registered():
    assert load("rollout") is rollout
    assert rollout.forms == ("serial", "wide")
    assert rollout.modes == ("native",)
    assert "model-free" in rollout.hatch


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("depth", [1, 4])
def test_builds_and_checks(form, depth):
    stepper = rollout.stepper(setting(form=form, depth=depth))
    stepper.run(depth)
    stepper.check()


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_check_finds_a_wrong_answer(form, monkeypatch):
    stepper = rollout.stepper(setting(form=form))
    monkeypatch.setattr("serialprof_workloads.rollout.reference", lambda *rest: (0, 1_000_000))
    with pytest.raises(AssertionError, match="a return differs"):
        stepper.check()


def test_declared_work():
    work = rollout.work(setting(parameters={"states": 10, "actions": 3, "branching": 5}))
    assert (work.serial_loads, work.serial_ops) == (2, 2 * 2 + 4)
    assert work.flops.at(2) == 2 * (20 + 4 + 4 + 1) / 2  # numbers of 32 bits, in words of 64
    assert work.footprint.at(2) == 4 * 10 * 3 * 7 + 24  # preference, reward and 5 successors
    assert work.bytes.at(2) == 2 * 24
    assert work.barriers == 0
