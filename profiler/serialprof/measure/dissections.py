# SPDX-License-Identifier: Apache-2.0
"""After sampling: the steps that a framework drives, taken apart at every width (`measure.anatomy`).

A block visits every chosen point once. Points of one workload and width, which differ in their mode, follow one
another, in a drawn order, so that eager steps and replayed graphs are compared within a block; blocks are the units of
the intervals. The profile is taken in every visit, for its few steps cost little once the profiler has started.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from serialprof.intervals import MINIMUM_UNITS
from serialprof.measure.budget import whole_runs
from serialprof.measure.devices import driven
from serialprof.measure.pool import PointFailedError
from serialprof.planning import Family, Plan, Point
from serialprof.records import Anatomy, Dissection, DissectionGap
from serialprof.units import format_seconds

#: Share of a run's budget that dissections take, out of it.
SHARE: Final = 0.1
#: Blocks that are made where time allows.
BLOCKS: Final = 10
#: Seconds that one timing lasts at least, one step at least; and at most, where there is time.
SHORTEST: Final = 2e-3
LONGEST: Final = 2e-2
#: What a visit takes in multiples of one timing: warming the caches, complete, enqueued, and by events.
COST: Final = 4.0
#: Steps of a profile at least and at most, and seconds of steps that it aims at.
PROFILED: Final = (2, 8)
PROFILED_SECONDS: Final = 1e-2
#: Seconds that a profile takes beside its steps.
PROFILER: Final = 2e-2
#: Seconds beyond what is planned after which a visit counts as hung: a worker may have to start and to warm up.
PATIENCE: Final = 120.0
#: Share of the time that is planned; the rest is for what steps take longer under the profiler, and for handing over.
_PLANNED: Final = 0.7

NOT_MEASURED: Final = "the point was not measured"

#: What is visited together: a workload with its parameters, device and element type, at a width.
_Group: TypeAlias = tuple[str, str, str, tuple[tuple[str, str], ...], int]


class Workers(Protocol):
    """What is asked of the pool (`measure.pool.Pool`, or a fake one in tests)."""

    def dissect(self, point: Point, steps: int, runs: int, profiled: int, limit: float) -> Anatomy: ...  # noqa: D102


class Sink(Protocol):
    """Where dissections go (`store.Store`)."""

    def dissect(self, dissection: Dissection) -> None: ...  # noqa: D102
    def lack_dissections(self, gaps: Sequence[DissectionGap]) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Job:
    """What is done at one point: `runs` runs of `steps` steps are one timing; `step` is the seconds of one."""

    point: Point
    step: float
    steps: int
    runs: int
    profiled: int

    @property
    def cost(self) -> float:
        """Seconds of a visit."""
        return COST * self.step * self.steps * self.runs + 2 * self.profiled * self.step + PROFILER


def candidates(plan: Plan) -> list[Point]:
    """The points to take apart: the serial form on the fewest threads of each family; narrow ones first."""
    points = [point for point in driven(plan) if point.setting.form == "serial"]
    fewest: dict[Family, int] = {}
    for point in points:
        fewest[point.family] = min(point.setting.threads, fewest.get(point.family, point.setting.threads))
    chosen = [point for point in points if point.setting.threads == fewest[point.family]]
    return sorted(chosen, key=lambda point: (point.setting.width, point.id))


def reserved_dissections(plan: Plan) -> float:
    """Seconds of the budget that are left for dissections: none where no point, or not even the shortest step, fits."""
    least = MINIMUM_UNITS * (COST * SHORTEST + PROFILER)
    share = SHARE * plan.budget
    return share if candidates(plan) and least <= _PLANNED * share else 0.0


def take_dissections(
    plan: Plan,
    run_seconds: Mapping[int, float],
    workers: Workers,
    sink: Sink,
    past: Iterable[Dissection] = (),
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Takes the steps apart, in no more than the share of the budget, by more than a visit; stores why points lack it.

    Args:
        plan: whose points.
        run_seconds: seconds of one run(D), by id of the points that were measured.
        workers: who does it.
        sink: gets every dissection as soon as it is made.
        past: dissections of a run that is resumed, which are not made again.
        now: seconds of a monotonic clock.
    """
    jobs, gaps = jobs_of(plan, run_seconds)
    done = {(item.point, item.block) for item in past}
    gaps |= _take(plan, jobs, workers, sink, done, now)
    sink.lack_dissections([DissectionGap(point, reason) for point, reason in sorted(gaps.items())])


def jobs_of(plan: Plan, run_seconds: Mapping[int, float]) -> tuple[list[Job], dict[int, str]]:
    """What is done at which points within the share of the budget, and why not at others that were candidates."""
    jobs: list[Job] = []
    gaps: dict[int, str] = {}
    left = _PLANNED * reserved_dissections(plan)
    for point in candidates(plan):
        if point.id not in run_seconds:
            gaps[point.id] = NOT_MEASURED
            continue
        job = _job(point, run_seconds[point.id] / point.setting.depth, SHORTEST)
        least = MINIMUM_UNITS * job.cost
        if least > left:
            gaps[point.id] = (
                f"it would take {format_seconds(least)}, {format_seconds(left)} are left; allow a longer --budget"
            )
            continue
        left -= least
        jobs.append(job)
    spare = left / (BLOCKS * COST * len(jobs)) if jobs else 0.0
    length = min(LONGEST, max(SHORTEST, spare))
    return [_job(job.point, job.step, length) for job in jobs], gaps


def _job(point: Point, step: float, length: float) -> Job:
    """The whole steps and runs that last at least so many seconds, and the few steps of the profile."""
    fewest, most = PROFILED
    profiled = min(point.setting.depth, max(fewest, min(most, int(PROFILED_SECONDS / step))))
    return Job(point, step, *whole_runs(step, point.setting.depth, length), profiled)


def _take(
    plan: Plan,
    jobs: Sequence[Job],
    workers: Workers,
    sink: Sink,
    done: Collection[tuple[int, int]],
    now: Callable[[], float],
) -> dict[int, str]:
    """All blocks that the time allows, but for the (point, block) that are done; why points lack theirs.

    A visit that was disturbed is made again at once, and the first one forgotten, where the phase is not behind time.
    """
    failed = _awake(jobs, workers)
    made = Counter(point for point, _ in done)
    share = reserved_dissections(plan)
    began, visits = now(), 0
    for block in range(BLOCKS):
        for job in _order(plan, jobs, block):
            number = job.point.id
            if number in failed or (number, block) in done or now() > began + share:
                continue
            visits += 1
            due = began + share * visits / (BLOCKS * len(jobs))
            try:
                anatomy = _visit(job, workers)
                if anatomy.disturbed and now() <= due:
                    anatomy = _visit(job, workers)
            except PointFailedError as error:
                failed[number] = str(error)
            else:
                sink.dissect(Dissection(number, block, anatomy))
                made[number] += 1
    short = {
        job.point.id: f"{made[job.point.id]} of {BLOCKS} blocks fitted into its time; allow a longer --budget"
        for job in jobs
        if made[job.point.id] < MINIMUM_UNITS
    }
    return short | failed


def _awake(jobs: Sequence[Job], workers: Workers) -> dict[int, str]:
    """One visit in every worker, for nothing: its first profile takes seconds, which are no block's. Why some fail."""
    failed: dict[int, str] = {}
    awake: set[object] = set()
    for job in jobs:
        setting = job.point.setting
        worker = (job.point.workload, setting.mode, setting.device, setting.cpus)
        if worker in awake:
            continue
        try:
            _visit(job, workers)
        except PointFailedError as error:
            failed[job.point.id] = str(error)
        else:
            awake.add(worker)
    return failed


def _order(plan: Plan, jobs: Sequence[Job], block: int) -> list[Job]:
    """The jobs of a block: groups in a drawn order, and so are those within each."""
    draw = random.Random(f"{plan.seed}/dissection/{block}")  # noqa: S311 - an order, not a secret
    groups: dict[_Group, list[Job]] = {}
    for job in jobs:
        family = job.point.family
        key = (family.workload, family.device, family.dtype, family.parameters, job.point.setting.width)
        groups.setdefault(key, []).append(job)
    drawn = draw.sample(list(groups.values()), len(groups))
    return [job for group in drawn for job in draw.sample(group, len(group))]


def _visit(job: Job, workers: Workers) -> Anatomy:
    return workers.dissect(job.point, job.steps, job.runs, job.profiled, PATIENCE + 10 * job.cost)
