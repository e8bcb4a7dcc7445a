# SPDX-License-Identifier: Apache-2.0
"""Automata over packed words as loops that numba compiles; bit i of a word is the cell i places to the right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

_ONE = np.uint64(1)
_TOP = np.uint64(63)


@numba.njit(inline="always")
def _rule110(before: Any, word: Any, after: Any) -> Any:
    left = (word << _ONE) | (before >> _TOP)
    right = (word >> _ONE) | (after << _TOP)
    return (word | right) & ~(left & word & right)


def _rule110_rows(row: Any, other: Any, generations: int) -> None:
    last = len(row) - 1
    for _ in range(generations):
        other[0] = _rule110(row[last], row[0], row[1 if last else 0])
        for i in numba.prange(1, last):
            other[i] = _rule110(row[i - 1], row[i], row[i + 1])
        other[last] = _rule110(row[last - 1], row[last], row[0])
        row, other = other, row


@numba.njit(inline="always")
def _sides(row: Any, i: int) -> tuple[Any, Any]:
    """The neighbours to the left and right of the cells of word i, on a ring."""
    last = len(row) - 1
    before = row[i - 1] if i else row[last]
    after = row[i + 1] if i < last else row[0]
    return (row[i] << _ONE) | (before >> _TOP), (row[i] >> _ONE) | (after << _TOP)


@numba.njit(inline="always")
def _three(a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    """The sum of three bits: ones, twos."""
    half = a ^ b
    return half ^ c, (a & b) | (half & c)


@numba.njit(inline="always")
def _life_word(up: Any, row: Any, down: Any, i: int) -> Any:
    """Eight neighbours are added bit by bit; alive with three, or with two if it was alive."""
    up_left, up_right = _sides(up, i)
    left, right = _sides(row, i)
    down_left, down_right = _sides(down, i)
    a, a_twos = _three(up_left, up[i], up_right)
    b, b_twos = _three(down_left, down[i], down_right)
    c, c_twos = left ^ right, left & right
    ones, twos = _three(a, b, c)
    first, fours = _three(a_twos, b_twos, c_twos)
    return (first ^ twos) & ~(fours | (first & twos)) & (ones | row[i])


def _life_rows(grid: Any, other: Any, generations: int) -> None:
    rows, words = grid.shape
    for _ in range(generations):
        for r in numba.prange(rows):
            up, row, down, out = grid[r - 1 if r else rows - 1], grid[r], grid[r + 1 if r + 1 < rows else 0], other[r]
            for i in range(words):
                out[i] = _life_word(up, row, down, i)
        grid, other = other, grid


def rule110_of(*, parallel: bool) -> Callable[..., None]:
    """Generations of rule 110 on a ring of words, to and fro between two rows."""
    return numba.njit(parallel=parallel)(_rule110_rows)


def life_of(*, parallel: bool) -> Callable[..., None]:
    """Generations of life on a torus of words, to and fro between two grids."""
    return numba.njit(parallel=parallel)(_life_rows)
