# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads.nbody import leapfrog, nbody

CPU = min(os.sched_getaffinity(0))


def setting(**changes):
    parameters = {**nbody.parameters, **changes.pop("parameters", {})}
    return Setting(**{"width": 5, "depth": 4, "cpus": (CPU,), "parameters": parameters, **changes})


def test_is_registered():
    assert load("nbody") is nbody
    assert nbody.forms == ("serial", "wide")
    assert nbody.modes == ("native",)
    assert "parareal" in nbody.hatch


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("depth", [1, 4])
def test_builds_and_checks(form, depth):
    stepper = nbody.stepper(setting(form=form, depth=depth))
    stepper.run(depth)
    stepper.check()


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_check_finds_a_wrong_answer(form, monkeypatch):
    stepper = nbody.stepper(setting(form=form))
    monkeypatch.setattr("serialprof_workloads.nbody.leapfrog", lambda x, *rest: leapfrog(x + 0.01, *rest))
    with pytest.raises(AssertionError, match="places are off"):
        stepper.check()


def test_declared_work_grows_with_the_square_of_the_bodies():
    few, many = (nbody.work(setting(width=width)) for width in (3, 300))
    # a pair: 3 subtractions, 6 for the square, 20 for 1 / sqrt, 3 for the pull, 6 for the sums; a body: 18
    assert few.flops.at(3) == 9 * 38 + 3 * 18
    assert many.flops.at(300) == 90_000 * 38 + 300 * 18
    # kick, drift, difference, square and its sum, root, pull, product and the tree over the bodies, kick
    assert few.serial_ops == 2 + 1 + 3 + 11 + 2 + 1 + 2 + 1
    assert few.footprint.at(1) == 13 * 8
    assert (few.barriers, nbody.work(setting(threads=2)).barriers) == (0, 1)
