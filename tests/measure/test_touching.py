# SPDX-License-Identifier: Apache-2.0
"""Which points are counted for what their steps touch, with made points and a made pool."""

from collections.abc import Sequence
from dataclasses import replace

from serialprof.measure.pool import PointFailedError
from serialprof.measure.touching import candidates, know_footprints
from serialprof.planning import Plan, Point
from serialprof.records import Footprint
from tests import made


class Pool:
    """Touches a MiB a lane; a point of 16 lanes fails, one of 64 is not told."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def touched(self, point: Point, steps: int, limit: float) -> int | None:
        self.asked.append((point.setting.width, steps))
        if point.setting.width == 16:
            raise PointFailedError("died")
        return None if point.setting.width == 64 else point.setting.width << 20


class Sink:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.known: list[Footprint] = []

    def know_footprints(self, footprints: Sequence[Footprint]) -> None:
        self.known += footprints


def undeclared(plan: Plan) -> Plan:
    return replace(plan, points=tuple(replace(point, work=None) for point in plan.points))


def test_points_of_the_serial_form_on_the_fewest_threads_that_declare_nothing() -> None:
    plan = made.plan(made.points((1, 4), (1, 2), ("serial", "wide"), (1e9, 2e9)))
    assert candidates(plan) == []
    chosen = candidates(undeclared(plan))
    assert {(point.setting.width, point.setting.threads, point.setting.form) for point in chosen} == {
        (1, 1, "serial"),
        (4, 1, "serial"),
    }
    assert len(chosen) == 2, "one clock is enough"
    for changed in ({"device": "cuda:0"}, {"mode": "process"}):
        points = tuple(replace(point, setting=replace(point.setting, **changed)) for point in plan.points)
        assert candidates(undeclared(replace(plan, points=points))) == []


def test_what_can_be_counted_is_stored_and_slow_steps_are_left_out() -> None:
    plan, pool, sink = undeclared(made.plan(made.points((1, 4, 16, 64, 256)))), Pool(), Sink()
    depth = plan.points[0].setting.depth
    know_footprints(plan, {0: depth * 1.0, 1: depth * 1e-5, 2: 1e-3, 3: 1e-3, 4: depth * 3.0}, pool, sink)
    assert pool.asked == [(1, 1), (4, depth), (16, depth), (64, depth)]
    assert sink.known == [Footprint(0, 1 << 20), Footprint(1, 4 << 20)]


def test_a_point_that_was_not_measured_is_not_asked_and_nothing_stores_nothing() -> None:
    pool, sink = Pool(), Sink()
    know_footprints(undeclared(made.plan(made.points((1, 4)))), {}, pool, sink)
    assert (pool.asked, sink.known) == ([], [])
