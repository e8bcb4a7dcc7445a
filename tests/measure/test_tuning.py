# SPDX-License-Identifier: Apache-2.0
"""The engine sets the clock of every point before it is measured: fake workers, fake clocks."""

import itertools
from dataclasses import replace

import pytest

from serialprof.errors import CannotMeasureError
from serialprof.measure.engine import Engine
from serialprof.measure.tuning import Tuner, with_measured
from serialprof.planning import Plan, Point
from serialprof.policyclock import Clock, PolicyClock
from tests import made
from tests.measure.fake import FakeClocks, FakeWorkers, FullError, Sink

SLOW, FAST = 1e9, 2e9
PLAN = made.plan(made.points(widths=(1, 4), threads=(1, 2), clocks=(SLOW, FAST)), blocks_per_process=1)


def at_its_clock(point: Point) -> tuple[float | None, ...]:
    assert point.setting.clock is not None
    return (point.setting.clock * 1.01,) * point.setting.threads


def carry_out(
    clocks: FakeClocks | None = None, workers: FakeWorkers | None = None, sink: Sink | None = None, plan: Plan = PLAN
) -> tuple[Sink, FakeClocks, FakeWorkers]:
    clocks, sink = clocks or FakeClocks(), sink or Sink()
    workers = workers or FakeWorkers(noise=0.5, core_clocks=at_its_clock)
    Engine(plan, workers, sink, now=lambda: workers.now, clocks=clocks).run()
    return sink, clocks, workers


def test_the_clock_of_every_visit_is_the_one_that_its_point_asks_for() -> None:
    sink, _, _ = carry_out()
    assert {visit.point for visit in sink.visits} == set(range(8))
    for visit in sink.visits:
        asked = PLAN.points[visit.point].setting.clock
        assert [(each.policy, each.requested, each.read_back) for each in visit.pinned] == [
            (name, asked, asked) for name in ("policy0", "policy1")
        ]


def test_clocks_are_set_where_another_is_in_force_and_then_alone() -> None:
    _, clocks, workers = carry_out()
    visited = [entry[1:] for entry in workers.log if entry != "restart"]
    needed = [PLAN.points[int(number)].setting.clock for number in visited]
    assert [clock.hertz for clock in clocks.asked] == [hertz for hertz, _ in itertools.groupby(needed)]
    assert len(clocks.asked) > 10


def test_points_are_calibrated_at_their_clock() -> None:
    seen: list[tuple[float | None, int]] = []
    clocks, workers = FakeClocks(), FakeWorkers(core_clocks=at_its_clock)
    calibrate = workers.calibrate
    workers.calibrate = lambda point, limit: (  # type: ignore[method-assign]
        seen.append((point.setting.clock, clocks.asked[-1].hertz)) or calibrate(point, limit)
    )
    carry_out(clocks, workers)
    assert len(seen) == 8 and all(asked == hertz for asked, hertz in seen)


def test_turbo_is_asked_for_with_its_clock() -> None:
    plan = replace(PLAN, clocks=(Clock(1_000_000_000), Clock(2_000_000_000, turbo=True)))
    _, clocks, _ = carry_out(plan=plan)
    assert set(clocks.asked) == set(plan.clocks)


def test_what_the_meter_read_stands_beside_what_was_asked() -> None:
    sink, _, _ = carry_out()
    for visit in sink.visits:
        setting = PLAN.points[visit.point].setting
        measured = [setting.clock * 1.01 if rank < setting.threads else None for rank in (0, 1)]  # type: ignore[operator]
        assert [each.measured for each in visit.pinned] == measured


def test_a_clock_that_the_kernel_refuses_ends_the_run() -> None:
    with pytest.raises(CannotMeasureError, match="the kernel refuses"):
        carry_out(FakeClocks(fails_at=3))


def test_a_resumed_run_sets_the_clock_that_is_next() -> None:
    whole, _, _ = carry_out()
    for most in range(9, len(whole.events), 7):
        sink = Sink(most)
        with pytest.raises(FullError):
            carry_out(sink=sink)
        clocks, workers = FakeClocks(), FakeWorkers(noise=0.5, core_clocks=at_its_clock, visits=len(sink.visits))
        rest = Sink(visits=list(sink.visits), calibrations=list(sink.calibrations), draws=dict(sink.draws))
        Engine(PLAN, workers, rest, now=lambda team=workers: team.now, past=sink.stored(PLAN), clocks=clocks).run()
        for visit in rest.visits:
            assert {each.requested for each in visit.pinned} == {PLAN.points[visit.point].setting.clock}
        again = rest.visits[len(sink.visits) :]
        assert clocks.asked[-1].hertz == PLAN.points[again[-1].point].setting.clock


def test_without_clocks_nothing_is_pinned() -> None:
    plan = made.plan(made.points())
    sink, clocks, _ = carry_out(workers=FakeWorkers(noise=0.5), plan=plan)
    assert clocks.asked == [] and {visit.pinned for visit in sink.visits} == {()}


def test_a_plan_with_clocks_needs_somebody_who_sets_them() -> None:
    with pytest.raises(ValueError, match="nobody sets them"):
        Tuner(PLAN, None)


def test_after_a_refusal_the_clock_is_set_again() -> None:
    clocks = FakeClocks(fails_at=1)
    tuner = Tuner(PLAN, clocks)
    slow, fast = PLAN.points[:2]
    tuner.tune(slow)
    with pytest.raises(CannotMeasureError):
        tuner.tune(fast)
    clocks.fails_at = None
    tuner.tune(slow)
    assert [clock.hertz for clock in clocks.asked] == [SLOW, SLOW]


def test_a_policy_is_measured_by_the_median_of_its_own_cpus() -> None:
    pinned = [
        PolicyClock("policy0", (0, 1, 2), 9, 9),
        PolicyClock("policy4", (4, 5), 9, 9),
        PolicyClock("p", (6,), 9, 9),
    ]
    found = with_measured(pinned, (4, 0, 2, 1, 6), (7.0, 1.0, None, 3.0, None))
    assert [each.measured for each in found] == [2.0, 7.0, None]
    assert [each.measured for each in with_measured(pinned, (4, 0), ())] == [None, None, None]
