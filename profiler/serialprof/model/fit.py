# SPDX-License-Identifier: Apache-2.0
"""The fitted step-time model of a family, and every number read off it with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.curves import Curves, RefusedFitError, complete
from serialprof.model.family import BARRIER, BEYOND_L2, LATENCY, OPERATIONS, Cell, Memory, Model, collinear, structure
from serialprof.model.results import SYNCHRONISATION, Curve, Fit
from serialprof.model.solving import FORM_NAMES, Design, FormName, Solution, solve
from serialprof.model.statistics import LEVEL, Array, Mask, half_widths, quantile, too_few
from serialprof.model.steptimes import FamilyTimes

#: A form or structure explains the times as well as the best one up to this factor between their residuals.
COMPARABLE: Final = 1.5

#: Structures that disagree by more than this share of the step leave a part without a value.
_AGREEMENT: Final = 0.01

#: Relative differences below this are rounding.
_TIE: Final = 1e-6

#: Seconds that a regressor predicts per second measured, and their inverse, stay within this.
_RANGE: Final = 1e100

_CURVE_POINTS: Final = 49

MEASURED_APART: Final = "declared barriers x the measured barrier; not fitted, so it has no interval of its own"


@dataclass(frozen=True)
class Candidate:
    """One form of one structure that explains the times as well as the best.

    Attributes:
        model, solution: what was fitted to the mean curve.
        units: [unit, term], parameters refitted to every unit.
        covariance: [term, term], of the parameters from the residuals of the mean curve: its lack of fit.
        freedom: degrees of freedom of those residuals, 0 where they say nothing.
    """

    model: Model
    solution: Solution
    units: Array
    covariance: Array
    freedom: int

    def seconds(self, cells: Sequence[Cell], wanted: Mask, known: bool) -> _Band:
        """Seconds [cell] of the wanted terms [term], plus what is known of synchronisation."""
        design = Design.of(self.model, cells)
        offset = design.known if known else np.zeros(len(cells))
        form = self.solution.form
        rows = np.where(design.visible(form, self.solution.parameters) & wanted, design.matrix, 0.0)
        units = np.array([design.seconds(form, unit)[:, wanted].sum(axis=1) + offset for unit in self.units])
        return _Band(rows @ self.solution.parameters + offset, units, self._lack_of_fit(rows), self.freedom)

    def parameter(self, term: int) -> _Band:
        """One parameter, as a band of one."""
        row = np.zeros((1, len(self.model.terms)))
        row[0, term] = 1.0
        value = self.solution.parameters[[term]]
        return _Band(value, self.units[:, [term]], self._lack_of_fit(row), self.freedom)

    def _lack_of_fit(self, rows: Array) -> Array:
        variance: Array = np.einsum("ct,tu,cu->c", rows, self.covariance, rows)
        error: Array = np.sqrt(np.maximum(0.0, variance))
        return error


@dataclass(frozen=True)
class _Band:
    """Quantities [q] by one candidate, the same per unit [unit, q], and standard errors from the lack of fit [q]."""

    value: Array
    units: Array
    lack_of_fit: Array
    freedom: int

    def over(self, mean: Array, units: Array) -> _Band:
        """The quantities as shares of measured times: [q] on the mean curve, [unit, q] on every unit."""
        return _Band(self.value / mean, self.units / units, self.lack_of_fit / mean, self.freedom)

    def from_whole(self) -> _Band:
        """1 minus every share: what a prediction leaves over of the step. It is the lack of fit, so it has none."""
        return _Band(1 - self.value, 1 - self.units, np.zeros_like(self.value), 0)

    def ends(self) -> tuple[Array, Array]:
        """Lower and upper ends [q]: t interval over units and t interval of the lack of fit, in quadrature."""
        half = half_widths(self.units)
        if self.freedom:
            half = np.hypot(half, quantile(self.freedom) * self.lack_of_fit)
        return self.value - half, self.value + half


@dataclass(frozen=True)
class Fitted:
    """A family's fit with what is needed to read further numbers off it.

    Attributes:
        curves: the step times that were fitted.
        candidates: the winner first, then the forms and structures that explain the times as well.
        confusion: why terms of the winner cannot be told apart, empty where they can.
        residual: relative root-mean-square residual by form.
        notes: what was assumed, confounded or left out, each a clause.
    """

    curves: Curves
    memory: Memory
    candidates: tuple[Candidate, ...]
    confusion: str
    residual: dict[str, float]
    notes: tuple[str, ...]

    @property
    def winner(self) -> Candidate:
        """The candidate whose values are reported."""
        return self.candidates[0]

    def seconds(self, cause: str) -> tuple[Estimate, ...]:
        """Seconds of a cause at every cell that was fitted."""
        return self._estimates(self._bands(self.curves.cells, cause), "s", self.curves.mean)

    def shares(self, cause: str) -> tuple[Estimate, ...]:
        """Share of a cause in the measured step at every cell that was fitted."""
        bands = [band.over(self.curves.mean, self.curves.units) for band in self._bands(self.curves.cells, cause)]
        return tuple(map(_as_share, self._estimates(bands, "1", np.ones(len(self.curves.cells)))))

    def unattributed(self) -> tuple[Estimate, ...]:
        """1 - prediction / measured step at every cell that was fitted; may be negative."""
        bands = [
            band.over(self.curves.mean, self.curves.units).from_whole() for band in self._bands(self.curves.cells, None)
        ]
        return self._estimates(bands, "1", np.full(len(self.curves.cells), np.inf), floor=-np.inf)

    def predict(self, cells: Sequence[Cell]) -> tuple[Estimate, ...]:
        """Seconds per step at any cells."""
        return self._estimates(self._bands(cells, None), "s", np.full(len(cells), np.inf))

    def hidden(self, kind: str) -> Mask:
        """[cell]: whether the winner hides a kind of term behind the other part of the max form."""
        model, solution = self.winner.model, self.winner.solution
        shown = Design.of(model, self.curves.cells).visible(solution.form, solution.parameters)
        hidden: Mask = np.any(~shown[:, model.of(kind)], axis=1)
        return hidden

    def record(self) -> Fit:
        """The fit as it is reported."""
        threads = sorted({cell.threads for cell in self.curves.cells})
        return Fit(
            form=self.winner.solution.form,
            residual=self.residual,
            latency=self._latency(),
            compute=self._parameter(OPERATIONS, 0, "s"),
            memory=self._parameter(BEYOND_L2, 0, "1"),
            synchronisation={count: self._synchronisation(count) for count in threads if count > 1},
            units=self.curves.whole,
            curves=tuple(self._curve(count) for count in threads),
            notes=self.notes,
        )

    def _bands(self, cells: Sequence[Cell], cause: str | None) -> list[_Band]:
        bands = []
        for candidate in self.candidates:
            model = candidate.model
            wanted = np.ones(len(model.terms), dtype=bool) if cause is None else model.of_cause(cause)
            bands.append(candidate.seconds(cells, wanted, known=cause in (None, SYNCHRONISATION)))
        return bands

    def _estimates(self, bands: Sequence[_Band], unit: str, scale: Array, floor: float = 0.0) -> tuple[Estimate, ...]:
        """Unites the candidates' intervals; a value only where every structure agrees to a hundredth of `scale` [q]."""
        values = np.array([band.value for band in bands])
        apart: Mask = np.max(values, axis=0) - np.min(values, axis=0) > _AGREEMENT * scale
        settled = ~apart if self.confusion else np.ones_like(apart)
        if reason := too_few(self.curves.whole):
            lost = f"{self.confusion}; {reason}"
            return tuple(
                Estimate(float(value), unit=unit, level=LEVEL, reason=reason) if known else Estimate.unknown(lost, unit)
                for value, known in zip(bands[0].value, settled, strict=True)
            )
        ends = [band.ends() for band in bands]
        lows = np.maximum(floor, np.min([low for low, _ in ends], axis=0))
        highs = np.max([high for _, high in ends], axis=0)
        return tuple(
            Estimate(float(value), float(low), float(high), unit, LEVEL)
            if known
            else Estimate.bracket(float(low), float(high), self.confusion, unit)
            for value, low, high, known in zip(bands[0].value, lows, highs, settled, strict=True)
        )

    def _parameter(self, kind: str, threads: int, unit: str) -> Estimate:
        """A parameter over the candidates; one that lacks the term has it at zero."""
        bands = []
        for candidate in self.candidates:
            terms = [
                index
                for index, term in enumerate(candidate.model.terms)
                if term.kind == kind and term.threads in (0, threads)
            ]
            if terms:
                bands.append(candidate.parameter(terms[0]))
            else:
                bands.append(_Band(np.zeros(1), np.zeros((len(self.curves.units), 1)), np.zeros(1), 0))
        if not any(kind in {term.kind for term in candidate.model.terms} for candidate in self.candidates):
            return Estimate.unknown("the model of this family has no such term", unit)
        largest = np.max([band.value for band in bands], axis=0)
        return self._estimates(bands, unit, largest)[0]

    def _latency(self) -> Estimate:
        """L; where a comparable max form hides it at every width, anything up to the shortest step may be hidden."""
        latency = self._parameter(LATENCY, 0, "s")
        if latency.high is None or not any(self._hides_all(candidate) for candidate in self.candidates):
            return latency
        shortest = float(np.min(self.curves.mean))
        return replace(latency, high=max(latency.high, shortest), reason="it may be hidden behind the width work")

    def _hides_all(self, candidate: Candidate) -> bool:
        solution, design = candidate.solution, Design.of(candidate.model, self.curves.cells)
        return bool(
            design.latency.any() and not design.visible(solution.form, solution.parameters)[:, design.latency].any()
        )

    def _synchronisation(self, threads: int) -> Estimate:
        model = self.winner.model
        if model.barriers is None:
            return self._parameter(BARRIER, threads, "s")
        cell = next(cell for cell in self.curves.cells if cell.threads == threads)
        return Estimate(float(model.known([cell])[0]), unit="s", reason=MEASURED_APART)

    def _curve(self, threads: int) -> Curve:
        cells = [cell for cell in self.curves.cells if cell.threads == threads]
        measured = [cell.width for cell in cells]
        widths = sorted({*np.geomspace(min(measured), max(measured), _CURVE_POINTS).tolist(), *measured})
        return Curve(threads, tuple(widths), self.predict([nearest(cells, width) for width in widths]))


def _as_share(estimate: Estimate) -> Estimate:
    """The estimate of a part of the whole: what the data would allow above 1 is not possible."""
    if estimate.high is None:
        return estimate
    return replace(estimate, high=min(estimate.high, max(1.0, estimate.value or 0.0)))


def nearest(cells: Sequence[Cell], width: float) -> Cell:
    """A cell at a width, with the work and threads of the nearest one given (by ratio of widths)."""
    closest = min(cells, key=lambda cell: abs(np.log(cell.width / width)))
    return Cell(width, closest.threads, closest.work)


def fit_family(times: FamilyTimes, memory: Memory) -> Fitted:
    """Fits a family in both forms, and in every structure that may explain its times.

    Raises:
        RefusedFitError: there is too little to fit, or the declared work is no work.
    """
    curves = complete(times)
    cells = curves.cells
    threads = {cell.threads for cell in cells}
    built = structure(cells, memory)
    design = Design.of(built.full, cells)
    _check(design, curves)
    forms = {form: solve(design, curves.mean, form) for form in FORM_NAMES}
    winner = _winner(forms["sum"], forms["max"], curves.error)
    tried = [(built.full, solution) for solution in forms.values() if solution is not winner]
    for model in built.alternatives:
        smaller = Design.of(model, cells)
        tried.extend((model, solve(smaller, curves.mean, form)) for form in _forms(model))
    bound = COMPARABLE * max(winner.residual, curves.error, _TIE)
    kept = [(built.full, winner), *((model, solution) for model, solution in tried if solution.residual <= bound)]
    # The unmasked design: what the max form hides would only make the terms look further apart.
    relative = design.matrix / curves.mean[:, None]
    notes = [*built.notes, *curves.notes]
    if any(solution.form != winner.form for _, solution in kept):
        notes.append("the sum and the max form explain the times about equally well: the intervals cover both")
    if len(threads) == 1:
        notes.append("only one thread count was measured")
    return Fitted(
        curves,
        memory,
        tuple(_candidate(model, solution, curves) for model, solution in kept),
        built.confusion if built.alternatives and collinear(relative) else "",
        {form: solution.residual for form, solution in forms.items()},
        tuple(notes),
    )


def _winner(summed: Solution, maximal: Solution, error: float) -> Solution:
    """The form of less residual; the sum form where its residual is no more than noise."""
    wins = maximal.residual < summed.residual * (1 - _TIE) and summed.residual > COMPARABLE * max(error, _TIE)
    return maximal if wins else summed


def _forms(model: Model) -> tuple[FormName, ...]:
    return FORM_NAMES if model.of(LATENCY).any() else ("sum",)


def _candidate(model: Model, solution: Solution, curves: Curves) -> Candidate:
    """Refits every unit and takes the covariance of the parameters from the residuals of the mean curve."""
    design = Design.of(model, curves.cells)
    near = solution.parameters
    units = np.array([solve(design, unit, solution.form, near).parameters for unit in curves.units])
    shown = design.visible(solution.form, near)
    relative = np.where(shown, design.matrix, 0.0) / curves.mean[:, None]
    active = (near > 0) & (relative > 0).any(axis=0)
    freedom = max(0, len(curves.cells) - int(active.sum()))
    covariance = np.zeros((len(near), len(near)))
    if freedom and active.any():
        norms = np.linalg.norm(relative[:, active], axis=0)
        scaled = relative[:, active] / norms
        variance = solution.residual**2 * len(curves.cells) / freedom
        covariance[np.ix_(active, active)] = variance * np.linalg.pinv(scaled.T @ scaled) / np.outer(norms, norms)
    return Candidate(model, solution, units, covariance, freedom)


def _check(design: Design, curves: Curves) -> None:
    """Refuses declared work that is negative or not finite, or too large or small to be squared."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        relative = np.column_stack([design.matrix, design.known]) / curves.mean[:, None]
    sound = (relative == 0) | ((relative >= 1 / _RANGE) & (relative <= _RANGE))
    if not sound.all():
        raise RefusedFitError("no fit: the declared work is negative or not finite at some width")
