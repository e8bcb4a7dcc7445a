# SPDX-License-Identifier: Apache-2.0
"""Visits the points of a plan, block by block, until precision or budget is reached."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from serialprof.intervals import MINIMUM_UNITS
from serialprof.measure import budget, urgency
from serialprof.measure.pool import PointFailedError
from serialprof.measure.roles import Progress, Sink, Workers
from serialprof.measure.roster import Roster
from serialprof.measure.schedule import calibration_order, schedule
from serialprof.measure.tally import Tally
from serialprof.measure.tuning import Clocks, Tuner, with_measured
from serialprof.planning import Plan, Point
from serialprof.records import Calibration, Stop, StoredRun, Visit
from serialprof.setting import PROCESS_MODE

#: How often a visit is made at most within a block, where all its samples were disturbed.
TRIES: Final = 3


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
        self._roster = Roster(plan)
        self._tally = Tally()
        self._start = now()
        self._process = 0
        self._keeps = False  # its workers in all blocks, although the plan wants fresh ones
        # Of a resumed block: the first position that is not done, and how often it was tried.
        self._block, self._position, self._tried = 0, 0, 0
        # Seconds that the block under way took on top of its planned visits: workers that start, visits made again.
        self._beyond = 0.0
        self._draws: dict[int, tuple[Stop, ...]] = {}
        self._spent, self._last = 0.0, now()
        if past is not None:
            self._recall(past)

    def run(self) -> None:
        """Measures. Points that fail are stored as failed and left alone from then on; everything else goes on.

        So are points that lie beyond the end of their sweep over width, but as ended.

        Raises:
            UsageError: the budget is too short for the points.
        """
        self._calibrate()
        self._last = self.now()
        blocks, overhead = self._affordable()
        for block in range(self._block, blocks):
            began = self._tick()
            if began >= self.plan.budget or not self._roster.run_seconds:
                return
            if renewed := self._renewed(block):
                self.workers.restart()
                self._process += 1
            stops = self._stops(block, (self.plan.budget - began) / (blocks - block) - renewed * overhead)
            self._beyond = self._tick() - began
            self._visit_block(block, stops)
            if renewed:  # the next block will take as much on top of its visits
                overhead = max(0.0, self._beyond)
            if self._tally.precise(self._roster.run_seconds, self.plan.precision):
                return

    @property
    def run_seconds(self) -> Mapping[int, float]:
        """Seconds of one run(D), by id of the points that are still measured: as sampled, else as calibrated."""
        return self._tally.seconds(self._roster.run_seconds)

    @property
    def reached(self) -> tuple[Point, ...]:
        """The points of the plan but for those that lie beyond the end of their sweep."""
        return tuple(point for point in self.plan.points if not self._roster.beyond(point))

    def _recall(self, past: StoredRun) -> None:
        """Takes up what a run has found out so far."""
        self._roster.recall(past)
        self._draws = dict(past.draws)
        for visit in past.visits:
            self._tally.add(visit)
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
        self._store_ended(0)  # where an interruption came between
        for number, point in enumerate(calibration_order(self.plan)):
            if not self._roster.waits(point):
                continue
            self.report(Progress("calibrating", point, number, len(self.plan.points)))
            self._tuner.tune(point)
            began = self.now()
            try:
                run_seconds = self.workers.calibrate(point, self._roster.limit(point))
                # Without the runs that it warmed up with, which are part of a visit.
                took = self.now() - began - 3 * run_seconds
                self.workers.check(point, self._roster.limit(point))
            except PointFailedError as error:
                self._lose(point, 0, error)
            else:
                self._roster.enter(point, run_seconds, max(0.0, round(took, 9)))
                self._store_ended(0)

    def _affordable(self) -> tuple[int, float]:
        """How many blocks are made, and what starting workers for each of them takes in seconds.

        Where fresh workers leave no time for the blocks that an interval needs, but without them there is, the same
        workers visit all of them: an interval that is within one process tells more than none.
        """
        calibrated = {**self._roster.known, **self._roster.run_seconds}
        overhead = self._starting()
        fresh = budget.affordable_blocks(calibrated, self.plan.budget, self.plan.blocks, overhead)
        if fresh >= MINIMUM_UNITS or not overhead:
            return fresh, overhead
        same = budget.affordable_blocks(calibrated, self.plan.budget, self.plan.blocks)
        self._keeps = same >= MINIMUM_UNITS
        return (same, 0.0) if self._keeps else (fresh, overhead)

    def _starting(self) -> float:
        """Seconds that starting and warming the workers of a block will take, going by the calibration."""
        if self.plan.blocks_per_process != 1:
            return 0.0
        points, took = self.plan.points, self._roster.took
        return math.fsum(took[point] for point in took if points[point].setting.mode != PROCESS_MODE)

    def _renewed(self, block: int) -> bool:
        """Whether a block that is begun now starts with fresh processes."""
        if self._keeps or block == 0 or self._position > 0:
            return False
        return self.plan.process_round(block) != self.plan.process_round(block - 1)

    def _stops(self, block: int, seconds: float) -> tuple[Stop, ...]:
        """The order of a block, drawn and stored when it is begun, with k for the points that have none yet."""
        if block not in self._draws:
            calibrated = self._roster.run_seconds
            least = {point: budget.least_seconds(run) for point, run in calibrated.items()}
            points = [point for point in self.plan.points if point.id in least]
            urgent = urgency.weights(points, self._tally.logs, self.plan.precision)
            planned = budget.allocate(calibrated, seconds, urgent)
            self._draws[block] = schedule(self.plan, block, planned, least)
            self._fix_runs(self._draws[block])
            self.sink.draw(block, self._draws[block])
        return self._draws[block]

    def _fix_runs(self, stops: Sequence[Stop]) -> None:
        """Fixes k, from here on, for every point that has none."""
        roster = self._roster
        for stop in stops:
            if stop.point not in roster.runs:
                run_seconds = roster.run_seconds[stop.point]
                roster.runs[stop.point] = budget.runs_per_sample(run_seconds, stop.seconds)
                runs, took = roster.runs[stop.point], roster.took.get(stop.point, 0.0)
                self.sink.calibrate(Calibration(stop.point, run_seconds, runs, took))

    def _visit_block(self, block: int, stops: Sequence[Stop]) -> None:
        """One block; it ends early, incomplete, where the budget is overrun."""
        for position, stop in enumerate(stops):
            if position < self._position or stop.point not in self._roster.run_seconds:
                continue
            for attempt in range(self._tried, TRIES):
                spent = self._tick()
                if spent >= self.plan.budget * (1 + budget.OVERRUN):
                    return
                point = self.plan.points[stop.point]
                self.report(Progress("sampling", point, spent, self.plan.budget, max(0.0, self.plan.budget - spent)))
                done = self._visit(stop, block, position)
                if stop.point in self._roster.run_seconds:  # a point that hung or died will not take this time again
                    self._beyond += self._tick() - spent - (0.0 if attempt else stop.seconds)
                if done:
                    break
            self._tried = 0
        self._position = 0

    def _visit(self, stop: Stop, block: int, position: int) -> bool:
        """One visit, stored; whether nothing is gained by repeating it at once (something sound, or a failure)."""
        point = self.plan.points[stop.point]
        runs, run_seconds = self._roster.runs[point.id], self._roster.run_seconds[point.id]
        pinned = self._tuner.tune(point)
        started = self.now() - self._start
        try:
            limit = 10 * max(stop.seconds, runs * run_seconds) + self._roster.limit(point)
            readings = self.workers.sample(point, runs, stop.seconds, limit)
        except PointFailedError as error:
            self._lose(point, block, error, position, stop.turn)
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
        self._tally.add(visit)
        return _settled(visit)

    def _tick(self) -> float:
        """Seconds of the budget that are spent; a clock that jumps back takes none of them away."""
        last, self._last = self._last, self.now()
        self._spent += max(0.0, self._last - last)
        return self._spent

    def _lose(self, point: Point, block: int, error: PointFailedError, position: int = -1, turn: int = 0) -> None:
        """Stores that a point has failed, or that memory has ended its branch."""
        if self._roster.lose(point, error):
            self._store(Visit(point.id, block, self._process, "failed", str(error), position=position, turn=turn))
        self._store_ended(block)

    def _store_ended(self, block: int) -> None:
        """Stores which points lie beyond the end of their branch."""
        for point, reason in self._roster.leaving():
            self._store(Visit(point.id, block, self._process, "ended", reason, position=-1))

    def _store(self, visit: Visit) -> None:
        self.sink.add(replace(visit, started=self.now() - self._start, spent=self._spent))


def _settled(visit: Visit) -> bool:
    """Whether nothing is gained by repeating a visit at once: it holds something sound, or has failed or ended."""
    return visit.status != "ok" or bool(visit.sound)
