# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof._native import NBody, Team
from serialprof_workloads.nbody import leapfrog

CPU = min(os.sched_getaffinity(0))


def energy(x, v, masses, softening):
    pairs = np.sqrt(((x[:, None, :] - x[:, :, None]) ** 2).sum(axis=0) + softening**2)
    potential = -(np.outer(masses, masses) / pairs)[np.triu_indices(len(masses), 1)].sum()
    return (masses * (v**2).sum(axis=0)).sum() / 2 + potential


@settings(max_examples=30, deadline=None, derandomize=True)
@given(width=st.integers(1, 40), steps=st.integers(0, 5), seed=st.integers(0, 2**62), threads=st.integers(1, 3))
def test_any_shape_equals_numpy(width, steps, seed, threads):
    """The same operations in double precision: what differs is rounding, magnified by close pairs."""
    kernel = NBody(Team([CPU] * threads), width, seed, 0.01, 0.1)
    x, v = kernel.state()
    wanted = leapfrog(x, v, kernel.masses(), 0.01, 0.1, steps)
    kernel.run(steps)
    for found, expected in zip(kernel.state(), wanted, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_two_bodies_on_a_circle_come_round():
    """About their centre and 1 apart, of the masses' sum M: the angular velocity is sqrt(M), by Kepler's third law."""
    period = 2 * np.pi / np.sqrt(NBody(Team([CPU]), 2).masses().sum())
    kernel = NBody(Team([CPU]), 2, 0, period / 1000, 1e-6)
    masses = kernel.masses()
    arms = np.array([masses[1], -masses[0]]) / masses.sum()
    x, v = np.zeros((3, 2)), np.zeros((3, 2))
    x[0], v[1] = arms, arms * np.sqrt(masses.sum())
    kernel.set_state(x, v)
    kernel.run(500)
    np.testing.assert_allclose(kernel.state()[0], -x, rtol=0, atol=1e-3)
    kernel.run(1000)
    np.testing.assert_allclose(kernel.state()[0], x, rtol=0, atol=1e-3)


def test_energy_and_momentum_are_kept():
    kernel = NBody(Team([CPU]), 24, 7, 0.001, 0.05)
    masses = kernel.masses()
    before = [energy(*kernel.state(), masses, 0.05), kernel.state()[1] @ masses]
    kernel.run(2000)
    after = [energy(*kernel.state(), masses, 0.05), kernel.state()[1] @ masses]
    assert abs(after[0] - before[0]) < 1e-4 * abs(before[0])  # the leapfrog's error is of order dt^2 and does not grow
    np.testing.assert_allclose(after[1], before[1], rtol=0, atol=1e-13)


def test_a_run_backwards_leads_to_the_start():
    kernel = NBody(Team([CPU]), 17, 3, 0.001, 0.05)
    start = kernel.state()
    kernel.run(300)
    x, v = kernel.state()
    assert np.abs(x - start[0]).max() > 0.05
    kernel.set_state(x, -v)
    kernel.run(300)
    np.testing.assert_allclose(kernel.state()[0], start[0], rtol=0, atol=1e-11)


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_threads_change_no_bit(threads):
    states = []
    for size in (1, threads):
        kernel = NBody(Team([CPU] * size), 37, 5)
        kernel.run(20)
        states.append(kernel.state())
    np.testing.assert_array_equal(*states)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_step_is_the_first_step(threads):
    serial, wide = NBody(Team([CPU]), 11, 5), NBody(Team([CPU] * threads), 11, 5, wide=True)
    np.testing.assert_array_equal(serial.state(), wide.state())
    serial.run(1)
    for steps in (1, 6):
        wide.run(steps)
        np.testing.assert_array_equal(serial.state(), wide.state())
    wide.run(0)
    serial.run(0)
    np.testing.assert_array_equal(serial.state(), wide.state())


def test_state_may_have_any_strides():
    kernel = NBody(Team([CPU]), 4, 1)
    x, v = kernel.state()
    raw = np.zeros(3 * 4 * 8 + 1, dtype=np.uint8)
    unaligned = raw[1:].view(np.float64).reshape(3, 4)
    unaligned[:] = x
    kernel.run(3)
    wanted = kernel.state()
    kernel.set_state(unaligned, np.asfortranarray(v))
    kernel.run(3)
    np.testing.assert_array_equal(kernel.state(), wanted)


@pytest.mark.parametrize(
    ("positions", "error", "message"),
    [
        (np.zeros((3, 4), np.float32), TypeError, r"positions: needs float64 in the shape \[3, 4\]"),
        (np.zeros((3, 5)), ValueError, "positions: needs float64"),
        (np.zeros(12), ValueError, "positions: needs float64"),
        (np.full((3, 4), np.nan), ValueError, "positions: holds what is no finite number"),
    ],
)
def test_refuses_other_states(positions, error, message):
    kernel = NBody(Team([CPU]), 4, 1)
    before = kernel.state()
    with pytest.raises(error, match=message):
        kernel.set_state(positions, before[1])
    np.testing.assert_array_equal(kernel.state(), before)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("width", 0),
        ("width", 2**33),
        ("width", 2**32),
        ("dt", 0.0),
        ("dt", float("nan")),
        ("softening", -1.0),
        ("softening", 1e-200),
        ("softening", 1e-104),
        ("softening", float("inf")),
    ],
)
def test_refuses_what_is_out_of_range(argument, value):
    with pytest.raises(ValueError, match=f"{argument} = "):
        NBody(**{"team": Team([CPU]), "width": 4, argument: value})
