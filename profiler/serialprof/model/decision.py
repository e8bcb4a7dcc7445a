# SPDX-License-Identifier: Apache-2.0
"""Clock and threads together at the width that decides: how much faster a step gets by both, and by each alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.answers import Refusal
from serialprof.model.dissected import ON_DEVICE
from serialprof.model.examination import Examined
from serialprof.model.forecast.conditions import MORE_BLOCKS
from serialprof.model.forecast.outlook import Outlook
from serialprof.model.results import FamilyAnalysis
from serialprof.model.statistics import Array
from serialprof.model.tradeoff import NEGLIGIBLE
from serialprof.question import Change

#: Clocks that are asked for, over the present one; between them 1 / speed-up goes on linearly in 1 / clock, as the time
#: of a sum of parts does.
CLOCKS: Final = (0.7, 1.0, 1.2, 1.5)
_WHAT: Final = "decision map"


@dataclass(frozen=True, slots=True)
class DecisionMap:
    """How many times as fast a step is with another clock and other threads, at one width.

    Attributes:
        width: lanes.
        chosen: why it is this width, a clause.
        clocks: over the present one, ascending.
        threads: ascending, from the fewest measured.
        speedups: [clock][threads], over the fewest threads at the present clock, as `whatif` gives them.
        most_measured: the most threads that were measured.
        clock_range: the lowest and the highest measured clock over the highest, None where clocks were left alone.
    """

    width: int
    chosen: str
    clocks: tuple[float, ...]
    threads: tuple[int, ...]
    speedups: tuple[tuple[Estimate, ...], ...]
    most_measured: int
    clock_range: tuple[float, float] | None

    def surface(self, end: str, clocks: Array, threads: Array) -> Array:
        """An end of the speed-ups, "low" or "high", at [threads, clocks] between those asked for; NaN where not told.

        Its inverse is linear in 1 / clock, its logarithm in ln threads.
        """
        known = np.array([[_number(getattr(item, end)) for item in row] for row in self.speedups])
        slowness = 1 / np.array(self.clocks[::-1])
        columns = np.array([np.interp(1 / clocks, slowness, 1 / column[::-1]) for column in known.T])
        rows = [np.interp(np.log(threads), np.log(self.threads), -np.log(row)) for row in columns.T]
        surface: Array = np.exp(np.array(rows).T)
        return surface

    def leads(self, clocks: Array, threads: Array) -> tuple[Array, Array]:
        """By how much each alone surely gains more than the other alone, at [threads, clocks]; below 0 it does not.

        First that of a faster clock on the fewest threads, then that of more threads at the present clock.
        """
        one, fewest = np.ones(1), np.array(self.threads[:1], dtype=float)
        slow, fast = (self.surface(end, clocks, fewest) for end in ("low", "high"))
        few, many = (self.surface(end, one, threads) for end in ("low", "high"))
        return slow - np.maximum(many, 1 + NEGLIGIBLE), few - np.maximum(fast, 1 + NEGLIGIBLE)


def decision_map(examined: Examined, family: FamilyAnalysis) -> DecisionMap | Refusal:
    """The map at the measured width nearest to where more threads start to pay, or at the verdict's first.

    Where other clocks are not told there, it is the next of the verdict's widths at which they are.

    Args:
        examined: the family's times and fit.
        family: what the analysis made of them.

    Returns:
        The map, or why there is none.
    """
    outlook = examined.outlook
    if family.device is not None:
        return Refusal(_WHAT, ON_DEVICE, "")
    if outlook is None:
        return Refusal(_WHAT, family.refusal, "")
    if not family.tradeoffs:
        return Refusal(_WHAT, "Only one thread count was measured.", "more --threads")
    chosen = dict(_widths(family))
    asked = _speedups(outlook, list(chosen), examined.usable, CLOCKS[-1])
    untold = [_untold(outlook, width, found) for width, found in asked.items()]
    for (width, why), estimate in zip(chosen.items(), untold, strict=True):
        if estimate is None:
            return _map(outlook, width, why, examined.usable)
    first = next(estimate for estimate in untold if estimate is not None)
    return Refusal(_WHAT, first.reason or "other clocks are not told", first.remedy or MORE_BLOCKS)


def _widths(family: FamilyAnalysis) -> Iterator[tuple[int, str]]:
    """(width, why it is looked at) in the order of preference; of the smallest pair of thread counts."""
    crossover = family.crossovers[0].width.value if family.crossovers else None
    fewest = min(item.threads for item in family.tradeoffs)
    widths = [item.width for item in family.tradeoffs if item.threads == fewest]
    if crossover is not None:
        nearest = min(widths, key=lambda width: abs(math.log(width / crossover)))
        yield nearest, "the measured width nearest to where more threads start to pay"
        widths.remove(nearest)
        yield from ((width, "the first of the verdict's widths at which other clocks are told") for width in widths)
        return
    yield widths[0], "the first width of the verdict"
    yield from ((width, "the first of the verdict's widths at which other clocks are told") for width in widths[1:])


def _untold(outlook: Outlook, width: int, found: Mapping[int, Estimate]) -> Estimate | None:
    """The first speed-up that lacks an end on measured threads; None where all have both."""
    measured = [found[count] for count in _measured(outlook, width)]
    return next((item for item in measured if item.low is None or item.high is None), None)


def _map(outlook: Outlook, width: int, chosen: str, usable: int) -> DecisionMap:
    rows = [_speedups(outlook, [width], usable, clock)[width] for clock in CLOCKS]
    fitted = outlook.fitted
    return DecisionMap(
        width,
        chosen,
        CLOCKS,
        tuple(rows[0]),
        tuple(tuple(row.values()) for row in rows),
        _measured(outlook, width)[-1],
        fitted.clocks if fitted.clocked else None,
    )


def _speedups(outlook: Outlook, widths: Sequence[int], usable: int, clock: float) -> dict[int, dict[int, Estimate]]:
    """By width and threads, over the fewest threads of each width at the present clock; asked for together."""
    most = max(usable, *outlook.threads)
    counts = {width: sorted({*_measured(outlook, width), most, 2 * most}) for width in widths}
    places = [(width, count) for width in widths for count in counts[width]]
    pairs = [(outlook.cell(width, counts[width][0]), outlook.cell(width, count)) for width, count in places]
    found: dict[int, dict[int, Estimate]] = {width: {} for width in widths}
    for (width, count), forecast in zip(places, outlook.between(pairs, Change(clock=clock)), strict=True):
        found[width][count] = forecast.speedup
    return found


def _measured(outlook: Outlook, width: int) -> list[int]:
    """Thread counts that were measured at a width, ascending."""
    return sorted({cell.threads for cell in outlook.fitted.curves.cells if cell.width == width})


def _number(end: float | None) -> float:
    return math.nan if end is None else end
