# SPDX-License-Identifier: Apache-2.0
"""The torch workloads on a CUDA device: every mode and element type does what the CPU does."""

from __future__ import annotations

import importlib.util
import time

import pytest

torch = pytest.importorskip("torch")

from serialprof.loading import load  # noqa: E402
from serialprof.setting import Setting  # noqa: E402
from serialprof_workloads import torch_planted  # noqa: E402

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    *(pytest.mark.filterwarnings(f"ignore::{kind}Warning") for kind in ("User", "Deprecation", "Future")),  # torch's
]

SMALL = {
    "torch-rnn": {"hidden": 24},
    "torch-gru": {"hidden": 24},
    "torch-lstm": {"hidden": 24},
    "torch-scan": {"channels": 8},
    "torch-ca": {"cells": 192},
    "torch-diffusion": {"dim": 8},
    "torch-mlp": {"layers": 3, "units": 32},
    "torch-decode": {"model_dim": 32, "layers": 2, "heads": 2, "vocabulary": 64, "context": 5},
    "torch-planted": {"host": 1.0, "kernel": 20.0, "lane": 1.0, "join": "sum"},
}
RECURRENT = ("torch-rnn", "torch-gru", "torch-lstm")


def setting(name, **changes):
    knobs = {"width": 19, "depth": 7, "mode": "eager", "device": "cuda:0", "parameters": SMALL[name], **changes}
    return Setting(**knobs)


def check_all(name, mode):
    workload = load(name)
    for form in workload.forms:
        for dtype in workload.dtypes:
            for width, depth in ((1, 1), (19, 7)):
                stepper = workload.stepper(setting(name, mode=mode, form=form, dtype=dtype, width=width, depth=depth))
                stepper.check()
                stepper.run(depth)
                stepper.sync()
                stepper.check()


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("name", SMALL)
def test_steps_do_what_the_reference_does(name, mode):
    check_all(name, mode)


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
@pytest.mark.parametrize("name", RECURRENT)
def test_one_kernel_does_what_the_steps_do(name):
    check_all(name, "fused")


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
@pytest.mark.parametrize("hidden", [16, 100, 256])
def test_one_kernel_holds_many_steps_of_a_large_cell(hidden):
    knobs = setting("torch-lstm", mode="fused", width=300, depth=64, parameters={"hidden": hidden})
    stepper = load("torch-lstm").stepper(knobs)
    for _ in range(5):  # a race between steps would show now and then
        stepper.check()
    eager = load("torch-lstm").stepper(setting("torch-lstm", width=300, depth=64, parameters={"hidden": hidden}))
    stepper.run(64)
    eager.run(64)
    eager.check()


@pytest.mark.parametrize("name", ["torch-lstm", "torch-decode", "torch-planted"])
def test_compiled_steps_do_the_same(name):
    load(name).stepper(setting(name, mode="compile")).check()


def test_run_enqueues_and_sync_waits():
    planted = {"host": 0.0, "kernel": 20_000.0, "lane": 0.0, "join": "sum"}
    stepper = load("torch-planted").stepper(setting("torch-planted", depth=5, parameters=planted))
    stepper.check()
    began = time.perf_counter()
    stepper.run(5)
    enqueued = time.perf_counter() - began
    stepper.sync()
    assert time.perf_counter() - began > 10 * enqueued
    assert not hasattr(stepper, "trace")


def test_a_replay_has_no_host_part():
    planted = {"host": 20_000.0, "kernel": 20.0, "lane": 0.0, "join": "sum"}
    taken = {}
    for mode in ("eager", "graph"):
        stepper = load("torch-planted").stepper(setting("torch-planted", depth=5, mode=mode, parameters=planted))
        stepper.check()
        began = time.perf_counter()
        stepper.run(5)
        stepper.sync()
        taken[mode] = time.perf_counter() - began
    assert taken["eager"] > 10 * taken["graph"]


def test_the_planted_kernel_takes_what_was_planted():
    knobs = setting(
        "torch-planted", depth=50, width=10, parameters={"host": 0.0, "kernel": 200.0, "lane": 10_000.0, "join": "sum"}
    )
    stepper = load("torch-planted").stepper(knobs)
    stepper.check()
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    events[0].record()
    stepper.run(50)
    events[1].record()
    stepper.sync()
    seconds = events[0].elapsed_time(events[1]) * 1e-3 / 50
    assert seconds == pytest.approx(torch_planted.truth(knobs).busy, rel=0.1)


@pytest.mark.parametrize("name", [name for name in SMALL if name != "torch-planted"])
@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_no_step_allocates_memory_that_grows(name, mode):
    stepper = load(name).stepper(setting(name, mode=mode))
    for _ in range(2):
        stepper.run(7)
    stepper.sync()
    before = torch.cuda.memory_allocated()
    for _ in range(20):
        stepper.run(7)
    stepper.sync()
    assert torch.cuda.memory_allocated() <= before


def test_a_batch_beyond_memory_raises_what_ends_a_sweep():
    with pytest.raises(torch.cuda.OutOfMemoryError):
        load("torch-rnn").stepper(setting("torch-rnn", width=2**34))
