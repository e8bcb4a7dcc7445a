# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest

from serialprof.loading import load
from serialprof.setting import Setting
from serialprof_workloads.decode import decode

CPU = min(os.sched_getaffinity(0))
TINY = {"model_dim": 8, "layers": 1, "heads": 2, "vocabulary": 16, "context": 3, "weights": "fp32"}


def setting(**changes):
    knobs = {"width": 3, "depth": 4, "cpus": (CPU,), "parameters": TINY, **changes}
    return Setting(**knobs)


def test_is_registered():
    assert load("decode") is decode
    assert decode.parameters.keys() == TINY.keys()
    assert (decode.name, decode.depth_name, decode.width_name) == ("decode", "tokens", "batch")
    assert (decode.forms, decode.modes) == (("serial", "wide"), ("native",))
    assert "speculative" in decode.hatch


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_builds_and_checks(form):
    stepper = decode.stepper(setting(form=form))
    stepper.run(4)
    assert stepper.kernel.tokens().shape == (3, 4)
    stepper.check()


@pytest.mark.parametrize("form", ["serial", "wide"])
def test_bf16_weights_take_half_the_bytes_and_check(form):
    half = setting(form=form, parameters={**TINY, "weights": "bf16"})
    stepper = decode.stepper(half)
    stepper.check()
    assert not np.array_equal(stepper.kernel.weights()["head"], decode.stepper(setting()).kernel.weights()["head"])
    matrices = 192 + 64 + 256 + 256 + 128
    full = decode.work(setting())
    assert full.bytes.fixed - decode.work(half).bytes.fixed == 2 * matrices
    assert full.footprint.fixed - decode.work(half).footprint.fixed == 2 * matrices
    assert full.flops == decode.work(half).flops


def test_refuses_weights_of_an_unknown_kind():
    with pytest.raises(ValueError, match="weights = 'fp8'"):
        decode.stepper(setting(parameters={**TINY, "weights": "fp8"}))


def test_check_finds_a_wrong_token():
    stepper = decode.stepper(setting())

    right = stepper.kernel
    stepper.kernel = SimpleNamespace(run=right.run, tokens=lambda: right.tokens() + np.eye(3, 4, dtype=np.int32))
    with pytest.raises(AssertionError, match="3 of 12 tokens differ"):
        stepper.check()


def test_declared_work_of_a_tiny_model():
    work = decode.work(setting())
    # qkv 24 x 8, out 8 x 8, up 32 x 8, down 8 x 32, head 16 x 8
    matrices = 192 + 64 + 256 + 256 + 128
    # steps attend to 4, 5, 6, 7 positions: 5.5; scores and values 2 x 2 x 8 each, softmax 30 in both heads
    attention = 5.5 * (32 + 2 * 30)
    # 3 norms of 8 x 4, ReLU 32, residuals 16, embedding 8, argmax 16
    assert work.flops.at(2) == 2 * (2 * matrices + attention + 96 + 32 + 16 + 8 + 16)
    streamed = 4 * (matrices + 3 * 8)
    assert work.bytes.fixed == work.footprint.fixed == streamed
    # keys and values of 8 floats at 5.5 positions read and 1 written
    assert work.bytes.per_lane == 2 * 8 * 4 * 6.5 + 4 * (26 * 8 + 7 * 8 + 2 * 16)
    assert work.footprint.per_lane == 2 * 8 * 4 * 7 + 4 * (80 + 16)
    assert work.lanes.at(3) == 24
    assert work.barriers == 7


def test_declared_chain_of_a_tiny_model():
    norm = 4 + 4 + 2
    attention = 4 + 3 + (3 + 3 + 2 + 14 + 2) + 4 + 4 + 1  # qkv, scores, softmax over 5, values, out, residual
    mlp = 4 + 1 + 6 + 1
    assert decode.work(setting()).serial_ops == 1 + 2 * norm + attention + mlp + norm + 4 + 4


def test_declared_flops_of_the_default_model_are_mostly_its_weights():
    work = decode.work(setting(depth=8, parameters=dict(decode.parameters)))
    parameters = work.bytes.fixed / 4
    assert parameters == 4 * 12 * 256**2 + 1024 * 256 + 9 * 256
    assert 2 * parameters < work.flops.per_lane < 2.2 * parameters
