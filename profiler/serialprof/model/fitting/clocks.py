# SPDX-License-Identifier: Apache-2.0
"""Which terms of a step follow the core clock: told by the clocks that were measured, where there are several.

Execution, L1 and L2 take core cycles, what lies beyond L2 takes nanoseconds that stay. Of a term that may be made of
either, both parts are fitted: one in proportion to 1 / f, one that is the same at every f.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Final

from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.family import BARRIER, LOADS, SERIAL_LOADS, TRAFFIC, Model, Term

#: From this span on what follows the clock and what does not count as told apart, whatever the noise.
WIDE: Final = 1.25

_BEYOND_L2: Final = (TRAFFIC, LOADS, SERIAL_LOADS)


def clock_span(cells: Sequence[Cell]) -> float:
    """The highest measured clock over the lowest; 1 where clocks were left alone."""
    clocks = [cell.clock for cell in cells]
    return max(clocks) / min(clocks) if any(cell.lowered for cell in cells) else 1.0


def by_clock(terms: Sequence[Term], cells: Sequence[Cell]) -> tuple[Term, ...]:
    """The terms, each as what follows the clock and what does not, where several clocks were measured.

    What lies beyond L2 stays by its nature; where the traffic beyond L2 is a term, it is what stays of the operations.
    A barrier that was measured apart follows the clock here, and stays in `barrier_stays`.
    """
    if not any(cell.lowered for cell in cells):
        return tuple(terms)
    return tuple(part for term in terms for part in _parts(term))


def barrier_stays(model: Model) -> Iterator[Model]:
    """The model with a barrier measured apart that does not follow the clock: at what clock it was is not known."""
    if any(term.given is not None and term.scales for term in model.terms):
        yield replace(
            model,
            terms=tuple(
                replace(term, scales=False) if term.given is not None and term.scales else term for term in model.terms
            ),
        )


def one_sided(model: Model) -> Iterator[Model]:
    """Smaller models: terms of which both parts are fitted keep one of them, in every combination but all of both."""
    kinds = list(dict.fromkeys(term.kind for term in model.terms if _both(term, model)))
    for kept in product((None, True, False), repeat=len(kinds)):
        choice = dict(zip(kinds, kept, strict=True))
        if any(side is not None for side in kept):
            yield replace(
                model, terms=tuple(term for term in model.terms if choice.get(term.kind) in (None, term.scales))
            )


def _parts(term: Term) -> tuple[Term, ...]:
    if term.kind in _BEYOND_L2:
        return (replace(term, scales=False),)
    if term.kind == BARRIER and term.given is not None:
        return (replace(term, scales=True),)
    return replace(term, scales=True), replace(term, scales=False)


def _both(term: Term, model: Model) -> bool:
    """Whether a term has a counterpart on the other side of the clock."""
    return term.scales is not None and replace(term, scales=not term.scales) in model.terms
