# SPDX-License-Identifier: Apache-2.0
"""Operating points under a change of the machine: every way in which it may act, and what the candidates make of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, product
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
    """Operating points that are each compared with one that is as it is.

    All are worked out together: a call of numpy for many takes as long as one for one.

    Attributes:
        fitted: the family's fit.
        mode: how its steps are executed.
        nows: what they are compared with [q], on the machine as it is.
        targets: the operating points [q], all under the change.
        change: of the machine.
        usable: threads that the machine runs at once, None where that is not known.
    """

    fitted: Fitted
    mode: str
    nows: tuple[Cell, ...]
    targets: tuple[Cell, ...]
    change: Change
    usable: int | None = None

    def cases(self) -> list[Case]:
        """Every way in which the conditions may act; one where nothing is open."""
        ends = _ends(chain.from_iterable(self.factors))
        strange = any(cell.threads not in self.threads for cell in self.targets)
        growths = GROWTHS if strange and any(map(free_barrier, self.terms)) else GROWTHS[:1]
        return [Case(*case) for case in product(ends, growths, _ends(self.remainders))]

    def quantities(self, candidate: Candidate, case: Case) -> tuple[Quantity, Quantity]:
        """Seconds of a step [q] at the targets in one case, and their share in the step as it is.

        What the model misses at a measured target stays with it, or changes as anything there may; what it has too much
        stays. The noise of a measured step is in neither.
        """
        then = self._modelled(candidate, case.growth, case.end)
        indices = [self.fitted.index(cell) for cell in self.targets]
        known = np.array([index is not None for index in indices], dtype=float)
        if known.any():
            unchanged = self._modelled(candidate, case.growth)
            told = self.fitted.told(candidate).at([index or 0 for index in indices])
            rest = np.array([getattr(factors, case.rest) for factors in self.remainders])
            missed = told.plus(unchanged, -np.ones(len(self.targets)))
            then = then.plus(missed.excess(rest, MET * unchanged.value), known)
        return then, then.over(self._present(candidate, case.growth))

    def effect(self, candidate: Candidate, case: Case) -> Array:
        """What the change alone does to a step [q] by a candidate: its seconds over those on the machine as it is."""
        changed = self._modelled(candidate, case.growth, case.end).value
        present = self._modelled(candidate, case.growth).value
        effect: Array = np.divide(changed, present, out=np.ones_like(changed), where=present > 0)
        return effect

    @cached_property
    def factors(self) -> list[list[Factors]]:
        """[q][term]: what may happen to the terms of all candidates together (`terms`).

        By the change, and by threads whose bandwidth was not measured.
        """
        return [[self.effects(term, cell).under(self.change) for term in self.terms] for cell in self.targets]

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

    @cached_property
    def remainders(self) -> tuple[Factors, ...]:
        """[q]: what the change may do to what the model leaves unattributed."""
        return tuple(remainder(cell, self.fitted.memory, self.mode, self.change) for cell in self.targets)

    @cached_property
    def bounds(self) -> tuple[Factors, ...]:
        """[q]: what the change may multiply a step by at most and at least: no step changes by more than its parts."""
        return tuple(map(self._bounds, self.targets, self._regressors(GROWTHS[0], ""), self.remainders))

    def _bounds(self, cell: Cell, there: Array, rest: Factors) -> Factors:
        works = [term for term, regressor in zip(self.terms, there, strict=True) if regressor > 0]
        found = [factors(term, cell, self.fitted.memory, self.mode, self.change) for term in works]
        return Factors(min(item.least for item in (*found, rest)), max(item.most for item in (*found, rest)))

    @cached_property
    def threads(self) -> set[int]:
        """The measured thread counts."""
        return {cell.threads for cell in self.fitted.curves.cells}

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of all candidates together."""
        return self.fitted.union.terms

    def design(self, candidate: Candidate, growth: str, end: str = "") -> Design:
        """A candidate's model at the targets on the machine as it is; under an end of the change where one is given."""
        return replace(candidate.design, matrix=self._regressors(growth, end)[:, self.fitted.columns(candidate)])

    def _regressors(self, growth: str, end: str) -> Array:
        """[q, term] of all candidates together, worked out once: they share most of their terms."""
        if (growth, end) not in self._matrices:
            if end:
                applied = [[getattr(item, end) for item in row] for row in self.factors]
                self._matrices[growth, end] = self._regressors(growth, "") * np.array(applied)
            else:
                self._matrices[growth, end] = carried(self.fitted.union, self.targets, growth).matrix
        return self._matrices[growth, end]

    def _modelled(self, candidate: Candidate, growth: str, end: str = "") -> Quantity:
        """Seconds of a step [q] by a candidate, as `design` says; cases share most of them."""
        key = (candidate, growth, end)
        if key not in self._quantities:
            self._quantities[key] = Quantity.modelled(candidate, self.design(candidate, growth, end))
        return self._quantities[key]

    def _present(self, candidate: Candidate, growth: str) -> Quantity:
        """Seconds of the steps as they are [q]: what was measured is told, the others are modelled."""
        indices = [self.fitted.index(cell) for cell in self.nows]
        told = self.fitted.told(candidate).at([index or 0 for index in indices])
        if None not in indices:
            return told
        known = np.array([index is not None for index in indices])
        return told.where(known, self._before._modelled(candidate, growth))

    @cached_property
    def _before(self) -> Scene:
        return replace(self, targets=self.nows)

    @cached_property
    def _matrices(self) -> dict[tuple[str, str], Array]:
        return {}

    @cached_property
    def _quantities(self) -> dict[tuple[Candidate, str, str], Quantity]:
        return {}


def _ends(found: Iterable[Factors]) -> tuple[str, ...]:
    """Which ends of factors there are to look at."""
    return ("least", "most") if any(item.most > item.least for item in found) else ("least",)
