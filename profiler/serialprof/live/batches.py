# SPDX-License-Identifier: Apache-2.0
"""Batch means: consecutive steps depend on one another, so intervals are over long stretches of them.

A quantity per step is a ratio of sums over stretches; its interval is Student's t on the stretches' deviations from the
common ratio, divided by their mean weight (the ratio estimator: Cochran, Sampling Techniques, 1977, 6.4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

from serialprof.estimate import Estimate
from serialprof.intervals import MINIMUM_UNITS, half_width, two_sided
from serialprof.live.records import Block

Item = TypeVar("Item")

#: Most stretches that intervals are over, and the fewest that dependence between neighbours reduces them to.
MOST: Final = 32
FEWEST: Final = 8
_FEW: Final = f"the recording holds fewer than {MINIMUM_UNITS} stretches of time: record longer"


@dataclass(frozen=True, slots=True)
class Batches:
    """Blocks in groups of consecutive ones; `dependent` where even long ones resemble their neighbours."""

    groups: tuple[tuple[Block, ...], ...]
    dependent: bool

    def ratio(
        self,
        above: Callable[[Block], float],
        below: Callable[[Block], float],
        unit: str = "1",
        *,
        most: float = math.inf,
    ) -> Estimate:
        """Sum of one quantity over the sum of another, with a t interval over the groups; ends stay in [0, most]."""
        pairs = [(math.fsum(map(above, group)), math.fsum(map(below, group))) for group in self.groups]
        return ratio_of(pairs, unit, most, "neighbouring stretches resemble each other" if self.dependent else "")


def ratio_of(
    pairs: Sequence[tuple[float, float]], unit: str = "1", most: float = math.inf, reason: str = ""
) -> Estimate:
    """The sum of the first over the sum of the second numbers of independent pairs, with its t interval."""
    values = _deviations(pairs)
    if not values:
        return Estimate.unknown("nothing was read of it", unit)
    value = math.fsum(values) / len(values)
    half = half_width(values)
    if half is None:
        return Estimate(value, unit=unit, reason=_FEW)
    return Estimate(value, max(0.0, value - half), min(most, value + half), unit, reason=reason)


def batched(blocks: Sequence[Block]) -> Batches:
    """Groups of nearly as many consecutive blocks each: fewer of them where neighbours resemble each other."""
    sound = sorted((block for block in blocks if block.steps), key=lambda block: block.start)
    count = min(MOST, len(sound))
    while True:
        groups = grouped(sound, count)
        dependent = _resemble([(sum(b.seconds for b in group), sum(b.steps for b in group)) for group in groups])
        if not dependent or count // 2 < FEWEST:
            return Batches(groups, dependent)
        count //= 2


def grouped(items: Sequence[Item], count: int) -> tuple[tuple[Item, ...], ...]:
    """So many groups of consecutive items, nearly as large each; none where there is nothing."""
    edges = [round(index * len(items) / count) for index in range(count + 1)] if count else [0]
    return tuple(tuple(items[low:high]) for low, high in pairwise(edges))


def drift(groups: Sequence[Sequence[Block]]) -> Estimate:
    """Share of the mean step by which steps became longer over the recording: least squares, with its t interval."""
    if len(groups) < MINIMUM_UNITS:
        return Estimate.unknown(_FEW)
    places = [(group[0].start + group[-1].end) / 2 for group in groups]
    means = [sum(block.seconds for block in group) / sum(block.steps for block in group) for group in groups]
    count, middle, level = len(groups), math.fsum(places) / len(groups), math.fsum(means) / len(groups)
    spread = math.fsum((place - middle) ** 2 for place in places)
    span = groups[-1][-1].end - groups[0][0].start
    if not (spread > 0 and level > 0):
        return Estimate.unknown("the steps lie at one moment")
    slope = math.fsum((place - middle) * mean for place, mean in zip(places, means, strict=True)) / spread
    rest = math.fsum((mean - level - slope * (place - middle)) ** 2 for place, mean in zip(places, means, strict=True))
    half = two_sided(count - 2) * math.sqrt(rest / (count - 2) / spread)
    low, value, high = (span * each / level for each in (slope - half, slope, slope + half))
    return Estimate(value, low, high)


def _resemble(pairs: Sequence[tuple[float, float]]) -> bool:
    """Whether the correlation of neighbours is larger than the standard error that independent values give it.

    A higher bar would leave intervals too narrow: of steps whose level wanders over a tenth of the recording they then
    covered 86 % in place of 91 % (tests/live/test_analysis.py).
    """
    values = _deviations(pairs)
    if len(values) < FEWEST:
        return False
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values)
    if variance <= 0:
        return False
    together = math.fsum((left - mean) * (right - mean) for left, right in pairwise(values))
    return together / variance > 1 / math.sqrt(len(values))


def _deviations(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """The common ratio plus each pair's linearised deviation from it: values whose mean is the ratio."""
    weight = math.fsum(below for _, below in pairs)
    if not pairs or weight <= 0:
        return []
    ratio = math.fsum(above for above, _ in pairs) / weight
    mean = weight / len(pairs)
    return [ratio + (above - ratio * below) / mean for above, below in pairs]
