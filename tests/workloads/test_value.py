# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads.value import backed_up, value

CPU = min(os.sched_getaffinity(0))


def setting(**changes):
    parameters = {**value.parameters, **changes.pop("parameters", {})}
    return Setting(**{"width": 5, "depth": 4, "cpus": (CPU,), "parameters": parameters, **changes})


def test_is_registered():
    assert load("value") is value
    assert value.forms == ("serial", "wide")
    assert value.modes == ("native",)
    assert "squared" in value.hatch


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("depth", [1, 4])
def test_builds_and_checks(form, depth):
    stepper = value.stepper(setting(form=form, depth=depth))
    stepper.run(depth)
    stepper.check()


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_check_finds_a_wrong_answer(form, monkeypatch):
    stepper = value.stepper(setting(form=form))
    monkeypatch.setattr("serialprof_workloads.value.backed_up", lambda *rest: backed_up(*rest) + 0.01)
    with pytest.raises(AssertionError, match="value: off by"):
        stepper.check()


@pytest.mark.parametrize(("width", "outcome"), [(65536, 4), (65537, 6)])
def test_declared_work(width, outcome):
    work = value.work(setting(width=width, parameters={"actions": 3, "branching": 5}))
    assert work.flops.at(2) == 2 * 3 * (3 * 5 + 3)
    assert work.bytes.at(2) == work.footprint.at(2) == 2 * (3 * (4 + 5 * outcome) + 8)
    assert work.serial_ops == 1 + 3 + 1 + 2  # product, tree over 5, reward, tree over 3
    wide = value.work(setting(width=width, form="wide", parameters={"actions": 3, "branching": 5}))
    assert wide.bytes.at(16) == 3 * (4 + 5 * outcome) + 16 * 8, "16 sets of values pass through the tables together"
    assert wide.footprint.at(1) == 3 * (4 + 5 * outcome) + 16 * 8
