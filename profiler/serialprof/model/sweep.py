# SPDX-License-Identifier: Apache-2.0
"""The clocks of a family's points: which were reached by what was asked for, and which of them all is said of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from serialprof.model.results import PointSummary

#: Clocks within this ratio of each other are one, for all that times tell.
LEAST: Final = 1.02


def reached_clocks(points: Sequence[PointSummary]) -> Mapping[float, float]:
    """The measured clock in Hz, the median over points, by the clock in Hz that was asked for.

    Clocks that no point was measured at, or that the clock meter could not read, are not in it.
    """
    found: dict[float, list[float]] = defaultdict(list)
    for summary in points:
        asked = summary.point.setting.clock
        if asked is not None and summary.units and summary.clock is not None:
            found[asked].append(summary.clock)
    return {asked: median(clocks) for asked, clocks in found.items()}


def distinct_clocks(points: Sequence[PointSummary]) -> tuple[float, ...]:
    """The measured clocks in Hz that are LEAST apart, ascending; none where clocks were left alone."""
    distinct: list[float] = []
    for clock in sorted(reached_clocks(points).values()):
        if not distinct or clock >= LEAST * distinct[-1]:
            distinct.append(clock)
    return tuple(distinct)


def reference_clock(points: Sequence[PointSummary]) -> float | None:
    """The clock in Hz that was asked for where the fastest was measured; None where clocks were left alone.

    What is said of an operating point is said of it there. Of requests that were answered alike it is the highest, and
    so it is where no clock could be read.
    """
    reached = reached_clocks(points)
    if not reached:
        asked = (item.point.setting.clock for item in points if item.units)
        return max((clock for clock in asked if clock is not None), default=None)
    fastest = max(reached.values())
    return max(asked for asked, clock in reached.items() if LEAST * clock > fastest)


def at_reference(points: Sequence[PointSummary]) -> tuple[PointSummary, ...]:
    """The points of one family that were asked to run at the reference clock; all where clocks were left alone."""
    reference = reference_clock(points)
    return tuple(item for item in points if item.point.setting.clock == reference)
