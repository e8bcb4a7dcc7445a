# SPDX-License-Identifier: Apache-2.0
"""Serial step times of two runs in one figure: over width, and over threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from serialprof.units import format_count
from serialprof_reports import comparisonwording, wording
from serialprof_reports.comparisonaxis import FIRST, SECOND
from serialprof_reports.frames import arrange, at_places, frame, logarithmic, new_axes
from serialprof_reports.plotting import PAPER, Plot, interval_points, number, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.model.comparison.records import FamilyRatios, Pair, PointRatio

    Coordinate: TypeAlias = Callable[[PointRatio], int]


def over_width(family: FamilyRatios, pair: Pair, prefix: str) -> Plot:
    """Time per step over width, on the fewest and on the most threads that both measured."""
    curves = [(wording.threads(count), items) for count, items in _outermost(family, _threads)]
    return _plot("Time per step over width", (family, pair), prefix, _width, curves)


def over_threads(family: FamilyRatios, pair: Pair, prefix: str) -> Plot:
    """Time per step over threads, at the narrowest and at the widest width that both measured."""
    axis = comparisonwording.axis(family)
    curves = [(f"{axis} = {format_count(width)}", items) for width, items in _outermost(family, _width)]
    return _plot("Time per step over threads", (family, pair), prefix, _threads, curves)


def _width(item: PointRatio) -> int:
    return item.place.width


def _threads(item: PointRatio) -> int:
    return item.place.threads


def _outermost(family: FamilyRatios, coordinate: Coordinate) -> list[tuple[int, list[PointRatio]]]:
    """The serial points at the least and at the greatest of a coordinate."""
    serial = [item for item in family.points if item.place.form == "serial" and item.first.value and item.second.value]
    found = sorted({coordinate(item) for item in serial})
    ends = dict.fromkeys((*found[:1], *found[-1:]))
    return [(end, [item for item in serial if coordinate(item) == end]) for end in ends]


def _plot(
    title: str,
    compared: tuple[FamilyRatios, Pair],
    prefix: str,
    coordinate: Coordinate,
    curves: Sequence[tuple[str, Sequence[PointRatio]]],
) -> Plot:
    family, pair = compared
    if not curves:
        return Plot(title, "", "No serial point is shared.", "")
    axis = comparisonwording.axis(family) if coordinate is _width else "threads"

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        axes.set_xscale("log")
        axes.set_yscale("log")
        for index, (label, items) in enumerate(curves):
            _curve(axes, label, sorted(items, key=coordinate), coordinate, pair, last=index > 0)
        places = at_places(coordinate(item) for _, items in curves for item in items)
        frame(axes, places, logarithmic(axes.get_ylim(), "s"), axis, "time per step")
        arrange(figure, 1.9)

    return Plot(title, render(draw, prefix, f"{title}, {pair.second} against {pair.first}, {family.name}"), "", "")


def _curve(
    axes: Axes, label: str, items: Sequence[PointRatio], coordinate: Coordinate, pair: Pair, *, last: bool
) -> None:
    """Both runs at the same operating points, with their intervals as bands; the second group dashed and hollow."""
    places = [coordinate(item) for item in items]
    for index, (name, colour) in enumerate(((pair.first, FIRST), (pair.second, SECOND))):
        steps = [item.second if index else item.first for item in items]
        lows, highs = [number(step.low) for step in steps], [number(step.high) for step in steps]
        axes.fill_between(places, lows, highs, color=colour, alpha=0.15, linewidth=0)
        style = {"linestyle": "--" if last else "-", "markerfacecolor": PAPER if last else colour}
        interval_points(axes, places, steps, index, label=f"{name}, {label}", linewidth=1.2, **style)
