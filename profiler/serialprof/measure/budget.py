# SPDX-License-Identifier: Apache-2.0
"""How the budget of a run is spread over blocks and points: plain arithmetic on calibrated times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from serialprof.errors import UsageError
from serialprof.intervals import MINIMUM_UNITS
from serialprof.units import format_seconds

#: Seconds that a sample aims at: well above 0.3 ms, below which the clock reads and the loop around them show, and well
#: below a scheduler's time slice, so that a neighbour on the same CPU spoils some samples and not all.
WANTED_SAMPLE: Final = 1e-3
#: Shortest visit in seconds: a hand-over between processes costs 18-40 us of sleep and wake.
SHORTEST_VISIT: Final = 3e-3
#: Fewest samples of a visit, however long one takes.
MINIMUM_SAMPLES: Final = 2
#: Most samples that a visit aims at; a longer visit takes longer ones.
MOST_SAMPLES: Final = 128
#: Share of the budget that starting fresh workers for every block may take before blocks become fewer.
START_SHARE: Final = 0.25
#: Share of the budget that is left for sampling at least: delays, dilation and dissections take a tenth each.
SAMPLING_SHARE: Final = 0.7
#: How far beyond the budget a run may go to complete the block under way, as a share of the budget.
OVERRUN: Final = 0.05


def least_seconds(run_seconds: float) -> float:
    """The shortest visit of a point whose run(D) takes `run_seconds`: one run to warm up, then the fewest samples."""
    return max(SHORTEST_VISIT, run_seconds * (1 + MINIMUM_SAMPLES))


def whole_runs(step: float, depth: int, length: float) -> tuple[int, int]:
    """The steps in one run and the runs that last at least so many seconds, for one timing of steps.

    Args:
        step: seconds of one.
        depth: steps that a run has at most.
        length: seconds.
    """
    wanted = max(1, -int(-length // step))
    steps = min(depth, wanted)
    return steps, -(-wanted // steps)


def affordable_blocks(run_seconds: Mapping[int, float], budget: float, wanted: int, start: float = 0.0) -> int:
    """How many whole blocks of shortest visits fit into the budget, from 1 to `wanted`.

    Fewer, but not fewer than an interval needs, where starting workers for every block would take more than START_SHARE
    of the budget.

    Args:
        run_seconds: seconds of one run(D) by point.
        budget: seconds of sampling.
        wanted: blocks of the plan.
        start: seconds that starting and warming the workers of one block takes.

    Raises:
        UsageError: not even half a block fits.
    """
    block = math.fsum(map(least_seconds, run_seconds.values()))
    if block > 2 * budget:
        least = math.ceil(MINIMUM_UNITS * block / SAMPLING_SHARE)
        raise UsageError(
            f"--budget leaves {format_seconds(budget)} for sampling, which is too short: one visit of each of the "
            f"{len(run_seconds)} points takes {format_seconds(block)}",
            f"allow --budget {least}s at least, which gives intervals, or fewer points",
        )
    if start > 0:
        wanted = min(wanted, max(MINIMUM_UNITS, int(START_SHARE * budget / start)))
    return max(1, min(wanted, int(budget / (block + start)))) if block else wanted


def check_clock_budget(points: int, clocks: int, budget: float) -> None:
    """Raises a UsageError where not even the shortest visits of a sweep over clocks give intervals within a budget.

    Args:
        points: at all clocks together.
        clocks: how many there are.
        budget: seconds.
    """
    least = points * SHORTEST_VISIT * MINIMUM_UNITS
    if least > budget:
        raise UsageError(
            f"{clocks} clock{'s make' if clocks > 1 else ' makes'} {points} points, more than {format_seconds(budget)} "
            f"can visit: {MINIMUM_UNITS} visits of each, which intervals need, take {format_seconds(least)} at least",
            f"ask for fewer clocks, or allow --budget {math.ceil(2 * least)}s",
        )


def allocate(run_seconds: Mapping[int, float], seconds: float, weights: Mapping[int, float]) -> dict[int, float]:
    """Splits a block's seconds over its points in proportion to their weights, none getting less than its shortest.

    Args:
        run_seconds: seconds of one run(D) by point.
        seconds: of the block.
        weights: positive, by point; 1 where absent.

    Returns:
        Seconds of each point in the block, warm-up included. They add up to `seconds`, or to more where the shortest
        visits do.
    """
    least = {point: least_seconds(run) for point, run in run_seconds.items()}
    weight = {point: weights.get(point, 1.0) for point in least}
    left, shared, level = seconds, math.fsum(weight.values()), 0.0
    # Those whose shortest visit is the most per weight are the first for whom their share is too little.
    for point in sorted(least, key=lambda point: least[point] / weight[point], reverse=True):
        level = left / shared
        if least[point] <= level * weight[point]:
            break
        left -= least[point]
        shared -= weight[point]
        level = 0.0
    return {point: max(shortest, level * weight[point]) for point, shortest in least.items()}


def runs_per_sample(run_seconds: float, visit_seconds: float) -> int:
    """k: run(D) per sample, so that a sample is long enough and a visit holds at most about MOST_SAMPLES of them."""
    target = max(WANTED_SAMPLE, (visit_seconds - run_seconds) / MOST_SAMPLES)
    return max(1, math.ceil(target / max(run_seconds, 1e-9)))
