# SPDX-License-Identifier: Apache-2.0
"""After sampling: timings under stand-ins for another clock, at the operating points that matter most.

A block visits every chosen point once, in a drawn order; a visit passes its levels in a drawn order and back (ABBA), so
that a linear drift cancels from what is compared. Blocks are the units of the intervals; their workers are those at
hand, so what a fresh start changes is not in them.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from serialprof.errors import UsageError
from serialprof.intervals import MINIMUM_UNITS
from serialprof.measure.budget import whole_runs
from serialprof.measure.dilation import PERIOD
from serialprof.measure.pool import PointFailedError
from serialprof.planning import Family, Plan, Point, StandInKind
from serialprof.records import StandIn, StandInGap, Timing
from serialprof.setting import PROCESS_MODE, Setting
from serialprof.units import format_seconds

#: Share of a run's budget that one kind of stand-in takes, out of it.
SHARE: Final = 0.1
#: Blocks that are made where time allows.
BLOCKS: Final = 12
#: How often a visit is made at most within a block, where a level of it has no sound timing.
TRIES: Final = 3
#: Seconds beyond what is planned after which a visit counts as hung: a worker may have to start and to warm up.
PATIENCE: Final = 60.0
#: Share of the time that is planned; the rest is for calibrating delays, warming caches and handing over.
_PLANNED: Final = 0.7

#: Why whole families are left out.
CLOCKS_SET: Final = "clocks were set: they measure what a stand-in only bounds"
WHOLE_PROGRAM: Final = "the steps of a whole program cannot be reached"


class Workers(Protocol):
    """What is asked of the pool (`measure.pool.Pool`, or a fake one in tests)."""

    def stand_in(  # noqa: D102
        self, point: Point, kind: StandInKind, steps: int, runs: int, levels: Sequence[float], limit: float
    ) -> tuple[Timing, ...]: ...


class Sink(Protocol):
    """Where the timings go (`store.Store`)."""

    def stand_in(self, timings: Sequence[StandIn]) -> None: ...  # noqa: D102
    def lack_stand_ins(self, gaps: Sequence[StandInGap]) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Design:
    """How a stand-in is taken.

    Attributes:
        levels: delays in multiples of the step, or shares of the time; 0 first.
        stretched: by how much longer a step takes at each level at most.
        shortest, longest: seconds that the timing of a step as it is lasts, one step at least.
    """

    levels: tuple[float, ...]
    stretched: tuple[float, ...]
    shortest: float
    longest: float

    @property
    def cost(self) -> float:
        """What a visit takes, forward and back, in multiples of one timing of the step as it is."""
        return 2 * sum(self.stretched)

    @property
    def least(self) -> float:
        """Seconds of budget below which not even the shortest step could be visited often enough for an interval."""
        return MINIMUM_UNITS * self.cost * self.shortest / (_PLANNED * SHARE)


#: No loop has more slack than its step is long, since its driving thread takes at least the delay: so the two longest
#: delays lie beyond the knee, wherever it is, and tell the slope there. Both are well beyond a step, so that this holds
#: where the slack is the whole step, too. Six delays cost 22.5 times a step; without that of 1.5 steps it were 17.5.
DESIGNS: Final[dict[StandInKind, Design]] = {
    "delay": Design((0.0, 0.25, 0.5, 1.0, 1.5, 2.0), (1.0, 1.25, 1.5, 2.0, 2.5, 3.0), 1e-3, 3e-3),
    "dilation": Design((0.0, 0.2, 0.35, 0.5), (1.0, 1.25, 1.54, 2.0), 20 * PERIOD, 50 * PERIOD),
}


@dataclass(frozen=True, slots=True)
class Job:
    """What is done at one point: `runs` runs of `steps` steps are one timing; `step` is the seconds of one."""

    point: Point
    step: float
    steps: int
    runs: int

    @property
    def length(self) -> float:
        """Seconds of one timing of the step as it is."""
        return self.step * self.steps * self.runs


def candidates(plan: Plan) -> list[Point]:
    """The points that matter most: of every family the narrowest and the widest on the most and on the fewest threads.

    The serial form alone, with the clock left alone; nothing of whole programs, whose steps nobody can reach. Those on
    the most threads come first, for there a delay tells what nothing else does.
    """
    return _chosen(point for point in plan.points if not _beyond_reach(point.setting))


def left_out(plan: Plan) -> dict[int, str]:
    """Why the points that would matter most take no stand-in, by id: those of families that have no candidate."""
    lowest: dict[Family, float | None] = {}  # where clocks are set, a point is told once, at the first of them
    points = [
        point
        for point in plan.points
        if _beyond_reach(point.setting) and lowest.setdefault(point.family, point.setting.clock) == point.setting.clock
    ]
    return {point.id: _beyond_reach(point.setting) for point in _chosen(points)}


def _beyond_reach(setting: Setting) -> str:
    """Why no stand-in is taken at a setting; empty where one could be."""
    if setting.mode == PROCESS_MODE:
        return WHOLE_PROGRAM
    return "" if setting.clock is None else CLOCKS_SET


def _chosen(points: Iterable[Point]) -> list[Point]:
    """The corners of the serial form of every family; the families take turns."""
    families: dict[Family, list[Point]] = {}
    for point in points:
        if point.setting.form == "serial":
            families.setdefault(point.family, []).append(point)
    corners = [_corners(own) for own in families.values()]
    most = max(map(len, corners), default=0)
    return [own[rank] for rank in range(most) for own in corners if rank < len(own)]


def reserved(plan: Plan) -> float:
    """Seconds of the budget that are left for stand-ins: none for a kind of which nothing would fit."""
    fitting = [kind for kind in plan.stand_ins if DESIGNS[kind].least <= plan.budget]
    return SHARE * plan.budget * len(fitting) if candidates(plan) else 0.0


def check_dilation(plan: Plan) -> None:
    """Raises a UsageError where dilation, which was asked for, cannot be had at any point or within the budget."""
    if "dilation" not in plan.stand_ins:
        return
    if not candidates(plan):
        reason = next(iter(left_out(plan).values()), "no point has a serial form")
        raise UsageError(f"--dilate has nothing to dilate: {reason}", "leave it out")
    least = DESIGNS["dilation"].least
    if least > plan.budget:
        raise UsageError(
            f"--dilate does not fit into --budget {plan.budget:g}s: a tenth of it is too short for "
            f"{MINIMUM_UNITS} blocks at one point",
            f"allow --budget {math.ceil(least)}s at least, or leave --dilate out",
        )


def take_stand_ins(
    plan: Plan,
    run_seconds: Mapping[int, float],
    workers: Workers,
    sink: Sink,
    past: Iterable[StandIn] = (),
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Takes every kind of stand-in that the plan wants; none takes longer than its share, by more than a visit.

    Stores why points lack theirs, those of families included that can take none.

    Args:
        plan: whose points.
        run_seconds: seconds of one run(D), by id of the points that were measured.
        workers: who does it.
        sink: gets the timings of each visit as soon as it is complete.
        past: timings of a run that is resumed, which are not taken again.
        now: seconds of a monotonic clock.
    """
    earlier = tuple(past)
    gaps: list[StandInGap] = []
    for kind in plan.stand_ins:
        jobs, reasons = jobs_of(plan, run_seconds, kind)
        done = {(item.point, item.block) for item in earlier if item.kind == kind}
        reasons |= _Phase(kind, plan, workers, sink, now).take(jobs, done)
        reasons |= left_out(plan)
        gaps += [StandInGap(kind, point, reason) for point, reason in sorted(reasons.items())]
    sink.lack_stand_ins(gaps)


def jobs_of(plan: Plan, run_seconds: Mapping[int, float], kind: StandInKind) -> tuple[list[Job], dict[int, str]]:
    """What is done at which points within the share of the budget, and why not at others that were candidates."""
    design, seconds = DESIGNS[kind], _PLANNED * SHARE * plan.budget
    chosen: list[tuple[Point, float]] = []
    gaps: dict[int, str] = {}
    left = seconds
    chances = candidates(plan)
    if kind == "dilation":  # of which one thread tells most
        chances.sort(key=lambda point: point.setting.threads)
    for point in chances:
        if point.id not in run_seconds:
            gaps[point.id] = "the point was not measured"
            continue
        step = run_seconds[point.id] / point.setting.depth
        least = MINIMUM_UNITS * design.cost * max(design.shortest, step)
        if least > left:
            gaps[point.id] = (
                f"it would take {format_seconds(least)}, {format_seconds(left)} are left; allow a longer --budget"
            )
            continue
        left -= least
        chosen.append((point, step))
    needed = BLOCKS * design.cost * sum(max(design.shortest, step) for _, step in chosen)
    longer = max(1.0, seconds / needed) if needed else 1.0
    jobs = [_job(point, step, min(design.longest, design.shortest * longer)) for point, step in chosen]
    return jobs, gaps


def _job(point: Point, step: float, length: float) -> Job:
    """The whole steps and runs that last at least so many seconds."""
    return Job(point, step, *whole_runs(step, point.setting.depth, length))


def _corners(points: Sequence[Point]) -> list[Point]:
    counts = {point.setting.threads for point in points}
    found: list[Point] = []
    for threads in (max(counts), min(counts)):
        row = sorted((point for point in points if point.setting.threads == threads), key=lambda p: p.setting.width)
        found += [row[0], row[-1]]
    return list({point.id: point for point in found}.values())


@dataclass(frozen=True)
class _Phase:
    """One kind of stand-in, block by block."""

    kind: StandInKind
    plan: Plan
    workers: Workers
    sink: Sink
    now: Callable[[], float]

    def take(self, jobs: Sequence[Job], done: Container[tuple[int, int]]) -> dict[int, str]:
        """All blocks that the time allows, but for the (point, block) that are done; why points lack theirs."""
        gaps: dict[int, str] = {}
        began, share = self.now(), SHARE * self.plan.budget
        end, visits = began + share, 0
        for block in range(BLOCKS):
            draw = random.Random(f"{self.plan.seed}/{self.kind}/{block}")  # noqa: S311 - an order, not a secret
            for job in draw.sample(jobs, len(jobs)):
                levels = draw.sample(DESIGNS[self.kind].levels, len(DESIGNS[self.kind].levels))
                if job.point.id in gaps or (job.point.id, block) in done:
                    continue
                if self.now() > end:
                    if block < MINIMUM_UNITS:
                        gaps[job.point.id] = f"{block} of {BLOCKS} blocks fitted into its time; allow a longer --budget"
                    continue
                visits += 1
                due = began + share * visits / (BLOCKS * len(jobs))
                try:
                    self._visit(job, block, levels, due)
                except PointFailedError as error:
                    gaps[job.point.id] = str(error)
        return gaps

    def _visit(self, job: Job, block: int, levels: Sequence[float], due: float) -> None:
        """One visit, stored; made again at once where a level has nothing sound, and the phase is not behind `due`."""
        sound: set[float] = set()
        for _ in range(TRIES):
            timings = self._timings(job, block, levels)
            self.sink.stand_in(timings)
            order = (*levels, *reversed(levels))
            sound |= {level for level, timing in zip(order, timings, strict=True) if not timing.disturbed}
            if sound == set(levels) or self.now() > due:
                return

    def _timings(self, job: Job, block: int, levels: Sequence[float]) -> tuple[StandIn, ...]:
        """The levels forward and back."""
        unit = job.step if self.kind == "delay" else 1.0
        order = [level * unit for level in (*levels, *reversed(levels))]
        limit = PATIENCE + 10 * DESIGNS[self.kind].cost * job.length
        timings = self.workers.stand_in(job.point, self.kind, job.steps, job.runs, order, limit)
        return tuple(
            StandIn(self.kind, job.point.id, block, item.level, item.seconds, item.cpu_seconds, item.disturbed)
            for item in timings
        )
