# SPDX-License-Identifier: Apache-2.0
"""Forests of ratios: a row per point or mean, its interval beside the line of 1x."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from serialprof.units import format_count
from serialprof_reports import comparisonwording, wording
from serialprof_reports.comparisonaxis import ends, favours, ticks
from serialprof_reports.frames import Ticks, arrange, frame, new_axes
from serialprof_reports.plotting import INK, MARKERS, MUTED, PAPER, Plot, number, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.estimate import Estimate
    from serialprof.model.comparison.records import FamilyRatios, Pair, Pooled

#: Height of a row in inches.
_ROW: Final = 0.17
#: Points that are shown; further ones stand in the table.
_MOST_POINTS: Final = 60


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a forest; without a ratio it is a heading over those that follow."""

    label: str
    ratio: Estimate | None = None
    wide: bool = False
    mean: bool = False


def means(pair: Pair, prefix: str) -> Plot:
    """The geometric means of every family and over all of them."""
    label = f"step time {pair.first} / {pair.second}"
    return _forest("Geometric means", _everything(pair, lambda item: item.ratio), pair, prefix, label)


def costs(pair: Pair, prefix: str) -> Plot:
    """How many steps the second run makes for the price of one on the first; only where prices are given."""
    title = f"Steps of {pair.second} for the price of one of {pair.first}"
    label = f"cost of a step {pair.first} / {pair.second}"
    return _forest(title, _everything(pair, lambda item: item.cost), pair, prefix, label, better="cheaper")


def points(family: FamilyRatios, pair: Pair, prefix: str) -> Plot:
    """Every shared point of a family, grouped by form and threads, and the means below."""
    shown = family.points[:_MOST_POINTS]
    rows: list[_Row] = []
    for (form, threads), group in groupby(shown, key=lambda item: (item.place.form, item.place.threads)):
        rows.append(_Row(f"{form}, {wording.threads(threads)}"))
        rows += [_Row(format_count(item.place.width), item.ratio, form == "wide") for item in group]
    rows += _headed("geometric means", family.pooled, lambda item: item.ratio)
    left = len(family.points) - len(shown)
    caption = f"The first {len(shown)} points; {left} more stand in the table of all points." if left else ""
    title = f"{family.name}: shared points by {comparisonwording.axis(family)}"
    plot = _forest(title, rows, pair, prefix, f"step time {pair.first} / {pair.second}")
    return replace(plot, title=f"Shared points by {comparisonwording.axis(family)}", caption=caption)


def _everything(pair: Pair, ratio_of: Callable[[Pooled], Estimate | None]) -> list[_Row]:
    families = [(family.name, family.pooled) for family in pair.families if len(pair.families) > 1]
    kinds = [(comparisonwording.everything(kind.device), kind.pooled) for kind in pair.kinds]
    return [row for name, pooled in (*families, *kinds) for row in _headed(name, pooled, ratio_of)]


def _headed(name: str, pooled: Sequence[Pooled], ratio_of: Callable[[Pooled], Estimate | None]) -> Iterator[_Row]:
    yield _Row(name)
    yield from (_Row(item.form, ratio_of(item), item.form == "wide", mean=True) for item in pooled)


def _forest(title: str, rows: Sequence[_Row], pair: Pair, prefix: str, heading: str, better: str = "faster") -> Plot:
    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        axes.set_xscale("log")
        axes.set_xlim(*ends(row.ratio for row in rows if row.ratio is not None))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.axvline(1.0, color=MUTED, linewidth=1.1)
        _marks(axes, rows)
        label = f"left of 1x {pair.first} is {better}, right of it {pair.second}"
        frame(axes, ticks(axes.get_xlim()), Ticks((), ()), label, heading)
        _names(axes, rows)
        arrange(figure, _ROW * len(rows), handles=())

    return Plot(title, render(draw, prefix, f"{title}, {pair.second} against {pair.first}"), "", "")


def _marks(axes: Axes, rows: Sequence[_Row]) -> None:
    """Intervals as one line with gaps; marks in the colour of the faster run, hollow for the wide form."""
    known = [(place, row, row.ratio) for place, row in enumerate(rows) if row.ratio is not None]
    gap = float("nan")
    across = [end for _, _, ratio in known for end in (number(ratio.low), number(ratio.high), gap)]
    axes.plot(across, [each for place, _, _ in known for each in (place, place, gap)], color=INK, linewidth=1.1)
    alike: dict[tuple[str, bool, bool], list[tuple[float, int]]] = {}
    for place, row, ratio in known:
        alike.setdefault((favours(ratio), row.wide, row.mean), []).append((number(ratio.value), place))
    for (colour, wide, mean), there in alike.items():
        axes.plot(
            [value for value, _ in there],
            [place for _, place in there],
            color=colour,
            linestyle="none",
            marker="D" if mean else MARKERS[int(wide)],
            markersize=5.5 if mean else 4.5,
            markerfacecolor=PAPER if wide else colour,
        )


def _names(axes: Axes, rows: Sequence[_Row]) -> None:
    """Labels left of the rows; headings over them."""
    beside, _, _ = axes.get_yaxis_text1_transform(5)
    for place, row in enumerate(rows):
        if row.ratio is not None:
            axes.text(0, place, row.label, transform=beside, ha="right", va="center_baseline", fontsize=10)
        else:
            text = wording.shorten(row.label, 34)
            inside = axes.get_yaxis_transform()
            axes.annotate(text, (0, place), (4, 0), inside, "offset points", va="center_baseline", weight="bold")
