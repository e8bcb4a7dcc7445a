# SPDX-License-Identifier: Apache-2.0
"""The structure of a family's model: its terms, the other models that may explain the same times, and why they may."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from serialprof.limits import Limits
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.clocks import WIDE, barrier_stays, by_clock, clock_span, one_sided
from serialprof.model.fitting.curves import MINIMUM_VALUES
from serialprof.model.fitting.family import (
    BARRIER,
    FIXED,
    LATENCY,
    LOADS,
    OPERATIONS,
    SERIAL_LOADS,
    STREAM,
    TRAFFIC,
    Model,
    Term,
)
from serialprof.model.fitting.memory import Memory
from serialprof.model.statistics import Array

#: Column-scaled condition number from which the terms count as collinear (Belsley, Kuh and Welsch 1980: 30).
COLLINEAR: Final = 30.0

#: What was measured by itself need not cost the same inside a step: relative errors of a barrier and of a load.
_BARRIER_TRANSFER: Final = 0.2
_LOAD_TRANSFER: Final = 0.1


@dataclass(frozen=True)
class Structure:
    """The model of a family, and others that may explain the same times.

    Attributes:
        full: with every term that the declared work allows.
        smaller: the full model without some of the terms that could stand for each other.
        others: models that differ in how synchronisation grows with p.
        confusion: why parts may not be told apart, the reason of their brackets; empty where they can.
        remedy: what would tell them apart.
        notes: what was assumed or is confounded, each a clause.
    """

    full: Model
    smaller: tuple[Model, ...]
    others: tuple[Model, ...]
    confusion: str
    remedy: str
    notes: tuple[str, ...]


def structure(cells: Sequence[Cell], memory: Memory) -> Structure:
    """The model for a set of measured cells.

    Where nothing is declared to be fixed, latency, the growth over W and S(p) are told apart by W and p. A fixed part
    of the width work (or undeclared work, which may have one) looks like latency over W, and S(p) can make up for its
    shrinking with p: then S(p) must have been measured on its own, and every smaller model is fitted too. A sweep over
    threads alone tells the width work by its shrinking with p, if S(p) was measured or is assumed to grow with p.
    """
    threads = sorted({cell.threads for cell in cells})
    widths = len({cell.width for cell in cells})
    undeclared = any(cell.work is None for cell in cells)
    fixed = _fixed(cells) if widths > 1 else ""
    unsure = bool(fixed) or undeclared or threads[0] > 1 or widths < MINIMUM_VALUES
    confusion, remedy = _confusion(bool(fixed), undeclared=undeclared)
    kinds = [LATENCY, OPERATIONS] + [fixed] * bool(fixed)
    kinds += [TRAFFIC] * any(memory.seconds(cell) > 0 for cell in cells)
    loads = [Term(kind, given=_LOAD_TRANSFER) for kind in (SERIAL_LOADS, LOADS) if _occurs(kind, cells, memory)]
    barriers, note = _barriers(cells, memory.limits, unsure=unsure, few=widths < MINIMUM_VALUES)
    free = any(term.given is None for term in barriers)
    if unsure and free and widths >= MINIMUM_VALUES:
        confusion, remedy = confusion or note, remedy or _MEASURE_BARRIER
    suspects = {LATENCY, fixed, BARRIER} if fixed or (free and unsure and widths >= MINIMUM_VALUES) else set()
    if TRAFFIC in kinds:
        # Far beyond L2 the ladder is flat: then the traffic grows with W just as the operations do.
        suspects |= {OPERATIONS, TRAFFIC}
        confusion = confusion or "beyond L2, traffic grows with W just as the operations do"
        remedy = remedy or "widths on both sides of the L2 cache"
    full = Model(by_clock((*map(Term, kinds), *loads, *barriers), cells), memory)
    smaller = [*_smaller(full, suspects & {term.kind for term in full.terms if term.given is None})]
    if full.clocked and clock_span(cells) < WIDE:
        smaller += one_sided(full)
        confusion = confusion or f"the clocks that were measured span only {clock_span(cells):.2f}x"
        remedy = remedy or "clocks farther apart"
    notes = [confusion, note, *sorted({memory.unknown(cell) for cell in cells})]
    return Structure(
        full,
        tuple(smaller),
        (*_grown(full), *barrier_stays(full)),
        confusion,
        remedy,
        tuple(dict.fromkeys(text for text in notes if text)),
    )


_MEASURE_BARRIER: Final = "a barrier measured on its own at these thread counts: run without limits of another machine"


def _confusion(fixed: bool, *, undeclared: bool) -> tuple[str, str]:
    """Why terms over W may stand for each other, and what would tell them apart; empty where they cannot."""
    if undeclared:
        what = "no work is declared: what does not grow with W may be weights or overhead as well as serial"
        return what, "declared work (work=... of the workload)"
    if fixed:
        return "over W, the declared fixed part of the width work looks like latency", "more thread counts"
    return "", ""


def _barriers(cells: Sequence[Cell], limits: Limits, *, unsure: bool, few: bool) -> tuple[list[Term], str]:
    """The terms of synchronisation, and what is assumed of it, a clause."""
    crowds = sorted({cell.threads for cell in cells if cell.threads > 1})
    if not crowds:
        return [], ""
    if not unsure:
        return [Term(BARRIER, count) for count in crowds], ""
    rungs = [limits.barrier(cell.threads, cell.grain) for cell in cells if cell.threads > 1]
    known = [rung for rung in rungs if rung is not None and (rung.seconds > 0 or not rung.error)]
    if len(known) == len(rungs) and all(cell.work is not None for cell in cells):
        error = max((rung.error / rung.seconds for rung in known if rung.seconds > 0), default=0.0)
        given = math.hypot(error, _BARRIER_TRANSFER) if error else 0.0
        return [Term(BARRIER, given=given)], "synchronisation is the declared barriers times the measured barrier"
    if few:
        return [Term(BARRIER, growth="linear")], "synchronisation is assumed to grow with the threads"
    note = "synchronisation was not measured on its own, so it is not told from serial time and fixed work"
    return [Term(BARRIER, count) for count in crowds], note


def _grown(full: Model) -> Iterator[Model]:
    """The full model with barriers that grow with log2 p, where they were assumed to grow with p."""
    if any(term.growth for term in full.terms):
        yield replace(full, terms=tuple(replace(term, growth=term.growth and "logarithmic") for term in full.terms))


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
            terms = tuple(term for term in full.terms if term.kind not in dropped or term.given is not None)
            yield replace(full, terms=terms)


def _occurs(kind: str, cells: Sequence[Cell], memory: Memory) -> bool:
    return bool((Model((Term(kind),), memory).matrix(cells) > 0).any())


def _fixed(cells: Sequence[Cell]) -> str:
    """The kind of what a step does at any width beside its chain: traffic (weights), work, or nothing."""
    works = [cell.work for cell in cells]
    if any(work is not None and work.bytes.fixed > 0 for work in works):
        return STREAM
    return FIXED if any(work is None or work.flops.fixed > work.serial_ops for work in works) else ""
