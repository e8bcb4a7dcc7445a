# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads.scan import reference, scan

CPU = min(os.sched_getaffinity(0))


def setting(**changes):
    parameters = {**scan.parameters, **changes.pop("parameters", {})}
    return Setting(**{"width": 5, "depth": 4, "cpus": (CPU,), "parameters": parameters, **changes})


def test_is_registered():
    assert load("scan") is scan
    assert scan.forms == ("serial", "wide")
    assert scan.modes == ("native",)
    assert "associative" in scan.hatch


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("kind", ["linear", "selective"])
def test_builds_and_checks(form, depth, kind):
    stepper = scan.stepper(setting(form=form, depth=depth, parameters={"kind": kind}))
    stepper.run(depth)
    stepper.check()


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_check_finds_a_wrong_answer(form, monkeypatch):
    stepper = scan.stepper(setting(form=form))
    monkeypatch.setattr("serialprof_workloads.scan.reference", lambda inputs, steps: reference(inputs, steps) + 0.01)
    with pytest.raises(AssertionError, match="off by"):
        stepper.check()


def test_declared_work_of_the_linear_form():
    work = scan.work(setting())
    assert work.serial_ops == 1
    assert work.flops.at(5) == 10
    assert work.bytes.at(5) == 40  # a and b
    assert work.footprint.at(5) == 5 * 4 * 513  # 256 rows of a and b, and h
    assert work.barriers == 0


def test_declared_work_of_the_selective_form():
    work = scan.work(setting(parameters={"kind": "selective", "states": 2, "ring": 3}))
    # per state delta A, its exponential of 25, h, delta x B, y; delta x
    assert work.flops.at(5) == 5 * (2 * (1 + 25 + 2 + 1 + 2) + 1)
    assert work.bytes.at(5) == 16 + 5 * 4 * (6 + 3)  # B and C; per channel A, h, h', delta, x, y
    assert work.footprint.at(5) == 48 + 5 * 4 * (4 + 6 + 1)


def test_refuses_another_kind():
    with pytest.raises(ValueError, match="kind = 'cubic' is none of linear, selective"):
        scan.stepper(setting(parameters={"kind": "cubic"}))
