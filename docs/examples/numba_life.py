# SPDX-License-Identifier: Apache-2.0
"""A cellular automaton compiled by numba: Conway's Game of Life, its rows spread over threads by prange.

    serialprof run docs/examples/numba_life.py:life

One step is one generation: every cell needs its neighbours of the generation before. A lane is a cell.
"""

import math

import numba
import numpy as np

import serialprof


@numba.njit(parallel=True, cache=True)
def generation(cells, following):
    """Writes the next generation of a torus of cells, 0 or 1, into `following`."""
    rows, columns = cells.shape
    for row in numba.prange(rows):
        above, below = cells[row - 1], cells[(row + 1) % rows]
        here = cells[row]
        for column in range(columns):
            left, right = column - 1, (column + 1) % columns
            alive = above[left] + above[column] + above[right] + below[left] + below[column] + below[right]
            alive += here[left] + here[right]
            following[row, column] = alive == 3 or (alive == 2 and here[column])


@serialprof.workload(depth="generations", width="cells", widths=(256, 4096, 65536, 1048576), default_depth=32)
def life(setting: serialprof.Setting):
    """The Game of Life on a square torus by numba."""
    numba.set_num_threads(setting.threads)
    side = math.isqrt(setting.width)
    cells = np.random.default_rng(setting.seed).integers(0, 2, (side, side), dtype=np.uint8)
    following = np.empty_like(cells)

    def step() -> None:
        nonlocal cells, following
        generation(cells, following)
        cells, following = following, cells

    return step
