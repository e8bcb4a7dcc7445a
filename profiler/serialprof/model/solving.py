# SPDX-License-Identifier: Apache-2.0
"""Relative nonnegative least squares for the sum, the max and the forms between them on one curve of step times.

The chain's seconds L and the width work's w combine into (L^q + w^q)^(1/q): q = 1 is the sum, q = infinity the max, and
what lies between overlaps in part. For every q the combination is homogeneous of degree one, so by Euler's theorem it
is the sum of its terms, each times its own derivative: a weight in [0, 1]. One rule therefore solves every form (least
squares with weighted columns, weights taken anew until nothing moves), attributes the time of a step to its terms, and
says what a small change of a term would save.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import nnls

from serialprof.model.cells import Cell
from serialprof.model.family import CHAIN, WIDTH, Model
from serialprof.model.statistics import Array, Mask

SUM: Final = 1.0
MAX: Final = math.inf
#: Exponents of partial overlap that are tried.
BETWEEN: Final = (1.5, 2.0, 4.0)

#: Rounds after which the search for consistent weights gives up on a start.
_ROUNDS: Final = 30
_SETTLED: Final = 1e-6
#: What is known exactly is held as if it had this relative standard error.
_EXACT: Final = 1e-6


def form_name(exponent: float) -> str:
    """What a form is called: "sum", "max", or "norm 2" for (L^2 + w^2)^(1/2)."""
    return {SUM: "sum", MAX: "max"}.get(exponent, f"norm {exponent:g}")


@dataclass(frozen=True)
class Design:
    """A model at the measured cells.

    Attributes:
        matrix: [cell, term], seconds per unit of the parameter.
        chain, width: [term], which terms are of the chain, which are width work; the others are synchronisation.
        given: [term], relative standard error of a parameter that was measured apart and is 1, infinite where none was.
    """

    matrix: Array
    chain: Mask
    width: Mask
    given: Array

    @classmethod
    def of(cls, model: Model, cells: Sequence[Cell]) -> Design:
        """The design of a model at some cells."""
        return cls(model.matrix(cells), model.of(*CHAIN), model.of(*WIDTH), np.maximum(model.given, _EXACT))

    def sides(self, parameters: Array) -> tuple[Array, Array]:
        """Seconds [cell] of the chain and of the width work."""
        return (
            self.matrix[:, self.chain] @ parameters[self.chain],
            self.matrix[:, self.width] @ parameters[self.width],
        )

    def weights(self, exponent: float, parameters: Array) -> Array:
        """[cell, term]: how much of a small change of a term shows in the step time."""
        if exponent == SUM:
            return np.ones(self.matrix.shape)
        chain, width = self.sides(parameters)
        if exponent == MAX:
            return self.partition(chain >= width)
        larger = np.maximum(chain, width)
        safe = np.where(larger > 0, larger, 1.0)
        combined = ((chain / safe) ** exponent + (width / safe) ** exponent) ** (1 / exponent)
        combined = np.where(larger > 0, combined, 1.0)
        shown = np.ones(self.matrix.shape)
        shown[:, self.chain] = ((chain / safe / combined) ** (exponent - 1))[:, None]
        shown[:, self.width] = ((width / safe / combined) ** (exponent - 1))[:, None]
        return shown

    def partition(self, bound: Mask) -> Array:
        """Weights [cell, term] where the cells `bound` [cell] are latency-bound and the others width-bound."""
        hidden = (bound[:, None] & self.width[None, :]) | (~bound[:, None] & self.chain[None, :])
        return np.where(hidden, 0.0, 1.0)

    def seconds(self, exponent: float, parameters: Array) -> Array:
        """[cell, term]: the seconds of a step that every term stands for; they add up to the step."""
        parts: Array = self.weights(exponent, parameters) * self.matrix * parameters
        return parts


@dataclass(frozen=True)
class Solution:
    """Parameters of a form.

    Attributes:
        exponent: of the form.
        parameters: [term].
        squares: sum of squares of residuals in multiples of their spread, what was measured apart included.
        residual: relative root-mean-square residual of the step times.
    """

    exponent: float
    parameters: Array
    squares: float
    residual: float

    @property
    def form(self) -> str:
        """What the form is called."""
        return form_name(self.exponent)


@dataclass(frozen=True)
class Problem:
    """One curve of step times to be explained.

    Attributes:
        design: the model at its cells.
        times: [cell] in seconds, positive.
        spread: [cell], relative standard deviation that the model may miss a time by.
    """

    design: Design
    times: Array
    spread: Array

    def solve(self, exponent: float, *near: Array) -> Solution:
        """Fits a form: the least sum of ((model / time - 1) / spread)^2 + ((parameter - 1) / given)^2, parameters >= 0.

        Args:
            exponent: of the form.
            near: parameters [term] to start from; without any, every split of the cells by width work into
                latency-bound and width-bound ones is a start. The sum form needs none.
        """
        if exponent == SUM:
            return self._at(exponent, np.ones(self.design.matrix.shape))
        starts = (self.design.weights(exponent, start) for start in near) if near else self._splits()
        return min((self._settle(exponent, start) for start in starts), key=lambda solution: solution.squares)

    def rows(self, weights: Array) -> Array:
        """The rows [cell + given, term] of the least squares with weighted columns: their aim is the rows' own unit.

        The last rows hold what was measured apart.
        """
        times = weights * self.design.matrix / (self.times * self.spread)[:, None]
        known = np.isfinite(self.design.given)
        return np.vstack([times, np.diag(1 / self.design.given)[known]])

    def _settle(self, exponent: float, weights: Array) -> Solution:
        best = None
        for _ in range(_ROUNDS):
            solution = self._at(exponent, weights)
            if best is None or solution.squares < best.squares:
                best = solution
            found = self.design.weights(exponent, solution.parameters)
            if np.abs(found - weights).max(initial=0.0) < _SETTLED:
                break
            # Halfway in a form between, where a whole step may swing about the solution.
            weights = found if exponent == MAX else (found + weights) / 2
        assert best is not None
        return best

    def _splits(self) -> Iterator[Array]:
        """Weights whose latency-bound cells are those of least width work, by a first guess from the sum form."""
        width = self.design.width
        guess = self.solve(SUM).parameters[width]
        # A width parameter at zero would leave its cells unordered; the regressors alone order them then.
        order = np.argsort(self.design.matrix[:, width] @ np.where(guess > 0, guess, 1e-300), kind="stable")
        for count in range(len(order) + 1):
            bound = np.zeros(len(order), dtype=bool)
            bound[order[:count]] = True
            yield self.design.partition(bound)

    def _at(self, exponent: float, weights: Array) -> Solution:
        parameters = self._nonnegative(weights)
        missed = self.design.seconds(exponent, parameters).sum(axis=1) / self.times - 1
        apart = (parameters - 1) / self.design.given  # 0 where nothing was measured apart
        squares = float(np.sum((missed / self.spread) ** 2) + np.sum(apart**2))
        return Solution(exponent, parameters, squares, float(np.sqrt(np.mean(missed**2))))

    def _nonnegative(self, weights: Array) -> Array:
        """Least squares with weighted columns; columns are scaled to length 1 first."""
        rows = self.rows(weights)
        known = np.isfinite(self.design.given)
        aims = np.concatenate([1 / self.spread, 1 / self.design.given[known]])
        norms = np.linalg.norm(rows, axis=0)
        scale = np.where(norms > 0, norms, 1.0)
        solution, _ = nnls(rows / scale, aims, maxiter=100 * (1 + rows.shape[1]))
        parameters: Array = solution / scale
        return parameters
