# SPDX-License-Identifier: Apache-2.0
"""Relative nonnegative least squares for every form of overlap on one curve of step times.

Two times a and b overlap into (a^q + b^q)^(1/q): q = 1 is their sum, q = infinity the larger, and what lies between
overlaps in part. The traffic of a step overlaps with its computing so (the roofline of Williams et al. 2009), and the
width work that comes of it with the chain. All this is homogeneous of degree one, so by Euler's theorem a step is the
sum of its terms, each times its own derivative: a weight in [0, 1]. One rule therefore solves every form (least squares
with weighted columns, weights taken anew until nothing moves), attributes the time of a step to its terms, and says
what a small change of a term would save.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.family import CHAIN, COMPUTING, TRAFFICKING, Model
from serialprof.model.statistics import Array, Mask

SUM: Final = 1.0
MAX: Final = math.inf
#: Exponents of partial overlap of chain and width work that are tried.
BETWEEN: Final = (1.5, 2.0, 4.0)

#: Rounds after which the search for consistent weights gives up on a start.
_ROUNDS: Final = 30
_SETTLED: Final = 1e-6
#: Starts that are followed: those that explain the times best at once.
_STARTS: Final = 4
#: Decimals in which sums of squares differ, where 1 is what noise explains.
_DECIMALS: Final = 9
#: What is known exactly is held as if it had this relative standard error.
_EXACT: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Form:
    """How the sides of a step overlap.

    Attributes:
        outer: exponent between chain and width work.
        inner: exponent between the computing and the traffic of the width work.
    """

    outer: float = SUM
    inner: float = SUM

    @property
    def name(self) -> str:
        """What the form is called: "sum", "max" or "norm 2", and how traffic overlaps where it does."""
        outer = {SUM: "sum", MAX: "max"}.get(self.outer, f"norm {self.outer:g}")
        return outer + {SUM: "", MAX: ", traffic hidden"}.get(self.inner, ", traffic hidden in part")

    @property
    def sharp(self) -> bool:
        """Whether everything overlaps fully or not at all."""
        return {self.outer, self.inner} <= {SUM, MAX}

    @property
    def simple(self) -> bool:
        """Whether nothing overlaps, so that the least squares are linear."""
        return self.outer == self.inner == SUM


@dataclass(frozen=True)
class Design:
    """A model at the measured cells.

    Attributes:
        matrix: [cell, term], seconds per unit of the parameter.
        chain, computing, traffic: [term], which side the terms are of; the others are synchronisation.
        given: [term], relative standard error of a parameter that was measured apart and is 1, infinite where none was.
    """

    matrix: Array
    chain: Mask
    computing: Mask
    traffic: Mask
    given: Array

    @classmethod
    def of(cls, model: Model, cells: Sequence[Cell]) -> Design:
        """The design of a model at some cells."""
        sides = (model.of(*CHAIN), model.of(*COMPUTING), model.of(*TRAFFICKING))
        return cls(model.matrix(cells), *sides, np.maximum(model.given, _EXACT))

    def sides(self, form: Form, parameters: Array) -> tuple[Array, Array]:
        """Seconds [..., cell] of the chain and of the width work, for parameters [..., term]."""
        chain, computing, traffic, _ = self._parts(parameters)
        width, _, _ = _blend(computing, traffic, form.inner)
        return chain, width

    def step(self, form: Form, parameters: Array) -> Array:
        """Seconds [..., cell] of a step, for parameters [..., term]."""
        chain, computing, traffic, rest = self._parts(parameters)
        width, _, _ = _blend(computing, traffic, form.inner)
        step: Array = _blend(chain, width, form.outer)[0] + rest
        return step

    def weights(self, form: Form, parameters: Array) -> Array:
        """[..., cell, term]: how much of a small change of a term shows in the step, for parameters [..., term]."""
        chain, computing, traffic, _ = self._parts(parameters)
        width, of_computing, of_traffic = _blend(computing, traffic, form.inner)
        _, of_chain, of_width = _blend(chain, width, form.outer)
        shown = np.ones((*chain.shape, 4))
        shown[..., 0], shown[..., 1], shown[..., 2] = of_chain, of_width * of_computing, of_width * of_traffic
        return shown[..., self._side]

    def hiding(self, hidden: Mask, side: Mask, other: Mask) -> Array:
        """Weights [cell, term] that hide the terms of a side at the cells `hidden`, those of the other elsewhere."""
        lost = (hidden[:, None] & side[None, :]) | (~hidden[:, None] & other[None, :])
        return np.where(lost, 0.0, 1.0)

    def seconds(self, form: Form, parameters: Array) -> Array:
        """[..., cell, term]: the seconds of a step that every term stands for; they add up to the step."""
        parts: Array = self.weights(form, parameters) * self.matrix * parameters[..., None, :]
        return parts

    @cached_property
    def _side(self) -> npt.NDArray[np.intp]:
        """[term]: 0 for the chain, 1 for computing, 2 for traffic, 3 for synchronisation."""
        return np.where(self.chain, 0, np.where(self.computing, 1, np.where(self.traffic, 2, 3)))

    @cached_property
    def _columns(self) -> Array:
        """[term, side x cell]: the matrix, of every side its own terms alone."""
        own = self._side[:, None] == np.arange(4)
        columns: Array = np.where(own[:, :, None], self.matrix.T[:, None, :], 0.0)
        return columns.reshape(len(own), -1)

    def _parts(self, parameters: Array) -> tuple[Array, Array, Array, Array]:
        """Seconds [..., cell] of each side by itself: chain, computing, traffic, synchronisation."""
        flat, n = parameters @ self._columns, len(self.matrix)
        return flat[..., :n], flat[..., n : 2 * n], flat[..., 2 * n : 3 * n], flat[..., 3 * n :]


def _blend(first: Array, second: Array, exponent: float) -> tuple[Array, Array | float, Array | float]:
    """(first^q + second^q)^(1/q), and its derivatives by both; of two equals the first shows in the max."""
    if exponent == SUM:
        return first + second, 1.0, 1.0
    larger = np.maximum(first, second)
    if exponent == MAX:
        shown = first >= second
        return larger, shown.astype(float), (~shown).astype(float)
    some = larger > 0
    safe = np.where(some, larger, 1.0)
    first, second = first / safe, second / safe
    grown = np.where(some, (first**exponent + second**exponent) ** (1 / exponent), 1.0)
    return larger * grown, (first / grown) ** (exponent - 1), (second / grown) ** (exponent - 1)


@dataclass(frozen=True)
class Solution:
    """Parameters of a form.

    Attributes:
        form: how the sides overlap.
        parameters: [term].
        squares: sum of squares of residuals in multiples of their spread, what was measured apart included.
        residual: relative root-mean-square residual of the step times.
        freedom: degrees of freedom of the squares, at least 1; what was measured apart counts as data.
    """

    form: Form
    parameters: Array
    squares: float
    residual: float
    freedom: int

    @property
    def rank(self) -> float:
        """The sum of squares without its last digits: of solutions that come to the same, chance would pick one."""
        return round(self.squares, _DECIMALS)


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

    def solve(self, form: Form, *near: Array) -> Solution:
        """Fits a form: the least sum of ((model / time - 1) / spread)^2 + ((parameter - 1) / given)^2, parameters >= 0.

        Args:
            form: how the sides overlap.
            near: parameters [term] to start from, beside every split of the cells into those where one of two sides is
                hidden and those where the other is. A form without overlap needs none.
        """
        if form.simple:
            return self._simple
        weights = [self.design.weights(form, start) for start in near]
        splits = list(self._splits(form))
        weights += [*splits, *(split * start for start in weights for split in splits)]
        starts = np.array(weights)
        squares = self._squares(form, self._least(starts), self.times)
        first = np.argsort(np.round(squares, _DECIMALS), kind="stable")[:_STARTS]
        settled = self._settle(form, starts[first], np.broadcast_to(self.times, (len(first), len(self.times))))
        return min((self._solution(form, parameters) for parameters in settled), key=lambda solution: solution.rank)

    def refit(self, form: Form, start: Array, times: Array) -> Array:
        """Parameters [unit, term] of other times [unit, cell] that hardly differ from these.

        Args:
            form: how the sides overlap.
            start: parameters [term] of these times.
            times: in seconds, positive.
        """
        weights = np.broadcast_to(self.design.weights(form, start), (len(times), *self.design.matrix.shape))
        if form.simple:
            return self._least(weights, times)
        return self._settle(form, weights, times)

    def rows(self, weights: Array, times: Array | None = None) -> Array:
        """The rows [..., cell + given, term] of the least squares with weighted columns: their aim is their own unit.

        The last rows hold what was measured apart.

        Args:
            weights: [..., cell, term].
            times: [..., cell], those of the problem where they are left out.
        """
        missed = (self.times if times is None else times) * self.spread
        rows = weights * (self.design.matrix / missed[..., None])
        apart = np.broadcast_to(self._apart, (*rows.shape[:-2], *self._apart.shape))
        return np.concatenate([rows, apart], axis=-2)

    @cached_property
    def _simple(self) -> Solution:
        """Where nothing overlaps, which every other form starts from."""
        return self._solution(Form(), self._least(np.ones((1, *self.design.matrix.shape)))[0])

    @cached_property
    def _apart(self) -> Array:
        """[given, term]: the rows of what was measured apart."""
        return np.diag(1 / self.design.given)[np.isfinite(self.design.given)]

    @cached_property
    def _aims(self) -> Array:
        """[cell + given]: what the rows should come to."""
        return np.concatenate([1 / self.spread, self._apart.sum(axis=1)])

    def _settle(self, form: Form, weights: Array, times: Array) -> Array:
        """Takes weights [start, cell, term] anew until nothing moves, every start with its own times [start, cell].

        Returns:
            The best parameters [start, term] on the way.
        """
        best, least = np.zeros((len(weights), weights.shape[-1])), np.full(len(weights), np.inf)
        moving = np.arange(len(weights))
        for _ in range(_ROUNDS):
            parameters = self._least(weights, times[moving])
            squares = self._squares(form, parameters, times[moving])
            better = squares < least[moving]
            best[moving[better]], least[moving[better]] = parameters[better], squares[better]
            found = self.design.weights(form, parameters)
            open_ = np.abs(found - weights).max(axis=(1, 2), initial=0.0) >= _SETTLED
            if not open_.any():
                break
            # A whole step may swing about the solution of a form between: where it brought nothing, half of it.
            whole = better[:, None, None] | form.sharp
            weights = np.where(whole, found, (found + weights) / 2)[open_]
            moving = moving[open_]
        return best

    def _splits(self, form: Form) -> Iterator[Array]:
        """Weights that hide a side at the cells where it is least beside the other, for every number of such cells."""
        design = self.design
        if form.outer == MAX:
            width = design.computing | design.traffic
            yield from self._hidden(width, design.chain)
        if form.inner == MAX:
            yield from self._hidden(design.computing, design.traffic)

    def _hidden(self, side: Mask, other: Mask) -> Iterator[Array]:
        guess = self._simple.parameters
        # A parameter at zero would leave the cells unordered; the regressors alone order them then.
        seconds = self.design.matrix * np.where(guess > 0, guess, 1e-300)
        ratios = np.arctan2(seconds[:, side].sum(axis=1), seconds[:, other].sum(axis=1))
        order = np.argsort(ratios, kind="stable")
        for count in range(len(order) + 1):
            hidden = np.zeros(len(order), dtype=bool)
            hidden[order[:count]] = True
            yield self.design.hiding(hidden, side, other)

    def _solution(self, form: Form, parameters: Array) -> Solution:
        missed = self.design.step(form, parameters) / self.times - 1
        squares = float(self._squares(form, parameters, self.times))
        freedom = max(1, len(self._aims) - int(np.count_nonzero(parameters)))
        return Solution(form, parameters, squares, math.sqrt(missed @ missed / len(missed)), freedom)

    def _squares(self, form: Form, parameters: Array, times: Array) -> Array:
        """[...]: sums of squares of parameters [..., term] at times [..., cell]."""
        missed = (self.design.step(form, parameters) / times - 1) / self.spread
        apart = (parameters - 1) / self.design.given  # 0 where nothing was measured apart
        squares: Array = np.sum(missed**2, axis=-1) + np.sum(apart**2, axis=-1)
        return squares

    def _least(self, weights: Array, times: Array | None = None) -> Array:
        """[start, term]: least squares with weighted columns [start, cell, term], scaled to length 1 first."""
        rows = self.rows(weights, times)
        norms = np.sqrt(np.einsum("srt,srt->st", rows, rows))
        scale = np.where(norms > 0, norms, 1.0)
        scaled = rows / scale[:, None, :]
        most = 100 * (1 + rows.shape[-1])
        found: Array = np.array([nnls(each, self._aims, maxiter=most)[0] for each in scaled]) / scale
        return found
