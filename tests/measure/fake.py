# SPDX-License-Identifier: Apache-2.0
"""Workers on a fake clock, and a sink that can be filled up to a point and taken up again."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from serialprof.errors import CannotMeasureError
from serialprof.measure.pool import PointExhaustedError, PointFailedError, PointHungError
from serialprof.planning import Plan, Point
from serialprof.policyclock import Clock, PolicyClock
from serialprof.records import Calibration, Readings, Stop, StoredRun, Visit
from serialprof.samples import Sample
from tests import made


@dataclass
class FakeWorkers:
    """Takes `run_seconds` a run(D) on the fake clock, and exactly the seconds of a visit; fails where told.

    Attributes:
        run_seconds: of every point, or by point.
        noise: standard deviation of ln time, drawn from point and number of the visit; of every point, or by point.
        starting: seconds that a worker takes to start, one by workload and threads; and each point in it to warm up.
        flags: why a visit (point, number of the visit) is disturbed, empty where it is not.
        core_clocks: what the meter reads on each of a point's CPUs.
    """

    run_seconds: float | dict[int, float] = 0.01
    noise: float | dict[int, float] = 0.0
    starting: Callable[[], float] = lambda: 0.0
    longer: Callable[[], float] = lambda: 0.0
    flags: Callable[[int, int], str] = lambda point, number: ""
    core_clocks: Callable[[Point], tuple[float | None, ...]] = lambda point: ()
    fails_to_build: dict[int, PointFailedError] = field(default_factory=dict)
    fails_its_check: dict[int, PointFailedError] = field(default_factory=dict)
    fails_at_visit: dict[int, PointFailedError] = field(default_factory=dict)
    now: float = 0.0
    visits: int = 0
    log: list[str] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    asked: list[tuple[int, int, float]] = field(default_factory=list)
    alive: set[object] = field(default_factory=set)

    def calibrate(self, point: Point, limit: float) -> float:
        self.log.append(f"c{point.id}")
        self.limits.append(limit)
        self._touch(point)
        if point.id in self.fails_to_build:
            raise self.fails_to_build[point.id]
        self.now += 3 * of(self.run_seconds, point)  # until it was steady
        return of(self.run_seconds, point)

    def check(self, point: Point, limit: float) -> None:
        if point.id in self.fails_its_check:
            raise self.fails_its_check[point.id]

    def sample(self, point: Point, runs: int, seconds: float, limit: float) -> Readings:
        assert limit > seconds
        self.log.append(f"v{point.id}")
        self.limits.append(limit)
        self.asked.append((point.id, runs, seconds))
        self._touch(point)
        number, self.visits = self.visits, self.visits + 1
        if number in self.fails_at_visit:
            raise self.fails_at_visit[number]
        self.now += seconds + self.longer()
        draw = random.Random(f"{point.id}/{number}")
        seconds = runs * of(self.run_seconds, point) * (1 + draw.gauss(0.0, of(self.noise, point)))
        sample = Sample(seconds, seconds, 0, self.flags(point.id, number))
        return Readings((sample, sample), core_clocks=self.core_clocks(point))

    def restart(self) -> None:
        self.log.append("restart")
        self.alive.clear()

    def _touch(self, point: Point) -> None:
        worker = (point.workload, point.setting.cpus)
        for key in (worker, point.id):
            if key not in self.alive:
                self.alive.add(key)
                self.now += self.starting()


@dataclass
class FakeClocks:
    """Two policies that obey, or that read back what they were told and run at something else.

    Attributes:
        cpus: of each policy.
        asked: every clock that was set, in order.
        fails_at: number of the call that the kernel refuses.
    """

    cpus: tuple[tuple[int, ...], ...] = ((0,), (1,))
    asked: list[Clock] = field(default_factory=list)
    fails_at: int | None = None

    def set(self, clock: Clock) -> tuple[PolicyClock, ...]:
        if len(self.asked) == self.fails_at:
            raise CannotMeasureError("the kernel refuses")
        self.asked.append(clock)
        return tuple(PolicyClock(f"policy{each[0]}", each, clock.hertz, clock.hertz) for each in self.cpus)


def of(value: float | dict[int, float], point: Point) -> float:
    return value.get(point.id, 0.0) if isinstance(value, dict) else value


class FullError(Exception):
    """The sink takes no more."""


@dataclass
class Sink:
    """Keeps what is stored, in order; refuses event number `most`."""

    most: float = float("inf")
    visits: list[Visit] = field(default_factory=list)
    calibrations: list[Calibration] = field(default_factory=list)
    draws: dict[int, tuple[Stop, ...]] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def add(self, visit: Visit) -> None:
        self._note(f"visit {visit.point}")
        self.visits.append(visit)

    def calibrate(self, calibration: Calibration) -> None:
        self._note(f"calibration {calibration.point}")
        self.calibrations.append(calibration)

    def draw(self, block: int, stops: Sequence[Stop]) -> None:
        self._note(f"draw {block}")
        self.draws[block] = tuple(stops)

    def _note(self, event: str) -> None:
        if len(self.events) >= self.most:
            raise FullError
        self.events.append(event)

    def stored(self, plan: Plan) -> StoredRun:
        """What a file would hold."""
        run = made.stored(plan.points, tuple(self.visits))
        return replace(run, plan=plan, calibrations=tuple(self.calibrations), draws=dict(self.draws))


def died(reason: str = "worker died by SIGSEGV") -> PointFailedError:
    return PointFailedError(reason)


def exhausted(reason: str = "out of memory") -> PointExhaustedError:
    return PointExhaustedError(reason)


def hung() -> PointHungError:
    return PointHungError("hung: no answer within 60 s")


def ticking(*values: float) -> Callable[[], float]:
    """Returns the values in turn, for ever."""
    numbers = count()
    return lambda: values[next(numbers) % len(values)]
