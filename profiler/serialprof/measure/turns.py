# SPDX-License-Identifier: Apache-2.0
"""Readings of several things in turns, within a time that is kept by construction."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Reading = TypeVar("_Reading")

#: What a visit is expected to take at most, in multiples of what it took the last time.
_MARGIN: Final = 1.5
_MOST_TURNS: Final = 100


def in_turns(
    things: Mapping[_Key, Callable[[], Sequence[_Reading]]],
    seconds: float,
    growth: float,
    most: int = _MOST_TURNS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[_Key, list[_Reading]]:
    """Visits all things forward and backward in turns, so that a drift or a burst does not meet one of them alone.

    No visit begins that is not expected to end in time, so the whole takes longer than `seconds` by no more than what
    one visit takes beyond what was expected of it.

    Args:
        things: each gives its readings of one visit; in an order in which first visits grow longer.
        seconds: what everything together may take.
        growth: how many times longer than the one before it a first visit takes at most.
        most: visits of each that are enough.
        clock: seconds.

    Returns:
        The readings of all visits, by key; what no time was left for is missing.
    """
    end = clock() + seconds
    last: dict[_Key, float] = {}
    readings: dict[_Key, list[_Reading]] = {}
    order = list(things)
    before = 0.0
    for _ in range(most):
        visited = False
        for key in order:
            started = clock()
            first = key not in last
            if started + (growth * before if first else _MARGIN * last[key]) > end:
                if first:
                    break  # those after it take longer still
                continue
            readings.setdefault(key, []).extend(things[key]())
            before = last[key] = clock() - started
            visited = True
        if not visited:
            break
        order = [key for key in reversed(order) if key in readings]
    return readings
