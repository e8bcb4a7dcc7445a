# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof._native import Billiards, Team
from serialprof_workloads.billiards import CELL, played

CPU = min(os.sched_getaffinity(0))


def digest_of(rows):
    """FNV-1a over 32-bit words."""
    digest = 0xCBF29CE484222325
    for row in rows:
        for word in row:
            digest = (digest ^ word & 0xFFFFFFFF) * 0x100000001B3 & (1 << 64) - 1
    return digest


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 40),
    cells=st.integers(1, 3),
    radius=st.integers(0, 28672),
    steps=st.integers(0, 60),
    seed=st.integers(0, 2**63),
    threads=st.integers(1, 3),
)
def test_any_table_equals_pythons_integers(width, cells, radius, steps, seed, threads):
    kernel = Billiards(Team([CPU] * threads), width, seed, cells, radius)
    rows = kernel.state().tolist()
    kernel.run(steps)
    balls = [played(ball, steps, cells * CELL, radius) for ball in zip(*rows, strict=True)]
    wanted = [list(row) for row in zip(*balls, strict=True)]
    assert kernel.state().tolist() == wanted
    assert kernel.digest() == digest_of(wanted)


@pytest.mark.parametrize("radius", [0, 24000])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_run_goes_back_to_the_bit(radius, threads):
    kernel = Billiards(Team([CPU] * threads), 50, 9, 3, radius)
    start = kernel.state()
    kernel.run(100_000)
    far = kernel.state()
    assert np.abs(far[2:]).max() < CELL // 16  # reflections make nothing faster
    assert far[:2].min() > -CELL // 16 and far[:2].max() < 3 * CELL + CELL // 16
    kernel.turn()
    kernel.run(100_000)
    kernel.turn()
    np.testing.assert_array_equal(kernel.state(), start)


def test_speed_is_kept_and_diamonds_turn_balls():
    kernel = Billiards(Team([CPU]), 64, 4, 2)
    start = np.sort(np.abs(kernel.state()[2:]), axis=0)
    before = np.abs(kernel.state()[2:])
    kernel.run(999)
    np.testing.assert_array_equal(np.sort(np.abs(kernel.state()[2:]), axis=0), start)
    assert (np.abs(kernel.state()[2:]) != before).any()


def test_an_empty_box_has_a_closed_form():
    """Unfolded, a ball goes straight: its place is that on a circle of twice the side, folded."""
    kernel = Billiards(Team([CPU]), 30, 2, 1, 0)
    x, y, vx, vy = kernel.state().astype(np.int64)
    kernel.run(5000)
    found = kernel.state()
    for start, speed, end in ((x, vx, found[0]), (y, vy, found[1])):
        straight = (start + 5000 * speed) % (2 * CELL)
        folded = np.minimum(straight, 2 * CELL - straight)
        lost = np.abs(speed) * (5000 * np.abs(speed) // CELL + 1) * 2  # turns behind the wall, not at it
        assert (np.abs(folded - end) <= lost).all()


def test_balls_start_outside_diamonds_and_are_drawn():
    kernel = Billiards(Team([CPU]), 3000, 1, 4, 28672)
    x, y = kernel.state()[:2] % CELL - CELL // 2
    assert (np.abs(x) + np.abs(y) >= 28672).all()
    assert len(np.unique(kernel.state()[0])) > 2900
    assert kernel.digest() == Billiards(Team([CPU]), 3000, 1, 4, 28672).digest()
    assert kernel.digest() != Billiards(Team([CPU]), 3000, 2, 4, 28672).digest()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_step_is_the_first_step(threads):
    serial, wide = Billiards(Team([CPU]), 21, 5), Billiards(Team([CPU] * threads), 21, 5, wide=True)
    start = serial.digest()
    serial.run(1)
    wide.run(6)
    assert serial.digest() == wide.digest() != start
    wide.run(0)
    assert wide.digest() == start


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("width", 0),
        ("width", 2**41),
        ("width", 2**40),
        ("cells", 0),
        ("cells", 2**14),
        ("radius", -1),
        ("radius", 28673),
    ],
)
def test_refuses_what_is_out_of_range(argument, value):
    with pytest.raises(ValueError, match=f"{argument} = {value} "):
        Billiards(**{"team": Team([CPU]), "width": 4, argument: value})
