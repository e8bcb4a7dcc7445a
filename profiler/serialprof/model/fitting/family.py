# SPDX-License-Identifier: Apache-2.0
"""The step-time model of a family: which terms it has, and each term's regressor at an operating point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.memory import Memory
from serialprof.model.results import COMPUTE, MEMORY, SERIAL, SYNCHRONISATION
from serialprof.model.statistics import Array, Mask

LATENCY: Final = "latency"
SERIAL_LOADS: Final = "loads of the chain beyond L2"
OPERATIONS: Final = "operations"
FIXED: Final = "fixed work"
STREAM: Final = "fixed traffic"
TRAFFIC: Final = "traffic beyond L2"
LOADS: Final = "loads of the lanes beyond L2"
BARRIER: Final = "barrier"

#: The sides of a step that may overlap.
CHAIN: Final = (LATENCY, SERIAL_LOADS)
COMPUTING: Final = (OPERATIONS, FIXED, LOADS)
TRAFFICKING: Final = (STREAM, TRAFFIC)

#: Which cause the seconds of a kind of term belong to.
CAUSE: Final = {
    LATENCY: SERIAL,
    SERIAL_LOADS: SERIAL,
    OPERATIONS: COMPUTE,
    FIXED: COMPUTE,
    STREAM: MEMORY,
    TRAFFIC: MEMORY,
    LOADS: MEMORY,
    BARRIER: SYNCHRONISATION,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One nonnegative parameter.

    Attributes:
        kind: what it stands for.
        threads: of a barrier's own parameter, 0 where one holds for every thread count.
        growth: how a barrier that was not measured grows with p: "linear", "logarithmic", "" where it is free.
        given: relative standard error of a parameter that was measured apart and is 1; None where it is fitted alone.
        scales: whether its seconds fall as the core clock rises, or stay; None where only one clock was measured, and
            nothing told.
    """

    kind: str
    threads: int = 0
    growth: str = ""
    given: float | None = None
    scales: bool | None = None

    def slowed(self, cell: Cell) -> float:
        """By how much the clock of a cell lengthens the term."""
        return 1 / cell.clock if self.scales else 1.0


@dataclass(frozen=True)
class Model:
    """Which terms a step time is made of.

    Attributes:
        terms: the parameters.
        memory: the machine's ladders and barriers.
    """

    terms: tuple[Term, ...]
    memory: Memory

    def matrix(self, cells: Sequence[Cell]) -> Array:
        """Regressors [cell, term]: seconds per unit of the parameter."""
        rows = [[self._regressor(term, cell) * term.slowed(cell) for term in self.terms] for cell in cells]
        return np.array(rows, dtype=float).reshape(len(rows), len(self.terms))

    def of(self, *kinds: str) -> Mask:
        """Which terms [term] are of these kinds."""
        return np.array([term.kind in kinds for term in self.terms], dtype=bool)

    def of_cause(self, cause: str) -> Mask:
        """Which terms [term] belong to a cause."""
        return np.array([CAUSE[term.kind] == cause for term in self.terms], dtype=bool)

    @property
    def clocked(self) -> bool:
        """Whether it tells what follows the clock from what does not, by clocks that were measured."""
        return any(term.scales is not None for term in self.terms)

    def scaling(self, *, scales: bool) -> Mask:
        """Which terms [term] are told to follow the clock, or not to."""
        return np.array([term.scales is scales for term in self.terms], dtype=bool)

    @property
    def given(self) -> Array:
        """[term]: relative standard error of what was measured apart, infinite where nothing was."""
        return np.array([math.inf if term.given is None else term.given for term in self.terms], dtype=float)

    def _regressor(self, term: Term, cell: Cell) -> float:
        work = cell.work
        if term.kind == OPERATIONS:
            return cell.operations / cell.share
        if term.kind in (FIXED, STREAM):
            # Nothing is known of an undeclared fixed part: at best it is cut into as many pieces as there are threads.
            return 1 / (cell.threads if work is None else cell.share)
        if term.kind == TRAFFIC:
            return self.memory.seconds(cell)
        if term.kind == LOADS:
            return 0.0 if work is None else work.loads.at(cell.width) * self.memory.load(cell) / cell.share
        if term.kind == SERIAL_LOADS:
            return 0.0 if work is None else work.serial_loads * self.memory.load(cell)
        return self._barrier(term, cell) if term.kind == BARRIER else 1.0

    def _barrier(self, term: Term, cell: Cell) -> float:
        if cell.threads < 2:
            return 0.0
        if term.given is not None:
            return cell.barriers * self.memory.barrier(cell.threads, cell.grain)
        if term.growth == "linear":
            return float(cell.threads - 1)
        return math.log2(cell.threads) if term.growth else float(term.threads == cell.threads)
