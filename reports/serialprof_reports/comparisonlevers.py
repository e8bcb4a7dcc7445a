# SPDX-License-Identifier: Apache-2.0
"""How strongly either run follows clock and threads: a slope per family from one run to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof_reports import wording
from serialprof_reports.frames import Ticks, arrange, frame, linear, new_axes
from serialprof_reports.plotting import MARKERS, PAPER, SERIES, Plot, interval_points, number, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.estimate import Estimate
    from serialprof.model.comparison.records import BesideLever, FamilyRatios, Pair

#: How far marks of different families stand apart; the runs are 1 apart.
_APART: Final = 0.05
#: Families that are drawn: as many as there are colours and markers.
_MOST: Final = len(SERIES)


def clock(pair: Pair, prefix: str) -> Plot:
    """Every family at its narrowest shared width."""
    return _slopes("Time saved per per cent of clock, at the narrowest width", "clock", pair, prefix)


def threads(pair: Pair, prefix: str) -> Plot:
    """Every family at its widest shared width."""
    return _slopes("Time saved per per cent of threads, at the widest width", "threads", pair, prefix)


def _slopes(title: str, what: str, pair: Pair, prefix: str) -> Plot:
    found = [(family.name, _lever(family, what)) for family in pair.families[:_MOST]]
    known = [(index, name, item) for index, (name, item) in enumerate(found) if item is not None]
    if not known:
        reason = "has a fit in both runs" if what == "clock" else "was measured on several threads in both runs"
        return Plot(title, "", f"Not told: no family on CPUs {reason}.", "")

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        axes.set_xlim(-0.35, 1.35)
        for index, name, item in known:
            _slope(axes, item, index, name)
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, -0.05), max(high, 1.05))
        sides = Ticks((0.0, 1.0), (pair.first, pair.second))
        frame(axes, sides, linear(axes.get_ylim()), "", "% of time per % more")
        arrange(figure, 1.9)

    left = len(pair.families) - _MOST
    caption = f"{left} more families stand in the table." if left > 0 else ""
    return Plot(title, render(draw, prefix, f"{title}, {pair.second} against {pair.first}"), "", caption)


def _lever(family: FamilyRatios, what: str) -> BesideLever | None:
    """The clock at the narrowest width, threads at the widest, on the fewest threads; None where it is not told."""
    found = [item for item in family.levers if item.lever.what == what]
    fewest = min((item.lever.threads for item in found), default=0)
    there = sorted((item for item in found if item.lever.threads == fewest), key=lambda item: item.lever.width)
    return there[0 if what == "clock" else -1] if there else None


def _slope(axes: Axes, item: BesideLever, index: int, name: str) -> None:
    """A line from one run to the other where both have a value; else dotted ones between what bounds them."""
    places = [place + _APART * (index - 1.5) for place in (0.0, 1.0)]
    both = (item.first, item.second)
    valued = all(each.value is not None for each in both)
    style = {"linestyle": "-" if valued else "none", "linewidth": 1.2}
    interval_points(axes, places, both, index, label=wording.shorten(name, 20), **style)
    if not valued:
        _bounds(axes, places, both, index)


def _bounds(axes: Axes, places: Sequence[float], both: Sequence[Estimate], index: int) -> None:
    """Dotted lines between the lower and between the upper ends, those of brackets with the family's mark, hollow."""
    colour = SERIES[index % len(SERIES)]
    brackets = [place for place, each in enumerate(both) if each.value is None]
    mark: dict[str, Any] = {"marker": MARKERS[index % len(MARKERS)], "markerfacecolor": PAPER, "markevery": brackets}
    for end in ([number(each.low) for each in both], [number(each.high) for each in both]):
        axes.plot(places, end, color=colour, linestyle=":", linewidth=1.0, **mark)
