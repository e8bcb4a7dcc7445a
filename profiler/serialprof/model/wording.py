# SPDX-License-Identifier: Apache-2.0
"""Estimates in words, with no more digits than they bear."""

from __future__ import annotations

import math
from collections.abc import Sequence

from serialprof.estimate import Estimate
from serialprof.units import format_count


def count(value: float) -> str:
    """A count to two digits unless it is a round one: 2202009.6 is "2.1 Mi", 65536 is "64 Ki"."""
    if value == round(value) and (value < 1024 or value % 1024 == 0):
        return format_count(round(value))
    for factor, prefix in ((1024.0**3, " Gi"), (1024.0**2, " Mi"), (1024.0, " Ki")):
        if value >= factor:
            return f"{_digits(value / factor, 2)}{prefix}"
    return _digits(value, 2)


def gain(estimate: Estimate) -> str:
    """A speed-up minus 1: "-62 % [-64, -60]", "+7 to +10 %" for a bracket; one number where all ends round to it."""
    low, high = (None if end is None else f"{round(100 * end):+d}" for end in (estimate.low, estimate.high))
    if estimate.value is not None:
        value = f"{round(100 * estimate.value):+d} %"
        return value if low is None or high is None or low == high else f"{value} [{low}, {high}]"
    if low is None or high is None:
        return "an unknown amount"
    return f"{low} %" if low == high else f"{low} to {high} %"


def share(estimate: Estimate) -> str:
    """A share: "93 % [91 - 95]", "between 0 and 41 %" for a bracket, "<1 %" where both ends round to nothing."""
    low, high = (None if end is None else str(round(100 * end)) for end in (estimate.low, estimate.high))
    if low == high == "0" and (estimate.low or estimate.high):
        return "<1 %"
    if estimate.value is not None:
        value = f"{round(100 * estimate.value)} %"
        return value if low is None or high is None or low == high else f"{value} [{low} - {high}]"
    if low is None or high is None:
        return "not identified"
    return f"{low} %" if low == high else f"between {low} and {high} %"


def ratio(estimate: Estimate, offset: float = 0.0) -> str:
    """A ratio to three digits: "1.83x [1.80 - 1.86]".

    Args:
        estimate: the ratio, with a value.
        offset: what is added first; 1 for a speed-up minus 1.
    """
    if estimate.value is None:
        return "an unknown ratio"
    value = f"{_digits(estimate.value + offset, 3)}x"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{_digits(estimate.low + offset, 3)} - {_digits(estimate.high + offset, 3)}]"


def _digits(value: float, digits: int) -> str:
    """A positive number to so many digits, whole from there on."""
    if value <= 0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.{digits - 1}e}")  # decides on the decimals: 0.9998 is 1.00
    decimals = max(0, digits - 1 - math.floor(math.log10(rounded)))
    return f"{value:.{decimals}f}"


def listed(names: Sequence[str]) -> str:
    """Names as a list in words: "bytes", "bytes and chain", "bytes, chain and threads"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
