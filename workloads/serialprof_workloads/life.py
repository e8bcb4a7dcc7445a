# SPDX-License-Identifier: Apache-2.0
"""Conway's game of life on a torus, bit-sliced; predicting a cell of life is P-complete."""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import Work, workload
from serialprof.setting import Setting
from serialprof_workloads.declared import CELLS_PER_WORD, packed_automaton, three_operands

#: Operations that a new word takes and the longest chain of them, of two operands and of three.
TWO_OPERANDS: Final = (23, 9)
THREE_OPERANDS: Final = (11, 6)
GLIDER: Final = ((0, 1), (1, 2), (2, 0), (2, 1), (2, 2))
GLIDER_PERIOD: Final = 4
CHECK_LAPS: Final = 2


def shape(cells: int) -> tuple[int, int]:
    """Rows and columns of a grid of `cells`, nearly square.

    Columns are the power of two from 64 on that divides `cells` and is nearest to the root of it.

    Raises:
        ValueError: `cells` is no positive multiple of 64.
    """
    if cells < CELLS_PER_WORD or cells % CELLS_PER_WORD:
        raise ValueError(f"width = {cells} is no positive multiple of 64; a word holds 64 cells of a row")
    columns = CELLS_PER_WORD
    while cells % (2 * columns) == 0 and 2 * columns * columns <= cells:
        columns *= 2
    return cells // columns, columns


def packed(alive: set[tuple[int, int]], rows: int, columns: int) -> bytes:
    """A grid for the kernel: row by row, the cell in column j is bit j % 8 of byte j // 8 of its row."""
    grid = bytearray(rows * columns // 8)
    for row, column in alive:
        grid[(row * columns + column) // 8] |= 1 << column % 8
    return bytes(grid)


class LifeStepper:
    """The native automaton with its known answer."""

    def __init__(self, setting: Setting) -> None:
        rows, columns = shape(setting.width)
        self._team = _native.Team(setting.cpus)
        self._kernel = _native.Life(self._team, rows, columns, setting.seed, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Lets a glider circle a torus of 64 x 64 twice: it moves one cell down and right in four generations.

        Raises:
            AssertionError: it is not back at its start.
        """
        side = CELLS_PER_WORD
        kernel = _native.Life(self._team, side, side)
        start = packed(set(GLIDER), side, side)
        kernel.set_grid(start)
        kernel.run(GLIDER_PERIOD * side * CHECK_LAPS)
        assert kernel.grid() == start, "life: the glider did not come back to its start"
        kernel.run(GLIDER_PERIOD)
        moved = packed({(row + 1, column + 1) for row, column in GLIDER}, side, side)
        assert kernel.grid() == moved, "life: the glider did not move by one cell in four generations"


def work(setting: Setting) -> Work:
    """Declared work of one generation, in word operations: 23 per 64 cells, or 11 of three operands (AVX-512).

    Raises:
        ValueError: the width is no positive multiple of 64.
    """
    return packed_automaton(setting, *(THREE_OPERANDS if three_operands() else TWO_OPERANDS), copies=2)


@workload(
    depth="generations",
    width="cells",
    widths=(32768, 262144, 2097152, 16777216, 134217728),
    quick_widths=(32768, 262144, 2097152, 16777216),
    default_depth=16,
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="HashLife remembers blocks that recur; it helps as far as the pattern repeats itself",
)
def life(setting: Setting) -> LifeStepper:
    """Conway's game of life on a torus, 64 cells to a word."""
    return LifeStepper(setting)
