# SPDX-License-Identifier: Apache-2.0
"""The step time over an injected delay: level up to the slack, then a straight line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.statistics import LEVEL, Array, Mask, half_widths, interval, too_few

#: Share of the longest delay by which a step has to grow before there is anything beyond a knee.
CREEP: Final = 0.05

NEVER: Final = "the delays never exceeded the slack"
NOISY: Final = "the step times are too noisy to tell whether the delays exceeded the slack"


@dataclass(frozen=True, slots=True)
class Knee:
    """T(d) = T0 + slope max(0, d - slack), with its intervals.

    Attributes:
        step: T0 in seconds, the step as it is.
        slope: seconds that the step grows by per second of delay, beyond the slack.
        slack: seconds of delay that the step bears without growing.
        residual: relative root-mean-square residual of the mean curve, None where nothing was fitted.
    """

    step: Estimate
    slope: Estimate
    slack: Estimate
    residual: float | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """A fit of one curve: its parameters, its weighted sum of squares, and which delays lie beyond the knee."""

    step: float
    slope: float
    slack: float
    squares: float
    beyond: Mask


def fit_knee(delays: Array, seconds: Array) -> Knee:
    """Weighted least squares over (T0, slope, slack) on the mean curve, relative residuals counting alike.

    Which delays lie beyond the knee is taken from the mean curve; given that, the level part's mean and the straight
    line of every unit give its own slope and slack, whose t intervals over units are the intervals.

    Args:
        delays: [unit, level], ascending from 0, seconds per step.
        seconds: [unit, level], seconds per step.
    """
    level, curve = np.mean(delays, axis=0), np.mean(seconds, axis=0)
    step = _from_zero(interval(seconds[:, 0], "s"))
    rise = interval(seconds[:, -1] - seconds[:, 0], "s")
    longest = float(level[-1])
    if (rise.low if rise.low is not None else rise.value or 0.0) <= CREEP * longest:
        return _no_rise(step, longest, rise)
    best = min((_fit(level, curve, split) for split in range(level.size - 1)), key=lambda line: line.squares)
    residual = float(np.sqrt(best.squares / level.size))
    if np.count_nonzero(best.beyond) < 2:
        return _one_beyond(step, level, interval(seconds[:, -2] - seconds[:, 0], "s"), residual)
    return Knee(step, *_by_units(delays, seconds, best), residual)


def _no_rise(step: Estimate, longest: float, rise: Estimate) -> Knee:
    """Where no delay surely made the step longer to speak of: surely none did, or the times cannot tell."""
    if rise.high is None:
        return _too_few(step, rise)
    never = rise.high <= CREEP * longest
    reason, remedy = (NEVER, "longer delays") if never else (NOISY, "a longer --budget, or a quieter machine")
    slack = Estimate(None, _least(longest, rise.high), None, "s", LEVEL, reason, remedy)
    return Knee(step, Estimate.unknown(reason, remedy=remedy), slack)


def _one_beyond(step: Estimate, level: Array, rise: Estimate, residual: float) -> Knee:
    """Where the longest delay alone made the step longer: the slack is bracketed.

    Args:
        step: as it is.
        level: the delays, ascending.
        rise: of the step at the longest delay but one.
        residual: of the fit.
    """
    if rise.high is None:
        return replace(_too_few(step, rise), residual=residual)
    reason, remedy = "only one delay lay beyond the knee", "longer delays"
    ends = Estimate.bracket(_least(float(level[-2]), rise.high), float(level[-1]), reason, "s", remedy)
    return Knee(step, Estimate.unknown(reason, remedy=remedy), ends, residual)


def _too_few(step: Estimate, rise: Estimate) -> Knee:
    """Where too few units give the rise no interval: then nothing is said of the slack either."""
    remedy = "a longer --budget"
    return Knee(step, Estimate.unknown(rise.reason, remedy=remedy), Estimate.unknown(rise.reason, "s", remedy))


def _least(delay: float, rise: float) -> float:
    """Seconds of slack at least, where a delay made the step longer by so many at most: beyond it each counts once."""
    return max(0.0, delay - max(0.0, rise))


def _from_zero(estimate: Estimate) -> Estimate:
    """The same of what cannot be negative."""
    return estimate if estimate.low is None else replace(estimate, low=max(0.0, estimate.low))


def _fit(delays: Array, seconds: Array, split: int) -> _Line:
    """The best fit whose knee lies from delays[split] to the next one: where two free lines meet, else at an end."""
    beyond: Mask = np.arange(delays.size) > split
    knots = [float(delays[split]), float(delays[split + 1])]
    if np.count_nonzero(beyond) > 1:
        weights = seconds**-2
        slope, intercept = _straight(delays[beyond], seconds[beyond], weights[beyond])
        before = float(np.average(seconds[~beyond], weights=weights[~beyond]))
        if slope > 0 and knots[0] < (meet := (before - intercept) / slope) < knots[1]:
            knots.append(meet)
    return min((_at(delays, seconds, knot) for knot in knots), key=lambda line: line.squares)


def _at(delays: Array, seconds: Array, slack: float) -> _Line:
    """The best fit with a given slack; no slope below 0."""
    excess = np.maximum(0.0, delays - slack)
    design = np.stack([np.ones_like(delays), excess], axis=1) / seconds[:, None]
    (step, slope), *_ = np.linalg.lstsq(design, np.ones_like(seconds), rcond=None)
    if slope < 0:
        step, slope = float(np.average(seconds, weights=seconds**-2)), 0.0
    squares = float(np.sum(((step + slope * excess) / seconds - 1.0) ** 2))
    return _Line(float(step), float(slope), slack, squares, delays > slack)


def _by_units(delays: Array, seconds: Array, line: _Line) -> tuple[Estimate, Estimate]:
    """Slope and slack of the mean curve, each with the t interval of the units' own."""
    weights = np.mean(seconds, axis=0) ** -2
    beyond = line.beyond
    slopes, slacks = [], []
    for own, times in zip(delays, seconds, strict=True):
        slope, intercept = _straight(own[beyond], times[beyond], weights[beyond])
        before = float(np.average(times[~beyond], weights=weights[~beyond]))
        slopes.append(slope)
        # Linear in the times, so that one noisy unit does not run away: by how far the line lies below the level part.
        slacks.append(line.slack + (before - intercept - slope * line.slack) / line.slope)
    return (
        _around(line.slope, np.array(slopes), "1"),
        _around(line.slack, np.array(slacks), "s"),
    )


def _around(value: float, units: Array, unit: str) -> Estimate:
    """A value from 0 on with the t interval over units, which contains it."""
    if reason := too_few(units.size):
        return Estimate(value, unit=unit, level=LEVEL, reason=reason)
    mean, half = float(np.mean(units)), float(half_widths(units[:, None])[0])
    return Estimate(value, max(0.0, min(value, mean - half)), max(value, mean + half), unit, LEVEL)


def _straight(delays: Array, seconds: Array, weights: Array) -> tuple[float, float]:
    """Slope and intercept of the weighted least squares line."""
    middle, mean = np.average(delays, weights=weights), np.average(seconds, weights=weights)
    slope = np.sum(weights * (delays - middle) * (seconds - mean)) / np.sum(weights * (delays - middle) ** 2)
    return float(slope), float(mean - slope * middle)
