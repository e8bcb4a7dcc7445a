# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from serialprof import _native
from serialprof_workloads.life import GLIDER, packed

Cells = NDArray[Any]


def to_bytes(grid: Cells) -> bytes:
    return np.packbits(grid, axis=1, bitorder="little").tobytes()


def from_bytes(data: bytes, rows: int) -> Cells:
    return np.unpackbits(np.frombuffer(data, dtype=np.uint8).reshape(rows, -1), axis=1, bitorder="little")


def reference(grid: Cells, generations: int) -> Cells:
    for _ in range(generations):
        shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
        neighbours = sum(np.roll(grid, shift, axis=(0, 1)).astype(np.int8) for shift in shifts)
        grid = ((neighbours == 3) | ((neighbours == 2) & (grid == 1))).astype(np.uint8)
    return grid


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    ("rows", "columns"), [(1, 64), (2, 64), (3, 128), (8, 64), (17, 192), (64, 64), (100, 320), (5, 1216)]
)
def test_equals_a_naive_reference(rows: int, columns: int, threads: int) -> None:
    start = np.random.default_rng(rows * columns).integers(0, 2, (rows, columns), dtype=np.uint8)
    kernel = _native.Life(_native.Team([0] * threads), rows, columns)
    kernel.set_grid(to_bytes(start))
    for generations in (0, 1, 2, 40):
        kernel.run(generations)
        assert np.array_equal(from_bytes(kernel.grid(), rows), reference(start, generations))


def test_a_glider_moves_by_one_cell_in_four_generations() -> None:
    kernel = _native.Life(_native.Team([0]), 40, 128)
    kernel.set_grid(packed(set(GLIDER), 40, 128))
    for laps in (1, 30, 39, 127, 500):
        kernel.run(4 * laps)
        assert kernel.grid() == packed({((r + laps) % 40, (c + laps) % 128) for r, c in GLIDER}, 40, 128)


def test_still_lifes_and_a_blinker() -> None:
    block = {(4, 63), (4, 64), (5, 63), (5, 64)}
    lying = {(20, 10), (20, 11), (20, 12)}
    standing = {(19, 11), (20, 11), (21, 11)}
    kernel = _native.Life(_native.Team([0]), 32, 128)
    kernel.set_grid(packed(block | lying, 32, 128))
    kernel.run(1)
    assert kernel.grid() == packed(block | standing, 32, 128)
    kernel.run(2)
    assert kernel.grid() == packed(block | lying, 32, 128)


def test_the_r_pentomino_settles_at_1103_with_116_cells() -> None:
    side = 1024  # the first glider leaves at generation 69 and flies 259 cells by then: nothing comes round
    kernel = _native.Life(_native.Team([0]), side, side)
    kernel.set_grid(packed({(511, 512), (511, 513), (512, 511), (512, 512), (513, 512)}, side, side))

    def population(generations: int) -> int:
        kernel.run(generations)
        return int(from_bytes(kernel.grid(), side).sum())

    assert population(0) == 5
    assert population(1103) == 116
    assert population(1102) != population(1100)
    assert population(1105) == population(1107)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_step_is_the_first_generation(threads: int) -> None:
    kernel = _native.Life(_native.Team([0] * threads), 20, 128, seed=4, wide=True)
    start = from_bytes(kernel.grid(), 20)
    kernel.run(9)
    assert np.array_equal(from_bytes(kernel.grid(), 20), reference(start, 1))


def test_the_seed_decides_the_grid() -> None:
    team = _native.Team([0])
    assert _native.Life(team, 4, 64, 1).grid() == _native.Life(team, 4, 64, 1).grid()
    assert _native.Life(team, 4, 64, 1).grid() != _native.Life(team, 4, 64, 2).grid()


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_gives_equal_bits(level: str) -> None:
    program = """
import hashlib
from serialprof import _native
kernel = _native.Life(_native.Team([0]), 61, 192, seed=8)
kernel.run(100)
print(_native.instruction_set(), hashlib.sha256(kernel.grid()).hexdigest())
"""
    environment = os.environ | {"SERIALPROF_ISA": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.returncode == 0, done.stderr
    here = _native.Life(_native.Team([0]), 61, 192, seed=8)
    wanted = reference(from_bytes(here.grid(), 61), 100)
    assert done.stdout.split() == [level, hashlib.sha256(to_bytes(wanted)).hexdigest()]


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (0, 64, "rows = 0 lies outside"),
        (4, 0, "columns = 0 lies outside"),
        (4, 100, "columns = 100 is no multiple of 64"),
        (10**9, 2**20, "rows = 1000000000, columns = 1048576 need"),
    ],
)
def test_refuses_before_allocating(rows: int, columns: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Life(_native.Team([0]), rows, columns)


def test_refuses_a_grid_of_another_size() -> None:
    with pytest.raises(ValueError, match="grid: needs 16 bytes, not 8"):
        _native.Life(_native.Team([0]), 2, 64).set_grid(bytes(8))
