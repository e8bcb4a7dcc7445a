# SPDX-License-Identifier: Apache-2.0
"""From stored visits to step times: per family a matrix [unit, point], and the same turn by turn."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.intervals import half_width, midmean
from serialprof.model.latency import latency
from serialprof.model.results import Latency, PointSummary
from serialprof.model.statistics import Array, interval, log_interval
from serialprof.model.sweep import reference_clock
from serialprof.planning import Family, Point
from serialprof.setting import Form
from serialprof.store import StoredRun, Visit

#: Seconds per step beyond which a sample is an error, not a measurement: far below a cycle, and thirty years.
_SHORTEST: Final = 1e-18
_LONGEST: Final = 1e9

#: Two-sided level at which more steps must take longer: a command that ignores its depth passes once in 1000 runs.
_SURE: Final = 0.998

#: Reasons of a GPU's clock that hold nothing down.
_HARMLESS: Final = frozenset({"idle", "applications clocks"})

_QUIETER: Final = "a quieter machine (serialprof doctor says what disturbs it)"
_DISTURBED: Final = ("every sample was disturbed", "s", _QUIETER)
_NOT_VISITED: Final = ("not visited", "s", "a longer --budget")
_MENDED: Final = "a run in which the point does not fail"


@dataclass(frozen=True)
class FamilyTimes:
    """Step times of one family.

    Attributes:
        family: which.
        points: its points, in the order of the plan.
        logs: [unit, point], ln of seconds per step, NaN where a unit lacks the point. A unit is a block, which has
            worker processes of its own but in the quick form.
        turns: [unit, turn, point], the same for every turn of a block: what was measured close together.
        summaries: what was measured at each point.
    """

    family: Family
    points: tuple[Point, ...]
    logs: Array
    turns: Array
    summaries: tuple[PointSummary, ...]

    @classmethod
    def of(cls, points: Sequence[Point], logs: Array) -> FamilyTimes:
        """Step times that come from elsewhere than a stored run.

        Args:
            points: of one family.
            logs: [unit, point], ln of seconds per step, NaN where a unit lacks the point.
        """
        summaries = []
        for point, column in zip(points, logs.T, strict=True):
            known = column[np.isfinite(column)]
            unknown = Estimate.unknown("the clock was not read", "cycles")
            summaries.append(PointSummary(point, log_interval(known, "s"), known.size, known.size, 0, unknown))
        return cls(points[0].family, tuple(points), logs, logs[:, None, :], tuple(summaries))

    @property
    def reference(self) -> float | None:
        """The clock in Hz that was asked for and all is said of (`sweep.reference_clock`), None without clocks."""
        return reference_clock(self.summaries)

    def column(self, width: int, threads: int, form: Form) -> Array | None:
        """[unit, turn] of one operating point at the reference clock, None where it was not measured."""
        index = self.index(width, threads, form)
        if index is None:
            return None
        column: Array = self.turns[:, :, index]
        return None if np.isnan(column).all() else column

    def index(self, width: int, threads: int, form: Form) -> int | None:
        """Which point an operating point at the reference clock is, None where there is none."""
        wanted = (width, threads, form, self.reference)
        for index, point in enumerate(self.points):
            setting = point.setting
            if (setting.width, setting.threads, setting.form, setting.clock) == wanted:
                return index
        return None

    def measured(self, form: Form) -> tuple[tuple[int, int], ...]:
        """(width, threads) of the measured points of a form at the reference clock, ascending."""
        reference = self.reference
        return tuple(
            sorted(
                {
                    (point.setting.width, point.setting.threads)
                    for point, summary in zip(self.points, self.summaries, strict=True)
                    if summary.units and point.setting.form == form and point.setting.clock == reference
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
    starting = {description.reference for description in run.plan.descriptions if description.startup}
    return tuple(
        _family(family, points, visits, startup=family.workload in starting) for family, points in families.items()
    )


def block_steps(run: StoredRun, point: Point) -> Mapping[int, float]:
    """Seconds per step of a point by block, as far as blocks have undisturbed samples; empty where it failed."""
    return _PointTimes.of(point, [visit for visit in run.visits if visit.point == point.id]).units


def paired(first: Array | None, second: Array | None) -> Array:
    """ln(first / second) of the units that have both: the midmean over the turns that have both.

    What is compared is measured in the same turns, forward and backward, so that drift and bursts which hit both cancel
    turn by turn.

    Args:
        first: [unit, turn], or None.
        second: likewise.

    Returns:
        [unit], without those that have no common turn; empty where there are none.
    """
    if first is None or second is None:
        return np.empty(0)
    difference = first - second
    ratios = [midmean(row[np.isfinite(row)].tolist()) for row in difference if np.isfinite(row).any()]
    return _array(ratios)


def _family(
    family: Family, points: Sequence[Point], visits: Mapping[int, Sequence[Visit]], *, startup: bool
) -> FamilyTimes:
    measured = [_PointTimes.of(point, visits[point.id]) for point in points]
    if startup:
        measured = list(without_startup(measured))
    units = sorted({unit for item in measured for unit in item.units})
    rows = {unit: row for row, unit in enumerate(units)}
    turns = 1 + max((turn for item in measured for _, turn in item.turns), default=0)
    cube = np.full((len(units), turns, len(measured)), np.nan)
    logs = np.full((len(units), len(measured)), np.nan)
    for column, item in enumerate(measured):
        for (unit, turn), value in item.turns.items():
            if unit in rows:
                cube[rows[unit], turn, column] = math.log(value)
        for unit, value in item.units.items():
            logs[rows[unit], column] = math.log(value)
    return FamilyTimes(
        family,
        tuple(item.point for item in measured),
        logs,
        cube,
        tuple(item.summary() for item in measured),
    )


@dataclass(frozen=True)
class _PointTimes:
    """What the visits of one point give, in seconds per step.

    Attributes:
        turns: by (unit, turn), the midmean of its undisturbed samples.
        units: by unit, likewise.
        startup: seconds that a run(D) takes before its steps, by unit; empty where that is not told apart.
        clock: measured core clock in Hz, the median of the visits; None where it was not read.
        ended, leaked, held: as in `PointSummary`.
    """

    point: Point
    turns: Mapping[tuple[int, int], float]
    units: Mapping[int, float]
    cycles: tuple[float, ...]
    samples: int
    disturbed: int
    failed: str
    startup: Mapping[int, float] = field(default_factory=dict)
    latency: Latency | None = None
    clock: float | None = None
    ended: str = ""
    leaked: float | None = None
    held: tuple[str, ...] = ()

    @classmethod
    def of(cls, point: Point, visits: Sequence[Visit]) -> _PointTimes:
        turns: dict[tuple[int, int], list[float]] = defaultdict(list)
        units: dict[int, list[float]] = defaultdict(list)
        cycles, clocks = [], []
        kept = disturbed = 0
        setting = point.setting
        failed = "" if setting.width > 0 and setting.threads > 0 else "a width or thread count below 1 is no point"
        for visit in visits:
            sound, clock = visit.sound.seconds, visit.clock
            kept += len(sound)
            disturbed += len(visit.samples) - len(sound)
            failed = failed or _failure(point, visit, sound)
            if failed or not sound:
                continue
            # Midmeans sort them, turn by turn and block by block: what is in order is sorted again in no time.
            seconds = sorted(sample / (visit.runs * setting.depth) for sample in sound)
            turns[visit.block, visit.turn] += seconds
            units[visit.block] += seconds
            if clock:
                cycles.append(math.log(midmean(seconds) * clock))
            if slowest := _slowest(visit, clock):
                clocks.append(slowest)
        if failed:
            turns, units = {}, {}
        return cls(
            point,
            {key: midmean(seconds) for key, seconds in turns.items()},
            {unit: midmean(seconds) for unit, seconds in units.items()},
            tuple(cycles),
            kept,
            disturbed,
            failed,
            latency=None if failed else latency(visits),
            clock=median(clocks) if clocks else None,
            ended=next((visit.reason or "a planned end" for visit in visits if visit.status == "ended"), ""),
            leaked=_leaked(visits),
            held=_held(visits),
        )

    def summary(self) -> PointSummary:
        """The record of the point."""
        if self.failed:
            step = Estimate.unknown(self.failed, "s", _MENDED)
        elif not self.units and self.ended:
            step = Estimate.unknown(f"ended: {self.ended}", "s")
        elif not self.units:
            step = Estimate.unknown(*(_DISTURBED if self.disturbed else _NOT_VISITED))
        else:
            step = log_interval(np.log(_array(self.units.values())), "s")
        cycles = Estimate.unknown("the clock meter gave no reading beside this point", "cycles", _QUIETER)
        if self.cycles and not self.failed:
            cycles = log_interval(_array(self.cycles), "cycles")
        startup = None
        if self.startup and not self.failed:
            startup = interval(_array(self.startup.values()), "s")
        return PointSummary(
            point=self.point,
            step=step,
            units=len(self.units),
            samples=self.samples,
            disturbed=self.disturbed,
            cycles=cycles,
            failed=self.failed,
            startup=startup,
            latency=self.latency,
            clock=self.clock,
            ended=self.ended,
            leaked=self.leaked,
            held=self.held,
        )


def without_startup(measured: Sequence[_PointTimes]) -> Iterator[_PointTimes]:
    """Points whose start-up is removed by differencing over depth: one for every pair that differs in depth alone.

    step = (T(D) - T(d)) / (D - d), and start-up = T(d) - d x step, where T is the time of a whole run(D), in every turn
    and every unit. A pair fails whose longer run does not surely take longer: its command has no steps to time. A unit
    in which it took no longer was hit by something, and does not count.
    """
    pairs: dict[tuple[object, ...], list[_PointTimes]] = defaultdict(list)
    for item in measured:
        setting = item.point.setting
        pairs[setting.width, setting.threads, setting.form, setting.clock].append(item)
    for pair in pairs.values():
        short, long = min(pair, key=_depth), max(pair, key=_depth)
        yield long if short is long else _difference(short, long)


def _difference(short: _PointTimes, long: _PointTimes) -> _PointTimes:
    few, many = _depth(short), _depth(long)

    def step(key: Any, shorts: Mapping[Any, float], longs: Mapping[Any, float]) -> float:
        return (many * longs[key] - few * shorts[key]) / (many - few)

    units = {unit: step(unit, short.units, long.units) for unit in long.units if unit in short.units}
    turns = {turn: step(turn, short.turns, long.turns) for turn in long.turns if turn in short.turns}
    failed = long.failed or short.failed
    ratios = [math.log(many * long.units[unit] / (few * short.units[unit])) for unit in units]
    if not failed and units and not (_surely_positive(ratios) and any(value > 0 for value in units.values())):
        failed = f"{many} steps take no longer than {few}: the command ignores {{depth}}, or needs a larger --depth"
    return replace(
        long,
        turns={} if failed else {turn: value for turn, value in turns.items() if value > 0},
        units={} if failed else {unit: value for unit, value in units.items() if value > 0},
        cycles=(),
        samples=short.samples + long.samples,
        disturbed=short.disturbed + long.disturbed,
        failed=failed,
        startup={} if failed else {unit: few * (short.units[unit] - step) for unit, step in units.items() if step > 0},
    )


def _surely_positive(values: Sequence[float]) -> bool:
    return math.fsum(values) / len(values) > (half_width(values, _SURE) or 0.0)


def _depth(item: _PointTimes) -> int:
    return item.point.setting.depth


def _failure(point: Point, visit: Visit, sound: Sequence[float]) -> str:
    """Why a visit makes its point fail; empty where it does not."""
    if visit.status == "failed":
        return visit.reason or "failed without a reason"
    steps = visit.runs * point.setting.depth
    if steps < 1:
        return f"a sample of {steps} steps has no step time"
    wrong = [seconds for seconds in sound if not _SHORTEST <= seconds / steps <= _LONGEST]
    return f"a sample of {steps} steps took {wrong[0]:g} s, which is no time" if wrong else ""


def _leaked(visits: Sequence[Visit]) -> float | None:
    """Bytes that every step kept: the median of the visits that saw some; None where less than half or one did."""
    seen = [visit.readings.leaked for visit in visits if visit.readings.leaked]
    return median(seen) if len(seen) >= max(2, len(visits) / 2) else None


def _held(visits: Sequence[Visit]) -> tuple[str, ...]:
    """Why a device's clock was held down during visits, in the order in which that was read."""
    reasons = (reason for visit in visits for state in visit.readings.gpu for reason in state.reasons or ())
    return tuple(reason for reason in dict.fromkeys(reasons) if reason not in _HARMLESS)


def _slowest(visit: Visit, clock: float | None) -> float | None:
    """The clock in Hz of the slowest of a visit's CPUs, for which its step waits; else the one of its samples."""
    return min((clock for clock in visit.readings.core_clocks if clock), default=clock)


def _array(values: Iterable[float]) -> Array:
    return np.array(list(values), dtype=float)
