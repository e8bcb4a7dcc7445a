# SPDX-License-Identifier: Apache-2.0
"""What all figures of the page share: colours by role, style, markers, axes, and drawing into an SVG element."""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from serialprof.model.results import CAUSES
from serialprof.units import format_si
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
    "axes.titlesize": 10.5,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "legend.fontsize": 10.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "hatch.color": INK,
    "hatch.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "errorbar.capsize": 2.5,
}
#: Size of a figure in inches: a quarter of the page, at about the size that its text has there.
WIDE, HIGH = 3.8, 2.8
#: Series differ in their markers too, for those who see no colours.
MARKERS: Final = ("o", "s", "^", "D", "v", "P")
#: Ratio of an axis' ends up to which it is a short one.
_FLAT: Final = 4.0


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
        figure = Figure(figsize=(WIDE, HIGH), layout="constrained")
        draw(figure)
        figure.savefig(text, format="svg", transparent=True)
    return svg.for_page(text.getvalue(), prefix, ROLES, wording.shorten(title, 120))


def interval_points(
    axes: Axes, places: Sequence[float], estimates: Sequence[Estimate], index: int, **style: Any
) -> None:
    """Points of the series with this index, with their intervals; those without one as a point alone.

    `style` goes to matplotlib's errorbar.
    """
    values = [number(item.value) for item in estimates]
    below = [0.0 if item.low is None else max(0.0, number(item.value) - item.low) for item in estimates]
    above = [0.0 if item.high is None else max(0.0, item.high - number(item.value)) for item in estimates]
    marker, colour = MARKERS[index % len(MARKERS)], SERIES[index % len(SERIES)]
    settings: dict[str, Any] = {"fmt": marker, "color": colour, "elinewidth": 1.2} | style
    axes.errorbar(places, values, yerr=(below, above), **settings)


def fixed_ticks(axes: Axes, places: Sequence[int], form: Callable[[int], str]) -> None:
    """Ticks of the horizontal axis at these places, at most eight of them."""
    every = -(-len(places) // 8)
    labels = [form(place) for place in places[::every]]
    axes.set_xticks(places[::every], labels, rotation=0 if sum(map(len, labels)) < 26 else 30)
    axes.minorticks_off()


def number(value: float | None) -> float:
    """A plot's gap where nothing is known."""
    return float("nan") if value is None else value


def log_ticks(axes: Axes, unit: str, axis: Literal["x", "y"] = "y") -> None:
    """Ticks of a logarithmic axis with SI prefixes, as many digits as tell them apart."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = axes.get_ylim() if axis == "y" else axes.get_xlim()
    marked = axes.yaxis if axis == "y" else axes.xaxis
    if high / low > _FLAT:
        marked.set_major_locator(LogLocator(subs=(1.0,) if high / low > 100 else (1.0, 2.0, 5.0)))
    else:
        marked.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10)))
    digits = 1 if high / low > _FLAT else 3  # on a short axis ticks stand at other numbers than 1, 2 and 5
    marked.set_major_formatter(FuncFormatter(lambda value, _: format_si(value, unit, digits)))
    marked.set_minor_locator(NullLocator())
