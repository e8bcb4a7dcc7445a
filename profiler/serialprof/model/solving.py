# SPDX-License-Identifier: Apache-2.0
"""Relative nonnegative least squares for the sum and the max form of a model on one curve of step times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy.optimize import nnls

from serialprof.model.family import BEYOND_L2, FIXED, LATENCY, OPERATIONS, Cell, Model
from serialprof.model.statistics import Array, Mask

FormName: TypeAlias = Literal["sum", "max"]
FORM_NAMES: Final[tuple[FormName, ...]] = ("sum", "max")

#: Rounds after which the search for a consistent partition of the max form gives up on a start.
_ROUNDS: Final = 12


@dataclass(frozen=True)
class Design:
    """A model at the measured cells.

    Attributes:
        matrix: [cell, term], seconds per unit of the parameter.
        known: [cell], seconds that are not fitted.
        latency, width: [term], which terms are latency, which are width work; the others are synchronisation.
    """

    matrix: Array
    known: Array
    latency: Mask
    width: Mask

    @classmethod
    def of(cls, model: Model, cells: Sequence[Cell]) -> Design:
        """The design of a model at some cells."""
        width = model.of(OPERATIONS, FIXED, BEYOND_L2)
        return cls(model.matrix(cells), model.known(cells), model.of(LATENCY), width)

    def visible(self, form: FormName, parameters: Array) -> Mask:
        """[cell, term]: whether a term shows in the step time; in the max form latency or width work is hidden."""
        shown = np.ones(self.matrix.shape, dtype=bool)
        if form == "max":
            latency = self.matrix[:, self.latency] @ parameters[self.latency]
            width = self.matrix[:, self.width] @ parameters[self.width]
            shown = self.partition(latency >= width)
        return shown

    def partition(self, bound: Mask) -> Mask:
        """[cell, term] that show where the cells `bound` [cell] are latency-bound and the others width-bound."""
        hidden = (bound[:, None] & self.width[None, :]) | (~bound[:, None] & self.latency[None, :])
        shown: Mask = ~hidden
        return shown

    def seconds(self, form: FormName, parameters: Array) -> Array:
        """[cell, term]: the seconds of every term, 0 where hidden."""
        parts: Array = np.where(self.visible(form, parameters), self.matrix * parameters, 0.0)
        return parts


@dataclass(frozen=True)
class Solution:
    """Parameters [term] of a form and the relative root-mean-square residual of the step times."""

    form: FormName
    parameters: Array
    residual: float


def solve(design: Design, times: Array, form: FormName, near: Array | None = None) -> Solution:
    """Fits a form to one curve: the least sum of (model / time - 1)^2 over nonnegative parameters.

    For the max form every split of the cells by width work into latency-bound and width-bound ones is a start; from
    each, parameters are solved and cells assigned in turn until nothing moves, and the best is kept.

    Args:
        design: the model at the cells.
        times: [cell] in seconds, positive.
        form: "sum" or "max".
        near: parameters to start the max form from instead of every split.
    """
    if form == "sum":
        return _evaluated(design, times, form, _nonnegative(design, times, np.ones(design.matrix.shape, dtype=bool)))
    starts = _splits(design, times) if near is None else iter([design.visible(form, near)])
    return min((_alternate(design, times, start) for start in starts), key=lambda solution: solution.residual)


def _alternate(design: Design, times: Array, shown: Mask) -> Solution:
    best = None
    for _ in range(_ROUNDS):
        solution = _evaluated(design, times, "max", _nonnegative(design, times, shown))
        if best is None or solution.residual < best.residual:
            best = solution
        assigned = design.visible("max", solution.parameters)
        if (assigned == shown).all():
            break
        shown = assigned
    assert best is not None
    return best


def _splits(design: Design, times: Array) -> Iterator[Mask]:
    """Partitions whose latency-bound cells are those of least width work, by a first guess from the sum form."""
    guess = solve(design, times, "sum").parameters
    # A width parameter at zero would leave its cells unordered; the regressors alone order them then.
    work = design.matrix[:, design.width] @ np.where(guess[design.width] > 0, guess[design.width], 1e-300)
    order = np.argsort(work, kind="stable")
    for count in range(len(order) + 1):
        bound = np.zeros(len(order), dtype=bool)
        bound[order[:count]] = True
        yield design.partition(bound)


def _nonnegative(design: Design, times: Array, shown: Mask) -> Array:
    """Relative nonnegative least squares with the terms that show; columns are scaled to length 1 first."""
    relative = np.where(shown, design.matrix, 0.0) / times[:, None]
    norms = np.linalg.norm(relative, axis=0)
    scale = np.where(norms > 0, norms, 1.0)
    solution, _ = nnls(relative / scale, 1 - design.known / times, maxiter=100 * (1 + relative.shape[1]))
    parameters: Array = solution / scale
    return parameters


def _evaluated(design: Design, times: Array, form: FormName, parameters: Array) -> Solution:
    predicted = design.seconds(form, parameters).sum(axis=1) + design.known
    return Solution(form, parameters, float(np.sqrt(np.mean((predicted / times - 1) ** 2))))
