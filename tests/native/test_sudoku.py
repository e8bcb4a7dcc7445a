# SPDX-License-Identifier: Apache-2.0
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from serialprof import _native
from serialprof_workloads.sudoku import BOXES, COLUMNS, ROWS, Search, is_solution

#: Arto Inkala's of 2010, and the empty grid, which has very many solutions.
INKALA = "005300000800000020070010500400005300010070006003200080060500009004000030000009700"
EMPTY = "0" * 81
TEAM = _native.Team([0])


def digits(text: str) -> np.ndarray:
    return np.array([[int(digit) for digit in text]], np.uint8)


def solutions_of(puzzle: list[int], most: int) -> list[list[int]]:
    """The first solutions of a puzzle by trying digits in the cell with the fewest left: slow and simple."""
    peers = [{cell for unit in (*ROWS, *COLUMNS, *BOXES) if at in unit for cell in unit} - {at} for at in range(81)]
    found: list[list[int]] = []

    def fill(grid: list[int]) -> None:
        free = [(9 - len({grid[peer] for peer in peers[at]} - {0}), at) for at in range(81) if grid[at] == 0]
        if not free:
            found.append(list(grid))
            return
        _, at = min(free)
        for digit in set(range(1, 10)) - {grid[peer] for peer in peers[at]}:
            grid[at] = digit
            fill(grid)
            grid[at] = 0
            if len(found) == most:
                return

    fill(list(puzzle))
    return found


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize(("threads", "width"), [(1, 1), (1, 16), (1, 19), (3, 37)])
def test_candidates_solutions_and_guesses_are_the_references(hard: bool, threads: int, width: int) -> None:
    kernel = _native.Sudoku(_native.Team([0] * threads), width, hard, seed=width)
    at = width - 1
    search = Search(kernel.puzzles()[at].tolist())
    steps = 0
    for more in (0, 1, 4, 40):
        for _ in range(more):
            search.step()
        steps += more
        kernel.run(steps)
        assert kernel.cells()[at].tolist() == search.cells
        assert kernel.counts()[at].tolist() == [search.solved, search.guesses]
    assert hard or search.solved > 1


@pytest.mark.parametrize("hard", [False, True])
def test_made_puzzles_have_one_solution(hard: bool) -> None:
    puzzles = _native.Sudoku(TEAM, 70, hard, seed=3).puzzles()
    assert len(np.unique(puzzles, axis=0)) == 70
    solutions, found, guesses = _native.sudoku_solve(TEAM, puzzles, 2)
    assert np.all(found == 1)
    assert all(map(is_solution, puzzles.tolist(), solutions.tolist()))
    assert solutions_of(puzzles[0].tolist(), 2) == [solutions[0].tolist()]
    assert np.all(guesses > 0) if hard else np.all(guesses == 0)
    assert np.all((puzzles > 0).sum(axis=1) < 40)


def test_no_given_of_a_hard_puzzle_can_be_spared() -> None:
    (puzzle,) = _native.Sudoku(TEAM, 1, True, seed=8).puzzles()
    spared = np.array([np.where(np.arange(81) == at, 0, puzzle) for at in np.flatnonzero(puzzle)], np.uint8)
    assert np.all(_native.sudoku_solve(TEAM, spared, 2)[1] == 2)


def test_solves_a_known_hard_puzzle() -> None:
    solutions, found, guesses = _native.sudoku_solve(TEAM, digits(INKALA), 2)
    assert found.tolist() == [1]
    assert guesses[0] > 0
    assert is_solution(digits(INKALA)[0].tolist(), solutions[0].tolist())
    assert solutions_of(digits(INKALA)[0].tolist(), 1) == solutions.tolist()


def test_counts_solutions_up_to_a_bound() -> None:
    """Two digits that can be exchanged in a rectangle across two boxes: two solutions."""
    full = _native.sudoku_solve(TEAM, digits(EMPTY))[0][0]
    corners = next(
        [9 * first + a, 9 * first + b, 9 * second + a, 9 * second + b]
        for first in range(9)
        for second in range(first + 1, first - first % 3 + 3)
        for a in range(9)
        for b in range(a + 1, 9)
        if a // 3 != b // 3
        and full[9 * first + a] == full[9 * second + b]
        and full[9 * first + b] == full[9 * second + a]
    )
    puzzle = full.copy()
    puzzle[corners] = 0
    assert _native.sudoku_solve(TEAM, puzzle[None], 9)[1].tolist() == [2]
    assert _native.sudoku_solve(TEAM, digits(EMPTY), 50)[1].tolist() == [50]


@pytest.mark.parametrize("text", ["11" + "0" * 79, "12345678" + "0" * 9 + "9" + "0" * 63, "1" * 81])
def test_tells_that_there_is_no_solution(text: str) -> None:
    solutions, found, _ = _native.sudoku_solve(TEAM, digits(text))
    assert found.tolist() == [0]
    assert not solutions.any()


def test_threads_and_order_change_no_solution() -> None:
    puzzles = np.concatenate([_native.Sudoku(TEAM, 33, hard, seed=5).puzzles() for hard in (False, True)])
    order = random.Random(1).sample(range(66), 66)
    one = _native.sudoku_solve(TEAM, puzzles)
    three = _native.sudoku_solve(_native.Team([0] * 3), puzzles[order])
    for alone, shared in zip(one, three, strict=True):
        assert np.array_equal(alone[order], shared)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_step_is_the_first_sweep(threads: int) -> None:
    team = _native.Team([0] * threads)
    wide, serial = (_native.Sudoku(team, 21, True, 2, form) for form in (True, False))
    wide.run(5)
    serial.run(1)
    assert np.array_equal(wide.puzzles(), serial.puzzles())
    assert np.array_equal(wide.cells(), serial.cells())
    assert not wide.counts().any()


def test_the_seed_decides_the_puzzles() -> None:
    first, again, other = (_native.Sudoku(TEAM, 3, True, seed).puzzles() for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_searches_alike(level: str) -> None:
    program = """
from serialprof import _native
from serialprof_workloads.sudoku import Search
kernel = _native.Sudoku(_native.Team([0]), 18, True, 7)
kernel.run(50)
search = Search(kernel.puzzles()[17].tolist())
for _ in range(50):
    search.step()
assert kernel.cells()[17].tolist() == search.cells
print(_native.instruction_set())
"""
    environment = os.environ | {"SERIALPROF_ISA": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == level


@pytest.mark.parametrize(("width", "message"), [(0, "width = 0 lies outside"), (2**21, "width = 2097152 lies outside")])
def test_refuses_widths(width: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Sudoku(TEAM, width, True)


@pytest.mark.parametrize(
    ("puzzles", "error", "message"),
    [
        (np.zeros((1, 80), np.uint8), ValueError, r"puzzles: needs two dimensions, \[n, 81\]"),
        (np.zeros(81, np.uint8), ValueError, r"puzzles: needs two dimensions, \[n, 81\]"),
        (np.zeros((1, 81), np.int64), TypeError, "puzzles: needs entries of type uint8"),
        (np.full((1, 81), 10, np.uint8), ValueError, "puzzles: needs digits 0 to 9"),
    ],
)
def test_refuses_what_is_no_puzzle(puzzles: np.ndarray, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _native.sudoku_solve(TEAM, puzzles)


def test_refuses_to_stop_before_the_first_solution() -> None:
    with pytest.raises(ValueError, match="most = 0 lies outside"):
        _native.sudoku_solve(TEAM, digits(EMPTY), 0)


def test_solves_none() -> None:
    assert [part.shape for part in _native.sudoku_solve(TEAM, np.zeros((0, 81), np.uint8))] == [(0, 81), (0,), (0,)]
