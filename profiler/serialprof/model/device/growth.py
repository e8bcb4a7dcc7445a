# SPDX-License-Identifier: Apache-2.0
"""How a time grows over batch, y(B) = (a^q + (b B)^q)^(1/q), and the knee a / b from which the growing part leads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.statistics import LEVEL, Array, f_quantile, half_widths, too_few
from serialprof.model.wording import count
from serialprof.units import format_percent

#: Fewest widths that a curve is fitted through.
MINIMUM_WIDTHS: Final = 4
#: A knee that may lie so many times beyond the sweep is no number.
BEYOND: Final = 2.0
#: Relative residual of the best curve from which on it has no knee to tell.
MISFIT: Final = 0.1

#: q: sum, two partial overlaps, and the larger of both.
FORMS: Final = (1.0, 2.0, 4.0, math.inf)
#: How far a knee is looked for outside the sweep; from there on one side of the curve is nothing.
_REACH: Final = 1e4
#: Knees that are tried at once, and how often the best one's neighbourhood is looked at more closely.
_GRID: Final = 257
_ZOOMS: Final = 4
#: Relative residual below which two forms fit alike for all that double precision tells.
_EXACT: Final = 1e-7


@dataclass(frozen=True, slots=True)
class Growth:
    """A fitted curve.

    Attributes:
        q: the form that fits the mean curve best.
        knee: a / b of the mean curve.
        knees: [unit], the same of every unit's own curve with the same q.
        alike: (q, a / b) of the forms that explain the mean curve as well as the best one, for all that the scatter
            about it tells; the best one is among them.
        residual: relative root-mean-square residual of the mean curve.
        widths: that it was fitted through, ascending.
    """

    q: float
    knee: float
    knees: Array
    alike: tuple[tuple[float, float], ...]
    residual: float
    widths: Array

    def fixed(self, width: float) -> Array:
        """[unit], the share of the time at a width that does not grow: a^q / (a^q + (b B)^q)."""
        return _fixed(self.knees / width, self.q)

    def off(self, width: float) -> tuple[float, float]:
        """By how much the mean curve's share may lie (below, above) the best form's, by the forms that fit alike."""
        shares = [float(_fixed(np.array(knee / width), q)) for q, knee in self.alike]
        best = float(_fixed(np.array(self.knee / width), self.q))
        return best - min(shares), max(shares) - best

    @property
    def form(self) -> str:
        """The form in words."""
        return "sum" if self.q == 1 else "max" if math.isinf(self.q) else f"norm {self.q:g}"


def fit_growth(widths: Array, times: Array) -> Growth:
    """Least squares over (a, b, q), a and b from 0 on, relative residuals counting alike.

    For a given knee k = a / b and q the curve is b (k^q + B^q)^(1/q), linear in b; what is left is looked for along k.

    Args:
        widths: [width], at least MINIMUM_WIDTHS, ascending.
        times: [unit, width], positive.
    """
    mean = np.exp(np.mean(np.log(times), axis=0))
    fits = [_best(widths, mean[None, :], q) for q in FORMS]
    squares = np.array([float(left[0]) for _, left in fits])
    best = int(np.argmin(squares))
    freedom = widths.size - 2
    allowed = squares[best] * (1 + f_quantile(1, freedom) / freedom) + widths.size * _EXACT**2
    alike = [(q, float(found[0])) for q, (found, _), own in zip(FORMS, fits, squares, strict=True) if own <= allowed]
    return Growth(
        q=FORMS[best],
        knee=float(fits[best][0][0]),
        knees=_best(widths, times, FORMS[best])[0],
        alike=tuple(alike),
        residual=math.sqrt(squares[best] / widths.size),
        widths=widths,
    )


def knee_of(growth: Growth) -> Estimate:
    """The knee with the t interval over units in ln B, widened by the forms that fit as well.

    Returns:
        A value only where the interval ends at most BEYOND times outside the sweep, in either direction; else the
        bounds that are left, and the side in words.
    """
    least, most = float(growth.widths[0]), float(growth.widths[-1])
    if growth.residual > MISFIT:
        return Estimate.unknown(
            f"step times over batch follow no curve with a knee ({format_percent(growth.residual)} off)"
        )
    if reason := too_few(growth.knees.size):
        if least / BEYOND <= growth.knee <= BEYOND * most:
            return Estimate(growth.knee, level=LEVEL, reason=reason)
        side = _side(below=growth.knee < least, least=least, most=most)
        return Estimate.unknown(f"{side}; {reason}", remedy=_more(growth.knee, least, most))
    logs = np.log(growth.knees)
    half, middle = float(half_widths(logs[:, None])[0]), float(np.mean(logs))
    half += math.sqrt(2) * growth.residual  # a and b are each off by about as much as the curve is
    knees = [knee for _, knee in growth.alike]
    low = min(math.exp(middle - half), *knees)
    high = max(math.exp(min(700.0, middle + half)), *knees)
    below, beyond = low < least / BEYOND, high > BEYOND * most
    if not below and not beyond:
        return Estimate(growth.knee, low, high, level=LEVEL)
    reason = "the data cannot tell the knee" if below and beyond else _side(below=below, least=least, most=most)
    # A bound may be moved outwards, to a width that was measured, never inwards.
    return Estimate(
        None,
        None if below else min(low, most),
        None if beyond else max(high, least),
        level=LEVEL,
        reason=reason,
        remedy=_more(growth.knee, least, most),
    )


def _side(*, below: bool, least: float, most: float) -> str:
    return f"below B = {count(least)}" if below else f"beyond B = {count(most)}"


def _more(knee: float, least: float, most: float) -> str:
    if knee > most:
        return f"batches up to {count(4 * most)} and more"
    return f"batches below {count(least)}" if least > 1 and knee < least else ""


def _fixed(ratio: Array, q: float) -> Array:
    """k^q / (k^q + B^q) of k / B, which may be anything from 0 on; for q = inf the limit."""
    if math.isinf(q):
        share: Array = np.where(ratio > 1, 1.0, np.where(ratio < 1, 0.0, 0.5))
        return share
    logs = q * np.log(np.maximum(ratio, 1e-300))
    told: Array = 1 / (1 + np.exp(np.clip(-logs, -700.0, 700.0)))
    return told


def _best(widths: Array, times: Array, q: float) -> tuple[Array, Array]:
    """([unit] knees, [unit] sums of squared relative residuals) of the best fits of one form."""
    first, last = math.log(widths[0] / _REACH), math.log(widths[-1] * _REACH)
    units = times.shape[0]
    centre, reach = np.full(units, (first + last) / 2), (last - first) / 2
    for _ in range(_ZOOMS):
        grid = centre[:, None] + np.linspace(-reach, reach, _GRID)[None, :]
        left = _squares(widths, times, np.clip(grid, first, last), q)
        chosen = np.argmin(left, axis=1)
        centre = np.clip(grid[np.arange(units), chosen], first, last)
        reach *= 4 / _GRID
    return np.exp(centre), left[np.arange(units), chosen]


def _squares(widths: Array, times: Array, logs: Array, q: float) -> Array:
    """[unit, knee], the sum of squared relative residuals with the best b for each knee."""
    ratio = logs[:, :, None] - np.log(widths)[None, None, :]
    # (k^q + B^q)^(1/q) = B (1 + (k / B)^q)^(1/q), in logarithms: nothing overflows.
    shape = np.maximum(ratio, 0.0) if math.isinf(q) else np.logaddexp(0.0, q * ratio) / q
    relative = np.exp(shape - np.max(shape, axis=2, keepdims=True)) * widths / times[:, None, :]
    scale = np.sum(relative, axis=2) / np.sum(relative**2, axis=2)
    left: Array = np.sum((scale[:, :, None] * relative - 1.0) ** 2, axis=2)
    return left
