# SPDX-License-Identifier: Apache-2.0
"""Where sweeps over width end: at what memory or the budget holds, or one octave past the knee. Pure arithmetic."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from serialprof.intervals import MINIMUM_UNITS
from serialprof.measure.budget import least_seconds
from serialprof.planning import Plan, Point
from serialprof.units import format_seconds

PAST_KNEE: Final = "one octave past the knee"
#: Growth of ln time over that of ln width from which on an octave counts as linear: beyond the knee of a step whose
#: fixed and growing parts overlap it is 1 at once, where they add up it gets there three octaves later.
LINEAR: Final = 0.9
#: How far the linear part must reach in width: the octave in which the knee is passed, and one more. A single one will
#: not do: from one lane to two a matrix product may take twice as long for being another kernel.
REACH: Final = 4.0


class Branches:
    """The branches of a plan: points that differ in width alone, and where each of them ends.

    Widths of a branch are to be told in ascending order.
    """

    def __init__(self, plan: Plan) -> None:
        self._open_ended = plan.open_ended
        self._fair = fair_share(plan)
        self._curves: defaultdict[str, dict[int, float]] = defaultdict(dict)
        self._ends: dict[str, tuple[int, str]] = {}

    def ended(self, point: Point) -> str:
        """Why the branch of a point ended at its width or a smaller one; empty where it goes on."""
        first, reason = self._ends.get(branch_of(point), (math.inf, ""))
        return reason if point.setting.width >= first else ""

    def calibrated(self, point: Point, run_seconds: float) -> None:
        """Takes up what one run(D) takes; ends the branch there or beyond, where its sweep is an open-ended one."""
        width, curve = point.setting.width, self._curves[branch_of(point)]
        narrower = any(other < width for other in curve)
        curve[width] = run_seconds
        if point.workload not in self._open_ended:
            return
        if narrower and math.fsum(curve.values()) > self._fair:
            took = format_seconds(run_seconds)
            self.end(point, f"with runs of {took} the sweep would take more than its fair share of the budget")
        elif past_knee({other: seconds for other, seconds in curve.items() if other <= width}):
            self.end(replace(point, setting=replace(point.setting, width=width + 1)), PAST_KNEE)

    def exhausted(self, point: Point, reason: str) -> bool:
        """Ends a branch at a point for which memory does not suffice; not where that is so at its narrowest already."""
        narrower = any(width < point.setting.width for width in self._curves[branch_of(point)])
        if narrower:
            self.end(point, reason)
        return narrower

    def end(self, point: Point, reason: str) -> None:
        """Ends the branch of a point at its width, unless it ended before."""
        if not self.ended(point):
            self._ends[branch_of(point)] = (point.setting.width, reason)


def branch_of(point: Point) -> str:
    """The same for points that differ in width alone."""
    return f"{point.workload} {replace(point.setting, width=1)!r}"


def fair_share(plan: Plan) -> float:
    """Seconds that one run(D) at every width of a branch may take together.

    Then all branches can be visited twice as often as an interval needs.
    """
    branches = {branch_of(point) for point in plan.points}
    visits = least_seconds(1.0)  # in multiples of a run(D)
    return plan.budget / (2 * MINIMUM_UNITS * visits * max(1, len(branches)))


def past_knee(curve: Mapping[int, float]) -> bool:
    """Whether time has grown like width over the last octaves: that in which the knee was passed, and one more.

    Args:
        curve: seconds by width.
    """
    widths = sorted(curve)
    last = wide = widths[-1]
    while last < REACH * wide:
        below = [width for width in widths if 2 * width <= wide]
        if not below or _growth(curve, below[-1], wide) < LINEAR:
            return False
        wide = below[-1]
    return True


def _growth(curve: Mapping[int, float], narrow: int, wide: int) -> float:
    """Growth of ln time over that of ln width."""
    if curve[narrow] <= 0:
        return 0.0
    return math.log(max(curve[wide], curve[narrow]) / curve[narrow]) / math.log(wide / narrow)
