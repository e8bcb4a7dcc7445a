# SPDX-License-Identifier: Apache-2.0
"""Visits the points of a plan, block by block, until precision or budget is reached."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from serialprof.intervals import half_width
from serialprof.measure import budget
from serialprof.measure.pool import PointFailedError, PointHungError
from serialprof.measure.protocol import Sampled
from serialprof.planning import Plan, Point
from serialprof.store import Visit

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
    def sample(self, point: Point, runs: int, seconds: float, limit: float) -> Sampled: ...  # noqa: D102
    def restart(self) -> None: ...  # noqa: D102


class Sink(Protocol):
    """Where visits go (`store.Store`)."""

    def add(self, visit: Visit) -> None: ...  # noqa: D102


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
    """Carries out a plan: calibrates every point once, then visits blocks.

    Args:
        plan: what to do.
        workers: who does it.
        sink: gets every visit as soon as it is complete.
        now: seconds of a monotonic clock.
        report: told what comes next, between visits only.
    """

    def __init__(
        self,
        plan: Plan,
        workers: Workers,
        sink: Sink,
        now: Callable[[], float] = time.monotonic,
        report: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.plan = plan
        self.workers = workers
        self.sink = sink
        self.now = now
        self.report = report
        self._build_limit = QUICK_BUILD_LIMIT if plan.quick else BUILD_LIMIT
        self._suspects: set[str] = set()
        self._start = now()
        self._run_seconds: dict[int, float] = {}
        self._runs: dict[int, int] = {}
        self._log_times: defaultdict[int, list[float]] = defaultdict(list)

    def run(self) -> None:
        """Measures. Points that fail are stored as failed and left alone from then on; everything else goes on."""
        self._calibrate()
        sampling = self.now()
        blocks = budget.affordable_blocks(self._run_seconds, self.plan.budget, self.plan.blocks)
        for block in range(blocks):
            if block and self.plan.process_round(block) != self.plan.process_round(block - 1):
                self.workers.restart()
            spent = self.now() - sampling
            if spent >= self.plan.budget or not self._run_seconds:
                return
            self._visit_block(block, sampling, (self.plan.budget - spent) / (blocks - block))
            if self._precise():
                return

    def _calibrate(self) -> None:
        for number, point in enumerate(self.plan.order(0)):
            self.report(Progress("calibrating", point, number, len(self.plan.points)))
            try:
                self._run_seconds[point.id] = self.workers.calibrate(point, self._limit(point))
            except PointFailedError as error:
                self._fail(point, 0, error)

    def _visit_block(self, block: int, sampling: float, seconds: float) -> None:
        """One block; it ends early, incomplete, where the budget is spent."""
        planned = budget.allocate(self._run_seconds, seconds)
        for point in self.plan.order(block):
            spent = self.now() - sampling
            if spent >= self.plan.budget:
                return
            if point.id in self._run_seconds:
                self.report(Progress("sampling", point, spent, self.plan.budget, self.plan.budget - spent))
                for _ in range(TRIES):
                    if self._visit(point, block, planned[point.id]) or self.now() - sampling >= self.plan.budget:
                        break

    def _visit(self, point: Point, block: int, seconds: float) -> bool:
        """One visit, stored; whether nothing is gained by repeating it at once (something sound, or a failure)."""
        run_seconds = self._run_seconds[point.id]
        runs = self._runs.setdefault(point.id, budget.runs_per_sample(run_seconds, seconds))
        started = self.now() - self._start
        try:
            limit = 10 * max(seconds, runs * run_seconds) + self._limit(point)
            sampled = self.workers.sample(point, runs, max(0.0, seconds - run_seconds), limit)
        except PointFailedError as error:
            self._fail(point, block, error)
            return True
        visit = Visit(
            point=point.id,
            block=block,
            process=self.plan.process_round(block),
            status="ok",
            started=started,
            runs=runs,
            clock_before=sampled.clock_before,
            clock_after=sampled.clock_after,
            cpu=sampled.cpu,
            samples=sampled.samples,
        )
        self.sink.add(visit)
        kept = [sample.seconds for sample in visit.samples if not sample.disturbed]
        if kept:
            self._log_times[point.id].append(math.log(statistics.median(kept)))
        return bool(kept)

    def _limit(self, point: Point) -> float:
        return SUSPECT_LIMIT if point.workload in self._suspects else self._build_limit

    def _fail(self, point: Point, block: int, error: PointFailedError) -> None:
        if isinstance(error, PointHungError):
            self._suspects.add(point.workload)
        self._run_seconds.pop(point.id, None)
        process = self.plan.process_round(block)
        self.sink.add(Visit(point.id, block, process, "failed", str(error), self.now() - self._start))

    def _precise(self) -> bool:
        """Whether every point's interval is as narrow as asked for; relative widths are those of ln T."""
        for point in self._run_seconds:
            width = half_width(self._log_times[point])
            if width is None or width > self.plan.precision:
                return False
        return True
