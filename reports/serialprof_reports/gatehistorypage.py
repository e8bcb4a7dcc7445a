# SPDX-License-Identifier: Apache-2.0
"""One self-contained page of a history: what changed, and every series with its levels."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from serialprof_reports import gatehistorywording as told
from serialprof_reports import wording
from serialprof_reports.frames import arrange, at_places, frame, linear, logarithmic, new_axes
from serialprof_reports.gatedocument import gate_document
from serialprof_reports.gatehistory import json
from serialprof_reports.gatewording import change
from serialprof_reports.pageparts import Panel, Section, Table
from serialprof_reports.plotting import INK, MARKERS, MUTED, SERIES, Plot, number, render
from serialprof_reports.reproduction import packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.gating.history import History, Series
    from serialprof_reports.pageparts import Facts

#: Series that are drawn per machine, those that changed first; the data have all.
_MOST_FIGURES: Final = 60
#: Values on an axis from which on they are drawn without marks.
_MANY: Final = 200
_SERIES: Final = "Levels between changes are lines, shaded with their intervals; a change is an upright dashed line."


@dataclass(frozen=True, slots=True)
class _Card:
    """A series that changed."""

    name: str
    sentence: str
    facts: Facts


def html(history: History) -> str:
    """The page as one HTML document, under the same Content-Security-Policy as that of a run."""
    changed = [series for series in history.series if series.changes]
    return gate_document(
        "gatehistory.html.j2",
        headline=told.headline(history),
        period=_period(history),
        cards=tuple(_Card(series.name, told.sentence(series), tuple(_facts(series))) for series in changed),
        honesty=told.HONESTY,
        sections=tuple(_sections(history)),
        command=shlex.join(history.command),
        data=f"data:application/gzip;base64,{packed(json(history))}",
    )


def _period(history: History) -> str:
    moments = [moment for series in history.series for moment in series.moments]
    if not moments:
        return ""
    ordered = sorted(moments, key=lambda moment: moment.started)
    return f"{told.day(ordered[0])} to {told.day(ordered[-1])}"


def _facts(series: Series) -> Iterator[tuple[str, str]]:
    for changed in series.changes:
        yield told.when(series.moments[changed.place]), change(changed.ratio)
    if series.p_value is not None:
        yield "p of no change", f"{series.p_value:.2g}"
    yield "machine", series.machine


def _sections(history: History) -> Iterator[Section]:
    """A section per machine."""
    ordered = sorted(history.series, key=lambda series: (series.machine, not series.changes))
    for index, (machine, group) in enumerate(groupby(ordered, key=lambda series: series.machine)):
        every = tuple(group)
        shown = every[:_MOST_FIGURES]
        left = len(every) - len(shown)
        lead = f"{_SERIES} {left} more series are in the data below." if left else _SERIES
        panels = tuple(_panel(series, f"series-{index}-{place}") for place, series in enumerate(shown))
        yield Section(f"machine-{index}", machine, lead, panels)


def _panel(series: Series, prefix: str) -> Panel:
    title = told.VALUES[series.kind]

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        _draw(axes, series)
        arrange(figure, 1.6, handles=())

    plot = Plot(title, render(draw, prefix, f"{title}, {wording.shorten(series.name, 80)}"), "", told.sentence(series))
    return Panel(wording.shorten(series.name, 90), plot, (_table(series),))


def _draw(axes: Axes, series: Series) -> None:
    values = [moment.value for moment in series.moments]
    count = len(values)
    ends = [end for stretch in series.stretches for end in (stretch.level.low, stretch.level.high) if end is not None]
    low, high = min([*values, *ends]), max([*values, *ends])
    room = 0.08 * (high - low) or 0.05 * high
    axes.set_xlim(0.4, count + 0.6)
    axes.set_ylim(low - room, high + room)
    marker = MARKERS[0] if count <= _MANY else ""
    axes.plot(range(1, count + 1), values, color=MUTED, linewidth=0.8, marker=marker, markersize=3.0)
    for stretch in series.stretches:
        span, level = (stretch.first + 0.6, stretch.last + 1.4), stretch.level
        axes.plot(span, [number(level.value)] * 2, color=SERIES[0], linewidth=1.8)
        if level.bounded:
            axes.fill_between(span, number(level.low), number(level.high), color=SERIES[0], alpha=0.18, linewidth=0)
    for changed in series.changes:
        axes.axvline(changed.place + 0.5, color=INK, linewidth=1.0, linestyle="--")
    up = logarithmic(axes.get_ylim(), "s") if series.kind == "step" else linear(axes.get_ylim())
    frame(axes, at_places(_places(count)), up, "file", told.VALUES[series.kind])


def _places(count: int) -> range:
    """Places of ticks: a dozen at most."""
    return range(1, count + 1, max(1, -(-count // 12)))


def _table(series: Series) -> Table:
    """Every value, with the change that it begins."""
    begins = {changed.place: change(changed.ratio) for changed in series.changes}
    rows = tuple(
        (str(place + 1), told.day(moment), moment.label, _value(series, moment.value), begins.get(place, ""))
        for place, moment in enumerate(series.moments)
    )
    return Table(told.VALUES[series.kind], ("file", "day", "commit or file", "value", "change"), rows)


def _value(series: Series, value: float) -> str:
    return told.level(value, series) if series.kind == "step" else f"{value:.4f}"
