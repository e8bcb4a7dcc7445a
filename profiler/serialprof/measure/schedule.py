# SPDX-License-Identifier: Apache-2.0
"""The drawn order of a block: which point is visited when, in which turn, for how long."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import groupby
from typing import Final

from serialprof.planning import Family, Plan, Point
from serialprof.records import Stop

#: Seconds that a visit is cut down to where the point's time in the block allows several: long against the hand-over
#: and the warming of the caches, short against the drift that what is compared should share.
WANTED_VISIT: Final = 0.05
#: Most turns in a block; with more time, visits get longer.
MOST_TURNS: Final = 8
#: Seconds that a family stays at one clock at least before the next is set, where its time in the block allows it:
#: long against a switch, for which the kernel may take some 0.05 s. So turns are fewer with clocks, and visits longer.
WANTED_STAY: Final = 1.0


def schedule(plan: Plan, block: int, seconds: Mapping[int, float], least: Mapping[int, float]) -> tuple[Stop, ...]:
    """The order of a block, drawn from seed and block, so that it can be redrawn.

    Workloads, and the widths within each, are shuffled. A workload's points are passed forward and backward, turn after
    turn: ABBA, so that a linear drift cancels from what is compared, within every block. The points of one width
    (serial and wide form, thread counts) stay together. Every second block is the reverse of the one before, so that
    the same holds across blocks for points that are too slow for two visits in one.

    Where clocks are set, every pass goes over them one by one, in an order drawn for each workload: forward and
    backward is ABBA over clocks too, and a turn takes 2 (clocks - 1) switches. A width takes part in the same turns at
    all of them.

    Args:
        plan: whose points.
        block: number of the block.
        seconds: what each point gets in this block; points without are left out.
        least: the shortest visit of each point in seconds.
    """
    draw = random.Random(f"{plan.seed}/{block // 2}")  # noqa: S311 - an order, not a secret
    points = [point for point in plan.points if point.id in seconds]
    order: list[Stop] = []
    for family in _shuffled(draw, _grouped(points, lambda point: point.family)):
        groups = _shuffled(draw, _grouped(family, lambda point: point.setting.width))
        for members in groups:
            draw.shuffle(members)
        clocks = _clocks(draw, family)
        most = MOST_TURNS if len(clocks) == 1 else _turns_of_stays(family, clocks, seconds)
        turns = [min(most, _turns(members, seconds, least)) for members in groups]
        order.extend(_passes(groups, clocks, turns, seconds))
    return tuple(order if block % 2 == 0 else order[::-1])


def calibration_order(plan: Plan) -> tuple[Point, ...]:
    """The order in which points are built and calibrated: that of a block of single visits, but widths ascend.

    A sweep over width may end before its widest points, which are then never built.
    """
    seconds = dict.fromkeys((point.id for point in plan.points), 1.0)  # less than two of the shortest visits
    drawn = [plan.points[stop.point] for stop in schedule(plan, 0, seconds, seconds)]
    stays = list(dict.fromkeys(map(_stay, drawn)))  # at every clock as long as possible
    return tuple(sorted(drawn, key=lambda point: (stays.index(_stay(point)), point.setting.width)))


def _stay(point: Point) -> tuple[Family, float | None]:
    return point.family, point.setting.clock


def _passes(
    groups: Sequence[Sequence[Point]],
    clocks: Sequence[float | None],
    turns: Sequence[int],
    seconds: Mapping[int, float],
) -> list[Stop]:
    """Forward and backward passes over a workload; a group with fewer turns than others sits out some of theirs."""
    most = max(1, *turns)
    stops: list[Stop] = []
    for turn in range(most):
        taking = [
            (point, count)
            for clock in clocks
            for members, count in zip(groups, turns, strict=True)
            if turn % (most // max(1, count)) == 0
            for point in members
            if point.setting.clock == clock
        ]
        stops += [Stop(point.id, turn, seconds[point.id] / max(1, 2 * count)) for point, count in taking]
        stops += [Stop(point.id, turn, seconds[point.id] / (2 * count)) for point, count in taking[::-1] if count]
    return stops


def _turns(members: Sequence[Point], seconds: Mapping[int, float], least: Mapping[int, float]) -> int:
    """Turns of two visits each that every member's time allows, a power of two; 0 where it is enough for one visit."""
    if any(seconds[point.id] < 2 * least[point.id] for point in members):
        return 0
    visits = min(seconds[point.id] / max(WANTED_VISIT, least[point.id]) for point in members)
    turns = 1
    while turns < MOST_TURNS and visits >= 4 * turns:
        turns *= 2
    return turns


def _clocks(draw: random.Random, points: Sequence[Point]) -> list[float | None]:
    """The clocks of points in a drawn order; None alone where clocks are left alone."""
    clocks = list(dict.fromkeys(point.setting.clock for point in points))
    return draw.sample(clocks, len(clocks)) if len(clocks) > 1 else clocks


def _turns_of_stays(points: Sequence[Point], clocks: Sequence[float | None], seconds: Mapping[int, float]) -> int:
    """Turns, a power of two, for which the shortest stay at a clock is still long enough; 1 at least."""
    stays = [math.fsum(seconds[point.id] for point in points if point.setting.clock == clock) / 2 for clock in clocks]
    turns = 1
    while turns < MOST_TURNS and min(stays) >= 2 * turns * WANTED_STAY:
        turns *= 2
    return turns


def _grouped(points: Sequence[Point], key: Callable[[Point], Hashable]) -> list[list[Point]]:
    return [list(group) for _, group in groupby(sorted(points, key=lambda point: str(key(point))), key=key)]


def _shuffled(draw: random.Random, groups: list[list[Point]]) -> list[list[Point]]:
    return draw.sample(groups, len(groups))
