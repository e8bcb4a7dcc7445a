# SPDX-License-Identifier: Apache-2.0
"""Student's t intervals over independent units."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import fdtri, polygamma, stdtrit

from serialprof.estimate import Estimate
from serialprof.intervals import MINIMUM_UNITS

Array: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]

LEVEL = 0.95


def quantile(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's t at so many degrees of freedom (at least 1)."""
    return float(quantiles(np.array(freedom, dtype=float)))


def quantiles(freedom: Array) -> Array:
    """The same of an array."""
    return np.asarray(stdtrit(freedom, 0.5 + LEVEL / 2), dtype=np.float64)


def f_quantile(numerator: int, denominator: int, level: float = LEVEL) -> float:
    """A quantile of the F distribution at these degrees of freedom (at least 1)."""
    return float(fdtri(max(1, numerator), max(1, denominator), level))


def moderated(variances: Array, freedom: float) -> Array:
    """Variances [quantity], each shrunk towards what all have in common, as far as chance may have spread them.

    Empirical Bayes (Smyth 2004, equations 5 to 9): ln of a sample variance scatters by trigamma(freedom / 2) about its
    own truth; what it scatters beyond that is trigamma(d / 2) of a common prior with d degrees of freedom.

    Args:
        variances: positive.
        freedom: degrees of freedom of each.
    """
    logs = np.log(variances) - polygamma(0, freedom / 2) + np.log(freedom / 2)
    between = float(np.var(logs, ddof=1)) - float(polygamma(1, freedom / 2)) if logs.size > 1 else 0.0
    if between <= _trigamma(_MOST_FREEDOM):
        return np.full_like(variances, np.mean(variances))
    prior = float(brentq(lambda d: _trigamma(d) - between, 1e-3, _MOST_FREEDOM))
    common = np.exp(np.mean(logs) + polygamma(0, prior / 2) - np.log(prior / 2))
    shrunk: Array = (prior * common + freedom * variances) / (prior + freedom)
    return shrunk


#: Degrees of freedom of a prior from which variances count as equal.
_MOST_FREEDOM: Final = 1e4


def _trigamma(freedom: float) -> float:
    return float(polygamma(1, freedom / 2))


def half_widths(values: Array) -> Array:
    """Half-widths of t intervals of the means of columns.

    Args:
        values: [unit, quantity], at least MINIMUM_UNITS units.

    Returns:
        [quantity], in the unit of `values`.
    """
    count = values.shape[0]
    scatter: Array = np.std(values, axis=0, ddof=1)
    half: Array = quantile(count - 1) * scatter / np.sqrt(count)
    return half


def too_few(units: int) -> str:
    """Why so many units give no interval; empty where they do."""
    if units >= MINIMUM_UNITS:
        return ""
    return f"an interval needs {MINIMUM_UNITS} independent units (blocks), this has {units}"


def log_interval(logs: Array, unit: str = "1", power: float = 1.0) -> Estimate:
    """Geometric mean of exp(power * logs) with its t interval; no ends below MINIMUM_UNITS units.

    Args:
        logs: [unit], natural logarithms; empty gives an unknown estimate.
        unit: SI unit of the result.
        power: what the logarithms are multiplied by first.
    """
    if logs.size == 0:
        return Estimate.unknown("no unit has it", unit)
    mean = power * float(np.mean(logs))
    if reason := too_few(logs.size):
        return Estimate(float(np.exp(mean)), unit=unit, level=LEVEL, reason=reason)
    half = abs(power) * float(half_widths(logs[:, None])[0])
    low, value, high = (float(np.exp(mean + offset)) for offset in (-half, 0.0, half))
    return Estimate(value, low, high, unit, LEVEL)


def interval(values: Array, unit: str = "1") -> Estimate:
    """Mean with its t interval, on the values' own scale; no ends below MINIMUM_UNITS units."""
    if values.size == 0:
        return Estimate.unknown("no unit has it", unit)
    mean = float(np.mean(values))
    if reason := too_few(values.size):
        return Estimate(mean, unit=unit, level=LEVEL, reason=reason)
    half = float(half_widths(values[:, None])[0])
    return Estimate(mean, mean - half, mean + half, unit, LEVEL)
