# SPDX-License-Identifier: Apache-2.0
"""After sampling: how much memory the steps touch that declare no footprint, at every width (`measure.touched`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from serialprof.measure.budget import whole_runs
from serialprof.measure.pool import PointFailedError
from serialprof.planning import Plan, Point
from serialprof.records import Footprint
from serialprof.setting import PROCESS_MODE

#: Seconds of steps that are looked at, one step at least.
_LOOKED: Final = 0.05
#: A step that takes longer, in seconds, is left out.
_LONGEST: Final = 2.0
#: Seconds after which a point counts as hung: a worker may have to start and to warm up.
_PATIENCE: Final = 120.0


class Workers(Protocol):
    """What is asked of the pool (`measure.pool.Pool`, or a fake one in tests)."""

    def touched(self, point: Point, steps: int, limit: float) -> int | None: ...  # noqa: D102


class Sink(Protocol):
    """Where footprints go (`store.Store`)."""

    def know_footprints(self, footprints: Sequence[Footprint]) -> None: ...  # noqa: D102


def candidates(plan: Plan) -> list[Point]:
    """The points whose footprint nobody declared: the serial form on the host, on the fewest threads of its family."""
    points = [
        point
        for point in plan.points
        if point.work is None and point.setting.form == "serial" and not point.setting.on_cuda
    ]
    points = [point for point in points if point.setting.mode != PROCESS_MODE and point.setting.clock in _first(points)]
    fewest = {point.family: point.setting.threads for point in sorted(points, key=lambda item: -item.setting.threads)}
    return [point for point in points if point.setting.threads == fewest[point.family]]


def know_footprints(plan: Plan, run_seconds: Mapping[int, float], workers: Workers, sink: Sink) -> None:
    """Counts what the steps of the points touch that declare nothing, and stores it.

    Args:
        plan: its points.
        run_seconds: of one run(D), by id of the points that were measured.
        workers: who counts.
        sink: where it goes.
    """
    found = []
    for point in candidates(plan):
        step = run_seconds.get(point.id, math.inf) / point.setting.depth
        if step > _LONGEST:  # or was not measured
            continue
        steps, _ = whole_runs(max(step, 1e-9), point.setting.depth, _LOOKED)
        try:
            touched = workers.touched(point, steps, _PATIENCE)
        except PointFailedError:  # it was sampled all the same
            continue
        if touched is not None:
            found.append(Footprint(point.id, touched))
    if found:
        sink.know_footprints(found)


def _first(points: Sequence[Point]) -> set[float | None]:
    """One clock of a sweep over clocks: they do not change what a step touches."""
    return {point.setting.clock for point in points[:1]}
