# SPDX-License-Identifier: Apache-2.0
"""The decision map: speed-up over clock ratio and threads, and which of the two buys more where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from serialprof.model.answers import Refusal
from serialprof.units import format_count
from serialprof_reports import wording
from serialprof_reports.frames import Ticks, arrange, frame, new_axes
from serialprof_reports.pageparts import Table
from serialprof_reports.plotting import INK, MUTED, SERIES, Plot, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    from serialprof.model.decision import DecisionMap
    from serialprof.model.results import FamilyAnalysis
    from serialprof.model.statistics import Array

_TITLE: Final = "Speed-up by clock and threads together"
#: Speed-ups that have a contour; 1 has none, for a step that no clock changes would have it everywhere.
_LEVELS: Final = (0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0)
#: Points of the fine grid along each axis, beside those that were asked for.
_FINE: Final = 40
#: Half the width and height of a contour's name, in points.
_NAME: Final = np.array([16.0, 6.5])
#: Share of an axis below which the labels of two ticks touch.
_NEAR: Final = 0.08
#: More than any lead.
_FAR: Final = 1e9
#: Looks of the areas.
_CLOCK: Final[dict[str, Any]] = {"color": SERIES[0], "alpha": 0.16}
_CORES: Final[dict[str, Any]] = {"color": SERIES[1], "alpha": 0.16}
_TIE: Final[dict[str, Any]] = {"color": MUTED, "alpha": 0.3}


def clock_map(family: FamilyAnalysis, found: DecisionMap | Refusal, prefix: str) -> Plot:
    """Contours of the speed-up that is surely reached, and where clock or threads alone buy more; or why not."""
    if isinstance(found, Refusal):
        told = f"; told by {found.remedy}" if found.remedy else ""
        return Plot(_TITLE, "", f"{found.reason}{told}", "")

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        _map(axes, found)
        heading = f"threads, at {wording.axis(family)} = {format_count(found.width)}"
        frame(axes, Ticks(found.clocks, tuple(map(_factor, found.clocks))), _counts(found.threads), "clock", heading)
        arrange(figure, 2.3, _keys())
        _contours(axes, found)

    markup = render(draw, prefix, f"{_TITLE}, {wording.label(family)}")
    where = f"{wording.axis(family)} = {format_count(found.width)}"
    beyond = f"Beyond {wording.threads(found.most_measured)} they also leave room for what was not measured."
    return Plot(_TITLE, markup, "", f"At {where}, {found.chosen}. {_known(found)} {beyond}")


def speed_ups(found: DecisionMap) -> Table:
    """What the map is drawn from."""
    columns = ("clock", *(f"{wording.threads(count)}{_unmeasured(found, count)}" for count in found.threads))
    rows = tuple(
        (_factor(clock), *(wording.with_interval(item, "{:.3g}".format) for item in row))
        for clock, row in zip(found.clocks, found.speedups, strict=True)
    )
    return Table(f"Speed-up over {wording.threads(found.threads[0])} at the present clock", columns, rows)


def _unmeasured(found: DecisionMap, count: int) -> str:
    return " (not measured)" if count > found.most_measured else ""


def _known(found: DecisionMap) -> str:
    """How the clock's side is known."""
    if found.clock_range is None:
        return (
            "Only one clock was measured, so the clock's side is a bracket by the model: the tie line is a band "
            "between its ends, contours stand at the lower ones."
        )
    low, high = found.clock_range
    return f"Clocks were measured from x{low:.2g} to x{high:.2g}; contours stand at the lower ends of the intervals."


def _factor(clock: float) -> str:
    return f"x{clock:g}"


def _counts(threads: Sequence[int]) -> Ticks:
    """A tick at each thread count, labelled where the label does not touch the one below."""
    whole = np.log(threads[-1] / threads[0])
    labels: list[str] = []
    last = -1.0
    for count in threads:
        place = float(np.log(count / threads[0]) / whole)
        labels.append(str(count) if place - last >= _NEAR else "")
        last = place if labels[-1] else last
    return Ticks(tuple(map(float, threads)), tuple(labels))


def _map(axes: Axes, found: DecisionMap) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    clocks, threads = (_fine(places) for places in (found.clocks, found.threads))
    _areas(axes, found, clocks[clocks >= 1], threads)
    axes.axvline(1.0, color=MUTED, linewidth=0.8)
    axes.set_xlim(found.clocks[0], found.clocks[-1])
    axes.set_ylim(found.threads[0], found.threads[-1])


def _fine(places: Sequence[float], *others: float) -> Array:
    """An axis in fine steps, with the places that were asked for and others among them."""
    between = np.geomspace(places[0], places[-1], _FINE)
    return np.unique(np.concatenate([between, places, others]).clip(places[0], places[-1]))


def _areas(axes: Axes, found: DecisionMap, clocks: Array, threads: Array) -> None:
    """Where a faster clock alone buys more than more threads alone, the other way round, and the tie between."""
    from contourpy import contour_generator
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    clock, cores = found.leads(clocks, threads)
    for lead, look in ((clock, _CLOCK), (cores, _CORES), (-np.maximum(clock, cores), _TIE)):
        generator = contour_generator(clocks, threads, lead, fill_type="OuterCode")
        for points, codes in zip(*generator.filled(0.0, _FAR), strict=True):
            axes.add_patch(PathPatch(Path(points, codes), linewidth=0, **look))
    for lead in (clock, cores):
        for line in _lines(clocks, threads, lead, 0.0):
            axes.plot(line[:, 0], line[:, 1], color=MUTED, linewidth=1.2)


def _contours(axes: Axes, found: DecisionMap) -> None:
    """Where the speed-up is surely so large, with it on the line; dashed outside what was measured.

    The axes must be in their place.
    """
    pieces: list[tuple[float, Array, str]] = []
    low, high = found.clock_range or (found.clocks[0], found.clocks[-1])
    for clocks, clocked in _pieces(_fine(found.clocks, low, high), low, high):
        for threads, threaded in _pieces(_fine(found.threads), found.threads[0], found.most_measured):
            least = found.surface("low", clocks, threads)
            style = "solid" if clocked and threaded else "dashed"
            for level in _LEVELS:
                pieces += [(level, line, style) for line in _lines(clocks, threads, least, level)]
    taken: dict[float, Array] = {}
    for level, line, style in sorted(pieces, key=lambda item: -len(item[1])):  # the longest piece has the name
        drawn = _named(axes, level, line, taken)
        axes.plot(drawn[:, 0], drawn[:, 1], color=INK, linewidth=1.3, linestyle=style)


def _lines(clocks: Array, threads: Array, heights: Array, level: float) -> list[Array]:
    """Corners [corner, 2] of the lines where the heights [threads, clocks] are at a level; none where one is NaN."""
    from contourpy import contour_generator

    found = contour_generator(clocks, threads, heights, line_type="Separate").lines(level)
    return [np.asarray(line, dtype=float) for line in found]


def _pieces(fine: Array, low: float, high: float) -> list[tuple[Array, bool]]:
    """An axis cut where the measured range begins and ends; with each piece whether it lies in that."""
    cuts = ((fine <= low, False), ((low <= fine) & (fine <= high), True), (fine >= high, False))
    return [(fine[chosen], inside) for chosen, inside in cuts if np.count_nonzero(chosen) > 1]


def _named(axes: Axes, level: float, line: Array, taken: dict[float, Array]) -> Array:
    """The line with its name and a gap for it, as near to the middle as there is room; without, where there is none.

    Args:
        axes: in their place.
        level: the speed-up.
        line: corners [corner, 2].
        taken: middles of the names so far, in points, by speed-up, which has one only; the new one is added.
    """
    if level in taken:
        return line
    places = axes.transData.transform(line) * 72 / axes.figure.dpi
    box = axes.bbox.get_points() * 72 / axes.figure.dpi
    inside = ((places >= box[0] + _NAME) & (places <= box[1] - _NAME)).all(axis=1)
    free = [(np.abs(places - other) > 2 * _NAME).any(axis=1) for other in taken.values()]
    room = np.flatnonzero(np.logical_and.reduce([inside, *free]))
    gap_at = min(room, key=lambda corner: abs(corner - len(line) // 2), default=None)
    if gap_at is None or (np.ptp(places, axis=0) < 2 * _NAME).all():
        return line
    taken[level] = places[gap_at]
    x, y = line[gap_at]
    axes.text(x, y, f"{level:g} x", ha="center", va="center", fontsize=9)
    gap = (np.abs(places - places[gap_at]) < _NAME).all(axis=1)
    return np.where(gap[:, None], np.nan, line)


def _keys() -> list[Line2D | Patch]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Patch(label="clock surely buys more", linewidth=0, **_CLOCK),
        Patch(label="cores surely buy more", linewidth=0, **_CORES),
        Patch(label="tie line, as wide as it is unsure", linewidth=0, **_TIE),
        Line2D((), (), color=INK, linewidth=1.3, label="speed-up of at least"),
        Line2D((), (), color=INK, linewidth=1.3, linestyle="dashed", label="the same, not measured"),
    ]
