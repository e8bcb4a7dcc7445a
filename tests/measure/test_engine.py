# SPDX-License-Identifier: Apache-2.0
"""The engine with a fake clock and fake workers: nothing here sleeps or measures."""

from dataclasses import dataclass, field
from dataclasses import replace as replace_sample

import pytest
from msgspec.structs import replace

from serialprof.measure.engine import BUILD_LIMIT, SUSPECT_LIMIT, Engine, Progress
from serialprof.measure.pool import PointFailedError, PointHungError
from serialprof.measure.protocol import Sampled
from serialprof.planning import Point
from serialprof.store import Sample, Visit
from tests import made


@dataclass
class FakeWorkers:
    """Takes `run_seconds` a run(D) on the fake clock, with `noise` per visit; fails where told."""

    run_seconds: float = 0.01
    noise: tuple[float, ...] = (0.0,)
    fails_to_build: set[int] = field(default_factory=set)
    hangs: set[int] = field(default_factory=set)
    limits: list[float] = field(default_factory=list)
    fails_at_visit: dict[int, int] = field(default_factory=dict)
    now: float = 0.0
    log: list[str] = field(default_factory=list)
    visits: int = 0

    def calibrate(self, point: Point, limit: float) -> float:
        self.log.append(f"c{point.id}")
        self.limits.append(limit)
        if point.id in self.hangs:
            raise PointHungError("hung")
        if point.id in self.fails_to_build:
            raise PointFailedError("boom")
        return self.run_seconds

    def check(self, point: Point, limit: float) -> None:
        """Nothing here has a known answer."""

    def sample(self, point: Point, runs: int, seconds: float, limit: float) -> Sampled:
        assert limit > seconds
        self.log.append(f"v{point.id}")
        self.visits += 1
        if self.fails_at_visit.get(point.id) == self.visits:
            raise PointFailedError("worker died by SIGSEGV")
        self.now += seconds
        factor = 1 + self.noise[self.visits % len(self.noise)]
        return Sampled((Sample(runs * self.run_seconds * factor, 0.01, 0),), 3e9, 3e9, 0)

    def restart(self) -> None:
        self.log.append("restart")


class Sink(list[Visit]):
    def add(self, visit: Visit) -> None:
        self.append(visit)


CELLS = made.points(widths=(1, 4), threads=(1, 2))


def carry_out(workers: FakeWorkers, **plan: object) -> tuple[Sink, list[Progress]]:
    sink, told = Sink(), []
    engine = Engine(made.plan(CELLS, **plan), workers, sink, now=lambda: workers.now, report=told.append)  # type: ignore[arg-type]
    engine.run()
    return sink, told


def test_every_point_is_calibrated_once_then_visited_in_the_drawn_order() -> None:
    workers = FakeWorkers(noise=(0.0, 0.5))
    sink, _ = carry_out(workers, blocks=6, blocks_per_process=3)
    plan = made.plan(CELLS, blocks=6, blocks_per_process=3)
    drawn = [[f"v{point.id}" for point in plan.order(block)] for block in range(6)]
    expected = [f"c{point.id}" for point in plan.order(0)]
    expected += [visit for block in drawn[:3] for visit in block] + ["restart"]
    expected += [visit for block in drawn[3:] for visit in block]
    assert workers.log == expected
    assert [visit.process for visit in sink] == [0] * 12 + [1] * 12
    assert {visit.block for visit in sink} == set(range(6))


def test_the_budget_binds() -> None:
    workers = FakeWorkers(noise=(0.0, 0.5))
    sink, told = carry_out(workers, budget=5.0)
    assert 4.0 <= workers.now <= 5.01
    remaining = [progress.remaining for progress in told if progress.remaining is not None]
    assert remaining == sorted(remaining, reverse=True)
    assert len(sink) == 24


def test_sampling_stops_when_precise() -> None:
    workers = FakeWorkers(noise=(0.0,))
    sink, _ = carry_out(workers, blocks=9)
    assert {visit.block for visit in sink} == set(range(5)), "five units are the fewest for an interval"


def test_runs_per_sample_stay_fixed() -> None:
    sink, _ = carry_out(FakeWorkers(run_seconds=1e-4, noise=(0.0, 0.5)))
    assert len({visit.runs for visit in sink if visit.point == 0}) == 1
    assert sink[0].runs > 1


def test_a_point_that_fails_to_build_is_left_alone() -> None:
    workers = FakeWorkers(fails_to_build={1}, noise=(0.0, 0.5))
    sink, _ = carry_out(workers)
    assert [(visit.status, visit.reason) for visit in sink if visit.point == 1] == [("failed", "boom")]
    assert len([visit for visit in sink if visit.point == 0]) == 6


def test_a_point_that_dies_later_keeps_its_earlier_visits() -> None:
    last = made.plan(CELLS).order(0)[-1].id
    workers = FakeWorkers(fails_at_visit={last: 4}, noise=(0.0, 0.5))
    sink, _ = carry_out(workers)
    assert [visit.reason for visit in sink if visit.point == last] == ["worker died by SIGSEGV"]
    assert {visit.status for visit in sink if visit.point != last} == {"ok"}


def test_after_one_hang_the_others_of_the_workload_get_little_time() -> None:
    first = made.plan(CELLS).order(0)[0].id
    workers = FakeWorkers(hangs={first})
    carry_out(workers)
    assert workers.limits == [BUILD_LIMIT, *[SUSPECT_LIMIT] * 3]


def test_the_warm_up_is_part_of_a_visit() -> None:
    workers = FakeWorkers(run_seconds=0.1, noise=(0.0, 0.5))
    asked = []
    sound = workers.sample

    def sample(point: Point, runs: int, seconds: float, limit: float) -> Sampled:
        asked.append(seconds)
        return sound(point, runs, seconds, limit)

    workers.sample = sample  # type: ignore[method-assign]
    carry_out(workers, budget=24.0)
    assert asked[0] == pytest.approx(24.0 / 24 - 0.1)


def test_the_budget_binds_within_a_block_and_between_retries() -> None:
    workers = FakeWorkers(noise=(0.0, 0.5))
    sound = workers.sample

    def slow(point: Point, runs: int, seconds: float, limit: float) -> Sampled:
        workers.now += 4.0
        sampled = sound(point, runs, seconds, limit)
        return replace(sampled, samples=(replace_sample(sampled.samples[0], disturbed="kept off the CPU"),))

    workers.sample = slow  # type: ignore[method-assign]
    sink, _ = carry_out(workers, budget=10.0)
    assert len(sink) == 3


def test_nothing_left_to_visit_ends_the_run() -> None:
    sink, _ = carry_out(FakeWorkers(fails_to_build={0, 1, 2, 3}))
    assert [visit.status for visit in sink] == ["failed"] * 4


def test_blocks_shrink_to_what_the_budget_holds() -> None:
    workers = FakeWorkers(run_seconds=1.0, noise=(0.0, 0.5))
    sink, _ = carry_out(workers, budget=30.0)  # four points of at least 3 s: two blocks
    assert len(sink) == 8


def test_a_visit_in_which_everything_was_disturbed_is_made_again() -> None:
    workers = FakeWorkers(noise=(0.0, 0.5))
    sound = workers.sample

    def disturbed(point: Point, runs: int, seconds: float, limit: float) -> Sampled:
        sampled = sound(point, runs, seconds, limit)
        flag = "off the CPU" if point.id == 0 or (point.id == 1 and workers.visits % 2) else ""
        return replace(sampled, samples=tuple(replace_sample(sample, disturbed=flag) for sample in sampled.samples))

    workers.sample = disturbed  # type: ignore[method-assign]
    sink, _ = carry_out(workers, budget=100.0)
    in_first_block = [visit.point for visit in sink if visit.block == 0]
    assert in_first_block.count(0) == 3, "given up after three"
    assert in_first_block.count(2) == 1
    assert in_first_block.count(1) in (1, 2)


def test_an_interrupt_passes_through() -> None:
    workers = FakeWorkers()

    def interrupt(*_: object) -> Sampled:
        raise KeyboardInterrupt

    workers.sample = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        carry_out(workers)
