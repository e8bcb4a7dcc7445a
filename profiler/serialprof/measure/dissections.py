# SPDX-License-Identifier: Apache-2.0
"""After sampling: the steps that a framework drives, taken apart at every width (`measure.anatomy`).

A block visits every chosen point once. Points of one workload and width, which differ in their mode, follow one
another, in a drawn order, so that eager steps and replayed graphs are compared within a block; blocks are the units of
the intervals. All blocks of timings come before the first profile, which slows down what follows in its process.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias

from serialprof.intervals import MINIMUM_UNITS
from serialprof.measure.budget import whole_runs
from serialprof.measure.devices import driven
from serialprof.measure.pool import PointFailedError
from serialprof.planning import Family, Plan, Point
from serialprof.records import Anatomy, Dissection, DissectionGap, Profile
from serialprof.units import format_seconds

#: Share of a run's budget that dissections take, out of it.
SHARE: Final = 0.15
#: Blocks that are made where time allows.
BLOCKS: Final = 10
#: Seconds that one timing lasts at least, one step at least; and at most, where there is time.
SHORTEST: Final = 2e-3
LONGEST: Final = 2e-2
#: What a visit takes in multiples of one timing: warming the caches, complete, enqueued (three times where one step
#: is a timing), and by events.
COST: Final = 6.0
#: Steps of a profile at least and at most, and seconds of steps that it aims at.
PROFILED: Final = (2, 8)
PROFILED_SECONDS: Final = 5e-2
#: Seconds that a profile takes beside its steps: mostly reading its events, of which a CUDA device has more.
PROFILER: Final = 2e-2
PROFILER_CUDA: Final = 3e-2
#: Seconds beyond what is planned after which a visit counts as hung: a worker may have to start and to warm up.
PATIENCE: Final = 120.0
#: Share of the time that is planned; the rest is for what steps take longer under the profiler, and for handing over.
_PLANNED: Final = 0.9
#: How many times its time a phase may take for the fewest blocks that an interval needs: one less would be no use.
_LATE: Final = 2.0

NOT_MEASURED: Final = "the point was not measured"

#: What is visited together: a workload with its parameters, device and element type, at a width.
_Group: TypeAlias = tuple[str, str, str, tuple[tuple[str, str], ...], int]


class Workers(Protocol):
    """What is asked of the pool (`measure.pool.Pool`, or a fake one in tests)."""

    def dissect(self, point: Point, steps: int, runs: int, limit: float) -> Anatomy: ...  # noqa: D102
    def profile(self, point: Point, steps: int, limit: float) -> tuple[Profile | None, str]: ...  # noqa: D102


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
    def timing(self) -> float:
        """Seconds of a visit that times."""
        return COST * self.step * self.steps * self.runs

    @property
    def profile(self) -> float:
        """Seconds of one that profiles, by what a profiler takes at least."""
        return 2 * self.profiled * self.step + (PROFILER_CUDA if self.point.setting.on_cuda else PROFILER)

    @property
    def cost(self) -> float:
        """Seconds of both."""
        return self.timing + self.profile

    @property
    def worker(self) -> Hashable:
        """The same for jobs that are done in one process."""
        setting = self.point.setting
        return self.point.workload, setting.mode, setting.device, setting.cpus


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
    """Takes the steps apart within the share of the budget, twice of it at most; stores why points lack it.

    Args:
        plan: whose points.
        run_seconds: seconds of one run(D), by id of the points that were measured.
        workers: who does it.
        sink: gets every dissection as soon as it has its profile.
        past: dissections of a run that is resumed, which are not made again.
        now: seconds of a monotonic clock.
    """
    jobs, gaps = jobs_of(plan, run_seconds)
    if jobs:
        gaps |= _Phase(plan, workers, now, past).take(jobs, sink)
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
            gaps[point.id] = _too_long(least, left)
            continue
        left -= least
        jobs.append(job)
    spare = left / (BLOCKS * COST * len(jobs)) if jobs else 0.0
    length = min(LONGEST, max(SHORTEST, spare))
    return [_job(job.point, job.step, length) for job in jobs], gaps


def _job(point: Point, step: float, length: float) -> Job:
    """The whole steps and runs that last at least so many seconds, and the few steps of the profile."""
    depth, (fewest, most) = point.setting.depth, PROFILED
    profiled = min(depth, max(fewest, min(most, int(PROFILED_SECONDS / step))))
    if point.setting.mode == "fused":  # a launch is shared by all steps of a run: fewer would each cost more
        return Job(point, step, depth, max(1, round(length / (step * depth))), depth)
    steps, runs = whole_runs(step, depth, length)
    if steps < profiled:  # the begin of a run takes the same share of a timing and of a profile
        steps, runs = profiled, 1
    return Job(point, step, steps, runs, profiled)


class _Phase:
    """The blocks of one run: first all timings, then all profiles.

    Attributes:
        failed: why points are visited no more, by their ids.
    """

    def __init__(self, plan: Plan, workers: Workers, now: Callable[[], float], past: Iterable[Dissection]) -> None:
        self._plan, self._workers, self._now = plan, workers, now
        self._done = {(item.point, item.block) for item in past}
        self._share = reserved_dissections(plan)
        self._timed: dict[tuple[int, int], Anatomy] = {}
        self.failed: dict[int, str] = {}

    def take(self, jobs: Sequence[Job], sink: Sink) -> dict[int, str]:
        """All blocks that the time allows, but for the (point, block) that are done; why points lack theirs."""
        costs, began = self._awake(jobs, self._time)
        seconds = self._share * sum(job.timing for job in jobs) / sum(job.cost for job in jobs)
        timed, gaps = _affordable([(job, max(job.timing, costs.get(job.worker, 0.0))) for job in jobs], seconds)
        self._take_timings(timed, seconds)
        left = max(self._share - seconds, self._share - (self._now() - began))
        costs, _ = self._awake(timed, self._profile)
        chosen, more = _affordable([(job, max(job.profile, costs.get(job.worker, 0.0))) for job in timed], left)
        gaps |= more
        made = Counter(point for point, _ in self._done) + self._take_profiles(chosen, left, sink)
        short = {
            job.point.id: f"{made[job.point.id]} of {BLOCKS} blocks fitted into its time; allow a longer --budget"
            for job in chosen
            if made[job.point.id] < MINIMUM_UNITS
        }
        return gaps | short | self.failed

    def _take_timings(self, jobs: Sequence[Job], seconds: float) -> None:
        """Timings of every block; a disturbed one is made again at once where the phase is not behind time."""
        for block, job, due in self._in_turn(jobs, seconds):
            try:
                anatomy = self._time(job)
                if anatomy.disturbed and self._now() <= due:
                    anatomy = self._time(job)
            except PointFailedError as error:
                self.failed[job.point.id] = str(error)
            else:
                self._timed[job.point.id, block] = anatomy

    def _take_profiles(self, jobs: Sequence[Job], seconds: float, sink: Sink) -> Counter[int]:
        """A profile for every block that has its timings; how many by point."""
        made: Counter[int] = Counter()
        for block, job, _ in self._in_turn(jobs, seconds):
            number = job.point.id
            if (number, block) not in self._timed:
                continue
            try:
                profile, unprofiled = self._profile(job)
            except PointFailedError as error:
                self.failed[number] = str(error)
            else:
                anatomy = replace(self._timed[number, block], profile=profile, unprofiled=unprofiled)
                sink.dissect(Dissection(number, block, anatomy))
                made[number] += 1
        return made

    def _in_turn(self, jobs: Sequence[Job], seconds: float) -> Iterator[tuple[int, Job, float]]:
        """Every job of every block while the time lasts, or few are made; and by when a visit would be on time."""
        began, visits = self._now(), 0
        for block in range(BLOCKS):
            for job in _order(self._plan, jobs, block):
                number = job.point.id
                late = self._now() > began + seconds * (_LATE if block < MINIMUM_UNITS else 1.0)
                if late or number in self.failed or (number, block) in self._done:
                    continue
                visits += 1
                yield block, job, began + seconds * visits / (BLOCKS * len(jobs))

    def _awake(self, jobs: Sequence[Job], visit: Callable[[Job], object]) -> tuple[dict[Hashable, float], float]:
        """Two visits in every worker, for nothing: the first one of its kind may take seconds, which are no block's.

        Returns:
            Seconds of the second by worker, and the moment when all were made.
        """
        took: dict[Hashable, float] = {}
        for job in jobs:
            if job.worker in took or job.point.id in self.failed:
                continue
            try:
                visit(job)
                began = self._now()
                visit(job)
            except PointFailedError as error:
                self.failed[job.point.id] = str(error)
            else:
                took[job.worker] = self._now() - began
        return took, self._now()

    def _time(self, job: Job) -> Anatomy:
        return self._workers.dissect(job.point, job.steps, job.runs, PATIENCE + 10 * job.timing)

    def _profile(self, job: Job) -> tuple[Profile | None, str]:
        return self._workers.profile(job.point, job.profiled, PATIENCE + 10 * job.profile)


def _affordable(costs: Sequence[tuple[Job, float]], seconds: float) -> tuple[list[Job], dict[int, str]]:
    """The jobs whose fewest blocks fit into so many seconds, narrow ones first, and why the others are left out.

    Args:
        costs: jobs, narrow ones first, and the seconds of a visit.
        seconds: that are left.
    """
    chosen, gaps = [], {}
    for job, cost in costs:
        least = MINIMUM_UNITS * cost
        if least > seconds:
            gaps[job.point.id] = _too_long(least, seconds)
            continue
        seconds -= least
        chosen.append(job)
    return chosen, gaps


def _too_long(least: float, left: float) -> str:
    left = max(0.0, left)
    return f"it would take {format_seconds(least)}, {format_seconds(left)} are left; allow a longer --budget"


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
