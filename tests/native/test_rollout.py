# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof._native import Rollout, Team
from serialprof_workloads.rollout import reference

CPU = min(os.sched_getaffinity(0))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 40),
    states=st.integers(1, 50),
    actions=st.integers(1, 6),
    branching=st.integers(1, 6),
    steps=st.integers(0, 20),
    seed=st.integers(-(2**62), 2**62),
    threads=st.integers(1, 3),
    wide=st.booleans(),
)
def test_any_shape_equals_pythons_integers(width, states, actions, branching, steps, seed, threads, wide):
    kernel = Rollout(Team([CPU] * threads), width, seed, 20, wide, states, actions, branching)
    kernel.run(20)
    kernel.run(steps)  # nothing is left over from the run before
    tables, keys = kernel.tables(), kernel.keys(steps)
    wanted = [reference(tables, lane, keys, wide) for lane in range(width)]
    assert kernel.returns().tolist() == [total for _, total in wanted]
    if not wide:
        assert kernel.states().tolist() == [state for state, _ in wanted]


def test_draws_are_uniform_over_states_and_outcomes():
    """One action leads to each of four states: after many steps every rollout has been in all, about equally often."""
    kernel = Rollout(Team([CPU]), 20_000, 3, 1, states=1, actions=1, branching=4)
    keys = kernel.keys(1)
    tables = {"successors": np.arange(4).reshape(1, 1, 4), "preferences": np.zeros((1, 1)), "rewards": np.zeros((1, 1))}
    counts = np.bincount([reference(tables, lane, keys, False)[0] for lane in range(20_000)], minlength=4)
    assert np.abs(counts - 5000).max() < 300  # five standard deviations


def test_tables_are_drawn():
    kernel = Rollout(Team([CPU]), 8, 1, 4, states=3, actions=4)
    tables = kernel.tables()
    assert tables["preferences"].min() >= 0
    assert np.abs(tables["rewards"]).max() <= 1000
    assert set(np.unique(tables["successors"])) == {0, 1, 2}
    other = Rollout(Team([CPU]), 8, 2, 4, states=3, actions=4)
    assert not np.array_equal(tables["rewards"], other.tables()["rewards"])
    assert kernel.keys(4) != other.keys(4)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("width", 0),
        ("width", 2**33),
        ("depth", 0),
        ("states", 0),
        ("states", 2**31),
        ("actions", 0),
        ("branching", 0),
        ("actions", 2**13),
        ("branching", 2**13),
    ],
)
def test_refuses_what_is_out_of_range(argument, value):
    with pytest.raises(ValueError, match=f"{argument} = {value} "):
        Rollout(**{"team": Team([CPU]), "width": 4, "seed": 0, "depth": 4, argument: value})


@pytest.mark.parametrize("arguments", [{"width": 2**32}, {"states": 2**31 - 1}, {"states": 2**20, "actions": 2**12}])
def test_refuses_more_memory_than_it_should_take(arguments):
    argument, value = next(iter(arguments.items()))
    with pytest.raises(ValueError, match=f"{argument} = {value}\\b.*half of this machine's memory"):
        Rollout(**{"team": Team([CPU]), "width": 4, "seed": 0, "depth": 4, **arguments})


def test_refuses_runs_that_it_cannot_do():
    with pytest.raises(ValueError, match="steps = 5 "):
        Rollout(Team([CPU]), 4, 0, 4).run(5)
    with pytest.raises(ValueError, match="steps = 1099511627776 needs"):
        Rollout(Team([CPU]), 4, 0, 2**40).keys(2**40)
    wide = Rollout(Team([CPU]), 4, 0, 4, True)
    with pytest.raises(ValueError, match="wide form is a single step"):
        wide.run(4, delay_ticks=1)
    with pytest.raises(ValueError, match="states: "):
        wide.states()
