# SPDX-License-Identifier: Apache-2.0
"""Visits the points of a plan, block by block, until precision or budget is reached."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from serialprof.intervals import half_width, midmean
from serialprof.measure import budget, urgency
from serialprof.measure.pool import PointFailedError, PointHungError
from serialprof.measure.schedule import calibration_order, schedule
from serialprof.measure.tuning import Clocks, Tuner, with_measured
from serialprof.planning import Plan, Point
from serialprof.records import Calibration, Readings, Stop, StoredRun, Visit
from serialprof.setting import PROCESS_MODE

#: Seconds that building and warming a point may take before it counts as hung; in the quick form; and after another
#: point of the same workload has hung, which makes it likely that this one will.
BUILD_LIMIT: Final = 60.0
QUICK_BUILD_LIMIT: Final = 20.0
SUSPECT_LIMIT: Final = 5.0
#: How often a visit is made at most within a block, where all its samples were disturbed.
TRIES: Final = 3


class Workers(Protocol):
    """What the engine asks of its pool (`measure.pool.Pool`, or a fake one in tests)."""

    def calibrate(self, point: Point, limit: float) -> float: ...  # noqa: D102
    def check(self, point: Point, limit: float) -> None: ...  # noqa: D102
    def sample(self, point: Point, runs: int, seconds: float, limit: float) -> Readings: ...  # noqa: D102
    def restart(self) -> None: ...  # noqa: D102


class Sink(Protocol):
    """Where everything goes that was drawn or measured (`store.Store`)."""

    def add(self, visit: Visit) -> None: ...  # noqa: D102
    def calibrate(self, calibration: Calibration) -> None: ...  # noqa: D102
    def draw(self, block: int, stops: Sequence[Stop]) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        stage: "calibrating" or "sampling".
        point: what is measured next.
        done, total: points calibrated, or seconds of sampling spent and planned.
        remaining: seconds to go, an upper bound where precision may stop earlier; None while calibrating.
    """

    stage: Literal["calibrating", "sampling"]
    point: Point
    done: float
    total: float
    remaining: float | None = None


class Engine:
    """Carries out a plan: calibrates every point once, then visits block after block.

    Args:
        plan: what to do.
        workers: who does it.
        sink: gets every visit as soon as it is complete.
        now: seconds of a monotonic clock.
        report: told what comes next, between visits only.
        past: the run so far, where one is resumed: it goes on after its last visit, with its calibrations and draws.
        clocks: who sets clocks, where the plan has some.
    """

    def __init__(
        self,
        plan: Plan,
        workers: Workers,
        sink: Sink,
        now: Callable[[], float] = time.monotonic,
        report: Callable[[Progress], None] = lambda progress: None,
        past: StoredRun | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        self.plan = plan
        self.workers = workers
        self.sink = sink
        self.now = now
        self.report = report
        self._tuner = Tuner(plan, clocks)
        self._build_limit = QUICK_BUILD_LIMIT if plan.quick else BUILD_LIMIT
        self._suspects: set[str] = set()
        self._start = now()
        self._run_seconds: dict[int, float] = {}
        self._runs: dict[int, int] = {}
        self._took: dict[int, float] = {}
        self._failed: set[int] = set()
        # ln of seconds per run(D): [point][block], the midmean of the block's samples so far
        self._samples: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
        self._logs: defaultdict[int, dict[int, float]] = defaultdict(dict)
        self._process = 0
        # Of a resumed block: the first position that is not done, and how often it was tried.
        self._block, self._position, self._tried = 0, 0, 0
        # Seconds that the block under way took on top of its planned visits: workers that start, visits made again.
        self._beyond = 0.0
        # What was calibrated before a resumption, points included that have failed since.
        self._known: dict[int, float] = {}
        self._draws: dict[int, tuple[Stop, ...]] = {}
        self._spent, self._last = 0.0, now()
        if past is not None:
            self._recall(past)

    def run(self) -> None:
        """Measures. Points that fail are stored as failed and left alone from then on; everything else goes on.

        Raises:
            UsageError: the budget is too short for the points.
        """
        self._calibrate()
        self._last = self.now()
        overhead = self._starting()
        calibrated = {**self._known, **self._run_seconds}
        blocks = budget.affordable_blocks(calibrated, self.plan.budget, self.plan.blocks, overhead)
        for block in range(self._block, blocks):
            began = self._tick()
            if began >= self.plan.budget or not self._run_seconds:
                return
            if renewed := self._renewed(block):
                self.workers.restart()
                self._process += 1
            stops = self._stops(block, (self.plan.budget - began) / (blocks - block) - renewed * overhead)
            self._beyond = self._tick() - began
            self._visit_block(block, stops)
            if renewed:  # the next block will take as much on top of its visits
                overhead = max(0.0, self._beyond)
            if self._precise():
                return

    @property
    def run_seconds(self) -> Mapping[int, float]:
        """Seconds of one run(D), by id of the points that have not failed: as sampled, else as calibrated."""
        logs = {point: self._logs[point].values() for point in self._run_seconds if self._logs.get(point)}
        return self._run_seconds | {point: math.exp(midmean(list(own))) for point, own in logs.items()}

    def _recall(self, past: StoredRun) -> None:
        """Takes up what a run has found out so far."""
        for calibration in past.calibrations:
            self._run_seconds[calibration.point] = calibration.run_seconds
            self._runs[calibration.point] = calibration.runs
            self._took[calibration.point] = calibration.took
        self._known = dict(self._run_seconds)
        self._draws = dict(past.draws)
        for visit in past.visits:
            self._remember(visit)
            if visit.status == "failed":
                self._failed.add(visit.point)
                self._run_seconds.pop(visit.point, None)
            self._process = max(self._process, visit.process + 1)
        if past.draws:
            self._block = max(past.draws)
            done = [visit for visit in past.visits if visit.block == self._block]
            self._position = max((visit.position for visit in done), default=-1) + 1
            last = [visit for visit in done if visit.position == self._position - 1 >= 0]
            if last and not any(map(_settled, last)):
                self._position, self._tried = self._position - 1, len(last)
        self._spent = max((visit.spent for visit in past.visits), default=0.0)
        self._start -= max((visit.started for visit in past.visits), default=0.0)

    def _calibrate(self) -> None:
        for number, point in enumerate(calibration_order(self.plan)):
            if point.id in self._run_seconds or point.id in self._failed:
                continue
            self.report(Progress("calibrating", point, number, len(self.plan.points)))
            self._tuner.tune(point)
            began = self.now()
            try:
                run_seconds = self.workers.calibrate(point, self._limit(point))
                # Without the runs that it warmed up with, which are part of a visit.
                took = self.now() - began - 3 * run_seconds
                self.workers.check(point, self._limit(point))
            except PointFailedError as error:
                self._fail(point, 0, error)
            else:
                self._run_seconds[point.id] = run_seconds
                self._took[point.id] = max(0.0, round(took, 9))

    def _starting(self) -> float:
        """Seconds that starting and warming the workers of a block will take, going by the calibration."""
        if self.plan.blocks_per_process != 1:
            return 0.0
        points = self.plan.points
        return math.fsum(took for point, took in self._took.items() if points[point].setting.mode != PROCESS_MODE)

    def _renewed(self, block: int) -> bool:
        """Whether a block that is begun now starts with fresh processes."""
        return (
            block > 0 and self._position == 0 and self.plan.process_round(block) != self.plan.process_round(block - 1)
        )

    def _stops(self, block: int, seconds: float) -> tuple[Stop, ...]:
        """The order of a block, drawn and stored when it is begun, with k for the points that have none yet."""
        if block not in self._draws:
            least = {point: budget.least_seconds(run) for point, run in self._run_seconds.items()}
            points = [point for point in self.plan.points if point.id in least]
            urgent = urgency.weights(points, self._logs, self.plan.precision)
            planned = budget.allocate(self._run_seconds, seconds, urgent)
            self._draws[block] = schedule(self.plan, block, planned, least)
            self._fix_runs(self._draws[block])
            self.sink.draw(block, self._draws[block])
        return self._draws[block]

    def _fix_runs(self, stops: Sequence[Stop]) -> None:
        """Fixes k, from here on, for every point that has none."""
        for stop in stops:
            if stop.point not in self._runs:
                run_seconds = self._run_seconds[stop.point]
                self._runs[stop.point] = budget.runs_per_sample(run_seconds, stop.seconds)
                runs, took = self._runs[stop.point], self._took.get(stop.point, 0.0)
                self.sink.calibrate(Calibration(stop.point, run_seconds, runs, took))

    def _visit_block(self, block: int, stops: Sequence[Stop]) -> None:
        """One block; it ends early, incomplete, where the budget is overrun."""
        for position, stop in enumerate(stops):
            if position < self._position or stop.point not in self._run_seconds:
                continue
            for attempt in range(self._tried, TRIES):
                spent = self._tick()
                if spent >= self.plan.budget * (1 + budget.OVERRUN):
                    return
                point = self.plan.points[stop.point]
                self.report(Progress("sampling", point, spent, self.plan.budget, max(0.0, self.plan.budget - spent)))
                done = self._visit(stop, block, position)
                if stop.point in self._run_seconds:  # a point that hung or died will not take this time again
                    self._beyond += self._tick() - spent - (0.0 if attempt else stop.seconds)
                if done:
                    break
            self._tried = 0
        self._position = 0

    def _visit(self, stop: Stop, block: int, position: int) -> bool:
        """One visit, stored; whether nothing is gained by repeating it at once (something sound, or a failure)."""
        point = self.plan.points[stop.point]
        runs, run_seconds = self._runs[point.id], self._run_seconds[point.id]
        pinned = self._tuner.tune(point)
        started = self.now() - self._start
        try:
            limit = 10 * max(stop.seconds, runs * run_seconds) + self._limit(point)
            readings = self.workers.sample(point, runs, stop.seconds, limit)
        except PointFailedError as error:
            self._fail(point, block, error, position, stop.turn)
            return True
        visit = Visit(
            point=point.id,
            block=block,
            process=self._process,
            status="ok",
            started=started,
            spent=self._tick(),
            position=position,
            turn=stop.turn,
            runs=runs,
            readings=readings,
            pinned=with_measured(pinned, point.setting.cpus, readings.core_clocks),
        )
        self.sink.add(visit)
        self._remember(visit)
        return _settled(visit)

    def _remember(self, visit: Visit) -> None:
        kept = [sample.seconds / visit.runs for sample in visit.sound if sample.seconds > 0]
        if kept:
            seconds = self._samples[visit.point, visit.block]
            seconds += kept
            self._logs[visit.point][visit.block] = math.log(midmean(seconds))

    def _tick(self) -> float:
        """Seconds of the budget that are spent; a clock that jumps back takes none of them away."""
        last, self._last = self._last, self.now()
        self._spent += max(0.0, self._last - last)
        return self._spent

    def _limit(self, point: Point) -> float:
        return SUSPECT_LIMIT if point.workload in self._suspects else self._build_limit

    def _fail(self, point: Point, block: int, error: PointFailedError, position: int = -1, turn: int = 0) -> None:
        if isinstance(error, PointHungError):
            self._suspects.add(point.workload)
        self._run_seconds.pop(point.id, None)
        started = self.now() - self._start
        self.sink.add(Visit(point.id, block, self._process, "failed", str(error), started, self._spent, position, turn))

    def _precise(self) -> bool:
        """Whether every point's interval is as narrow as asked for; relative widths are those of ln T."""
        for point in self._run_seconds:
            width = half_width(list(self._logs[point].values()))
            if width is None or width > self.plan.precision:
                return False
        return True


def _settled(visit: Visit) -> bool:
    """Whether nothing is gained by repeating a visit at once: it holds something sound, or has failed."""
    return visit.status == "failed" or bool(visit.sound)
