# SPDX-License-Identifier: Apache-2.0
"""One form of one structure fitted to a family, and bands: quantities with every source of their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.curves import Curves
from serialprof.model.fitting.family import Model
from serialprof.model.fitting.solving import Design, Problem, Solution
from serialprof.model.fitting.structures import collinear
from serialprof.model.statistics import Array, Mask, half_widths, quantile, quantiles

#: Two-sided 95 % quantile of the normal distribution, for what was measured apart.
_NORMAL = 1.96


@dataclass(frozen=True)
class Scatter:
    """What noise lets expect of means over units, before the units' own scatter is looked at.

    Attributes:
        variance: [q], of the mean over units.
        freedom: [q], degrees of freedom that it is known with.
    """

    variance: Array
    freedom: Array

    @classmethod
    def of(cls, points: Array, freedom: Array, level: Array) -> Scatter:
        """Noise of single points, and of whole units.

        The level of units is known from nothing but the units themselves, so its part of the variance counts for none
        of the freedom.

        Args:
            points: [q], variance from what single points scatter by.
            freedom: [q], degrees of freedom that it is known with.
            level: [q], variance from what whole units scatter by.
        """
        whole = points + level
        return cls(whole, freedom * np.divide(points, whole, out=np.zeros_like(whole), where=whole > 0))

    def half_widths(self, units: Array) -> Array:
        """[q]: of t intervals of the means of units [unit, q], whose scatter is pooled with what is expected.

        What is expected of independent points counts no more than what the units show: they also see what is not
        independent.
        """
        own = len(units) - 1
        prior = np.minimum(self.freedom, own)
        found = np.var(units, axis=0, ddof=1) / len(units)
        half: Array = quantiles(prior + own) * np.sqrt((prior * self.variance + own * found) / (prior + own))
        return half


@dataclass(frozen=True)
class Band:
    """Quantities [q] by one candidate.

    Attributes:
        value: [q], on the mean curve.
        units: [unit, q], on every unit.
        scatter: what the noise of the points lets expect of the means over units, None where nothing does.
        lack_of_fit: [q], standard errors from what the residuals exceed noise by.
        freedom: degrees of freedom of those residuals, 0 where they say nothing.
        given: [q], standard errors from what was measured apart.
        allowance: what is left of the half-widths of a candidate that explains the times less well than the best.
        held: [q], standard errors from noise where a parameter is held at zero, which then hardly scatters over units.
    """

    value: Array
    units: Array
    lack_of_fit: Array
    freedom: int
    given: Array
    allowance: float = 1.0
    held: Array | None = None
    scatter: Scatter | None = None

    def ends(self) -> tuple[Array, Array]:
        """Lower and upper ends [q]: t intervals over units and of the lack of fit, and what is given, in quadrature."""
        half = half_widths(self.units) if self.scatter is None else self.scatter.half_widths(self.units)
        if self.held is not None:
            half = np.maximum(half, _NORMAL * self.held)
        half = np.hypot(half, _NORMAL * self.given)
        if self.freedom:
            half = np.hypot(half, quantile(self.freedom) * self.lack_of_fit)
        half = self.allowance * half
        return self.value - half, self.value + half


@dataclass(frozen=True, eq=False)
class Candidate:
    """One form of one structure that explains the times as well as the best; each is a thing of its own.

    Attributes:
        model, solution: what was fitted to the mean curve.
        units: [unit, term], parameters refitted to every unit.
        lack_of_fit: [term, term], covariance of the parameters from what the residuals exceed noise by.
        freedom: degrees of freedom of those residuals, 0 where they say nothing.
        given: [term, term], covariance of the parameters from the errors of what was measured apart.
        points: [term, term], covariance of the parameters from what single points scatter by.
        curves: whose noise that is.
        noise: [term, term], covariance of the parameters from noise, were they free to be negative.
        held: whether a parameter is held at zero that the times could tell from the others.
        allowance: what is left of the half-widths, 1 for the winner: see `fit.allowance`.
    """

    model: Model
    solution: Solution
    units: Array
    lack_of_fit: Array
    freedom: int
    given: Array
    points: Array
    curves: Curves
    noise: Array
    held: bool
    allowance: float = 1.0

    @classmethod
    def of(cls, model: Model, solution: Solution, curves: Curves, spread: Array, allowance: float = 1.0) -> Candidate:
        """Refits every unit, and takes the covariances at the solution on the mean curve.

        With A the relative design (weighted columns), V = diag(spread^2) and N = diag(1 / given^2), the parameters are
        G (A'V^-1 1 + N 1) with G = (A'V^-1 A + N)^-1. What they owe to lack of fit is G A'V^-1 M V^-1 A G, where M is
        the part of V that is no noise (times the mean square of the residuals, where that exceeds 1); what they owe to
        the errors of what was measured apart is G N G.

        Args:
            model: with the terms of the solution.
            solution: on the mean curve.
            curves: the step times.
            spread: [cell], relative, that the solution was found with.
            allowance: what is left of the half-widths.
        """
        problem = Problem(Design.of(model, curves.cells), curves.mean, spread)
        form, near = solution.form, solution.parameters
        refitted = problem.refit(form, near, curves.units)
        rows = problem.rows(problem.design.weights(form, near))
        count = len(curves.cells)
        active = (near > 0) & (rows[:count] > 0).any(axis=0)
        inverse = _inverse(rows, active)
        freedom = max(0, len(rows) - int(active.sum()))
        misfit = np.maximum(0.0, 1 - (curves.errors / spread) ** 2) * max(1.0, solution.squares / max(1, freedom))
        lack = inverse @ (rows[:count].T * misfit) @ rows[:count] @ inverse if freedom else np.zeros_like(inverse)
        given = inverse @ rows[count:].T @ rows[count:] @ inverse
        points = inverse @ (rows[:count].T * (curves.errors / spread) ** 2) @ rows[:count] @ inverse
        present: Mask = np.any(rows > 0, axis=0)
        held = bool((present & (near == 0)).any()) and not collinear(rows[:, present])
        noise = _inverse(rows, present)
        return cls(model, solution, refitted, lack, freedom, given, points, curves, noise, held, allowance)

    @cached_property
    def design(self) -> Design:
        """Of the model at the cells that were fitted."""
        return Design.of(self.model, self.curves.cells)

    def open(self, cells: Sequence[Cell]) -> Array:
        """[cell]: half-widths in seconds of a step by noise alone, were no parameter held at zero.

        A parameter that the bound holds at zero hardly scatters over units, yet far outside the sweep it may matter.
        """
        design = Design.of(self.model, cells)
        return _NORMAL * _errors(
            design.weights(self.solution.form, self.solution.parameters) * design.matrix, self.noise
        )

    def parameter(self, terms: Mask) -> Band:
        """One parameter, the sum of those of some terms [term], as a band of one."""
        row = terms[None, :].astype(float)
        return self.band(row, row @ self.solution.parameters, self.units @ row.T)

    def band(self, rows: Array, value: Array, units: Array, timed: Mask | None = None) -> Band:
        """Quantities [q] with every source of their uncertainty.

        Args:
            rows: [q, term], derivatives of the quantities by the parameters.
            value: [q], on the mean curve.
            units: [unit, q], on every unit.
            timed: [q], whether measured times are in them, of whose noise parameters tell nothing; None for nowhere.
        """
        errors = _errors(rows, self.lack_of_fit)
        held = _errors(rows, self.noise) if self.held else None
        # A unit's level moves a quantity by its derivative along the parameters: a time as a whole, a share not at all.
        level = (rows @ self.solution.parameters * self.curves.level) ** 2
        points = _errors(rows, self.points) ** 2
        freedom = np.full(len(value), float(self.curves.freedom))
        scatter = Scatter.of(points, freedom if timed is None else np.where(timed, 0.0, freedom), level)
        return Band(value, units, errors, self.freedom, _errors(rows, self.given), self.allowance, held, scatter)


def _inverse(rows: Array, active: Mask) -> Array:
    """(R'R)^-1 of rows R over the active terms [term, term], columns scaled to length 1 first; zero elsewhere."""
    inverse = np.zeros((len(active), len(active)))
    if active.any():
        norms = np.linalg.norm(rows[:, active], axis=0)
        scaled = rows[:, active] / norms
        inverse[np.ix_(active, active)] = np.linalg.pinv(scaled.T @ scaled) / np.outer(norms, norms)
    return inverse


def _errors(rows: Array, covariance: Array) -> Array:
    variance: Array = np.sum(rows @ covariance * rows, axis=1)
    error: Array = np.sqrt(np.maximum(0.0, variance))
    return error
