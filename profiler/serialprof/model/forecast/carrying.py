# SPDX-License-Identifier: Apache-2.0
"""The model carried on to thread counts that were not measured, and how it changes on the way to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from serialprof.model.fitting.cells import Cell, nearest
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
from serialprof.model.fitting.solving import Design
from serialprof.model.statistics import Array

LINEAR: Final = "linear"
LOGARITHMIC: Final = "logarithmic"
#: How a barrier that was fitted thread count by thread count may go on to others.
GROWTHS: Final = (LINEAR, LOGARITHMIC)


def free_barrier(term: Term) -> bool:
    """Whether a term is the barrier of one thread count, of which others know nothing."""
    return term.kind == BARRIER and term.given is None and not term.growth


def carried(model: Model, cells: Sequence[Cell], growth: str) -> Design:
    """The design of a model at cells whose thread counts need not have been measured.

    Where every measured thread count has a barrier of its own, that of another count is the next smaller one's (or the
    smallest one's), grown with p - 1 or with log2 p.
    """
    design = Design.of(model, cells)
    counts = [term.threads for term in model.terms if free_barrier(term)]
    matrix = design.matrix.copy()
    for row, cell in enumerate(cells):
        if not counts or cell.threads < 2 or cell.threads in counts:
            continue
        source = max((count for count in counts if count < cell.threads), default=min(counts))
        for column, term in enumerate(model.terms):
            if free_barrier(term) and term.threads == source:
                matrix[row, column] = term.slowed(cell) * _grown(cell.threads, growth) / _grown(source, growth)
    return replace(design, matrix=matrix)


def thread_slopes(model: Model, cells: Sequence[Cell], growth: str, *, shared: bool) -> Array:
    """Derivatives [cell, term] of the regressors by ln p, towards more threads.

    What splits over threads has its own derivative, -1 per unit while threads are fewer than lanes. What was measured
    at thread counts (barriers, ladders) is taken linear in ln p up to the next count that was fitted. Beyond the
    largest, barriers grow on as `growth` says, and traffic stays where the bandwidth is `shared`, else falls as 1 / p.

    Args:
        model: whose terms.
        cells: fitted operating points.
        growth: "linear" or "logarithmic", of barriers fitted thread count by thread count.
        shared: whether more threads than were measured share the bandwidth of the largest count.
    """
    further = [_further(cell, cells) for cell in cells]
    here = model.matrix(cells)
    there = model.matrix([cell if other is None else other for cell, other in zip(cells, further, strict=True)])
    slopes = np.zeros_like(here)
    for row, (cell, other) in enumerate(zip(cells, further, strict=True)):
        for column, term in enumerate(model.terms):
            regressor = here[row, column]
            if term.kind in (OPERATIONS, FIXED, STREAM, LOADS):
                slopes[row, column] = -regressor if _splits(term, cell) else 0.0
            elif other is not None:
                slopes[row, column] = (there[row, column] - regressor) / math.log(other.threads / cell.threads)
            else:
                slopes[row, column] = regressor * _beyond(term, cell.threads, growth, shared=shared)
    return slopes


def _further(cell: Cell, cells: Sequence[Cell]) -> Cell | None:
    """The same width at the next larger thread count of the fit, None at the largest."""
    counts = [other.threads for other in cells if other.threads > cell.threads]
    return nearest(cells, cell.width, min(counts)) if counts else None


def _splits(term: Term, cell: Cell) -> bool:
    """Whether one more thread takes its part of a term; an undeclared fixed part may always be cut further."""
    if term.kind in (FIXED, STREAM) and cell.work is None:
        return True
    lanes = cell.width if cell.work is None else cell.work.lanes.at(cell.width)
    return cell.threads < lanes


def _beyond(term: Term, threads: int, growth: str, *, shared: bool) -> float:
    """Logarithmic derivative of a regressor by p beyond the largest fitted thread count."""
    if term.kind in (LATENCY, SERIAL_LOADS) or (term.kind == BARRIER and threads < 2):
        return 0.0
    if term.kind == TRAFFIC:
        return 0.0 if shared else -1.0
    grows = term.growth or (growth if free_barrier(term) else LINEAR)
    return threads / (threads - 1) if grows == LINEAR else 1 / math.log(threads)


def _grown(threads: int, growth: str) -> float:
    return threads - 1.0 if growth == LINEAR else math.log2(threads)
