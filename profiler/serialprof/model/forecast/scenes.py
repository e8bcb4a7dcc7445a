# SPDX-License-Identifier: Apache-2.0
"""Operating points under a change of the machine: every way in which it may act, and what the candidates make of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np

from serialprof.model.fitting.candidates import Candidate
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.family import TRAFFIC, Term
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.quantities import Quantity
from serialprof.model.fitting.solving import Design
from serialprof.model.forecast.carrying import GROWTHS, carried, free_barrier
from serialprof.model.forecast.conditions import Effects, Factors, effects, factors, on_threads, remainder
from serialprof.model.statistics import Array
from serialprof.question import Change

#: Share of a step up to which a fit meets a measured one.
MET: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Case:
    """One way in which conditions may act.

    Attributes:
        end: which end of the factors holds, "least" or "most".
        growth: how barriers go on to thread counts that were not measured.
        rest: which end of the factors on what the model leaves unattributed holds, likewise.
    """

    end: str
    growth: str
    rest: str


@dataclass(frozen=True)
class Scene:
    """Operating points that are compared with one that is as it is.

    Attributes:
        fitted: the family's fit.
        mode: how its steps are executed.
        now: what they are compared with, on the machine as it is.
        targets: the operating points [q], all under the change.
        change: of the machine.
        usable: threads that the machine runs at once, None where that is not known.
    """

    fitted: Fitted
    mode: str
    now: Cell
    targets: tuple[Cell, ...]
    change: Change
    usable: int | None = None
    _designs: dict[tuple[tuple[Term, ...], str], Design] = field(default_factory=dict)
    _applied: dict[tuple[tuple[Term, ...], str], Array] = field(default_factory=dict)

    def cases(self) -> list[Case]:
        """Every way in which the conditions may act; one where nothing is open."""
        terms = {term for candidate in self.fitted.candidates for term in candidate.model.terms}
        ends = _ends(self.factors(term, cell) for term in terms for cell in self.targets)
        strange = any(cell.threads not in self.threads for cell in self.targets)
        growths = GROWTHS if strange and any(map(free_barrier, terms)) else GROWTHS[:1]
        return [Case(*case) for case in product(ends, growths, _ends(map(self.remainder, self.targets)))]

    def quantities(self, candidate: Candidate, case: Case) -> tuple[Quantity, Quantity]:
        """Seconds of a step [q] at the targets in one case, and their share in the step as it is.

        What the model misses at a measured target stays with it, or changes as anything there may; what it has too much
        stays. The noise of a measured step is in neither.
        """
        then = Quantity.modelled(candidate, self._changed(candidate, case))
        indices = [index_of(self.fitted, cell) for cell in self.targets]
        known = np.array([index is not None for index in indices], dtype=float)
        if known.any():
            unchanged = Quantity.modelled(candidate, self._design(candidate, case.growth))
            told = self.fitted.told(candidate).at([index or 0 for index in indices])
            rest = np.array([getattr(self.remainder(cell), case.rest) for cell in self.targets])
            missed = told.plus(unchanged, -np.ones(len(self.targets)))
            then = then.plus(missed.excess(rest, MET * unchanged.value), known)
        here = index_of(self.fitted, self.now)
        if here is not None:
            return then, then.over(self.fitted.told(candidate).at([here]))
        present = Quantity.modelled(candidate, carried(candidate.model, [self.now], case.growth))
        return then, then.over(present)

    def effect(self, candidate: Candidate, case: Case) -> Array:
        """What the change alone does to a step [q] by a candidate: its seconds over those on the machine as it is."""
        form, parameters = candidate.solution.form, candidate.solution.parameters
        changed, present = (
            design.seconds(form, parameters).sum(axis=1)
            for design in (self._changed(candidate, case), self._design(candidate, case.growth))
        )
        effect: Array = np.divide(changed, present, out=np.ones_like(changed), where=present > 0)
        return effect

    def factors(self, term: Term, cell: Cell) -> Factors:
        """What may happen to a term: by the change, and by threads whose bandwidth was not measured."""
        return self.effects(term, cell).under(self.change)

    def effects(self, term: Term, cell: Cell) -> Effects:
        """The ways in which any change may act on a term, with threads whose bandwidth was not measured."""
        memory = self.fitted.memory
        found = effects(term, cell, memory, self.mode)
        if term.kind != TRAFFIC or cell.threads in self.threads:
            return found
        counts = [rung.threads for rung in memory.limits.stream if rung.threads <= cell.threads]
        if not counts or max(counts) == cell.threads:
            return found
        reason = f"the bandwidth of {cell.threads} threads was not measured"
        remedy = on_threads(f"limits measured at {cell.threads} threads", cell.threads, self.usable)
        shared = {replace(way, times=way.times * max(counts) / cell.threads) for way in found.ways}
        return Effects(found.ways | shared, reason, remedy)

    def remainder(self, cell: Cell) -> Factors:
        """What the change may do to what the model leaves unattributed at an operating point."""
        return remainder(cell, self.fitted.memory, self.mode, self.change)

    def bounds(self, cell: Cell) -> Factors:
        """What the change may multiply a step by at most and at least: no step changes by more than its parts."""
        models = {candidate.model.terms: candidate.model for candidate in self.fitted.candidates}.values()
        terms = {
            term
            for model in models
            for term, there in zip(model.terms, carried(model, [cell], GROWTHS[0]).matrix[0], strict=True)
            if there > 0
        }
        found = [factors(term, cell, self.fitted.memory, self.mode, self.change) for term in terms]
        found.append(self.remainder(cell))
        return Factors(min(item.least for item in found), max(item.most for item in found))

    @property
    def threads(self) -> set[int]:
        """The measured thread counts."""
        return {cell.threads for cell in self.fitted.curves.cells}

    def _changed(self, candidate: Candidate, case: Case) -> Design:
        """The candidate's model at the targets under the change."""
        design = self._design(candidate, case.growth)
        key = (candidate.model.terms, case.end)
        if key not in self._applied:
            terms = candidate.model.terms
            applied = [[getattr(self.factors(term, cell), case.end) for term in terms] for cell in self.targets]
            self._applied[key] = np.array(applied).reshape(design.matrix.shape)
        return replace(design, matrix=design.matrix * self._applied[key])

    def _design(self, candidate: Candidate, growth: str) -> Design:
        """The candidate's model at the targets on the machine as it is."""
        key = (candidate.model.terms, growth)
        if key not in self._designs:
            self._designs[key] = carried(candidate.model, self.targets, growth)
        return self._designs[key]


def _ends(found: Iterable[Factors]) -> tuple[str, ...]:
    """Which ends of factors there are to look at."""
    return ("least", "most") if any(item.most > item.least for item in found) else ("least",)


def index_of(fitted: Fitted, cell: Cell) -> int | None:
    """Which fitted cell an operating point at the highest clock is, None where it was not measured."""
    for index, known in enumerate(fitted.curves.cells):
        if (known.width, known.threads) == (cell.width, cell.threads) and not known.lowered:
            return index
    return None
