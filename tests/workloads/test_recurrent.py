# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import numpy as np
import pytest

from serialprof.catalog import Affine
from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads.gru import gru
from serialprof_workloads.lstm import lstm
from serialprof_workloads.recurrent import RecurrentStepper
from serialprof_workloads.rnn import rnn

CPU = min(os.sched_getaffinity(0))
WORKLOADS = (rnn, gru, lstm)
every_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)


def setting(**changes):
    knobs = {"width": 3, "depth": 4, "cpus": (CPU,), "parameters": {"hidden": 8, "ahead": 1}, **changes}
    return Setting(**knobs)


@pytest.mark.parametrize(("name", "workload"), [("rnn", rnn), ("gru", gru), ("lstm", lstm)])
def test_is_registered(name, workload):
    assert load(name) is workload
    assert workload.name == name
    assert workload.parameters == {"hidden": 256, "ahead": 1}
    assert workload.forms == ("serial", "wide")
    assert workload.modes == ("native",)
    assert "Newton" in workload.hatch


@every_workload
@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("ahead", [1, 3])
def test_builds_and_checks(workload, form, depth, ahead):
    stepper = workload.stepper(setting(form=form, depth=depth, parameters={"hidden": 8, "ahead": ahead}))
    stepper.run(depth)
    stepper.check()


@pytest.mark.parametrize("form", ["serial", "wide"])
@pytest.mark.parametrize(("workload", "state"), [(rnn, 0), (gru, 0), (lstm, 0), (lstm, 1)])
def test_check_finds_a_wrong_state(workload, form, state):
    right = workload.stepper(setting(form=form, depth=1))

    def update(weights, x, *before):
        return [values + 0.01 * (place == state) for place, values in enumerate(right._update(weights, x, *before))]

    wrong = RecurrentStepper(setting(form=form, depth=1), type(right.kernel), update)
    with pytest.raises(AssertionError, match=f"{'hc'[state]} is off by"):
        wrong.check()


def test_check_starts_the_wide_form_from_zero():
    seen = []
    stepper = rnn.stepper(setting(form="wide"))
    stepper._update = lambda weights, x, h: seen.append(h) or (rnn_of(weights, x, h),)
    stepper.check()
    assert len(seen) == 3
    assert not np.any(seen)


def rnn_of(weights, x, h):
    return np.tanh(x @ weights["weight_ih"].T + h @ weights["weight_hh"].T + weights["bias_ih"] + weights["bias_hh"])


# Per unit; a sigmoid counts 24 and a tanh 21 operations, and a chain of 9.
UNIT = {
    # bias, tanh
    "rnn": (1, 1 + 21, 4 * 8 * 8, 1, 1 + 4 + 1 + 9),
    # 4 biases, sums of r and z, r times and plus, (h - n) z + n, 2 sigmoids, tanh; chain over 8: 1 + 3
    "gru": (4, 4 + 2 + 2 + 3 + 48 + 21, 4 * 3 * 8 * 8, 1, 1 + 3 + 2 + 9 + 2 + 9 + 3),
    # 4 biases, 4 for c and h, 3 sigmoids, 2 tanh; chain over 16: 1 + 4; bias, tanh, multiply and add, tanh, multiply
    "lstm": (4, 4 + 4 + 72 + 42, 4 * 4 * 8 * 8, 2, 1 + 4 + 1 + 9 + 2 + 9 + 1),
}


@every_workload
def test_declared_work_at_hidden_8(workload):
    biases, element_wise, products, states, chain = UNIT[workload.name]
    work = workload.work(setting())
    assert work.flops.at(3) == 3 * (products + 8 * element_wise)
    weights = 4 * (products // 2 + 8 * biases)
    # x and every state read, every state written
    assert work.bytes.at(1) == weights + (1 + 2 * states) * 8 * 4
    # x for each of four inputs, h twice, and c
    assert work.footprint.at(2) == weights + 2 * (6 + states - 1) * 8 * 4
    assert work.lanes.at(3) == 24
    assert work.serial_ops == chain
    assert work.barriers == 1


@every_workload
@pytest.mark.parametrize(("ahead", "depth", "blocks"), [(4, 8, 2), (4, 9, 3), (64, 8, 1)])
def test_declared_work_ahead_reads_the_input_weights_once_a_block(workload, ahead, depth, blocks):
    biases, _, products, states, _ = UNIT[workload.name]
    each = workload.work(setting(depth=depth))
    work = workload.work(setting(depth=depth, parameters={"hidden": 8, "ahead": ahead}))
    matrix, gates = products // 4, products // 32  # entries of W_hh; gates of a lane
    assert work.bytes.at(0) == pytest.approx(4 * (matrix + matrix * blocks / depth + 8 * biases))
    # what was projected is written and read
    assert work.bytes.per_lane == (1 + 2 * states) * 8 * 4 + 2 * 4 * gates
    assert work.written == Affine(0, states * 8 * 4 + 4 * gates)
    assert work.footprint.at(0) == each.footprint.at(0)
    assert work.footprint.per_lane == each.footprint.per_lane + 4 * gates * min(ahead, depth)
    assert (work.flops, work.serial_ops, work.lanes) == (each.flops, each.serial_ops, each.lanes)


@every_workload
def test_the_wide_form_declares_the_same_whatever_is_projected_ahead(workload):
    wide = [setting(form="wide", parameters={"hidden": 8, "ahead": ahead}) for ahead in (1, 64)]
    assert workload.work(wide[0]) == workload.work(wide[1])


def test_projects_ahead_as_its_parameter_says():
    seen = []

    def kernel(*arguments):
        seen.append(arguments[1:])
        return rnn.stepper(setting()).kernel

    RecurrentStepper(setting(parameters={"hidden": 8, "ahead": 3}), kernel, rnn_of)
    assert seen == [(8, 3, setting().seed, 4, False, 3)]


@every_workload
def test_refuses_a_hidden_size_that_is_no_number(workload):
    with pytest.raises(ValueError, match="hidden = 'big'"):
        workload.stepper(setting(parameters={"hidden": "big", "ahead": 1}))
