# SPDX-License-Identifier: Apache-2.0
"""What runs measured, by what makes points comparable."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from serialprof.model.comparison.records import Place
from serialprof.model.results import PointSummary
from serialprof.model.statistics import Array
from serialprof.model.steptimes import FamilyTimes
from serialprof.planning import Point
from serialprof.store import StoredRun, Visit

#: In which the filling of gaps settles.
_ROUNDS: Final = 100


@dataclass(frozen=True)
class Measured:
    """One point that has a step time.

    Attributes:
        place: what it is compared by.
        point, summary: as stored, and what was measured.
        steps: ln of seconds per step, by block.
        clocks: ln of the clock in Hz by the meter beside the samples, by block; empty where it was not read.
    """

    place: Place
    point: Point
    summary: PointSummary
    steps: Mapping[int, float]
    clocks: Mapping[int, float]


def measured(run: StoredRun, families: Iterable[FamilyTimes]) -> dict[Place, Measured]:
    """The points of a run that have a step time, in the order of the plan; of clocks that were set, the reference.

    Args:
        run: the stored run.
        families: the step times of its families.
    """
    visits: dict[int, list[Visit]] = defaultdict(list)
    for visit in run.visits:
        if visit.sound:
            visits[visit.point].append(visit)
    found: dict[Place, Measured] = {}
    for times in families:
        blocks, known = _blocks(times, visits)
        for column, (point, summary) in enumerate(zip(times.points, times.summaries, strict=True)):
            if summary.units and point.setting.clock == times.reference:
                logs = zip(blocks, times.logs[:, column], strict=True)
                steps = {block: float(log) for block, log in logs if np.isfinite(log)}
                clocks = _clocks(visits[point.id]) if known else {}
                place = place_of(point)
                found.setdefault(place, Measured(place, point, summary, steps, clocks))
    return found


def place_of(point: Point) -> Place:
    """What a point is compared by."""
    setting = point.setting
    family = replace(point.family, device=setting.device.partition(":")[0])
    return Place(family, setting.form, setting.depth, setting.width, setting.threads)


def levels(logs: Sequence[Mapping[int, float]]) -> Array:
    """[unit]: the mean over points of ln y in every block, gaps filled with block effect + point effect.

    Blocks that lack more than half of the points are left out, unless that leaves some point without any.

    Args:
        logs: per point, ln y by block.
    """
    if not logs or not all(logs):
        return np.empty(0)
    blocks = sorted(set().union(*logs))
    matrix = np.array([[column.get(block, np.nan) for column in logs] for block in blocks])
    kept = matrix[2 * np.isnan(matrix).sum(axis=1) <= len(logs)]
    if not len(kept) or np.isnan(kept).all(axis=0).any():
        kept = matrix
    level: Array = _filled(kept).mean(axis=1)
    return level


def _filled(logs: Array) -> Array:
    """Gaps of ln y [unit, point] filled, until the effects settle."""
    gaps = np.isnan(logs)
    filled = np.where(gaps, np.nanmean(logs, axis=0, keepdims=True), logs)
    for _ in range(_ROUNDS if gaps.any() else 0):
        effects = filled.mean(axis=0, keepdims=True) + filled.mean(axis=1, keepdims=True) - filled.mean()
        filled = np.where(gaps, effects, logs)
    return filled


def _blocks(times: FamilyTimes, visits: Mapping[int, Sequence[Visit]]) -> tuple[list[int], bool]:
    """Which blocks the rows of a family's step times are, and whether that is known.

    It is not where a start-up was taken off: such rows count for themselves.
    """
    sound = [point.id for point, item in zip(times.points, times.summaries, strict=True) if not item.failed]
    blocks = sorted({visit.block for point in sound for visit in visits[point]})
    if len(blocks) == len(times.logs) and times.family.mode != "process":
        return blocks, True
    return list(range(len(times.logs))), False


def _clocks(visits: Sequence[Visit]) -> dict[int, float]:
    """The logarithm of the clock by block, the mean over its visits."""
    read: dict[int, list[float]] = defaultdict(list)
    for visit in visits:
        if clock := visit.clock:
            read[visit.block].append(math.log(clock))
    return {block: math.fsum(logs) / len(logs) for block, logs in read.items()}
