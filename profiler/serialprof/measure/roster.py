# SPDX-License-Identifier: Apache-2.0
"""Which points of a run are still measured, and what calibration found out about each."""

from __future__ import annotations

from typing import Final

from serialprof.measure.branches import Branches
from serialprof.measure.pool import PointExhaustedError, PointFailedError, PointHungError
from serialprof.planning import Plan, Point
from serialprof.records import StoredRun

#: Seconds that building and warming a point may take before it counts as hung; in the quick form; where code is
#: compiled; and after another point of the same workload has hung, which makes it likely that this one will. The last
#: comes on top where a fresh worker loads torch before it builds anything: from a cold disk that takes tens.
BUILD_LIMIT: Final = 60.0
QUICK_BUILD_LIMIT: Final = 20.0
COMPILE_LIMIT: Final = 300.0
SUSPECT_LIMIT: Final = 5.0
LOADING_LIMIT: Final = 60.0
_COMPILING: Final = frozenset({"compile", "fused"})


class Roster:
    """Points that are calibrated, failed, or ended with their branch; the others wait.

    Attributes:
        run_seconds: of one run(D) as calibrated, by id of the points that are still measured.
        runs: k, the run(D) per sample, once it is fixed.
        took: seconds that starting a worker, building and warming took.
        known: what was calibrated before a resumption, points included that have left since.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._branches = Branches(plan)
        self._gone: set[int] = set()
        self._suspects: set[str] = set()
        self.run_seconds: dict[int, float] = {}
        self.runs: dict[int, int] = {}
        self.took: dict[int, float] = {}
        self.known: dict[int, float] = {}

    def recall(self, past: StoredRun) -> None:
        """Takes up what a run has found out so far."""
        points = self._plan.points
        for item in sorted(past.calibrations, key=lambda item: points[item.point].setting.width):
            self.enter(points[item.point], item.run_seconds, item.took)
            self.runs[item.point] = item.runs
        self.known = dict(self.run_seconds)
        for visit in past.visits:
            if visit.status == "ended":
                self._branches.end(points[visit.point], visit.reason)
            if visit.status != "ok":
                self._drop(points[visit.point])

    def waits(self, point: Point) -> bool:
        """Whether a point is still to be calibrated."""
        return point.id not in self.run_seconds and point.id not in self._gone

    def limit(self, point: Point) -> float:
        """Seconds after which a point that is loaded, built and warmed counts as hung."""
        loading = LOADING_LIMIT if self._plan.description(point.workload).on_torch else 0.0
        return loading + self._building(point)

    def _building(self, point: Point) -> float:
        if point.workload in self._suspects:
            return SUSPECT_LIMIT
        if point.setting.mode in _COMPILING:
            return COMPILE_LIMIT
        # A CUDA device takes seconds to wake up, and what drives it to load.
        return QUICK_BUILD_LIMIT if self._plan.quick and not point.setting.on_cuda else BUILD_LIMIT

    def enter(self, point: Point, run_seconds: float, took: float) -> None:
        """A point that is calibrated; its branch may end there (see `leaving`)."""
        self.run_seconds[point.id] = run_seconds
        self.took[point.id] = took
        self._branches.calibrated(point, run_seconds)

    def lose(self, point: Point, error: PointFailedError) -> bool:
        """A point that cannot be measured; whether that is a failure, and no planned end of its branch."""
        if isinstance(error, PointHungError):
            self._suspects.add(point.workload)
        if isinstance(error, PointExhaustedError) and self._branches.exhausted(point, str(error)):
            return False  # it leaves with its branch
        self._drop(point)
        return True

    def beyond(self, point: Point) -> bool:
        """Whether a point lies beyond the end of its branch."""
        return bool(self._branches.ended(point))

    def leaving(self) -> list[tuple[Point, str]]:
        """The points whose branch has ended since this was last asked, and why; nobody measures them any more."""
        leaving = [
            (point, reason)
            for point in self._plan.points
            if point.id not in self._gone and (reason := self._branches.ended(point))
        ]
        for point, _ in leaving:
            self._drop(point)
            self.took.pop(point.id, None)
        return leaving

    def _drop(self, point: Point) -> None:
        self._gone.add(point.id)
        self.run_seconds.pop(point.id, None)
