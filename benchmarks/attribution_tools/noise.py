# SPDX-License-Identifier: Apache-2.0
"""Noise on made times: independent, or with a drift in time that is common to all cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from benchmarks.attribution_tools.laws import Array

#: Orders of visits that trials take in turns.
ORDERS: Final = 16


@dataclass(frozen=True)
class Noise:
    """A time is the truth x exp(drift) x (1 + scatter x normal).

    The cells are visited repetition after repetition, each time in an order of its own, as serialprof visits its
    points: in the order of the plan a drift would look like a law, to every tool. The drift wanders from visit to
    visit (Ornstein-Uhlenbeck) and is centred over the run: a truth is the truth of this run, since no single run can
    tell what another hour would have been.

    Attributes:
        name: as it stands in the tables.
        scatter: relative standard deviation, independent from visit to visit.
        wander: stationary standard deviation of the drift before it is centred, in logarithms.
        passes: its correlation time, in passes over the cells.
    """

    name: str
    scatter: float
    wander: float = 0.0
    passes: float = 1.0

    def draw(self, repetitions: int, cells: int, generator: np.random.Generator, order: int = 0) -> Array:
        """[repetition, cell]: what the truth is multiplied by, when the visits come in one of ORDERS."""
        normal = generator.standard_normal((2, repetitions, cells))
        found: Array = 1 + self.scatter * normal[0]
        if self.wander:
            root = _root(self, repetitions, cells, order)
            found *= np.exp(root @ normal[1].ravel()).reshape(repetitions, cells)
        return found

    def covariance(self, repetitions: int, cells: int, order: int = 0) -> Array:
        """[visit, visit] of the logarithms, visits as [repetition, cell] flattened.

        ln(1 + scatter x normal) counts with variance scatter^2, its first order.
        """
        found: Array = self.drift(repetitions, cells, order) + self.scatter**2 * np.eye(repetitions * cells)
        return found

    def drift(self, repetitions: int, cells: int, order: int = 0) -> Array:
        """[visit, visit]: covariance of the centred drift, C K C with C = 1 - 1/n."""
        numbers = visits(repetitions, cells, order).ravel()
        apart = np.abs(numbers[:, None] - numbers[None, :]) / (self.passes * cells)
        stationary = self.wander**2 * np.exp(-apart)
        centred = stationary - stationary.mean(axis=0, keepdims=True)
        found: Array = centred - centred.mean(axis=1, keepdims=True)
        return found


def visits(repetitions: int, cells: int, order: int) -> Array:
    """[repetition, cell]: the number of the visit; every repetition visits the cells in an order of its own."""
    own = np.tile(np.arange(cells, dtype=float), (repetitions, 1))
    shuffled: Array = np.random.default_rng(order).permuted(own, axis=1)
    return shuffled + cells * np.arange(repetitions)[:, None]


@lru_cache(maxsize=256)
def _root(noise: Noise, repetitions: int, cells: int, order: int) -> Array:
    """A matrix whose product with its transpose is the covariance of the drift, which has rank n - 1."""
    values, vectors = np.linalg.eigh(noise.drift(repetitions, cells, order))
    root: Array = vectors * np.sqrt(np.maximum(0.0, values))
    return root


INDEPENDENT: Final = Noise("independent", 0.02)
#: Within a pass the drift moves about as much as a single time scatters.
DRIFT: Final = Noise("drift", 0.02, wander=0.02)
NOISES: Final = (INDEPENDENT, DRIFT)
