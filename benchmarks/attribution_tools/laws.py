# SPDX-License-Identifier: Apache-2.0
"""Planted laws of run times, with everything that is true of them: seconds, gradient, serial share, knee.

Every law here is a piecewise linear function of its parameters, and twice the parameters are twice the seconds. So the
regressors of a law are its gradient, and seconds = regressors @ parameters, also where a maximum is taken.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """A configuration that is run: dependent steps D, lanes per step W, threads p."""

    depth: int = 1
    width: int = 1
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quantity of a law: numerator @ parameters over denominator @ parameters; None stands for a denominator of 1."""

    numerator: tuple[float, ...]
    denominator: tuple[float, ...] | None = None

    def of(self, parameters: Array) -> float:
        """Its value."""
        over = 1.0 if self.denominator is None else float(np.dot(self.denominator, parameters))
        return float(np.dot(self.numerator, parameters)) / over

    def gradient(self, parameters: Array) -> Array:
        """Its derivatives by the parameters [parameter]: (n - n'x / d'x d) / d'x."""
        if self.denominator is None:
            return np.array(self.numerator)
        over = float(np.dot(self.denominator, parameters))
        gradient: Array = (np.array(self.numerator) - self.of(parameters) * np.array(self.denominator)) / over
        return gradient


class Law(ABC):
    """How the seconds of a run depend on its configuration."""

    @property
    @abstractmethod
    def parameters(self) -> Array:
        """[parameter]: seconds, all of them 0 or more."""

    @abstractmethod
    def regressors(self, cells: Sequence[Cell]) -> Array:
        """[cell, parameter]: seconds of a run per second of a parameter, and the gradient of the run's seconds."""

    @abstractmethod
    def share(self, cell: Cell) -> Ratio:
        """The serial share of a step: what neither threads nor width shorten or lengthen, over all of it."""

    @property
    def knee(self) -> Ratio | None:
        """The width whose work takes as long as the serial chain, None where a law has no width."""
        return None

    def seconds(self, cells: Sequence[Cell]) -> Array:
        """[cell]: seconds of a run without noise."""
        found: Array = self.regressors(cells) @ self.parameters
        return found

    def prediction(self, cell: Cell) -> Ratio:
        """The seconds of a run."""
        return Ratio(tuple(self.regressors([cell])[0].tolist()))


@dataclass(frozen=True)
class Threads(Law):
    """T = s + (1 - s) / p + c p: the law of Amdahl (1967) with a cost that every thread adds.

    Parameters are s, 1 - s and c. The serial share at p threads is (s + c p) / T, all that does not spread out; on one
    thread it is (s + c) / (1 + c), which is what Gunther (1993) calls the contention alpha.
    """

    serial: float
    cost: float

    @property
    def parameters(self) -> Array:  # noqa: D102
        return np.array([self.serial, 1 - self.serial, self.cost])

    def spread(self, threads: Array) -> Array:
        """[cell]: what p threads make of a second that spreads out."""
        return 1 / threads

    def slowdown(self, threads: Array) -> Array:
        """[cell]: by how much p busy threads slow every one of them."""
        return np.ones_like(threads)

    def regressors(self, cells: Sequence[Cell]) -> Array:  # noqa: D102
        threads = np.array([cell.threads for cell in cells], dtype=float)
        slowdown = self.slowdown(threads)
        return np.column_stack((slowdown, slowdown * self.spread(threads), threads))

    def share(self, cell: Cell) -> Ratio:  # noqa: D102
        alone, spread, cost = self.regressors([cell])[0].tolist()
        return Ratio((alone, 0.0, cost), (alone, spread, cost))


@dataclass(frozen=True)
class NumaThreads(Threads):
    """A machine of two nodes: beyond the threads of the first one, what spreads out waits for far memory."""

    node: int = 16
    factor: float = 1.3

    def spread(self, threads: Array) -> Array:  # noqa: D102
        return np.where(threads > self.node, self.factor, 1.0) / threads


@dataclass(frozen=True)
class UnevenThreads(Threads):
    """Work that comes in so many equal pieces: the thread with the most of them decides, ceil(pieces / p) of them."""

    pieces: int = 100

    def spread(self, threads: Array) -> Array:  # noqa: D102
        return np.ceil(self.pieces / threads) / self.pieces


@dataclass(frozen=True)
class TurboThreads(Threads):
    """A clock that falls by a share with every doubling of the busy threads; waiting threads spin, so they are busy."""

    loss: float = 0.04

    def slowdown(self, threads: Array) -> Array:  # noqa: D102
        slowdown: Array = 1 / (1 - self.loss * np.log2(threads))
        return slowdown


@dataclass(frozen=True)
class DepthWidth(Law):
    """T = o + D t_step(W): t_step is L + tau W, or max(L, tau W) where the width work hides the chain or is hidden.

    Parameters are o, L and tau.

    Attributes:
        overhead: o, seconds of a run besides its steps.
        latency: L, seconds of the chain of one step.
        width_at_knee: W at which tau W = L.
        hides: whether the larger of the two hides the other (the max form).
    """

    overhead: float
    latency: float
    width_at_knee: float
    hides: bool = False

    @property
    def parameters(self) -> Array:  # noqa: D102
        return np.array([self.overhead, self.latency, self.latency / self.width_at_knee])

    def lanes(self, width: Array) -> Array:
        """[cell]: what W lanes cost, in lanes."""
        return width

    def regressors(self, cells: Sequence[Cell]) -> Array:  # noqa: D102
        depth = np.array([cell.depth for cell in cells], dtype=float)
        lanes = self.lanes(np.array([cell.width for cell in cells], dtype=float))
        chained = lanes <= self.width_at_knee if self.hides else np.ones(len(cells), dtype=bool)
        wide = ~chained if self.hides else chained
        return np.column_stack((np.ones(len(cells)), depth * chained, depth * lanes * wide))

    def share(self, cell: Cell) -> Ratio:  # noqa: D102
        _, alone, lanes = self.regressors([Cell(1, cell.width)])[0].tolist()
        return Ratio((0.0, alone, 0.0), (0.0, alone, lanes))

    @property
    def knee(self) -> Ratio:  # noqa: D102
        return Ratio((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class CacheKnee(DepthWidth):
    """Lanes that cost more beyond a width, where their footprint leaves a cache that nothing was declared of."""

    edge: float = 32.0
    factor: float = 2.5

    def lanes(self, width: Array) -> Array:  # noqa: D102
        lanes: Array = width + (self.factor - 1) * np.maximum(0.0, width - self.edge)
        return lanes
