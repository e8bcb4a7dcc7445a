# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads.billiards import billiards, played

CPU = min(os.sched_getaffinity(0))


def setting(**changes):
    parameters = {**billiards.parameters, **changes.pop("parameters", {})}
    return Setting(**{"width": 5, "depth": 4, "cpus": (CPU,), "parameters": parameters, **changes})


def test_is_registered():
    assert load("billiards") is billiards
    assert billiards.forms == ("serial", "wide")
    assert billiards.modes == ("native",)
    assert "closed form" in billiards.hatch


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("depth", [1, 4])
def test_builds_and_checks(form, depth):
    stepper = billiards.stepper(setting(form=form, depth=depth))
    stepper.run(depth)
    stepper.check()


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_check_finds_a_wrong_answer(form, monkeypatch):
    stepper = billiards.stepper(setting(form=form))
    monkeypatch.setattr(
        "serialprof_workloads.billiards.played", lambda ball, steps, *rest: played(ball, steps + 1, *rest)
    )
    with pytest.raises(AssertionError, match="not where it should be"):
        stepper.check()


def test_declared_work():
    work = billiards.work(setting())
    assert work.flops.at(5) == 5 * 38 / 2  # numbers of 32 bits, in words of 64
    assert (work.bytes.at(5), work.footprint.at(5)) == (160, 80)
    assert (work.serial_ops, work.barriers) == (13, 0)
