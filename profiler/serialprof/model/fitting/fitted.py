# SPDX-License-Identifier: Apache-2.0
"""A family's fitted step-time model, and the numbers read off it with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.fitting.candidates import Band, Candidate
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.curves import Curves
from serialprof.model.fitting.family import Model
from serialprof.model.fitting.memory import Memory
from serialprof.model.fitting.quantities import Quantity
from serialprof.model.statistics import LEVEL, Array, Mask, too_few
from serialprof.units import format_percent

#: Structures that disagree by more than this share of the step leave a part without a value.
_AGREEMENT: Final = 0.01

#: A share above 1 by no more is the whole.
_ROUNDING: Final = 1e-9

#: Relative half-width from which a prediction outside the sweep is no number.
VAGUE: Final = 0.25


@dataclass(frozen=True)
class Fitted:
    """A family's fit with what is needed to read further numbers off it.

    Attributes:
        curves: the step times that were fitted.
        memory: the machine's ladders.
        candidates: the winner first, then the forms and structures that explain the times as well.
        confusion: why terms of the winner cannot be told apart, empty where they can.
        remedy: what would tell them apart.
        residual: relative root-mean-square residual by form.
        misfit: [cell], share of the variance of a residual that is lack of fit, not noise.
        notes: what was assumed, confounded or left out, each a clause.
    """

    curves: Curves
    memory: Memory
    candidates: tuple[Candidate, ...]
    confusion: str
    remedy: str
    residual: dict[str, float]
    misfit: Array
    notes: tuple[str, ...]

    @property
    def winner(self) -> Candidate:
        """The candidate whose values are reported."""
        return self.candidates[0]

    @property
    def overlap_identified(self) -> bool:
        """Whether all that explains the times agrees on how chain and width work overlap."""
        return len({candidate.solution.form for candidate in self.candidates}) == 1

    @property
    def clocked(self) -> bool:
        """Whether clocks that were measured tell what follows the clock and what does not."""
        return self.winner.model.clocked

    @property
    def clocks(self) -> tuple[float, float]:
        """The lowest and the highest measured clock, over the highest; (1, 1) where clocks were left alone."""
        clocks = [cell.clock for cell in self.curves.cells]
        return min(clocks), max(clocks)

    def seconds(self, cause: str) -> tuple[Estimate, ...]:
        """Seconds of a cause at every cell that was fitted."""
        return self.estimates(self.bands(self.curves.cells, lambda model: model.of_cause(cause)), "s", self.curves.mean)

    def shares(self, cause: str) -> tuple[Estimate, ...]:
        """Share of a cause in the step at every cell that was fitted."""
        return self._shares(lambda model: model.of_cause(cause))

    def shares_of(self, *kinds: str) -> tuple[Estimate, ...]:
        """Share of some kinds of terms in the step at every cell that was fitted."""
        return self._shares(lambda model: model.of(*kinds))

    def shares_by_clock(self, *kinds: str, scales: bool) -> tuple[Estimate, ...]:
        """Share of what follows the clock (or does not) of some kinds of terms, at every cell that was fitted."""
        return self._shares(lambda model: model.of(*kinds) & model.scaling(scales=scales))

    def unattributed(self) -> tuple[Estimate, ...]:
        """Share of the step that the model leaves over at every cell that was fitted; may be negative.

        The interval is that of 1 - prediction / measured step, the value as much of it as counts as `missed`.
        """
        kept, ratios = self.missed * self._left + 0.0, self.curves.mean / self.steps  # + 0.0: no negative zero
        return tuple(
            replace(part, value=None if part.value is None else float(value)).scaled(float(ratio), "1")
            for part, value, ratio in zip(self._leftovers, kept, ratios, strict=True)
        )

    @cached_property
    def steps(self) -> Array:
        """[cell]: seconds that shares are of: the prediction, and what of the residual counts as `missed`."""
        steps: Array = self.curves.mean * (1 - self._left + self.missed * self._left)
        return steps

    @cached_property
    def missed(self) -> Array:
        """[cell]: how much of a residual counts as missed by the model, from 0 to 1.

        As much as lack of fit has in the variance of the residuals (their best linear prediction), and at least what
        surely is no noise: where the interval of a residual leaves out 0, its nearer end.
        """
        surely = [max(0.0, part.low or 0.0, -(part.high or 0.0)) for part in self._leftovers]
        left = np.abs(self._left)
        least = np.divide(surely, left, out=np.zeros_like(left), where=left > 0)
        kept: Array = np.clip(np.maximum(self.misfit, least), 0.0, 1.0)
        return kept

    @cached_property
    def _left(self) -> Array:
        """[cell]: 1 - prediction / measured step."""
        left: Array = 1 - Quantity.modelled(self.winner, self.winner.design).value / self.curves.mean
        return left

    @cached_property
    def _leftovers(self) -> tuple[Estimate, ...]:
        """1 - prediction / measured step, noise and all, with t intervals over units."""
        nothing = np.zeros(len(self.curves.cells))
        bands = [
            Band(1 - band.value / self.curves.mean, 1 - band.units / self.curves.units, nothing, 0, nothing)
            for band in self.bands(self.curves.cells)
        ]
        return self.estimates(bands, "1", np.full(len(self.curves.cells), np.inf), floor=-np.inf)

    def predict(self, cells: Sequence[Cell]) -> tuple[Estimate, ...]:
        """Seconds per step at any cells; outside the sweep a value only where its interval is narrower than VAGUE.

        `outlook.Outlook` also bounds what a candidate hides at every cell that was fitted.
        """
        predicted = self.estimates(self.bands(cells), "s", np.full(len(cells), np.inf))
        return tuple(map(self._doubted, predicted, cells, self.winner.open(cells).tolist()))

    def index(self, cell: Cell) -> int | None:
        """Which fitted cell an operating point at the highest clock is, None where it was not measured."""
        return self._places.get((cell.width, cell.threads))

    @cached_property
    def _places(self) -> dict[tuple[float, int], int]:
        known = [(cell, index) for index, cell in enumerate(self.curves.cells) if not cell.lowered]
        return {(cell.width, cell.threads): index for cell, index in reversed(known)}

    def inside(self, cell: Cell) -> bool:
        """Whether a cell lies within the widths and thread counts that were fitted."""
        widths, threads = zip(*((fitted.width, fitted.threads) for fitted in self.curves.cells), strict=True)
        return bool(min(widths) <= cell.width <= max(widths) and min(threads) <= cell.threads <= max(threads))

    def hidden(self, kind: str) -> Mask:
        """[cell]: whether the winner hides a kind of term behind the other part of the max form."""
        model, solution = self.winner.model, self.winner.solution
        weights = self.winner.design.weights(solution.form, solution.parameters)
        hidden: Mask = np.any(weights[:, model.of(kind)] == 0, axis=1)
        return hidden

    def estimates(self, bands: Sequence[Band], unit: str, scale: Array, floor: float = 0.0) -> tuple[Estimate, ...]:
        """Unites the candidates' intervals; a value only where every structure agrees to a hundredth of `scale` [q]."""
        values = np.array([band.value for band in bands])
        apart: Mask = np.max(values, axis=0) - np.min(values, axis=0) > _AGREEMENT * scale
        settled = ~apart if self.confusion else np.ones_like(apart)
        if reason := too_few(self.curves.whole):
            lost = f"{self.confusion}; {reason}"
            return tuple(
                Estimate(float(value), unit=unit, level=LEVEL, reason=reason)
                if known
                else Estimate.unknown(lost, unit, self.remedy)
                for value, known in zip(bands[0].value, settled, strict=True)
            )
        ends = [band.ends() for band in bands]
        lows = np.maximum(floor, np.min([low for low, _ in ends], axis=0))
        highs = np.max([high for _, high in ends], axis=0)
        return tuple(
            Estimate(float(value), float(low), float(high), unit, LEVEL)
            if known
            else Estimate.bracket(float(low), float(high), self.confusion, unit, self.remedy)
            for value, low, high, known in zip(bands[0].value, lows, highs, settled, strict=True)
        )

    def _doubted(self, estimate: Estimate, cell: Cell, half: float) -> Estimate:
        """The estimate, without its value where it lies outside the sweep and could be anything."""
        if estimate.value is None or estimate.low is None or estimate.high is None or self.inside(cell):
            return estimate
        half = max(half, (estimate.high - estimate.low) / 2)
        if half <= VAGUE * estimate.value:
            return estimate
        low, high = min(estimate.low, max(0.0, estimate.value - half)), max(estimate.high, estimate.value + half)
        what = f"not identified: outside the sweep, and the data leave it open by more than {format_percent(VAGUE)}"
        remedy = f"measured points nearer to W = {cell.width:g} and {cell.threads} threads"
        return Estimate.bracket(low, high, what, estimate.unit, remedy)

    def bands(self, cells: Sequence[Cell], wanted: Callable[[Model], Mask] | None = None) -> list[Band]:
        """The seconds of a step at any cells, or of the wanted terms alone, candidate by candidate."""
        matrix, found = self.union.matrix(cells), []
        for candidate in self.candidates:
            design = replace(candidate.design, matrix=matrix[:, self.columns(candidate)])
            quantity = Quantity.modelled(candidate, design, None if wanted is None else wanted(candidate.model))
            found.append(quantity.band(candidate))
        return found

    @cached_property
    def union(self) -> Model:
        """The terms of all candidates together: they share most of them, which are so worked out once."""
        terms = dict.fromkeys(term for candidate in self.candidates for term in candidate.model.terms)
        return replace(self.winner.model, terms=tuple(terms))

    def columns(self, candidate: Candidate) -> list[int]:
        """Where a candidate's terms stand among those of the union."""
        return [self.union.terms.index(term) for term in candidate.model.terms]

    def told(self, candidate: Candidate) -> Quantity:
        """Seconds of the step at every cell that was fitted: a candidate's, with what of the residual is missed."""
        return self._told[candidate]

    @cached_property
    def _told(self) -> dict[Candidate, Quantity]:
        found = {}
        for candidate in self.candidates:
            modelled = Quantity.modelled(candidate, candidate.design)
            measured = Quantity.measured(self.curves.mean, self.curves.units, candidate)
            left = measured.plus(modelled, -np.ones(len(self.curves.cells)))
            found[candidate] = modelled.plus(left, self.missed)
        return found

    def _shares(self, wanted: Callable[[Model], Mask]) -> tuple[Estimate, ...]:
        bands = []
        for candidate in self.candidates:
            part = Quantity.modelled(candidate, candidate.design, wanted(candidate.model))
            bands.append(part.over(self.told(candidate)).band(candidate))
        return tuple(map(_as_share, self.estimates(bands, "1", np.ones(len(self.curves.cells)))))


def _as_share(estimate: Estimate) -> Estimate:
    """The estimate of a part of the whole, no more than the whole; a model that predicts more than that is left so."""
    if estimate.high is None or (estimate.value or 0.0) > 1 + _ROUNDING:
        return estimate
    return replace(estimate, high=min(estimate.high, max(1.0, estimate.low or 0.0)))
