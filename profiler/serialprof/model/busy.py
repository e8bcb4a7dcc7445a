# SPDX-License-Identifier: Apache-2.0
"""How many threads were busy: CPU time over wall time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.results import Tradeoff
from serialprof.model.statistics import interval
from serialprof.model.steptimes import FamilyTimes
from serialprof.records import StoredRun, Visit

#: The longest of the kernel's usual ticks, at which it books CPU time.
TICK: Final = 0.01


def busy(visits: Sequence[Visit], unbooked: float = 0.0) -> Estimate:
    """Threads that were busy: CPU time over wall time of a block's sound samples together, t interval over blocks.

    What other threads than the sampling one run is booked at the kernel's ticks, or when they sleep. So a sample lacks
    what is booked after its end, and holds what was run before its start: on average that is nothing, and it spreads
    over blocks.

    Args:
        visits: of one point.
        unbooked: seconds of CPU time that each sample may lack, for an upper end that holds at worst.
    """
    sums: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for visit in visits:
        sound = visit.sound
        booked, taken = np.array(sound.cpu_seconds, dtype=float), np.array(sound.seconds, dtype=float)
        counts = np.isfinite(booked) & (booked > 0) & (taken > 0)
        if counts.any():
            cpu, wall = sums[visit.block]
            sums[visit.block] = cpu + float(np.sum(booked[counts] + unbooked)), wall + float(np.sum(taken[counts]))
    return interval(np.array([cpu / wall for cpu, wall in sums.values()]))


def with_busy(run: StoredRun, times: FamilyTimes, found: Sequence[Tradeoff]) -> tuple[Tradeoff, ...]:
    """Trade-offs that know how many threads were busy at their larger thread count."""
    return tuple(replace(item, busy=_of_more(run, times, item)) for item in found)


def _of_more(run: StoredRun, times: FamilyTimes, item: Tradeoff) -> Estimate:
    index = times.index(item.width, item.more_threads, "serial")
    if index is None:
        return item.busy
    point = times.points[index].id
    visits = [visit for visit in run.visits if visit.point == point and visit.status == "ok"]
    return busy(visits)
