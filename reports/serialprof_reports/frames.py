# SPDX-License-Identifier: Apache-2.0
"""Axes as the page draws them: ticks, grid and labels in few elements, at fixed places in the figure.

matplotlib would measure every text twice to lay a figure out, and its ticks are five artists each; with the two dozen
figures of a page that took most of the time of a page, and most of the elements that a browser has to lay out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from serialprof.units import format_count, format_si
from serialprof_reports.plotting import GRID, MUTED, WIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

#: Inches left and right of axes, over them for their heading, below for tick labels and the label, of a legend's line.
_LEFT, _RIGHT, _HEAD, _FOOT, _LINE = 0.68, 0.16, 0.26, 0.45, 0.175
#: Ratio of an axis' ends up to which it is a short one.
_FLAT: Final = 4.0
#: Characters that a line of tick labels holds, with two between labels.
_CHARACTERS: Final = 36


@dataclass(frozen=True, slots=True)
class Ticks:
    """Where an axis has lines of the grid, and what stands at each; an empty label leaves the line alone."""

    places: tuple[float, ...]
    labels: tuple[str, ...]

    def unlabelled(self) -> Ticks:
        """The lines alone."""
        return Ticks(self.places, ("",) * len(self.places))

    def within(self, ends: tuple[float, float]) -> tuple[tuple[float, str], ...]:
        """(place, label) of those that lie on an axis with these ends."""
        pairs = zip(self.places, self.labels, strict=True)
        return tuple((place, label) for place, label in pairs if ends[0] <= place <= ends[1])


def at_places(places: Iterable[float], form: Callable[[float], str] = format_count) -> Ticks:
    """Ticks at these places, every so many of them labelled that the labels fit the width of a figure."""
    ordered = tuple(sorted(set(places)))
    labels = [form(place) for place in ordered]
    every = 1
    while sum(len(label) + 2 for label in labels[::every]) > _CHARACTERS and every < len(labels):
        every += 1
    return Ticks(ordered, tuple("" if index % every else label for index, label in enumerate(labels)))


def linear(ends: tuple[float, float], form: str = "{:g}", most: int = 5) -> Ticks:
    """Round numbers along an axis."""
    from matplotlib.ticker import MaxNLocator

    places = MaxNLocator(most, steps=(1, 2, 5, 10)).tick_values(*ends)
    return Ticks(tuple(map(float, places)), tuple(form.format(round(place, 9) + 0.0) for place in places))


def logarithmic(ends: tuple[float, float], unit: str) -> Ticks:
    """Ticks of a logarithmic axis with SI prefixes, as many digits as tell them apart."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = ends
    short = high / low <= _FLAT
    locator = (
        MaxNLocator(4, steps=(1, 2, 5, 10))
        if short
        else LogLocator(subs=(1.0,) if high / low > 100 else (1.0, 2.0, 5.0))
    )
    places = tuple(float(place) for place in locator.tick_values(low, high))
    digits = 3 if short else 1  # on a short axis ticks stand at other numbers than 1, 2 and 5
    return Ticks(places, tuple(format_si(place, unit, digits) for place in places))


def frame(axes: Axes, across: Ticks, up: Ticks, label: str, heading: str) -> None:
    """Grid, tick labels, the two lines of the frame, and names of the axes: below, and as a heading above.

    It keeps the axes' limits as they are when it is called.
    """
    left, right = axes.set_xlim(*axes.get_xlim())
    bottom, top = axes.set_ylim(*axes.get_ylim())
    columns, rows = across.within((left, right)), up.within((bottom, top))
    lines = [((place, place), (bottom, top)) for place, _ in columns]
    lines += [((left, right), (place, place)) for place, _ in rows]
    axes.set_axis_off()
    axes.plot(*joined(lines), color=GRID, linewidth=0.7, zorder=0.5)
    axes.plot((left, left, right), (top, bottom, bottom), color=MUTED, linewidth=0.8, zorder=0.6, clip_on=False)
    _tick_labels(axes, columns, rows)
    axes.annotate(label, (0.5, 0), (0, -19), "axes fraction", "offset points", ha="center", va="top")
    axes.annotate(heading, (0, 1), (4 - 72 * _LEFT, 7), "axes fraction", "offset points", va="baseline")


def _tick_labels(axes: Axes, columns: Sequence[tuple[float, str]], rows: Sequence[tuple[float, str]]) -> None:
    below, _, _ = axes.get_xaxis_text1_transform(5)
    beside, _, _ = axes.get_yaxis_text1_transform(5)
    for place, text in columns:
        if text:
            axes.text(place, 0, text, transform=below, ha="center", va="top", fontsize=10)
    for place, text in rows:
        if text:
            axes.text(0, place, text, transform=beside, ha="right", va="center_baseline", fontsize=10)


def joined(lines: Iterable[tuple[tuple[float, float], tuple[float, float]]]) -> tuple[list[float], list[float]]:
    """Lines as the coordinates of one, with a gap after each."""
    gap = float("nan")
    xs = [x for (first, last), _ in lines for x in (first, last, gap)]
    ys = [y for _, (first, last) in lines for y in (first, last, gap)]
    return xs, ys


def new_axes(figure: Figure, count: int = 1) -> list[Axes]:
    """Axes that `arrange` puts to their places."""
    return [figure.add_axes((0, 0, 1, 1), label=str(index)) for index in range(count)]


def arrange(figure: Figure, high: float, handles: Sequence[Line2D | Patch] | None = None, wide: float = WIDE) -> None:
    """Puts a figure's axes one below the other, `high` inches each, and a legend below them.

    Without `handles` the legend names what the first axes hold.
    """
    shown = _labelled(figure.axes[0]) if handles is None else handles
    columns = _columns(shown, wide)
    rows = math.ceil(len(shown) / columns)
    whole = len(figure.axes) * (_HEAD + high) + _FOOT + rows * _LINE
    figure.set_size_inches(wide, whole)
    for index, axes in enumerate(figure.axes):
        bottom = whole - (index + 1) * (_HEAD + high)
        axes.set_position((_LEFT / wide, bottom / whole, (wide - _LEFT - _RIGHT) / wide, high / whole))
    for index, key in enumerate(shown):
        column, row = divmod(index, rows)
        _draw_key(figure, key, (0.06 + column * wide / columns) / wide, (rows - row - 0.5) * _LINE / whole)


def _labelled(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if not str(line.get_label()).startswith("_")]


def _columns(keys: Sequence[Artist], wide: float) -> int:
    """How many keys stand side by side, with text of about 5.4 points a character."""
    longest = max((len(str(key.get_label())) for key in keys), default=0)
    return max(1, min(3, int(72 * wide / (28 + 5.4 * longest))))


def _draw_key(figure: Figure, key: Line2D | Patch, left: float, middle: float) -> None:
    """A line with one marker, or a small box, and its label; `left` and `middle` in shares of the figure."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    wide, whole = figure.get_size_inches()
    long, high = 0.26 / wide, 0.1 / whole
    sample: Line2D | Rectangle
    if isinstance(key, Line2D):
        sample = Line2D((left, left + long / 2, left + long), (middle, middle, middle))
        sample.update_from(key)
        sample.set_markevery([1])
    else:
        sample = Rectangle((left, middle - high / 2), long, high)
        sample.update_from(key)
    sample.set(transform=figure.transFigure, clip_path=None, clip_on=False)
    figure.add_artist(sample)
    figure.text(left + 1.3 * long, middle, str(key.get_label()), va="center_baseline", fontsize=10)
