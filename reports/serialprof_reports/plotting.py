# SPDX-License-Identifier: Apache-2.0
"""What all figures of the page share: colours by role, style, markers, and drawing into an SVG element."""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from itertools import groupby
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from serialprof.model.results import CAUSES
from serialprof_reports import svg, wording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.estimate import Estimate

#: Stand-in colours, one per role; the page's CSS gives each role its colour in light and in dark.
INK: Final = "#010101"
MUTED: Final = "#020202"
GRID: Final = "#030303"
PAPER: Final = "#040404"
SERIES: Final = tuple(f"#0a000{index}" for index in range(6))
PARTS: Final = {cause: f"#0b000{index}" for index, cause in enumerate(CAUSES)}
ROLES: Final = (
    {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper"}
    | {colour: f"series-{index}" for index, colour in enumerate(SERIES)}
    | {colour: f"part-{index}" for index, colour in enumerate(PARTS.values())}
)

# Newer matplotlib types the names of its settings one by one, older ones as str.
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "serialprof",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 10.5,
    "text.color": INK,
    "figure.facecolor": "none",
    "axes.axisbelow": True,
    "hatch.color": INK,
    "hatch.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
}
#: Width of a figure in inches: a quarter of the page, at about the size that its text has there.
WIDE: Final = 3.8
#: Series differ in their markers too, for those who see no colours.
MARKERS: Final = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True, slots=True)
class Plot:
    """What stands in a figure's place: the SVG element, or the sentence that says why there is none."""

    title: str
    markup: str
    refusal: str
    caption: str


def render(draw: Callable[[Figure], None], prefix: str, title: str) -> str:
    """Draws a figure and returns it as an SVG element: ids begin with `prefix`, `title` is its accessible name."""
    # Where home cannot be written, matplotlib says where it keeps its cache instead; nobody here needs to know.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    text = io.StringIO()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A name may hold characters that matplotlib's font lacks; the reader's browser draws the text, not matplotlib.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure()
        draw(figure)
        figure.savefig(text, format="svg")  # draws once, as the figure has no layout engine
    return svg.for_page(text.getvalue(), prefix, ROLES, wording.shorten(title, 120))


def interval_points(
    axes: Axes, places: Sequence[float], estimates: Sequence[Estimate], index: int, **style: Any
) -> None:
    """Points of the series with this index, with their intervals; those without one as a point alone.

    `style` goes to the line of the points.
    """
    gap = float("nan")
    bars = [end for item in estimates for end in (*_ends(item), gap)]
    colour = SERIES[index % len(SERIES)]
    axes.plot([each for place in places for each in (place, place, gap)], bars, color=colour, linewidth=1.2)
    settings: dict[str, Any] = {"marker": MARKERS[index % len(MARKERS)], "color": colour, "linestyle": "none"} | style
    axes.plot(places, [number(item.value) for item in estimates], **settings)


def _ends(item: Estimate) -> tuple[float, float]:
    """The interval as it is drawn: a side that is not known ends at the value, one within it as well."""
    value = number(item.value)
    low, high = (value if end is None else end for end in (item.low, item.high))
    return min(low, value) if item.value is not None else low, max(high, value) if item.value is not None else high


def band(
    axes: Axes, places: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str, alpha: float = 0.18
) -> None:
    """A shade between two curves, with gaps where one of them is not known."""
    for known, stretch in groupby(zip(places, low, high, strict=True), lambda ends: all(map(isfinite, ends))):
        if known:
            xs, lows, highs = zip(*stretch, strict=True)
            axes.fill((*xs, *reversed(xs)), (*lows, *reversed(highs)), color=colour, alpha=alpha, linewidth=0)


def number(value: float | None) -> float:
    """A plot's gap where nothing is known."""
    return float("nan") if value is None else value
