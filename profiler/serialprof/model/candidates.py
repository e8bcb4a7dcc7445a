# SPDX-License-Identifier: Apache-2.0
"""One form of one structure fitted to a family, and bands: quantities with every source of their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from serialprof.model.cells import Cell
from serialprof.model.curves import Curves
from serialprof.model.family import Model
from serialprof.model.solving import Design, Problem, Solution
from serialprof.model.statistics import Array, Mask, f_quantile, half_widths, quantile

#: Two-sided 95 % quantile of the normal distribution, for what was measured apart.
_NORMAL = 1.96


@dataclass(frozen=True)
class Band:
    """Quantities [q] by one candidate.

    Attributes:
        value: [q], on the mean curve.
        units: [unit, q], on every unit.
        lack_of_fit: [q], standard errors from what the residuals exceed noise by.
        freedom: degrees of freedom of those residuals, 0 where they say nothing.
        given: [q], standard errors from what was measured apart.
    """

    value: Array
    units: Array
    lack_of_fit: Array
    freedom: int
    given: Array

    def over(self, mean: Array, units: Array) -> Band:
        """The quantities as shares of measured times: [q] on the mean curve, [unit, q] on every unit."""
        return replace(
            self,
            value=self.value / mean,
            units=self.units / units,
            lack_of_fit=self.lack_of_fit / mean,
            given=self.given / mean,
        )

    def from_whole(self) -> Band:
        """1 minus every share: what a prediction leaves over of the step. It is the lack of fit, so it has none."""
        nothing = np.zeros_like(self.value)
        return Band(1 - self.value, 1 - self.units, nothing, 0, nothing)

    def ends(self) -> tuple[Array, Array]:
        """Lower and upper ends [q]: t intervals over units and of the lack of fit, and what is given, in quadrature."""
        half = np.hypot(half_widths(self.units), _NORMAL * self.given)
        if self.freedom:
            half = np.hypot(half, quantile(self.freedom) * self.lack_of_fit)
        return self.value - half, self.value + half


@dataclass(frozen=True)
class Candidate:
    """One form of one structure that explains the times as well as the best.

    Attributes:
        model, solution: what was fitted to the mean curve.
        units: [unit, term], parameters refitted to every unit.
        covariance: [term, term], of the parameters from what the residuals of the mean curve exceed noise by.
        freedom: degrees of freedom of those residuals, 0 where they say nothing.
        given: [term, term], covariance of the parameters from the errors of what was measured apart.
    """

    model: Model
    solution: Solution
    units: Array
    covariance: Array
    freedom: int
    given: Array

    @classmethod
    def of(cls, model: Model, solution: Solution, curves: Curves, noise: float) -> Candidate:
        """Refits every unit, and takes the covariances at the solution on the mean curve.

        With relative design A (weighted columns over times), noise s, and N = diag(s^2 / error^2) of what was measured
        apart, the parameters are (A'A + N)^-1 (A'1 + N 1): their covariance is (A'A + N)^-1 times the variance of the
        residuals in excess of s^2, and (A'A + N)^-1 N^2 diag(error^2) (A'A + N)^-1 from what is given.
        """
        design = Design.of(model, curves.cells)
        exponent, near = solution.exponent, solution.parameters
        refitted = [Problem(design, unit, noise).solve(exponent, near).parameters for unit in curves.units]
        relative = design.weights(exponent, near) * design.matrix / curves.mean[:, None]
        active = (near > 0) & (relative > 0).any(axis=0)
        count = len(curves.cells)
        freedom = max(0, count - int(active.sum()))
        excess = _excess(solution.residual**2 * count, freedom, curves)
        apart = noise**2 / design.given**2
        inverse = _inverse(relative, apart, active)
        errors = np.where(np.isfinite(design.given), apart * np.where(apart > 0, design.given, 0.0), 0.0)
        given = inverse @ np.diag(errors**2) @ inverse
        return cls(model, solution, np.array(refitted), excess * inverse, freedom, given)

    def seconds(self, cells: Sequence[Cell], wanted: Mask, scale: Mapping[str, float] | None = None) -> Band:
        """Seconds [cell] that the wanted terms [term] stand for.

        Args:
            cells: any operating points.
            wanted: which terms.
            scale: factors on the regressors by kind, for what-if questions.
        """
        design = Design.of(replace(self.model, scale=scale or {}), cells)
        exponent, parameters = self.solution.exponent, self.solution.parameters
        rows = np.where(wanted, design.weights(exponent, parameters) * design.matrix, 0.0)
        units = np.array([design.seconds(exponent, unit)[:, wanted].sum(axis=1) for unit in self.units])
        return self._band(rows, rows @ parameters, units)

    def parameter(self, term: int) -> Band:
        """One parameter, as a band of one."""
        row = np.zeros((1, len(self.model.terms)))
        row[0, term] = 1.0
        return self._band(row, self.solution.parameters[[term]], self.units[:, [term]])

    def _band(self, rows: Array, value: Array, units: Array) -> Band:
        return Band(value, units, _errors(rows, self.covariance), self.freedom, _errors(rows, self.given))


def _excess(squares: float, freedom: int, curves: Curves) -> float:
    """What the mean square of the residuals exceeds noise by; 0 where noise alone may leave as much (F test at 5 %)."""
    if not freedom:
        return 0.0
    noise = curves.error**2
    surely = squares / freedom > noise * f_quantile(freedom, curves.freedom)
    return squares / freedom - noise if surely else 0.0


def _inverse(relative: Array, apart: Array, active: Mask) -> Array:
    """(A'A + N)^-1 over the active terms [term, term], columns scaled to length 1 first; zero elsewhere."""
    inverse = np.zeros((len(active), len(active)))
    if active.any():
        normal = relative[:, active].T @ relative[:, active] + np.diag(apart[active])
        norms = np.sqrt(np.diag(normal))
        inverse[np.ix_(active, active)] = np.linalg.pinv(normal / np.outer(norms, norms)) / np.outer(norms, norms)
    return inverse


def _errors(rows: Array, covariance: Array) -> Array:
    variance: Array = np.einsum("ct,tu,cu->c", rows, covariance, rows)
    error: Array = np.sqrt(np.maximum(0.0, variance))
    return error
