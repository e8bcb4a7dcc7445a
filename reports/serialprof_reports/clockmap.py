# SPDX-License-Identifier: Apache-2.0
"""The map of clock against cores, per cent for per cent."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Final

from serialprof.units import format_count
from serialprof_reports import wording
from serialprof_reports.frames import arrange, frame, joined, linear, new_axes
from serialprof_reports.plotting import INK, MUTED, PAPER, SERIES, Plot, band, number, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.model.results import FamilyAnalysis, Tradeoff

#: Ends of the axes, and the elasticity below which nothing helps.
_LEFT, _RIGHT, _BOTTOM, _TOP, _SMALL = -0.3, 1.2, -0.14, 1.3, 0.05

#: Share of the axis below which two labels touch; characters in a line of a label, and the most lines.
_NEAR, _CHARACTERS, _MOST_LINES = 0.15, 15, 3
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def clock_map(families: Sequence[FamilyAnalysis], prefix: str) -> tuple[Plot, ...]:
    """Clock against cores: a panel per family with the two elasticities of every width, all on the same axes.

    Families without both elasticities get a sentence instead; none where no family has two thread counts.
    """
    if not any(family.tradeoffs for family in families):
        return ()
    places = [number(item.cores.value) for family in families for item in _mapped(family)]
    ends = (min([_LEFT, *(place - 0.2 for place in places)]), max([_RIGHT, *(place + 0.2 for place in places)]))
    return tuple(_panel(family, f"{prefix}{index}", ends) for index, family in enumerate(families))


def _panel(family: FamilyAnalysis, prefix: str, ends: tuple[float, float]) -> Plot:
    title = "Elasticity of clock and of cores"
    items = _mapped(family)
    if not items:
        reasons = [end.reason for item in family.tradeoffs for end in (item.cores, item.clock) if end.reason]
        return Plot(title, "", reasons[0] if reasons else "Only one thread count was measured.", "")

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        _map(axes, items, ends)
        frame(axes, linear(ends), linear((_BOTTOM, _TOP)), "elasticity of cores", "elasticity of clock")
        arrange(figure, 2.1)

    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", "")


def _mapped(family: FamilyAnalysis) -> list[Tradeoff]:
    """Trade-offs from the fewest threads whose two elasticities are known well enough to be drawn."""
    known = [
        item
        for item in family.tradeoffs
        if item.cores.value is not None and (item.clock.bounded or item.clock.value is not None)
    ]
    fewest = min((item.threads for item in known), default=0)
    return sorted((item for item in known if item.threads == fewest), key=lambda item: item.width)


def _map(axes: Axes, items: Sequence[Tradeoff], ends: tuple[float, float]) -> None:
    _regions(axes, ends)
    marks = sorted(items, key=lambda item: number(item.cores.value))
    _marks(axes, marks)
    for x, label in _labels(marks, _NEAR * (ends[1] - ends[0])):
        axes.annotate(label, (x, 1.0), (0, 3), textcoords="offset points", ha="center", va="bottom")
    axes.set_xlim(*ends)
    axes.set_ylim(_BOTTOM, _TOP)


def _marks(axes: Axes, items: Sequence[Tradeoff]) -> None:
    """A cross per width: upright what is known of the clock, across what is known of the cores."""
    crosses = [_cross(item) for item in items]
    upright = [((x, x), clock) for x, _, clock, _ in crosses]
    across = [(cores, (y, y)) for _, y, _, cores in crosses]
    axes.plot(*joined(upright), color=INK, linewidth=2.2, solid_capstyle="butt")
    axes.plot(*joined(across), color=INK, linewidth=1.0)
    known = [(x, y) for item, (x, y, _, _) in zip(items, crosses, strict=True) if item.clock.value is not None]
    axes.plot([x for x, _ in known], [y for _, y in known], "o", color=INK)


def _cross(item: Tradeoff) -> tuple[float, float, tuple[float, float], tuple[float, float]]:
    """Its middle, and its ends upright and across; a bracket's middle is that of its ends."""
    cores, clock = item.cores, item.clock
    low, high = (number(clock.value if end is None else end) for end in (clock.low, clock.high))
    middle = (low + high) / 2 if clock.value is None else clock.value
    return number(cores.value), middle, (low, high), (number(cores.low), number(cores.high))


def _labels(marks: Sequence[Tradeoff], near: float) -> list[tuple[float, str]]:
    """(place, widths) of marks from left to right; one label for those that stand too near to have their own."""
    groups: list[list[Tradeoff]] = []
    for item in marks:
        if groups and number(item.cores.value) - number(groups[-1][-1].cores.value) < near:
            groups[-1].append(item)
        else:
            groups.append([item])
    return [(sum(number(item.cores.value) for item in group) / len(group), _widths(group)) for group in groups]


def _widths(group: Sequence[Tradeoff]) -> str:
    """The widths of marks that share a label, from left to right, a few to a line; of many the ends alone."""
    widths = [format_count(item.width) for item in group]
    held = (width.replace(" ", _NO_BREAK) for width in widths)
    lines = wrap(", ".join(held), _CHARACTERS, break_long_words=False)
    if len(lines) > _MOST_LINES:
        return f"{widths[0]} ... {widths[-1]}"
    return "\n".join(lines).replace(_NO_BREAK, " ")


def _regions(axes: Axes, ends: tuple[float, float]) -> None:
    """Where clock or cores buy more per cent, or neither helps, and the tie line between the first two."""
    left = ends[0]
    band(axes, ends, ends, (_TOP, _TOP), SERIES[0], alpha=0.09)
    band(axes, ends, (min(left, _BOTTOM),) * 2, ends, SERIES[1], alpha=0.09)
    for colour, alpha in ((PAPER, 1.0), (MUTED, 0.16)):
        band(axes, (left, _SMALL), (_BOTTOM, _BOTTOM), (_SMALL, _SMALL), colour, alpha)
    axes.axvline(0.0, color=MUTED, linewidth=0.8)
    axes.plot(ends, ends, color=MUTED, linewidth=1.0, linestyle="--")
    inside = axes.transAxes
    axes.text(0.03, 0.96, "clock buys more", transform=inside, va="top", color=SERIES[0], fontweight="bold")
    axes.text(0.98, 0.03, "cores buy more", transform=inside, ha="right", color=SERIES[1], fontweight="bold")
    axes.text(0.03, 0.03, "neither", transform=inside, color=MUTED)
