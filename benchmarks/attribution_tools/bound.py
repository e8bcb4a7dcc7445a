# SPDX-License-Identifier: Apache-2.0
"""The Cramer-Rao bound of a problem: what no unbiased estimator of one who knows the law can beat.

Of normal noise on ln T with covariance C, the Fisher information of the law's parameters x is J = G' C^-1 G, where
G = d ln T / dx for every visit (Kay 1993, "Fundamentals of Statistical Signal Processing", section 3.9); what the
scatter of a time says of the time itself, 2 G'G, is less than a thousandth of it at 2 % and left out. A quantity with
gradient g then has variance g' J^-1 g at least. That parameters are never negative is ignored: an estimator that knows
it may be better where one of them is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.attribution_tools.laws import Array, Ratio
from benchmarks.attribution_tools.noise import ORDERS, Noise
from benchmarks.attribution_tools.problems import REPETITIONS, Problem

#: Eigenvalues of the column-scaled information below this share of the largest are no information.
_NOTHING: Final = 1e-10


@dataclass(frozen=True)
class Bound:
    """Least standard errors; infinite where the times say nothing of a quantity, None where it is not asked for.

    Attributes:
        share: of the serial share.
        seconds: of the run to predict.
        knee: of the knee, in lanes.
    """

    share: float | None
    seconds: float
    knee: float | None


def bound(problem: Problem, noise: Noise) -> Bound:
    """The bound of every quantity that a problem asks for: root mean square over the orders of visits."""
    law, question = problem.law, problem.question
    orders = range(ORDERS) if noise.wander else range(1)
    inverses = [_Inverse(information(problem, noise, order), known(problem)) for order in orders]

    def error(quantity: Ratio) -> float:
        gradient = quantity.gradient(law.parameters)
        return float(np.sqrt(np.mean([inverse.error(gradient) ** 2 for inverse in inverses])))

    return Bound(
        None if question.share_at is None else error(law.share(question.share_at)),
        error(law.prediction(question.wanted)),
        None if law.knee is None else error(law.knee),
    )


def information(problem: Problem, noise: Noise, order: int = 0) -> Array:
    """Fisher information [parameter, parameter] of the times."""
    cells = problem.question.cells
    relative = problem.law.regressors(cells) / problem.law.seconds(cells)[:, None]
    every = np.tile(relative, (REPETITIONS, 1))
    found: Array = every.T @ np.linalg.solve(noise.covariance(REPETITIONS, len(cells), order), every)
    return found


def known(problem: Problem) -> Array:
    """[parameter], 1 where a parameter is given and 0 where it is to be found: the cost per thread is the last."""
    found = np.zeros(len(problem.law.parameters))
    found[-1] = problem.question.cost is not None
    return found


class _Inverse:
    """The inverse of an information matrix that may be singular, for quadratic forms."""

    def __init__(self, matrix: Array, given: Array) -> None:
        self.free = given == 0
        free = matrix[np.ix_(self.free, self.free)]
        diagonal = np.sqrt(np.diag(free))
        self.scale = np.where(diagonal > 0, diagonal, 1.0)
        self.values, self.vectors = np.linalg.eigh(free / np.outer(self.scale, self.scale))

    def error(self, gradient: Array) -> float:
        """sqrt(g' J^-1 g), infinite where g reaches into what is not determined."""
        along = self.vectors.T @ (gradient[self.free] / self.scale)
        told = self.values > _NOTHING * self.values.max()
        if np.abs(along[~told]).max(initial=0.0) > _NOTHING * np.abs(along).max():
            return float("inf")
        return float(np.sqrt(np.sum(along[told] ** 2 / self.values[told])))
