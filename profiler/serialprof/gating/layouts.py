# SPDX-License-Identifier: Apache-2.0
"""How far a benchmark moves where its code only lies elsewhere: the base against the base built again."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Final

from serialprof.gating.contest import Contest, Side
from serialprof.gating.contestants import BenchmarkFailedError, Contestant
from serialprof.gating.judging import judge
from serialprof.gating.pairing import Pace, time_pair
from serialprof.gating.records import LOOKS

#: Pairs per rebuild: what a gate takes before its first look.
PAIRS: Final = LOOKS[0]


def layout_floor(
    opened: Contest, paced: Pace, sides: Sequence[Side], seed: int, tell: Callable[[str], None] = lambda what: None
) -> float | None:
    """The share by which layouts alone move a benchmark.

    Each rebuild takes the head's place in pairs with the base. A rebuild's movement is the mean over its pairs of the
    log ratio of the time of a step, and the floor is the largest of these movements, in either direction, as a share:
    exp(max |mean|) - 1. Noise is not taken off, so it is too large by what it adds rather than too small.

    Args:
        opened: the benchmark and its base.
        paced: how it is sampled.
        sides: rebuilds of the base.
        seed: of the orders.
        tell: told in a few words what begins.

    Returns:
        None where there is no rebuild, or none runs.
    """
    moves = []
    for number, side in enumerate(sides, 1):
        draw = random.Random(f"{seed} {opened.benchmark.name} layout {number}")  # noqa: S311 - an order, no secret
        rebuilt = Contestant(side.python, side.reference(opened.benchmark), side.folder)
        tell(f"{opened.benchmark.name}: the base against itself, built again ({number} of {len(sides)})")
        try:
            pairs = [time_pair(opened.contestants | {"head": rebuilt}, paced, draw) for _ in range(PAIRS)]
        except BenchmarkFailedError as failed:
            tell(f"{opened.benchmark.name}: the base that was built again: {failed}")
            continue
        moves.append(abs(fmean(judge(pairs, opened.benchmark.criteria).logs)))
    return math.expm1(max(moves)) if moves else None
