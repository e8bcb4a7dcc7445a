# SPDX-License-Identifier: Apache-2.0
"""The native recorder on a made clock: calls at given ticks, and what it holds afterwards as records."""

from __future__ import annotations

from typing import Any

from serialprof import _native
from serialprof.live.collecting import Clock, collected
from serialprof.live.records import Loop, Losses, Place

#: Numbers that stand for names in calls.
NAMES = ["next(loop)", "decode", "sample", "forward", "attention", "inner"]
NEXT, DECODE, SAMPLE, FORWARD, ATTENTION, INNER = range(6)
#: A tick is a microsecond.
TICK = 1e-6


def held(calls: list[tuple[str, int, int]], block: int = 1000) -> dict[str, Any]:
    """What the recorder holds after the calls."""
    return _native.live_replay(calls, block)


def recorded(
    calls: list[tuple[str, int, int]], block: int = 1000
) -> tuple[tuple[Loop, ...], tuple[Place, ...], Losses]:
    """The same as records, in seconds."""
    return of_lanes([held(calls, block)])


def of_lanes(lanes: list[dict[str, Any]]) -> tuple[tuple[Loop, ...], tuple[Place, ...], Losses]:
    """What several threads hold, as records."""
    return collected({"lanes": lanes, "names": NAMES, "lost_threads": 0}, Clock(0, TICK), {})


def steps(durations: list[int], parts: dict[int, int] | None = None, start: int = 0) -> list[tuple[str, int, int]]:
    """The calls of a loop whose steps take so many ticks, each with regions of so many ticks at its beginning."""
    calls, now = [("begin", DECODE, start)], start
    for duration in durations:
        at = now
        for name, ticks in (parts or {}).items():
            calls += [("enter", name, at), ("leave", name, at + ticks)]
            at += ticks
        now += duration
        calls.append(("step", DECODE, now))
    return [*calls, ("end", DECODE, now)]
