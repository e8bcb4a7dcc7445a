# SPDX-License-Identifier: Apache-2.0
"""Where more sampling helps the verdict most: weights of the points for the next block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from serialprof.intervals import half_width
from serialprof.planning import Point

#: How much more or less than its equal share a point's own interval can give it.
MOST: Final = 4.0
LEAST: Final = 0.25
#: Factor for the points of a comparison that is not decided.
UNDECIDED: Final = 2.0
#: The log speed-ups that a verdict turns on: more threads neither win nor lose, or win as much as +10 % clock can.
_TURNING: Final = (0.0, math.log(1.1))


def weights(points: Sequence[Point], logs: Mapping[int, Mapping[int, float]], precision: float) -> dict[int, float]:
    """Weight of every point by its interval and by what hangs on it.

    The error of a mean shrinks with the root of the time spent, so the weight is the square of the interval's
    half-width in multiples of `precision`, between LEAST and MOST. It is doubled where a thread count is compared with
    the next one and the interval of their ratio still contains a value that the verdict turns on. Without intervals
    (fewer than five blocks) every weight is 1.

    Args:
        points: those that are measured.
        logs: ln of seconds per run(D) by point and block.
        precision: the relative half-width that is asked for.
    """
    result = {point.id: _own(logs.get(point.id, {}), precision) for point in points}
    for fewer, more in _compared(points):
        if _undecided(logs.get(fewer.id, {}), logs.get(more.id, {})):
            for point in (fewer, more):
                result[point.id] = min(MOST, result[point.id] * UNDECIDED)
    return result


def _own(logs: Mapping[int, float], precision: float) -> float:
    width = half_width(list(logs.values()))
    return 1.0 if width is None else min(MOST, max(LEAST, (width / precision) ** 2))


def _undecided(fewer: Mapping[int, float], more: Mapping[int, float]) -> bool:
    ratios = [fewer[block] - more[block] for block in fewer if block in more]
    width = half_width(ratios)
    if width is None:
        return False
    mean = math.fsum(ratios) / len(ratios)
    return any(abs(mean - turning) < width for turning in _TURNING)


def _compared(points: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    """Pairs of points that differ in the thread count alone, by one step of the sweep."""
    rows: dict[object, list[Point]] = {}
    for point in points:
        setting = point.setting
        key = (point.family, setting.width, setting.depth, setting.form)
        rows.setdefault(key, []).append(point)
    for row in rows.values():
        yield from pairwise(sorted(row, key=lambda point: point.setting.threads))
