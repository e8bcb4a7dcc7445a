# SPDX-License-Identifier: Apache-2.0
"""Sudoku: easy puzzles are solved by a few sweeps of propagation, hard ones by a search of guess after guess.

Nine by nine is a finite problem and no instance of a theorem about depth; n by n is NP-hard, which is another matter
than being serial. What is measured is the chain of this solver: each sweep starts from what the last one has left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from serialprof import _native
from serialprof.catalog import Affine, Work, workload
from serialprof.setting import Setting

DIFFICULTIES: Final = ("easy", "hard")
ALL: Final = 511
CHECK_WIDTH: Final = 5
CHECK_STEPS: Final = 24
CHECK_PUZZLES: Final = 2

#: Operations on a cell in a sweep of a unit: 8 to judge the nine, 9 to change it.
OPS_PER_CELL: Final = 17
UNITS: Final = 27
#: Rows, columns and boxes follow one another, the units of a kind do not. Of one kind: a choice told (3), trees over
#: nine cells (two operations deep at each of 4 levels), the lone digit and what it leaves of a cell (8).
CHAIN_OPS: Final = 3 * (3 + 2 * 4 + 8)
SIDE_BY_SIDE: Final = 16
#: Candidates of a cell are a word of 16 bits; a puzzle's are read and written by each sweep.
BYTES: Final = 81 * 2

ROWS: Final = tuple(tuple(9 * row + at for at in range(9)) for row in range(9))
COLUMNS: Final = tuple(tuple(9 * at + column for at in range(9)) for column in range(9))
BOXES: Final = tuple(
    tuple(27 * (box // 3) + 3 * (box % 3) + 9 * (at // 3) + at % 3 for at in range(9)) for box in range(9)
)


def sweep(cells: list[int]) -> tuple[list[int], bool]:
    """The candidates after one sweep, and whether it met a contradiction.

    The slow reference of native/loops/sudoku.hpp.
    A digit d is bit d - 1. In each unit the cells are judged by what they were before the unit.
    """
    cells, bad = list(cells), False
    for unit in (*ROWS, *COLUMNS, *BOXES):
        before = [cells[cell] for cell in unit]
        taken = {cell for cell in before if cell.bit_count() == 1}
        lone = 0
        for digit in range(9):
            places = sum(cell >> digit & 1 for cell in before)
            bad |= places == 0
            lone |= (places == 1) << digit
        for cell, held in zip(unit, before, strict=True):
            bad |= held == 0
            left = held & ~sum(taken) if held.bit_count() > 1 else held
            cells[cell] = left & lone or left
    return cells, bad


class Search:
    """One puzzle as the kernel searches it, a sweep and what follows it at a time."""

    def __init__(self, digits: Sequence[int]) -> None:
        self.start = [1 << digit - 1 if digit else ALL for digit in digits]
        self.cells = self.start
        self.frames: list[list[int]] = []
        self.solved = 0
        self.guesses = 0

    def step(self) -> None:
        """One sweep, then a way back, a guess, or a new start."""
        before = self.cells
        self.cells, bad = sweep(before)
        if bad:
            if self.frames:
                self.cells = self.frames.pop()
        elif self.cells == before:
            self._go_on()

    def _go_on(self) -> None:
        counts = [cell.bit_count() for cell in self.cells]
        if max(counts) == 1:
            self.solved += 1
            self.cells, self.frames = self.start, []
            return
        chosen = counts.index(min(count for count in counts if count > 1))
        digit = self.cells[chosen] & -self.cells[chosen]
        self.guesses += 1
        self.frames.append([cell & ~digit if at == chosen else cell for at, cell in enumerate(self.cells)])
        self.cells = [digit if at == chosen else cell for at, cell in enumerate(self.cells)]


def is_solution(puzzle: Sequence[int], solution: Sequence[int]) -> bool:
    """Whether every unit of a solution holds the nine digits, and every given stands where it was."""
    units = all({int(solution[cell]) for cell in unit} == set(range(1, 10)) for unit in (*ROWS, *COLUMNS, *BOXES))
    return units and all(given in (0, digit) for given, digit in zip(puzzle, solution, strict=True))


def is_hard(setting: Setting) -> bool:
    """Whether a setting asks for hard puzzles.

    Raises:
        ValueError: the difficulty is neither easy nor hard.
    """
    difficulty = setting.parameters["difficulty"]
    if difficulty not in DIFFICULTIES:
        raise ValueError(f"difficulty = {difficulty!r} is none of {', '.join(DIFFICULTIES)}")
    return difficulty == "hard"


class SudokuStepper:
    """The native search with its known answer."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._team = _native.Team(setting.cpus)
        self._kernel = _native.Sudoku(self._team, setting.width, is_hard(setting), setting.seed, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Compares a few puzzles with the slow reference after some steps, and their solutions with the rules.

        Raises:
            AssertionError: they differ, or a puzzle has not exactly one solution.
        """
        kernel = _native.Sudoku(self._team, CHECK_WIDTH, is_hard(self._setting), self._setting.seed)
        kernel.run(CHECK_STEPS)
        puzzles = kernel.puzzles()
        for at in range(CHECK_PUZZLES):
            search = Search(puzzles[at].tolist())
            for _ in range(CHECK_STEPS):
                search.step()
            assert kernel.cells()[at].tolist() == search.cells, "sudoku: the candidates differ from the reference's"
            assert kernel.counts()[at].tolist() == [search.solved, search.guesses], (
                "sudoku: solutions or guesses differ"
            )
        solutions, found, _ = _native.sudoku_solve(self._team, puzzles, 2)
        assert np.all(found == 1), "sudoku: a puzzle has not exactly one solution"
        assert all(map(is_solution, puzzles.tolist(), solutions.tolist())), "sudoku: a solution breaks the rules"


def work(setting: Setting) -> Work:
    """Declared work of one step: one sweep of each puzzle, 16 side by side; what follows a sweep is left out.

    Raises:
        ValueError: the difficulty is neither easy nor hard.
    """
    is_hard(setting)
    return Work(
        serial_ops=CHAIN_OPS,
        flops=Affine(per_lane=UNITS * 9 * OPS_PER_CELL * 16 / 64),  # cells of 16 bits, in words of 64
        bytes=Affine(per_lane=2.0 * BYTES),
        footprint=Affine(per_lane=float(BYTES)),
        lanes=Affine(per_lane=1 / SIDE_BY_SIDE),
        barriers=int(setting.threads > 1),
        written=Affine(per_lane=float(BYTES)),
        arithmetic="words",
    )


@workload(
    depth="sweeps",
    width="puzzles",
    widths=(16, 64, 512, 4096, 32768),
    quick_widths=(16, 128, 1024, 8192),
    default_depth=64,
    parameters={"difficulty": "hard"},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="guess in parallel: the branches of a search are independent, up to the tree's size",
)
def sudoku(setting: Setting) -> SudokuStepper:
    """Sudokus, 16 side by side: sweeps of propagation, and a search where these end."""
    return SudokuStepper(setting)
