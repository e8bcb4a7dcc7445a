# SPDX-License-Identifier: Apache-2.0
"""From stored visits to step times: one matrix [unit, point] per family."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.results import PointSummary
from serialprof.model.statistics import Array, log_interval
from serialprof.planning import Family, Point
from serialprof.setting import Form
from serialprof.store import StoredRun, Visit

#: Seconds per step beyond which a sample is an error, not a measurement: far below a cycle, and thirty years.
_SHORTEST: Final = 1e-18
_LONGEST: Final = 1e9


@dataclass(frozen=True)
class FamilyTimes:
    """Step times of one family.

    Attributes:
        family: which.
        points: its points, in the order of the plan.
        logs: [unit, point], ln of seconds per step, NaN where a unit lacks the point. A unit is a round of worker
            processes and a block.
        summaries: what was measured at each point.
    """

    family: Family
    points: tuple[Point, ...]
    logs: Array
    summaries: tuple[PointSummary, ...]

    def column(self, width: int, threads: int, form: Form) -> Array | None:
        """[unit] of one operating point with the clock left alone, None where it was not measured."""
        for index, point in enumerate(self.points):
            setting = point.setting
            if (setting.width, setting.threads, setting.form, setting.clock) == (width, threads, form, None):
                column: Array = self.logs[:, index]
                return None if np.isnan(column).all() else column
        return None

    def measured(self, form: Form) -> tuple[tuple[int, int], ...]:
        """(width, threads) of the measured points of a form with the clock left alone, ascending."""
        return tuple(
            sorted(
                {
                    (point.setting.width, point.setting.threads)
                    for point, summary in zip(self.points, self.summaries, strict=True)
                    if summary.units and point.setting.form == form and point.setting.clock is None
                }
            )
        )


def collect(run: StoredRun) -> tuple[FamilyTimes, ...]:
    """The step times of every family of a run, in the order of the plan."""
    families: dict[Family, list[Point]] = {}
    for point in run.plan.points:
        families.setdefault(point.family, []).append(point)
    visits: dict[int, list[Visit]] = defaultdict(list)
    for visit in run.visits:
        visits[visit.point].append(visit)
    return tuple(_family(family, points, visits) for family, points in families.items())


def paired(first: Array | None, second: Array | None) -> Array:
    """ln(first / second) of the units that have both; empty where there are none."""
    if first is None or second is None:
        return np.empty(0)
    difference: Array = first - second
    return difference[np.isfinite(difference)]


def _family(family: Family, points: Sequence[Point], visits: dict[int, list[Visit]]) -> FamilyTimes:
    measured = [_PointTimes.of(point, visits[point.id]) for point in points]
    units = sorted({unit for item in measured for unit in item.logs})
    logs = np.full((len(units), len(points)), np.nan)
    for column, item in enumerate(measured):
        for unit, value in item.logs.items():
            logs[units.index(unit), column] = value
    return FamilyTimes(family, tuple(points), logs, tuple(item.summary() for item in measured))


@dataclass(frozen=True)
class _PointTimes:
    """What the visits of one point give; units are (round of processes, block)."""

    point: Point
    logs: dict[tuple[int, int], float]
    cycles: tuple[float, ...]
    samples: int
    disturbed: int
    failed: str

    @classmethod
    def of(cls, point: Point, visits: Sequence[Visit]) -> _PointTimes:
        steps: dict[tuple[int, int], list[float]] = defaultdict(list)
        cycles = []
        kept = disturbed = 0
        setting = point.setting
        failed = "" if setting.width > 0 and setting.threads > 0 else "a width or thread count below 1 is no point"
        for visit in visits:
            sound = [sample.seconds for sample in visit.samples if not sample.disturbed]
            kept += len(sound)
            disturbed += len(visit.samples) - len(sound)
            failed = failed or _failure(point, visit, sound)
            if failed or not sound:
                continue
            # A visit in which everything was disturbed is made again in the same block: both belong to one unit.
            seconds = [sample / (visit.runs * setting.depth) for sample in sound]
            steps[visit.process, visit.block] += seconds
            if clock := _clock(visit):
                cycles.append(math.log(median(seconds) * clock))
        logs = {} if failed else {unit: math.log(median(seconds)) for unit, seconds in steps.items()}
        return cls(point, logs, tuple(cycles), kept, disturbed, failed)

    def summary(self) -> PointSummary:
        """The record of the point."""
        if self.failed:
            step = Estimate.unknown(self.failed, "s")
        elif not self.logs:
            step = Estimate.unknown("every sample was disturbed" if self.disturbed else "not visited", "s")
        else:
            step = log_interval(_array(self.logs.values()), "s")
        cycles = Estimate.unknown("the clock meter gave no reading beside this point", "cycles")
        if self.cycles and not self.failed:
            cycles = log_interval(_array(self.cycles), "cycles")
        return PointSummary(self.point, step, len(self.logs), self.samples, self.disturbed, cycles, self.failed)


def _failure(point: Point, visit: Visit, sound: Sequence[float]) -> str:
    """Why a visit makes its point fail; empty where it does not."""
    if visit.status == "failed":
        return visit.reason or "failed without a reason"
    steps = visit.runs * point.setting.depth
    if steps < 1:
        return f"a sample of {steps} steps has no step time"
    wrong = [seconds for seconds in sound if not _SHORTEST <= seconds / steps <= _LONGEST]
    return f"a sample of {steps} steps took {wrong[0]:g} s, which is no time" if wrong else ""


def _clock(visit: Visit) -> float | None:
    """The clock during a visit in hertz: mean of the readings beside it, None where there is none."""
    readings = [clock for clock in (visit.clock_before, visit.clock_after) if clock is not None]
    sound = [clock for clock in readings if math.isfinite(clock) and clock > 0]
    return sum(sound) / len(sound) if sound else None


def _array(values: Iterable[float]) -> Array:
    return np.array(list(values), dtype=float)
