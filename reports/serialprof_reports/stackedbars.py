# SPDX-License-Identifier: Apache-2.0
"""Lying bars of shares, one below the other: a bar per setting, its causes in one order from left to right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from serialprof_reports.frames import Ticks, arrange, frame, linear, new_axes
from serialprof_reports.plotting import MUTED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Height of a row in inches, and half of a bar's in rows.
_ROW: Final = 0.17
_HALF: Final = 0.4


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its label: cause -> share of the whole, below zero where the causes predict too much.

    One without shares is a heading over the bars that follow it.
    """

    label: str
    shares: Mapping[str, float]


def draw(
    figure: Figure, bars: Sequence[Bar], causes: Sequence[str], look: Callable[[str], dict[str, Any]], heading: str
) -> None:
    """Draws the bars from top to bottom and a legend; `look` has the properties of a cause's patches."""
    from matplotlib.patches import Patch

    (axes,) = new_axes(figure)
    left, right = [0.0] * len(bars), [0.0] * len(bars)
    for cause in causes:
        spans = []
        for row, bar in enumerate(bars):
            share = 100 * bar.shares.get(cause, 0.0)
            if share < 0:
                spans.append((row, left[row] + share, left[row]))
                left[row] += share
            elif share > 0:
                spans.append((row, right[row], right[row] + share))
                right[row] += share
        _boxes(axes, spans, look(cause))
    axes.set_xlim(min(0.0, *left), max(100.0, *right))
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.axvline(0.0, color=MUTED, linewidth=0.8)
    rows = Ticks((), ())
    frame(axes, linear(axes.get_xlim()), rows, "share of the step, %", heading)
    _names(axes, bars)
    arrange(figure, _ROW * len(bars), [Patch(label=cause, **look(cause)) for cause in causes])


def _boxes(axes: Axes, spans: Sequence[tuple[int, float, float]], look: Mapping[str, Any]) -> None:
    """(row, left end, right end) of a cause as one path: a figure has many boxes, and a browser few elements."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    corners = [
        [(left, row - _HALF), (right, row - _HALF), (right, row + _HALF), (left, row + _HALF), (left, row - _HALF)]
        for row, left, right in spans
    ]
    if corners:
        whole = Path.make_compound_path(*(Path(corner, closed=True) for corner in corners))
        axes.add_patch(PathPatch(whole, linewidth=0.7, **look))


def _names(axes: Axes, bars: Sequence[Bar]) -> None:
    """Labels left of the bars; headings over them."""
    beside, _, _ = axes.get_yaxis_text1_transform(5)
    for row, bar in enumerate(bars):
        if bar.shares:
            axes.text(0, row, bar.label, transform=beside, ha="right", va="center_baseline", fontsize=10)
        else:
            axes.annotate(bar.label, (0, row), (4, 0), textcoords="offset points", va="center_baseline", weight="bold")
