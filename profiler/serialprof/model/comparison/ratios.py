# SPDX-License-Identifier: Apache-2.0
"""Ratios of two independent runs: differences of logarithms with Welch's interval, and sums of such."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.statistics import LEVEL, Array, quantiles, too_few


@dataclass(frozen=True, slots=True)
class LogRatio:
    """ln of a ratio.

    Attributes:
        value: the logarithm.
        half: half of its interval, None where it has none.
        reason: why not, or what the interval assumes.
    """

    value: float
    half: float | None
    reason: str = ""

    def estimate(self) -> Estimate:
        """The ratio itself."""
        value = math.exp(self.value)
        if self.half is None:
            return Estimate(value, level=LEVEL, reason=self.reason)
        low, high = math.exp(self.value - self.half), math.exp(self.value + self.half)
        return Estimate(value, low, high, level=LEVEL, reason=self.reason)


def welch(first: Array, second: Array) -> LogRatio:
    """Mean of the first less that of the second: Student's t with the degrees of freedom of Welch (1947).

    Args:
        first: [unit], at least one.
        second: the same of another run; the units of two runs are independent.
    """
    value = float(np.mean(first) - np.mean(second))
    if reason := too_few(min(first.size, second.size)):
        return LogRatio(value, None, reason)
    parts = [float(np.var(units, ddof=1)) / units.size for units in (first, second)]
    variance = math.fsum(parts)
    if variance == 0:
        return LogRatio(value, 0.0)
    freedom = variance**2 / math.fsum(
        part**2 / (units.size - 1) for part, units in zip(parts, (first, second), strict=True)
    )
    return LogRatio(value, float(quantiles(np.array(freedom))) * math.sqrt(variance))


def less(whole: LogRatio, *parts: LogRatio) -> LogRatio:
    """What is left of a logarithm without independent parts of it: half-widths in quadrature."""
    value = whole.value - math.fsum(part.value for part in parts)
    halves = [item.half for item in (whole, *parts)]
    known = [half for half in halves if half is not None]
    if len(known) < len(halves):
        return LogRatio(value, None, next(item.reason for item in (whole, *parts) if item.half is None))
    return LogRatio(value, math.hypot(*known))
