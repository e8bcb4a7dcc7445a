# SPDX-License-Identifier: Apache-2.0
"""Warm-up: a stepper is run until its times have settled; nothing of that is ever a sample."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

#: Seconds that one stretch aims at, so that a short run(D) is not judged by the clock's resolution.
STRETCH: Final = 3e-4
#: Fewest stretches that are compared with as many before them.
WINDOW: Final = 5
#: Seconds of run(D) from which one run is compared with the one before.
LONG: Final = 0.02
#: Relative change of the median that counts as settled, where the stretches scatter less than that; of one long run.
SETTLED: Final = 0.02
SETTLED_LONG: Final = 0.1
#: After so many seconds, and so many stretches, a stepper counts as never settling.
PATIENCE: Final = 1.0
MOST_STRETCHES: Final = 20
#: Long runs after which it does: each may take seconds.
MOST_LONG: Final = 6


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What it took.

    Attributes:
        runs: run(D) in all.
        seconds: they took.
        run_seconds: seconds of one run(D) at the end.
        steady: whether it had settled.
    """

    runs: int
    seconds: float
    run_seconds: float
    steady: bool


def warm_up(
    run: Callable[[int], object], now: Callable[[], float] = time.perf_counter, *, judge_long: bool = True
) -> WarmUp:
    """Runs until the times have settled, or until it is clear that they will not.

    The median of the last third of the stretches (WINDOW at least) is compared with that of the third before, so that
    a slow decline is given more time. They have settled where the two differ by less than SETTLED, or by less than the
    stretches scatter about their medians. Where a run(D) takes longer than LONG, it is compared with the one before,
    within SETTLED_LONG.

    Args:
        run: runs so many run(D), and returns when they are done.
        now: seconds of a clock.
        judge_long: False where a run(D) longer than LONG is to be made once only: its samples are judged instead.
    """
    began = now()
    run(1)
    first = now() - began
    if first > LONG and not judge_long:
        return WarmUp(1, first, first, steady=True)
    size = max(1, round(STRETCH / max(first, 1e-9))) if first < STRETCH else 1
    stretches: list[float] = [] if first < LONG else [first]
    runs = 1
    while True:
        start = now()
        run(size)
        end = now()
        runs += size
        stretches.append((end - start) / size)
        window = 1 if stretches[-1] > LONG else max(WINDOW, len(stretches) // 3)
        if steady(stretches, window):
            return WarmUp(runs, end - began, statistics.median(stretches[-window:]), steady=True)
        enough = MOST_LONG if window == 1 else max(2 * window, MOST_STRETCHES)
        if end - began > PATIENCE and len(stretches) >= enough:
            return WarmUp(runs, end - began, statistics.median(stretches[-window:]), steady=False)
        # A first call may compile or fault pages in: what follows can be shorter by far.
        size = max(size, min(2 * size, round(STRETCH / max(stretches[-1], 1e-9))))


def steady(seconds: Sequence[float], window: int) -> bool:
    """Whether the last `window` values are level with as many before them."""
    if len(seconds) < 2 * window:
        return False
    earlier, later = seconds[-2 * window : -window], seconds[-window:]
    before, after = statistics.median(earlier), statistics.median(later)
    scatter = statistics.median([abs(value - before) for value in earlier] + [abs(value - after) for value in later])
    return abs(before - after) <= (SETTLED_LONG * before if window == 1 else max(SETTLED * before, scatter))
