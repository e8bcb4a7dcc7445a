# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from serialprof._native import Team, Value
from serialprof_workloads.value import backed_up

CPU = min(os.sched_getaffinity(0))
TOLERANCE = 1e-5  # values are up to 10 here; float32 has 6e-8 of that


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 60),
    actions=st.integers(1, 5),
    branching=st.integers(1, 5),
    steps=st.integers(0, 12),
    seed=st.integers(-(2**62), 2**62),
    threads=st.integers(1, 3),
    discount=st.floats(0, 0.9),
)
def test_any_shape_equals_numpy(width, actions, branching, steps, seed, threads, discount):
    kernel = Value(Team([CPU] * threads), width, seed, 12, False, actions, branching, discount)
    wanted = kernel.start().astype(float)
    for _ in range(steps):
        wanted = backed_up(kernel.tables(), wanted, discount)
    kernel.run(steps)
    np.testing.assert_allclose(kernel.values(), wanted, rtol=0, atol=TOLERANCE)


def test_more_states_than_16_bits_name():
    kernel = Value(Team([CPU]), 65537, 2, 3, False, 2, 2)
    assert kernel.tables()["successors"].max() > 65000
    wanted = backed_up(kernel.tables(), backed_up(kernel.tables(), kernel.start().astype(float), 0.95), 0.95)
    kernel.run(2)
    np.testing.assert_allclose(kernel.values(), wanted, rtol=0, atol=TOLERANCE)


def test_converges_to_the_linear_program():
    """The optimal values are the least that no action exceeds: min sum V, V(s) >= r(s, a) + discount p V."""
    states, actions, discount = 13, 3, 0.8
    kernel = Value(Team([CPU]), states, 4, 200, False, actions, 4, discount)
    tables = kernel.tables()
    limits = np.zeros((states, actions, states))
    for state in range(states):
        for action in range(actions):
            np.add.at(
                limits[state, action],
                tables["successors"][state, action],
                discount * tables["probabilities"][state, action],
            )
            limits[state, action, state] -= 1
    found = linprog(np.ones(states), limits.reshape(-1, states), -tables["rewards"].ravel(), bounds=(None, None))
    kernel.run(200)
    np.testing.assert_allclose(kernel.values(), found.x, rtol=0, atol=TOLERANCE)


def test_tables_are_drawn():
    tables = Value(Team([CPU]), 500, 1, 1).tables()
    assert {name: table.shape for name, table in tables.items()} == {
        "rewards": (500, 4),
        "probabilities": (500, 4, 4),
        "successors": (500, 4, 4),
    }
    np.testing.assert_allclose(tables["probabilities"].sum(axis=2), 1, rtol=0, atol=1e-15)
    assert tables["probabilities"].min() >= 0
    assert len(np.unique(tables["successors"])) == 500
    assert not np.array_equal(tables["rewards"], Value(Team([CPU]), 500, 2, 1).tables()["rewards"])


@pytest.mark.parametrize("width", [5, 100, 70000])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_pass_backs_up_every_set_once(width, threads):
    kernel = Value(Team([CPU] * threads), width, 3, 40, True, 2, 2)
    wanted = backed_up(kernel.tables(), kernel.start().astype(float), 0.95)
    for steps in (1, 40):
        kernel.run(steps)
        np.testing.assert_allclose(kernel.values(), wanted, rtol=0, atol=TOLERANCE)
    kernel.run(0)
    np.testing.assert_array_equal(kernel.values(), kernel.start())


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(threads):
    values = []
    for size in (1, threads):
        kernel = Value(Team([CPU] * size), 333, 5, 9)
        kernel.run(9)
        values.append(kernel.values())
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("width", 0),
        ("width", 2**32),
        ("width", 2**31),
        ("depth", 0),
        ("actions", 0),
        ("actions", 2**13),
        ("branching", 0),
        ("branching", 2**13),
        ("discount", 1.0),
        ("discount", -0.1),
        ("discount", float("nan")),
    ],
)
def test_refuses_what_is_out_of_range(argument, value):
    with pytest.raises(ValueError, match=f"{argument} = {value}"):
        Value(**{"team": Team([CPU]), "width": 4, "seed": 0, "depth": 4, argument: value})


def test_refuses_runs_that_it_cannot_do():
    with pytest.raises(ValueError, match="steps = 5 "):
        Value(Team([CPU]), 4, 0, 4).run(5)
    with pytest.raises(ValueError, match="wide form is a single step"):
        Value(Team([CPU]), 4, 0, 4, True).run(4, delay_ticks=1)
