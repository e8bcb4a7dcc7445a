# SPDX-License-Identifier: Apache-2.0
"""The fitted step-time model of a family, and every number read off it with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.candidates import Band, Candidate
from serialprof.model.cells import Cell
from serialprof.model.curves import Curves, RefusedFitError, complete
from serialprof.model.family import Model, Structure, collinear, structure
from serialprof.model.memory import Memory
from serialprof.model.solving import BETWEEN, MAX, SUM, Design, Form, Problem, Solution
from serialprof.model.statistics import LEVEL, Array, Mask, f_quantile, too_few
from serialprof.model.steptimes import FamilyTimes

#: Level of the F test by which a form must beat a simpler one to take its place.
_SURELY: Final = 0.999

#: What a parameter more must take off the sum of squares (Akaike 1974).
_WORTH: Final = 2.0

#: Structures that disagree by more than this share of the step leave a part without a value.
_AGREEMENT: Final = 0.01

#: Relative half-width from which a prediction outside the sweep is no number.
VAGUE: Final = 0.25

#: Seconds that a regressor predicts per second measured, and their inverse, stay within this.
_RANGE: Final = 1e100


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
        notes: what was assumed, confounded or left out, each a clause.
    """

    curves: Curves
    memory: Memory
    candidates: tuple[Candidate, ...]
    confusion: str
    remedy: str
    residual: dict[str, float]
    notes: tuple[str, ...]

    @property
    def winner(self) -> Candidate:
        """The candidate whose values are reported."""
        return self.candidates[0]

    @property
    def overlap_identified(self) -> bool:
        """Whether all that explains the times agrees on how chain and width work overlap."""
        return len({candidate.solution.form for candidate in self.candidates}) == 1

    def seconds(self, cause: str) -> tuple[Estimate, ...]:
        """Seconds of a cause at every cell that was fitted."""
        return self.estimates(self._bands(lambda model: model.of_cause(cause)), "s", self.curves.mean)

    def shares(self, cause: str) -> tuple[Estimate, ...]:
        """Share of a cause in the measured step at every cell that was fitted."""
        return self._shares(lambda model: model.of_cause(cause))

    def shares_of(self, *kinds: str) -> tuple[Estimate, ...]:
        """Share of some kinds of terms in the measured step at every cell that was fitted."""
        return self._shares(lambda model: model.of(*kinds))

    def unattributed(self) -> tuple[Estimate, ...]:
        """1 - prediction / measured step at every cell that was fitted; may be negative."""
        bands = [band.over(self.curves.mean, self.curves.units).from_whole() for band in self._bands(_everything)]
        return self.estimates(bands, "1", np.full(len(self.curves.cells), np.inf), floor=-np.inf)

    def predict(self, cells: Sequence[Cell]) -> tuple[Estimate, ...]:
        """Seconds per step at any cells; outside the sweep a value only where its interval is narrower than VAGUE.

        `outlook.Outlook` also bounds what a candidate hides at every cell that was fitted.
        """
        bands = [candidate.seconds(cells, _everything(candidate.model)) for candidate in self.candidates]
        predicted = self.estimates(bands, "s", np.full(len(cells), np.inf))
        return tuple(map(self._doubted, predicted, cells, self.winner.open(cells)))

    def inside(self, cell: Cell) -> bool:
        """Whether a cell lies within the widths and thread counts that were fitted."""
        widths, threads = zip(*((fitted.width, fitted.threads) for fitted in self.curves.cells), strict=True)
        return bool(min(widths) <= cell.width <= max(widths) and min(threads) <= cell.threads <= max(threads))

    def hidden(self, kind: str) -> Mask:
        """[cell]: whether the winner hides a kind of term behind the other part of the max form."""
        model, solution = self.winner.model, self.winner.solution
        weights = Design.of(model, self.curves.cells).weights(solution.form, solution.parameters)
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
        what = f"not identified: outside the sweep, and the data leave it open by more than {VAGUE:.0%}"
        remedy = f"measured points nearer to W = {cell.width:g} and {cell.threads} threads"
        return Estimate.bracket(low, high, what, estimate.unit, remedy)

    def _bands(self, wanted: Callable[[Model], Mask]) -> list[Band]:
        return [candidate.seconds(self.curves.cells, wanted(candidate.model)) for candidate in self.candidates]

    def _shares(self, wanted: Callable[[Model], Mask]) -> tuple[Estimate, ...]:
        bands = [band.over(self.curves.mean, self.curves.units) for band in self._bands(wanted)]
        return tuple(map(_as_share, self.estimates(bands, "1", np.ones(len(self.curves.cells)))))


def _everything(model: Model) -> Mask:
    return np.ones(len(model.terms), dtype=bool)


def _as_share(estimate: Estimate) -> Estimate:
    """The estimate of a part of the whole, no more than the whole; a model that predicts more than that is left so."""
    if estimate.high is None or (estimate.value or 0.0) > 1:
        return estimate
    return replace(estimate, high=min(estimate.high, max(1.0, estimate.low or 0.0)))


def fit_family(times: FamilyTimes, memory: Memory) -> Fitted:
    """Fits a family in every form, and in every structure that may explain its times.

    Raises:
        RefusedFitError: there is too little to fit, or the declared work is no work.
    """
    curves = complete(times)
    built = structure(curves.cells, memory)
    design = Design.of(built.full, curves.cells)
    _check(design, curves)
    spread = _spread(built.full, curves)
    forms = _forms(built.full, curves, spread)
    winner = _winner(forms, curves, spread)
    kept = [(built.full, winner, 1.0), *_comparable(built, curves, spread, forms, winner)]
    notes = [*built.notes, *curves.notes]
    names = list(dict.fromkeys(solution.form.name for _, solution, _ in kept))
    if len(names) > 1:
        notes.append(f"these forms explain the times equally well, and the intervals cover all: {'; '.join(names)}")
    if len({cell.threads for cell in curves.cells}) == 1:
        notes.append("only one thread count was measured")
    # Unweighted: what a form hides would only make the terms look further apart.
    rows = Problem(design, curves.mean, spread).rows(np.ones(design.matrix.shape))
    confused = bool(built.smaller) and collinear(rows)
    return Fitted(
        curves,
        memory,
        tuple(Candidate.of(model, solution, curves, spread, left) for model, solution, left in kept),
        built.confusion if confused else "",
        built.remedy if confused else "",
        {form.name: solution.residual for form, solution in forms.items()},
        tuple(notes),
    )


def _spread(model: Model, curves: Curves) -> Array:
    """[cell]: what the best form may miss a time by: its noise, and the same lack of fit at every cell.

    The lack of fit is what the mean square of the residuals exceeds noise by, where it surely does (F test at 5 %);
    with it, a model that does not fit neither bends what was measured apart nor clings to the quietest points.
    """
    forms = _forms(model, curves, curves.errors).values()
    best = min(forms, key=lambda solution: solution.squares)
    freedom = _freedom(best, curves)
    if best.squares / freedom <= f_quantile(freedom, curves.freedom):
        return curves.errors
    misfit = best.residual**2 * len(curves.cells) / freedom - float(np.mean(curves.errors**2))
    spread: Array = np.sqrt(curves.errors**2 + max(0.0, misfit))
    return spread


def _forms(model: Model, curves: Curves, spread: Array) -> dict[Form, Solution]:
    """The solutions by form, the simplest first: every pair of sum and max, and the best of partial overlap.

    Only what a model has can overlap: without a chain, or without traffic, fewer forms are left.
    """
    problem = Problem(Design.of(model, curves.cells), curves.mean, spread)
    inner = (SUM, MAX) if (problem.design.traffic.any() and problem.design.computing.any()) else (SUM,)
    outer = (SUM, MAX) if problem.design.chain.any() else (SUM,)
    solved: dict[Form, Solution] = {}
    for form in (Form(*exponents) for exponents in product(outer, inner)):
        solved[form] = problem.solve(form, *(solution.parameters for solution in solved.values()))
    starts = [solution.parameters for solution in solved.values()]
    partial = [Form(exponent, within) for exponent in BETWEEN for within in inner if MAX in outer]
    partial += [Form(without, exponent) for exponent in BETWEEN for without in outer if MAX in inner]
    if partial:
        between = min((problem.solve(form, *starts) for form in partial), key=lambda solution: solution.squares)
        solved[between.form] = between
    return solved


def _winner(forms: Mapping[Form, Solution], curves: Curves, spread: Array) -> Solution:
    """The simplest form that no other surely beats: the sum, then those with full overlap, then partial overlap.

    Where none fits within noise, it is the one with full or no overlap that misses least, if partial overlap, which has
    a parameter more, is not surely better.
    """
    best = min(forms.values(), key=lambda solution: solution.squares)
    if _noisy(curves, spread):
        return next(solution for solution in forms.values() if _as_well(solution, best, curves, spread, _SURELY))
    sharp = min((item for item in forms.values() if item.form.sharp), key=lambda solution: solution.squares)
    return sharp if _as_well(sharp, best, curves, spread) else best


def _comparable(
    built: Structure, curves: Curves, spread: Array, forms: Mapping[Form, Solution], winner: Solution
) -> list[tuple[Model, Solution, float]]:
    """The other forms and structures that explain the times as well as the best, each with its allowance.

    Partial overlap has a parameter more than the rest; it counts only where that explains more than it costs (Akaike
    1974: 2 in the sum of squares).
    """
    found = []
    for model in (built.full, *built.smaller, *built.others):
        solved = forms if model is built.full else _forms(model, curves, spread)
        best = min(forms.values(), key=lambda solution: solution.squares)
        sharp = min(solution.squares for solution in solved.values() if solution.form.sharp)
        for solution in solved.values():
            worth = solution.form.sharp or solution.squares <= sharp - _WORTH
            left = allowance(solution, best, curves, spread)
            if solution is not winner and worth and left > 0:
                found.append((model, solution, left))
    return found


def allowance(solution: Solution, best: Solution, curves: Curves, spread: Array, level: float = LEVEL) -> float:
    """What is left of the half-widths of a solution that explains the times less well than the best; 0 if nothing is.

    The profile of the sum of squares: the parameters may move until the squares exceed the least of all forms by the F
    quantile F of one parameter. Of that, a solution with D more than the least has F - D left, which its parameters use
    up within sqrt(1 - D / F) of the half-width.
    """
    freedom = curves.freedom if _noisy(curves, spread) else _freedom(best, curves)
    used = (solution.squares - best.squares) / f_quantile(1, freedom, level)
    return math.sqrt(max(0.0, 1 - used))


def _as_well(solution: Solution, best: Solution, curves: Curves, spread: Array, level: float = LEVEL) -> bool:
    """Whether a solution explains the times as well as the best: the F test of one more parameter."""
    return allowance(solution, best, curves, spread, level) > 0


def _noisy(curves: Curves, spread: Array) -> bool:
    """Whether noise alone explains what the best form misses; else the spread was taken from its residuals."""
    return bool((spread <= curves.errors).all())


def _freedom(solution: Solution, curves: Curves) -> int:
    return max(1, len(curves.cells) - int(np.count_nonzero(solution.parameters)))


def _check(design: Design, curves: Curves) -> None:
    """Refuses declared work that is negative or not finite, or too large or small to be squared."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        relative = design.matrix / curves.mean[:, None]
    sound = (relative == 0) | ((relative >= 1 / _RANGE) & (relative <= _RANGE))
    if not sound.all():
        raise RefusedFitError("no fit: the declared work is negative or not finite at some width")
