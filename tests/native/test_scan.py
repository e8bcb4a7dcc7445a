# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof._native import Scan, Team
from serialprof_workloads.scan import reference

CPU = min(os.sched_getaffinity(0))
TOLERANCE = 1e-5  # of states up to 10; see the workload


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 70),
    states=st.integers(0, 9),
    ring=st.integers(1, 9),
    steps=st.integers(0, 20),
    seed=st.integers(-(2**62), 2**62),
)
def test_any_shape_equals_numpy(width, states, ring, steps, seed):
    kernel = Scan(Team([CPU]), width, seed, 20, states=states, ring=ring)
    kernel.run(steps)
    wanted = reference(kernel.inputs(), steps)[-1] if steps else np.zeros(width)
    np.testing.assert_allclose(kernel.result(), wanted, rtol=0, atol=TOLERANCE)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(width=st.integers(1, 40), states=st.integers(0, 5), steps=st.integers(0, 50), threads=st.integers(1, 3))
def test_the_associative_scan_gives_the_state_of_every_step(width, states, steps, threads):
    kernel = Scan(Team([CPU] * threads), width, 1, 60, True, states, 7)
    kernel.run(60)
    kernel.run(steps)  # nothing is left over from the run before
    assert kernel.result().shape == (steps, width)
    if steps:
        np.testing.assert_allclose(kernel.result(), reference(kernel.inputs(), steps), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("states", [0, 3])
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("wide", [False, True])
def test_threads_change_no_bit(states, threads, wide):
    results = []
    for size in (1, threads):
        kernel = Scan(Team([CPU] * size), 75, 5, 30, wide, states)
        kernel.run(30)
        results.append(kernel.result())
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("states", [0, 2])
def test_run_starts_anew_and_takes_ticks(states):
    kernel = Scan(Team([CPU]), 20, 1, 10, states=states)
    kernel.run(3)
    first = kernel.result()
    ticks = np.zeros(11, dtype=np.int64)
    kernel.run(10, ticks, 10)
    assert np.all(np.diff(ticks) > 0)
    kernel.run(3)
    np.testing.assert_array_equal(kernel.result(), first)
    kernel.run(0)
    assert not np.any(kernel.result())


def test_inputs_are_drawn():
    linear, selective = (Scan(Team([CPU]), 30, 1, 4, states=states).inputs() for states in (0, 5))
    assert {name: rows.shape for name, rows in linear.items()} == {"a": (64, 30), "b": (64, 30)}
    assert 0.1 <= linear["a"].min() < linear["a"].max() <= 0.9
    assert len(np.unique(linear["b"])) > 0.99 * linear["b"].size
    assert selective["B"].shape == selective["C"].shape == (64, 5)
    assert selective["A"].tolist() == [-1, -2, -3, -4, -5]
    assert not np.array_equal(linear["b"], Scan(Team([CPU]), 30, 2, 4).inputs()["b"])


@pytest.mark.parametrize(
    ("argument", "value"),
    [("width", 0), ("width", 2**41), ("depth", 0), ("states", -1), ("states", 2**13), ("ring", 0), ("ring", 2**33)],
)
def test_refuses_what_is_out_of_range(argument, value):
    arguments = {"team": Team([CPU]), "width": 4, "seed": 0, "depth": 4, argument: value}
    with pytest.raises(ValueError, match=f"{argument} = {value} "):
        Scan(**arguments)


@pytest.mark.parametrize(
    "arguments", [(2**40, 0, 1), (16, 0, 2**40, True), (2**20, 0, 1, False, 2**12), (2**20, 0, 1, False, 0, 2**32)]
)
def test_refuses_more_memory_than_it_should_take(arguments):
    with pytest.raises(ValueError, match=f"width = {arguments[0]}, .*half of this machine's memory"):
        Scan(Team([CPU]), *arguments)


def test_refuses_runs_that_it_cannot_do():
    with pytest.raises(ValueError, match="steps = 5 "):
        Scan(Team([CPU]), 4, 0, 4).run(5)
    with pytest.raises(ValueError, match="wide form is a single step"):
        Scan(Team([CPU]), 4, 0, 4, True).run(4, delay_ticks=1)
    with pytest.raises(TypeError):
        Scan(None, 4, 0, 4)
