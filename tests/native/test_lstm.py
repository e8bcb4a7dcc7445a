# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof._native import Lstm, Team

CPUS = sorted(os.sched_getaffinity(0))
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def team():
    return Team(CPUS[:1])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_update(weights, x, h, c):
    gates = x @ weights["weight_ih"].T + weights["bias_ih"] + h @ weights["weight_hh"].T + weights["bias_hh"]
    size = h.shape[1]
    i, f, g, o = (gates[:, part * size : (part + 1) * size] for part in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def reference(kernel, steps):
    weights = {name: value.astype(np.float64) for name, value in kernel.weights().items()}
    inputs = kernel.inputs().astype(np.float64)
    h = c = np.zeros(inputs.shape[1:])
    for step in range(steps):
        h, c = reference_update(weights, inputs[step % len(inputs)], h, c)
    return h, c


def assert_state(kernel, steps):
    for found, wanted in zip(kernel.state(), reference(kernel, steps), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(hidden=st.integers(1, 80), width=st.integers(1, 40), steps=st.integers(0, 9), seed=st.integers(-(2**62), 2**62))
def test_any_shape_equals_numpy(hidden, width, steps, seed):
    kernel = Lstm(Team(CPUS[:1]), hidden, width, seed, 9)
    kernel.run(steps)
    assert_state(kernel, steps)


@pytest.mark.parametrize(("hidden", "width"), [(64, 1), (37, 5), (130, 12), (33, 100), (16, 200)])
def test_equals_torch(team, hidden, width):
    torch = pytest.importorskip("torch")
    steps = 6
    kernel = Lstm(team, hidden, width, 3, steps)
    kernel.run(steps)
    module = torch.nn.LSTM(hidden, hidden)
    inputs = kernel.inputs()
    with torch.no_grad():
        for name, value in kernel.weights().items():
            getattr(module, f"{name}_l0").copy_(torch.from_numpy(value))
        _, (h, c) = module(torch.from_numpy(inputs[np.arange(steps) % len(inputs)]))
    np.testing.assert_allclose(kernel.state()[0], h[0].numpy(), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(kernel.state()[1], c[0].numpy(), rtol=0, atol=TOLERANCE)


def test_state_starts_afresh(team):
    kernel = Lstm(team, 40, 3, 1, 8)
    kernel.run(5)
    first = kernel.state()
    kernel.run(8)
    kernel.run(5)
    np.testing.assert_array_equal(first, kernel.state())
    kernel.run(0)
    assert not np.any(kernel.state())


@pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")
@pytest.mark.parametrize(("hidden", "width"), [(256, 1), (70, 7), (5, 3), (40, 300)])
@pytest.mark.parametrize("wide", [False, True])
def test_two_threads_change_no_bit(team, hidden, width, wide):
    one = Lstm(team, hidden, width, 5, 7, wide)
    two = Lstm(Team(CPUS[:2]), hidden, width, 5, 7, wide)
    for kernel in (one, two):
        kernel.run(7)
    np.testing.assert_array_equal(one.state(), two.state())


@pytest.mark.parametrize(("hidden", "width", "steps"), [(48, 1, 9), (33, 7, 6), (20, 130, 3)])
def test_a_lane_does_not_depend_on_the_others(team, hidden, width, steps):
    kernel = Lstm(team, hidden, width, 2, steps, True)
    kernel.run(steps)
    h, c = kernel.state()
    assert h.shape == c.shape == (steps, width, hidden)
    serial = Lstm(team, hidden, width, 2, steps)
    serial.run(1)
    np.testing.assert_array_equal(h[0], serial.state()[0])
    np.testing.assert_array_equal(c[0], serial.state()[1])


def test_wide_updates_each_start_from_zero(team):
    kernel = Lstm(team, 33, 5, 2, 6, True)
    kernel.run(6)
    kernel.run(6)  # nothing is left over from the run before
    weights, inputs = kernel.weights(), kernel.inputs()
    zero = np.zeros((5, 33))
    for step in range(6):
        h, c = reference_update(weights, inputs[step % len(inputs)], zero, zero)
        np.testing.assert_allclose(kernel.state()[0][step], h, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(kernel.state()[1][step], c, rtol=0, atol=TOLERANCE)


def test_inputs_and_weights_are_drawn(team):
    kernel = Lstm(team, 24, 6, 1, 4)
    assert kernel.inputs().shape[1:] == (6, 24)
    assert {name: value.shape for name, value in kernel.weights().items()} == {
        "weight_ih": (96, 24),
        "weight_hh": (96, 24),
        "bias_ih": (96,),
        "bias_hh": (96,),
    }
    everything = np.concatenate([kernel.inputs().ravel(), *(value.ravel() for value in kernel.weights().values())])
    assert len(np.unique(everything)) > 0.99 * everything.size
    assert np.abs(kernel.weights()["weight_ih"]).max() <= 24**-0.5
    other = Lstm(team, 24, 6, 2, 4)
    assert not np.array_equal(kernel.weights()["weight_hh"], other.weights()["weight_hh"])


PRINT_STATE = """
import os, sys, numpy as np
from serialprof._native import Lstm, Team, instruction_set
kernel = Lstm(Team([min(os.sched_getaffinity(0))]), 45, 9, 4, 6)
kernel.run(6)
print(instruction_set())
np.save(sys.argv[1], np.stack(kernel.state()))
"""


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_agrees(team, level, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PRINT_STATE, str(tmp_path / "state.npy")],
        env={**os.environ, "SERIALPROF_ISA": level},
        capture_output=True,
        text=True,
    )
    if "no such level" in done.stderr:
        pytest.skip(f"this processor or build has no {level}")
    assert done.stdout.strip() == level, done.stderr
    kernel = Lstm(team, 45, 9, 4, 6)
    kernel.run(6)
    np.testing.assert_allclose(np.load(tmp_path / "state.npy"), np.stack(kernel.state()), rtol=0, atol=TOLERANCE)


def test_ticks_are_taken_after_every_step(team):
    kernel = Lstm(team, 8, 1, 0, 5)
    ticks = np.zeros(6, dtype=np.int64)
    kernel.run(5, ticks, 10)
    assert np.all(np.diff(ticks) >= 10)
    assert_state(kernel, 5)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("hidden", 0), ("hidden", 2**14 + 1), ("width", 0), ("width", 10**12), ("depth", 0), ("depth", -1)],
)
def test_refuses_what_is_out_of_range(team, argument, value):
    arguments = {"team": team, "hidden": 8, "width": 1, "seed": 0, "depth": 4, argument: value}
    with pytest.raises(ValueError, match=f"{argument} = {value} "):
        Lstm(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        (2**14, 2**20, 0, 2**20, True),
        (2**14, 110_000, 0, 1, False),
        (2**14, 2**19, 0, 1, False),
        (8, 2**20, 0, 2**39, True),
    ],
)
def test_refuses_more_memory_than_it_should_take(team, arguments):
    with pytest.raises(ValueError, match="half of this machine's memory"):
        Lstm(team, *arguments)


def test_refuses_runs_that_it_cannot_do(team):
    serial, wide = (Lstm(team, 8, 1, 0, 4, form) for form in (False, True))
    for kernel in (serial, wide):
        for steps in (-1, 5):
            with pytest.raises(ValueError, match=f"steps = {steps} "):
                kernel.run(steps)
    with pytest.raises(ValueError, match="ticks"):
        serial.run(4, np.zeros(4, dtype=np.int64))
    with pytest.raises(ValueError, match="wide form is a single step"):
        wide.run(4, np.zeros(5, dtype=np.int64))
    with pytest.raises(ValueError, match="wide form is a single step"):
        wide.run(4, delay_ticks=1)


def test_refuses_a_missing_team():
    with pytest.raises(TypeError):
        Lstm(None, 8, 1, 0, 4)
