# SPDX-License-Identifier: Apache-2.0
"""sudoku: one step is one puzzle solved; all have one solution, and all solvers are given the same.

tdoku is compared where its source is at hand: $TDOKU names the folder of its repository. It is compiled for this
processor, and called from a loop in C++.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from itertools import combinations, product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernels_tools.core import Case, Core, Job, Missing, Ready, require_same
from serialprof import _native

PUZZLES: Final = 256
#: Puzzles that solvers called from Python are given.
FEW: Final = 4
LOOP: Final = """
#include "tdoku.h"
extern "C" void solve_all(const char* puzzles, long count, char* solutions) {
  for (long i = 0; i < count; ++i) {
    size_t guesses = 0;
    TdokuSolverDpllTriadSimd(puzzles + 82 * i, 1, 0, solutions + 81 * i, &guesses);
  }
}
"""
#: Rows, columns and boxes, as numbers of cells.
UNITS: Final = [
    *([9 * row + column for column in range(9)] for row in range(9)),
    *([9 * row + column for row in range(9)] for column in range(9)),
    *(
        [9 * (row + i) + column + j for i, j in product(range(3), repeat=2)]
        for row, column in product((0, 3, 6), repeat=2)
    ),
]


def puzzles_of(job: Job) -> NDArray[np.uint8]:
    """Digits [puzzles, 81], 0 where none is given."""
    hard = job.setting.parameters["difficulty"] == "hard"
    return _native.Sudoku(_native.Team(job.cpus[:1]), job.steps, hard, job.setting.seed).puzzles()


def ours(job: Job) -> Ready:
    """The native solver; it ends a search at the first solution, as the others do."""
    team, puzzles = _native.Team(job.cpus), puzzles_of(job)
    last: list[Any] = [None]

    def run() -> None:
        last[0] = _native.sudoku_solve(team, puzzles, 1)[0]

    return Ready(run, lambda: last[0])


def tdoku(job: Job) -> Ready:
    """Its solver by triads with vectors, one thread."""
    source = os.environ.get("TDOKU")
    if not source:
        raise Missing("its source is not at hand ($TDOKU names the folder of its repository)")
    library = _compiled(Path(source), job.folder)
    puzzles = puzzles_of(job)
    text = np.full((len(puzzles), 82), ord("\n"), np.uint8)  # what follows a puzzle tells that it ends there
    text[:, :81] = np.where(puzzles, puzzles + ord("0"), ord("."))
    given = text.tobytes()
    solutions = ctypes.create_string_buffer(81 * len(puzzles) + 1)

    def solved() -> NDArray[np.uint8]:
        return np.frombuffer(solutions.raw[:-1], np.uint8).reshape(-1, 81) - np.uint8(ord("0"))

    def run() -> None:
        library.solve_all(given, ctypes.c_long(len(puzzles)), solutions)

    return Ready(run, solved, "one thread")


def _compiled(source: Path, folder: Path) -> ctypes.CDLL:
    loop, made = folder / "loop.cc", folder / "tdoku.so"
    loop.write_text(LOOP)
    files = [loop, source / "src/solver_dpll_triad_simd.cc", source / "src/util.cc"]
    options = [
        "-std=c++17",
        "-O3",
        "-march=native",
        "-fPIC",
        "-shared",
        f"-I{source / 'include'}",
        f"-I{source / 'src'}",
    ]
    done = subprocess.run(["c++", *options, "-o", made, *files], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"it does not compile: {done.stderr[-120:]}")
    return ctypes.CDLL(str(made))


def _in_python(job: Job, solve: Any) -> Ready:
    """A solver that is called per puzzle: the first few puzzles, scaled."""
    puzzles = puzzles_of(job)
    wanted = _native.sudoku_solve(_native.Team(job.cpus[:1]), puzzles[:FEW], 1)[0]
    require_same(wanted, np.array([solve(puzzle) for puzzle in puzzles[:FEW]], dtype=wanted.dtype))

    def run() -> float:
        begun = time.perf_counter()
        for puzzle in puzzles[:FEW]:
            solve(puzzle)
        return (time.perf_counter() - begun) * job.steps / FEW

    return Ready(run, None, f"{FEW} puzzles, scaled")


def ortools(job: Job) -> Ready:
    """CP-SAT: every unit all different."""
    from ortools.sat.python import cp_model

    def solve(puzzle: Any) -> list[int]:
        model = cp_model.CpModel()
        cells = [model.new_int_var(int(digit) or 1, int(digit) or 9, str(index)) for index, digit in enumerate(puzzle)]
        for unit in UNITS:
            model.add_all_different([cells[index] for index in unit])
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = job.threads
        solver.solve(model)
        return [solver.value(cell) for cell in cells]

    return _in_python(job, solve)


def python_sat(job: Job) -> Ready:
    """CaDiCaL by python-sat: one digit per cell, every digit once per unit."""
    from pysat.solvers import Cadical153

    def name(cell: int, digit: int) -> int:
        return 9 * cell + digit

    clauses = [[name(cell, digit) for digit in range(1, 10)] for cell in range(81)]
    clauses += [[-name(cell, a), -name(cell, b)] for cell in range(81) for a, b in combinations(range(1, 10), 2)]
    for unit, digit in product(UNITS, range(1, 10)):
        clauses += [[-name(a, digit), -name(b, digit)] for a, b in combinations(unit, 2)]

    def solve(puzzle: Any) -> list[int]:
        with Cadical153(bootstrap_with=clauses) as solver:
            solver.solve(assumptions=[name(cell, int(digit)) for cell, digit in enumerate(puzzle) if digit])
            true = [literal for literal in solver.get_model() if literal > 0]
        return [(literal - 1) % 9 + 1 for literal in true]

    return _in_python(job, solve)


#: The goal over the best peer: over tdoku where it is at hand, else over the solvers of Python.
GOAL: Final = 0.8 if "TDOKU" in os.environ else 20.0

CORES = (
    Core(
        "sudoku",
        tuple(Case(kind, 1, PUZZLES, {"difficulty": kind}, ratio={1: GOAL}) for kind in ("easy", "hard")),
        ours,
        {"tdoku": tdoku, "ortools": ortools, "python-sat": python_sat},
        per_step=False,
    ),
)
