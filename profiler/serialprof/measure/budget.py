# SPDX-License-Identifier: Apache-2.0
"""How the budget of a run is spread over blocks and visits: plain arithmetic on calibrated times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

#: Seconds that a sample aims at: well above 0.3 ms, below which the clock reads and the loop around them show, and well
#: below a scheduler's time slice, so that a neighbour on the same CPU spoils some samples and not all.
WANTED_SAMPLE: Final = 1e-3
#: Shortest visit in seconds: a hand-over between processes costs 18-40 us of sleep and wake.
SHORTEST_VISIT: Final = 3e-3
#: Fewest samples of a visit, however long one takes.
MINIMUM_SAMPLES: Final = 2
#: Most samples that a visit aims at; a longer visit takes longer ones.
MOST_SAMPLES: Final = 64


def least_seconds(run_seconds: float) -> float:
    """The shortest visit of a point whose run(D) takes `run_seconds`: one run to warm up, then the fewest samples."""
    return max(SHORTEST_VISIT, run_seconds * (1 + MINIMUM_SAMPLES))


def affordable_blocks(run_seconds: Mapping[int, float], budget: float, wanted: int) -> int:
    """How many whole blocks of shortest visits fit into the budget, from 1 to `wanted`."""
    block = sum(map(least_seconds, run_seconds.values()))
    return max(1, min(wanted, int(budget / block))) if block else wanted


def allocate(run_seconds: Mapping[int, float], seconds: float) -> dict[int, float]:
    """Splits a block's seconds over its points: equal visits, except that none gets less than its shortest.

    Args:
        run_seconds: seconds of one run(D) by point.
        seconds: of the block.

    Returns:
        Seconds of each visit, warm-up included. They add up to `seconds`, or to more where the shortest visits do.
    """
    least = {point: least_seconds(run) for point, run in run_seconds.items()}
    left, level = seconds, 0.0
    ascending = sorted(least, key=least.__getitem__, reverse=True)
    for index, point in enumerate(ascending):
        level = left / (len(ascending) - index)
        if least[point] <= level:
            break
        left -= least[point]
    return {point: max(shortest, level) for point, shortest in least.items()}


def runs_per_sample(run_seconds: float, visit_seconds: float) -> int:
    """k: run(D) per sample, so that a sample is long enough and a visit holds at most about MOST_SAMPLES of them."""
    target = max(WANTED_SAMPLE, (visit_seconds - run_seconds) / MOST_SAMPLES)
    return max(1, math.ceil(target / max(run_seconds, 1e-9)))
