# SPDX-License-Identifier: Apache-2.0
"""What figures of a comparison share: an axis of ratios around 1x, and which run a colour stands for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from serialprof_reports.frames import Ticks
from serialprof_reports.plotting import MUTED, SERIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from serialprof.estimate import Estimate

#: Of the run that is the measure, and of the one that is compared with it.
FIRST, SECOND = SERIES[:2]

#: Ratios that are always on the axis.
_LEAST, _MOST = 0.95, 1.05
#: Ratio of an axis' ends from which on only powers of ten are labelled, and 1, 2 and 5.
_LONG: Final = 30.0
_SHORT: Final = 4.0


def favours(ratio: Estimate) -> str:
    """The colour of the run that a ratio surely says is faster, a muted one where it says none."""
    if ratio.low is not None and ratio.low > 1:
        return SECOND
    return FIRST if ratio.high is not None and ratio.high < 1 else MUTED


def ends(ratios: Iterable[Estimate]) -> tuple[float, float]:
    """Ends of a logarithmic axis that holds 1x and all the intervals, and a tenth more on either side."""
    known = [end for item in ratios for end in (item.value, item.low, item.high) if end is not None and end > 0]
    low, high = math.log(min([_LEAST, *known])), math.log(max([_MOST, *known]))
    room = (high - low) / 10
    return math.exp(low - room), math.exp(high + room)


def ticks(ends: tuple[float, float]) -> Ticks:
    """Round numbers along a logarithmic axis of ratios, 1x among them."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = ends
    if high / low > _SHORT:
        locator = LogLocator(subs=(1.0,) if high / low > _LONG else (1.0, 2.0, 5.0))
        places = locator.tick_values(low, high)
    else:
        places = MaxNLocator(4, steps=(1, 2, 5, 10)).tick_values(low, high)
    found = tuple(sorted({round(float(place), 12) for place in places if place > 0} | {1.0}))
    return Ticks(found, tuple(f"{place:g}x" for place in found))
