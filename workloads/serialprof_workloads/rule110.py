# SPDX-License-Identifier: Apache-2.0
"""Rule 110: an elementary cellular automaton whose prediction is P-complete (Neary and Woods, ICALP 2006)."""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import Work, workload
from serialprof.setting import Setting
from serialprof_workloads.declared import packed_automaton

OPS_PER_WORD: Final = 10
CHAIN_OPS: Final = 5
CHECK_CELLS: Final = 1024
CHECK_GENERATIONS: Final = 50


def reference(row: int, cells: int, generations: int) -> int:
    """The row after some generations, as one big integer: cell i is bit i, its left neighbour cell i - 1; a ring."""
    mask = (1 << cells) - 1
    for _ in range(generations):
        left = (row << 1 | row >> (cells - 1)) & mask
        right = row >> 1 | (row & 1) << (cells - 1)
        row = (row | right) & ~(left & row & right)
    return row


class Rule110Stepper:
    """The native automaton with its known answer."""

    def __init__(self, setting: Setting) -> None:
        self._team = _native.Team(setting.cpus)
        self._seed = setting.seed
        self._cells = setting.width
        self._kernel = _native.Rule110(self._team, setting.width, setting.seed, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Compares 50 generations of up to 1024 cells with big integers.

        Raises:
            AssertionError: a cell differs.
        """
        cells = min(self._cells, CHECK_CELLS)
        kernel = _native.Rule110(self._team, cells, self._seed)
        start = int.from_bytes(kernel.row(), "little")
        kernel.run(CHECK_GENERATIONS)
        wanted = reference(start, cells, CHECK_GENERATIONS)
        assert int.from_bytes(kernel.row(), "little") == wanted, "rule110: a cell differs from the reference"


def work(setting: Setting) -> Work:
    """Declared work of one generation, in word operations: 10 per 64 cells, the longest chain 5.

    Raises:
        ValueError: the width is no positive multiple of 64.
    """
    return packed_automaton(setting, OPS_PER_WORD, CHAIN_OPS)


@workload(
    depth="generations",
    width="cells",
    widths=(32768, 262144, 2097152, 16777216, 134217728),
    quick_widths=(32768, 262144, 2097152, 16777216),
    default_depth=64,
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="HashLife remembers blocks that recur; it helps as far as the pattern repeats itself",
)
def rule110(setting: Setting) -> Rule110Stepper:
    """Rule 110 on a ring, 64 cells to a word."""
    return Rule110Stepper(setting)
