# SPDX-License-Identifier: Apache-2.0
"""The serial ratio as a waterfall: its factors one after the other from 1x on, and what they multiply to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from serialprof.model.comparison.records import CLOCK, CYCLES, LATENCY, OTHER
from serialprof_reports.comparisonaxis import FIRST, SECOND, ends, ticks
from serialprof_reports.comparisonwording import untold
from serialprof_reports.frames import Ticks, arrange, frame, new_axes
from serialprof_reports.plotting import INK, MUTED, Plot, number, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.estimate import Estimate
    from serialprof.model.comparison.records import Pair, Pooled

#: Names of factors below their bars.
_NAMES: Final = {CLOCK: "clock", CYCLES: "cycles", LATENCY: "latency", OTHER: "other"}
#: Width of a bar, in places.
_WIDE: Final = 0.72


@dataclass(frozen=True, slots=True)
class _Bar:
    """A factor that begins at `start`, which those before it multiply to."""

    label: str
    start: float
    factor: Estimate
    whole: bool = False

    @property
    def end(self) -> float:
        """What it and those before it multiply to."""
        return self.start * number(self.factor.value)


def waterfall(pooled: Pooled | None, name: str, pair: Pair, prefix: str) -> Plot:
    """The factors of a serial ratio that have a value.

    Args:
        pooled: the geometric mean over serial points, None where none is shared.
        name: of what it is over.
        pair: of runs.
        prefix: of ids.
    """
    title = "The serial ratio as a product"
    if pooled is None or pooled.ratio.value is None:
        return Plot(title, "", "No serial point is shared.", "")
    if all(item.name == OTHER for item in pooled.factors if item.factor.value is not None):
        return Plot(title, "", f"Not taken apart: {'; '.join(untold([pooled]))}.", "")
    bars: list[_Bar] = []
    for item in pooled.factors:
        if item.factor.value is not None:
            bars.append(_Bar(_NAMES[item.name], bars[-1].end if bars else 1.0, item.factor))
    bars.append(_Bar("ratio", 1.0, pooled.ratio, whole=True))

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        axes.set_yscale("log")
        axes.set_xlim(-0.6, len(bars) - 0.4)
        axes.set_ylim(*ends(bar.factor.scaled(bar.start, "1") for bar in bars))
        axes.axhline(1.0, color=MUTED, linewidth=1.1)
        for place, bar in enumerate(bars):
            _draw(axes, place, bar)
        names = Ticks(tuple(map(float, range(len(bars)))), tuple(bar.label for bar in bars))
        frame(axes, names, ticks(axes.get_ylim()), "", f"step time {pair.first} / {pair.second}")
        arrange(figure, 1.9, handles=())

    return Plot(title, render(draw, prefix, f"{title}, {pair.second} against {pair.first}, {name}"), "", "")


def _draw(axes: Axes, place: int, bar: _Bar) -> None:
    """The bar, the factor's interval at its end, and its value above."""
    factor = bar.factor
    colour = SECOND if bar.end >= bar.start else FIRST
    axes.bar(place, bar.end - bar.start, _WIDE, bar.start, color=colour, alpha=1.0 if bar.whole else 0.65)
    if factor.low is not None and factor.high is not None:
        axes.plot((place, place), (bar.start * factor.low, bar.start * factor.high), color=INK, linewidth=1.2)
    top = max(bar.start, bar.end, bar.start * (factor.high or 0.0))
    text = f"{number(factor.value):.2f}x"
    axes.annotate(text, (place, top), (0, 3), textcoords="offset points", ha="center", fontsize=10)
