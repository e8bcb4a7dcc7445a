# SPDX-License-Identifier: Apache-2.0
"""The step-time model of a family: which terms it has, and each term's regressor at an operating point."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from serialprof.catalog import Work
from serialprof.limits import Limits
from serialprof.model.results import COMPUTE, MEMORY, SERIAL, SYNCHRONISATION
from serialprof.model.statistics import Array, Mask

LATENCY: Final = "latency"
OPERATIONS: Final = "operations"
FIXED: Final = "fixed work"
BEYOND_L2: Final = "beyond L2"
BARRIER: Final = "barrier"

#: Which cause the seconds of a kind of term belong to.
CAUSE: Final = {
    LATENCY: SERIAL,
    OPERATIONS: COMPUTE,
    FIXED: COMPUTE,
    BEYOND_L2: MEMORY,
    BARRIER: SYNCHRONISATION,
}

#: Column-scaled condition number from which the terms count as collinear (Belsley, Kuh and Welsch 1980: 30).
COLLINEAR: Final = 30.0


@dataclass(frozen=True, slots=True)
class Cell:
    """An operating point of the serial form: width, threads, and the work that a step declares."""

    width: float
    threads: int
    work: Work | None

    @property
    def share(self) -> float:
        """Into how many parts the threads cut the width work: min(p, lanes(W)), at least 1."""
        lanes = self.width if self.work is None else self.work.lanes.at(self.width)
        return max(1.0, min(float(self.threads), lanes))

    @property
    def operations(self) -> float:
        """flops(W) less those on the chain, which no thread can take over (Brent 1974); lanes where undeclared."""
        if self.work is None:
            return self.width
        declared = self.work.flops.at(self.width)  # what is no number of operations stays one, for the fit to refuse
        return float(np.minimum(declared, np.maximum(0.0, declared - self.work.serial_ops)))


@dataclass(frozen=True, slots=True)
class Term:
    """One nonnegative parameter: its kind, and for a barrier its number of threads."""

    kind: str
    threads: int = 0


@dataclass(frozen=True)
class Memory:
    """What traffic beyond L2 costs on a machine.

    Attributes:
        limits: the measured ladder.
        l2: bytes of one L2 cache, None where unknown.
    """

    limits: Limits
    l2: int | None

    @classmethod
    def of(cls, limits: Limits, l2: int | None) -> Memory:
        """The same without rungs and caches that are no measurement (not finite, or not positive)."""
        stream = tuple(
            rung for rung in limits.stream if rung.footprint > 0 and 0 < rung.bandwidth < math.inf and rung.threads > 0
        )
        return cls(replace(limits, stream=stream), l2 if l2 and l2 > 0 else None)

    def unknown(self, cell: Cell) -> str:
        """Why the seconds beyond L2 cannot be told at a cell; empty where they can."""
        if cell.work is None:
            return "no bytes are declared, so memory traffic is part of the width compute"
        if self.l2 is None:
            return "the size of the L2 cache is unknown, so memory traffic is part of the width compute"
        if not self.fits(cell) and not self.limits.stream:
            return "no bandwidth ladder was measured, so memory traffic is part of the width compute"
        return ""

    def fits(self, cell: Cell) -> bool:
        """Whether the footprint is known to fit L2."""
        return cell.work is not None and self.l2 is not None and cell.work.footprint.at(cell.width) <= self.l2

    def seconds(self, cell: Cell) -> float:
        """bytes(W) * (1 / bandwidth(footprint, p) - 1 / bandwidth(L2 / 2, p)), at least 0.

        The ladder is of p threads together, so it is not divided by p again; half of L2 is surely inside it.
        """
        if cell.work is None or self.l2 is None or self.fits(cell):
            return 0.0
        outside = self.limits.bandwidth(cell.work.footprint.at(cell.width), cell.threads)
        inside = self.limits.bandwidth(self.l2 / 2, cell.threads)
        if not outside or not inside:
            return 0.0
        return max(0.0, cell.work.bytes.at(cell.width) * (1 / outside - 1 / inside))


@dataclass(frozen=True)
class Model:
    """Which terms a step time is made of.

    Attributes:
        terms: the free parameters.
        memory: the machine's ladder.
        barriers: seconds per barrier by threads where synchronisation is held fixed at its measured value, else None.
    """

    terms: tuple[Term, ...]
    memory: Memory
    barriers: dict[int, float] | None = None

    def matrix(self, cells: Sequence[Cell]) -> Array:
        """Regressors [cell, term]: seconds per unit of the parameter."""
        return np.array([[self._regressor(term, cell) for term in self.terms] for cell in cells], dtype=float)

    def known(self, cells: Sequence[Cell]) -> Array:
        """Seconds [cell] that are not fitted: barriers x the measured barrier."""
        return np.array([self._synchronisation(cell) for cell in cells], dtype=float)

    def of(self, *kinds: str) -> Mask:
        """Which terms [term] are of these kinds."""
        return np.array([term.kind in kinds for term in self.terms], dtype=bool)

    def of_cause(self, cause: str) -> Mask:
        """Which terms [term] belong to a cause."""
        return np.array([CAUSE[term.kind] == cause for term in self.terms], dtype=bool)

    def _regressor(self, term: Term, cell: Cell) -> float:
        if term.kind == LATENCY:
            return 1.0
        if term.kind == OPERATIONS:
            return cell.operations / cell.share
        if term.kind == FIXED:
            # Nothing is known of an undeclared fixed part: at best it is cut into as many pieces as there are threads.
            return 1 / (cell.threads if cell.work is None else cell.share)
        if term.kind == BEYOND_L2:
            return self.memory.seconds(cell)
        return float(term.threads == cell.threads)

    def _synchronisation(self, cell: Cell) -> float:
        if self.barriers is None or cell.work is None or cell.threads < 2:
            return 0.0
        return cell.work.barriers * self.barriers[cell.threads]


@dataclass(frozen=True)
class Structure:
    """The model of a family, and the smaller ones that may explain the same times.

    Attributes:
        full: with every term that the declared work allows.
        alternatives: the full model without some of the terms that could stand for each other.
        confusion: why parts may not be told apart, the reason of their brackets; empty where they can.
        notes: what was assumed or is confounded, each a clause.
    """

    full: Model
    alternatives: tuple[Model, ...]
    confusion: str
    notes: tuple[str, ...]


def structure(cells: Sequence[Cell], memory: Memory) -> Structure:
    """The model for a set of measured cells.

    Where nothing is declared to be fixed, latency, the growth over W and S(p) are told apart by W and p. A fixed part
    of the width work (or undeclared work, which may have one) looks like latency over W, and S(p) can make up for its
    shrinking with p: then S(p) must have been measured on its own, and every smaller model is fitted too.
    """
    threads = sorted({cell.threads for cell in cells})
    crowds = [count for count in threads if count > 1]
    undeclared = any(cell.work is None for cell in cells)
    fixed = undeclared or any(_has_fixed_part(cell.work) for cell in cells if cell.work)
    kinds = [LATENCY, OPERATIONS]
    notes = []
    confusion = ""
    if undeclared:
        confusion = "no work is declared: what does not grow with W may be weights or overhead as well as serial"
    elif fixed:
        confusion = "over W, the declared fixed part of the width work looks like latency"
    if fixed:
        kinds.append(FIXED)
    if any(memory.seconds(cell) > 0 for cell in cells):
        kinds.append(BEYOND_L2)
    barriers = None
    unsure = fixed or threads[0] > 1
    if crowds and unsure and not undeclared and all(memory.limits.barrier.get(count, 0) > 0 for count in crowds):
        barriers = {count: memory.limits.barrier[count] for count in crowds}
        notes.append("synchronisation is held at the declared barriers times the measured barrier")
        crowds = []
    elif crowds and unsure:
        notes.append("synchronisation was not measured on its own, so it is not told from serial time and fixed work")
        confusion = confusion or notes[-1]
    terms = [Term(kind) for kind in kinds] + [Term(BARRIER, count) for count in crowds]
    full = Model(tuple(terms), memory, barriers)
    suspects = {LATENCY, FIXED, BARRIER} if fixed or (crowds and unsure) else set()
    if BEYOND_L2 in kinds:
        # Far beyond L2 the ladder is flat: then the traffic grows with W just as the operations do.
        suspects |= {OPERATIONS, BEYOND_L2}
        confusion = confusion or "beyond L2, traffic grows with W just as the operations do"
    notes = [confusion, *notes, *sorted({memory.unknown(cell) for cell in cells})]
    alternatives = tuple(_smaller(full, suspects & {term.kind for term in terms}))
    return Structure(full, alternatives, confusion, tuple(dict.fromkeys(note for note in notes if note)))


def collinear(relative: Array) -> bool:
    """Whether the columns of a design cannot be told apart; a column of zeros counts as one that cannot."""
    norms = np.linalg.norm(relative, axis=0)
    if not norms.all() or relative.shape[0] < relative.shape[1]:
        return True
    return bool(np.linalg.cond(relative / norms) > COLLINEAR)


def _smaller(full: Model, suspects: set[str]) -> Iterator[Model]:
    """The full model less every set of suspects, but never less all of them."""
    for count in range(1, len(suspects)):
        for dropped in combinations(sorted(suspects), count):
            yield replace(full, terms=tuple(term for term in full.terms if term.kind not in dropped))


def _has_fixed_part(work: Work) -> bool:
    return work.flops.fixed > work.serial_ops or work.bytes.fixed > 0
