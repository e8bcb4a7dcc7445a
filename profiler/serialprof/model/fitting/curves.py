# SPDX-License-Identifier: Apache-2.0
"""The complete matrix that a fit works on: which points and units it uses, and how gaps are filled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.intervals import MINIMUM_UNITS
from serialprof.model.fitting.cells import Cell
from serialprof.model.statistics import Array, log_interval, moderated, too_few
from serialprof.model.steptimes import FamilyTimes
from serialprof.model.sweep import distinct_clocks, reached_clocks
from serialprof.planning import Point

#: A fit needs so many distinct widths of the serial form, or so many thread counts at one width.
MINIMUM_VALUES: Final = 4

#: Fewest units that a fit needs; its intervals need intervals.MINIMUM_UNITS.
FEWEST_UNITS: Final = 2

#: A point takes part where at least this share of the units has it, a unit where it has this share of the points.
_POINT_SHARE: Final = 0.5
_UNIT_SHARE: Final = 0.75


#: What is said where clocks were set in vain: the points at the reference clock are then all there is.
UNMOVED: Final = "the clocks that were set did not move the measured clock"

#: Times are never known better than this, relatively.
_LEAST_NOISE: Final = 1e-4


class RefusedFitError(ValueError):
    """There is nothing to fit; the message is a sentence that says why."""


@dataclass(frozen=True)
class Curves:
    """Step times of the serial form, without gaps.

    Only units that have every point count for intervals. Where there are enough of them, they alone are kept.

    Attributes:
        points: the points that take part.
        cells: their operating points.
        units: [unit, point] seconds per step.
        mean: [point] seconds per step, geometric mean over units.
        errors: [point], relative standard errors of `mean`, block effects taken out.
        freedom: degrees of freedom of what they have in common.
        level: relative standard error of what all points have in common, by how the units differ as a whole.
        whole: units that have every point.
        notes: what was left out, each a clause.
    """

    points: tuple[Point, ...]
    cells: tuple[Cell, ...]
    units: Array
    mean: Array
    errors: Array
    freedom: int
    level: float
    whole: int
    notes: tuple[str, ...] = ()

    def step(self, point: int) -> Estimate:
        """Seconds per step at a point, over the units that the fit used; no ends where too few have every point."""
        if reason := too_few(self.whole):
            return Estimate(float(self.mean[point]), unit="s", reason=reason)
        return log_interval(np.log(self.units[:, point]), "s")


def complete(times: FamilyTimes) -> Curves:
    """The points and units of a family that a fit can use.

    Points that fewer than half of the units have are left out, then units that lack more than a quarter of the points.
    Points whose clock was set and could not be measured are left out first: nobody knows at which they ran; and where
    clocks were set in vain, all but those at the reference clock. Where at
    least MINIMUM_UNITS units have every point, the others are left out too. Otherwise a gap is filled with its
    unit's and its point's effect (additive in the logarithm), so that a unit which was slow as a whole does not bend
    the curve; there are no intervals then.

    Raises:
        RefusedFitError: fewer than four widths (or thread counts at one width) or two units remain.
    """
    chosen, notes = _chosen(times)
    logs = times.logs[:, chosen]
    logs = logs[~np.isnan(logs).all(axis=1)]
    if len(logs) < FEWEST_UNITS:
        raise RefusedFitError(
            f"no fit: it needs {FEWEST_UNITS} units (blocks) of the serial form, this run has {len(logs)}"
        )
    frequent = np.isfinite(logs).mean(axis=0) >= _POINT_SHARE
    # Where no point is frequent the other bound refuses; max() keeps that case apart from units that have them all.
    whole = np.isfinite(logs[:, frequent]).sum(axis=1) >= _UNIT_SHARE * max(1, frequent.sum())
    if whole.sum() < FEWEST_UNITS:
        raise RefusedFitError(
            f"no fit: fewer than {FEWEST_UNITS} units have three quarters of the points, the others were disturbed"
        )
    kept = frequent & np.isfinite(logs[whole]).any(axis=0)
    logs = logs[np.ix_(whole, kept)]
    chosen = [index for index, wanted in zip(chosen, kept, strict=True) if wanted]
    points = tuple(times.points[index] for index in chosen)
    _check_span(points)
    notes += ("points that fewer than half of the units have are left out of the fit",) * (not kept.all())
    complete_units = np.isfinite(logs).all(axis=1)
    if complete_units.sum() >= MINIMUM_UNITS:
        logs = logs[complete_units]
    filled = _fill(logs)
    mean = np.exp(filled.mean(axis=0))
    return Curves(
        points,
        _cells(times, chosen, mean),
        np.exp(filled),
        mean,
        _standard_errors(filled),
        (filled.shape[0] - 1) * (filled.shape[1] - 1),
        _level(filled),
        int(complete_units.sum()),
        notes,
    )


def _chosen(times: FamilyTimes) -> tuple[list[int], tuple[str, ...]]:
    """Which points of the serial form can take part, and why others cannot, each a clause.

    Raises:
        RefusedFitError: none can.
    """
    measured = [
        index
        for index, (point, summary) in enumerate(zip(times.points, times.summaries, strict=True))
        if point.setting.form == "serial" and summary.units
    ]
    chosen = [index for index in measured if _clock_known(times, index)]
    notes: tuple[str, ...] = ("points whose clock could not be read are left out of the fit",) * (chosen != measured)
    if len(reached_clocks(times.summaries)) > 1 and len(distinct_clocks(times.summaries)) < 2:
        chosen = [index for index in chosen if times.points[index].setting.clock == times.reference]
        notes += (UNMOVED,)
    if not chosen:
        raise RefusedFitError(
            "no fit: the clock meter gave no reading at any clock that was set"
            if measured
            else "no fit: no point of the serial form was measured"
        )
    return chosen, notes


def _clock_known(times: FamilyTimes, index: int) -> bool:
    """Whether a point ran at a clock that was read, or at the one that everything ran at."""
    return times.points[index].setting.clock is None or times.summaries[index].clock is not None


def _cells(times: FamilyTimes, chosen: Sequence[int], mean: Array) -> tuple[Cell, ...]:
    """The operating points of some points, their clocks relative to the highest that was measured at the reference.

    Raises:
        RefusedFitError: no point at the highest clock of the sweep is among them.
    """
    points = [times.points[index] for index in chosen]
    if times.reference is None:
        return tuple(
            Cell(point.setting.width, point.setting.threads, point.work, float(step))
            for point, step in zip(points, mean, strict=True)
        )
    clocks = [times.summaries[index].clock or math.nan for index in chosen]
    lowered = [point.setting.clock != times.reference for point in points]
    if all(lowered):
        raise RefusedFitError("no fit: no point at the highest clock was measured in half of the units")
    top = max(clock for clock, low in zip(clocks, lowered, strict=True) if not low)
    return tuple(
        Cell(point.setting.width, point.setting.threads, point.work, float(step), clock / top, low)
        for point, step, clock, low in zip(points, mean, clocks, lowered, strict=True)
    )


def _check_span(points: Sequence[Point]) -> None:
    """Refuses a sweep in which neither the widths nor, at one width, the threads vary enough."""
    widths = {point.setting.width for point in points}
    most = max(len({point.setting.threads for point in points if point.setting.width == width}) for width in widths)
    if max(len(widths), most) < MINIMUM_VALUES:
        raise RefusedFitError(
            f"no fit: it needs {MINIMUM_VALUES} distinct widths of the serial form, or as many thread counts; this run "
            f"measured {len(widths)} and {most}"
        )


def _fill(logs: Array) -> Array:
    """Gaps replaced by unit effect + point effect, both refitted until they settle."""
    gaps = np.isnan(logs)
    filled = np.where(gaps, np.nanmean(logs, axis=0, keepdims=True), logs)
    for _ in range(100 if gaps.any() else 0):
        effects = filled.mean(axis=0, keepdims=True) + filled.mean(axis=1, keepdims=True) - filled.mean()
        filled = np.where(gaps, effects, logs)
    return filled


def _standard_errors(logs: Array) -> Array:
    """[point]: standard errors of the columns' means [unit, point], block effects taken out, moderated over columns."""
    units, points = logs.shape
    rest = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=0, keepdims=True) + logs.mean()
    freedom = (units - 1) * (points - 1) / points
    variances = np.maximum(np.sum(rest**2, axis=0) / freedom, _LEAST_NOISE**2)
    errors: Array = np.sqrt(moderated(variances, freedom) / units)
    return errors


def _level(logs: Array) -> float:
    """Standard error of the units' common level of logs [unit, point], beyond what single points scatter it by."""
    units, points = logs.shape
    noise = float(np.mean(_standard_errors(logs) ** 2)) / points
    return math.sqrt(max(0.0, float(np.var(logs.mean(axis=1), ddof=1)) / units - noise))
