# SPDX-License-Identifier: Apache-2.0
"""Figures of a gate: the change of every benchmark beside its null, and both pair by pair."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Final

from serialprof_reports import gatewording as told
from serialprof_reports import wording
from serialprof_reports.frames import Ticks, arrange, at_places, frame, linear, new_axes
from serialprof_reports.plotting import INK, MARKERS, MUTED, PAPER, SERIES, Plot, number, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.estimate import Estimate
    from serialprof.gating.records import Judgement, Outcome

#: Height of a row of the forest, and its width, in inches: it stands alone in its line.
_ROW, _FOREST_WIDE = 0.17, 5.2
#: Of a benchmark in it: its name, head, base.
_ROWS: Final = 3
_COLOURS: Final = {"pass": SERIES[2], "fail": SERIES[1], "waived": SERIES[4], "inconclusive": MUTED}
_CHANGE: Final = "change of time, %"
_NULL: Final = "base against itself"


def forest(outcomes: Sequence[Outcome], prefix: str) -> Plot:
    """Every benchmark: the change of the head over the base with its interval, and the null below it."""
    title = "Change of every benchmark beside its null"

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        judgements = [outcome.judgement for outcome in outcomes if outcome.judgement is not None]
        axes.set_xlim(*_ends(chain.from_iterable(map(_extent, judgements))))
        axes.set_ylim(_ROWS * len(outcomes) - 0.4, -0.6)
        for index, outcome in enumerate(outcomes):
            if outcome.judgement is not None:
                _rows(axes, outcome, outcome.judgement, _ROWS * index)
        frame(axes, linear(axes.get_xlim()), Ticks((), ()), f"{_CHANGE}; right of 0 the head is slower", "")
        arrange(figure, _ROW * _ROWS * len(outcomes), handles=(), wide=_FOREST_WIDE)

    return Plot(title, render(draw, prefix, title), "", "Upright: the tolerance; dotted, the MDE.")


def pairs(outcome: Outcome, judgement: Judgement, prefix: str) -> Plot:
    """Log ratios pair by pair as changes in per cent, the null's beside them, and what decides between them."""
    unit = "pair" if judgement.null_logs else "process"  # of a stored baseline nothing is paired
    title = f"Change {unit} by {unit}"

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        count = max(len(judgement.logs), len(judgement.null_logs))
        axes.set_xlim(0.4, count + 0.6)
        axes.set_ylim(*_ends(_extent(judgement)))
        _band(axes, judgement.ratio, _colour(outcome))
        axes.axhline(0.0, color=MUTED, linewidth=1.1)
        axes.axhline(100 * judgement.tolerance, color=INK, linewidth=1.0, linestyle="--", label="tolerance")
        axes.axhline(100 * judgement.mde, color=INK, linewidth=1.0, linestyle=":", label="MDE")
        _series(axes, judgement.logs, _colour(outcome), MARKERS[0], "head against base")
        if judgement.null_logs:
            _series(axes, judgement.null_logs, MUTED, MARKERS[1], _NULL)
        frame(axes, at_places(range(1, count + 1)), linear(axes.get_ylim()), unit, _CHANGE)
        arrange(figure, 1.7)

    name = wording.shorten(outcome.benchmark.name, 60)
    return Plot(title, render(draw, prefix, f"{title}, {name}"), "", "Shaded: the interval that the verdict rests on.")


def _rows(axes: Axes, outcome: Outcome, judgement: Judgement, place: int) -> None:
    """A benchmark's name, below it the head, and the null; the lines leave the name out."""
    axes.plot([0.0] * 2, [place + 0.5, place + _ROWS - 0.5], color=MUTED, linewidth=1.1)
    inside, (beside, _, _) = axes.get_yaxis_transform(), axes.get_yaxis_text1_transform(5)
    name = f"{wording.shorten(outcome.benchmark.name, 26)}: {told.word(outcome)}"
    axes.annotate(name, (0, place), (4, 0), inside, "offset points", va="center_baseline", weight="bold")
    for row, (label, ratio, colour) in enumerate(
        (("head", judgement.ratio, _colour(outcome)), ("base", judgement.null, MUTED)), start=place + 1
    ):
        if ratio.value is None:
            continue
        axes.text(0, row, label, transform=beside, ha="right", va="center_baseline", fontsize=10)
        axes.plot([_percent(ratio.low), _percent(ratio.high)], [row, row], color=colour, linewidth=1.6)
        hollow = PAPER if label == "base" else colour
        axes.plot([_percent(ratio.value)], [row], marker=MARKERS[0], color=colour, markerfacecolor=hollow)
    for limit, line in ((judgement.tolerance, "-"), (judgement.mde, ":")):
        axes.plot([100 * limit] * 2, [place + 0.6, place + 1.4], color=INK, linewidth=1.2, linestyle=line)


def _series(axes: Axes, logs: Sequence[float], colour: str, marker: str, label: str) -> None:
    places = range(1, len(logs) + 1)
    hollow = PAPER if label == _NULL else colour
    axes.plot(
        places,
        [100 * math.expm1(log) for log in logs],
        color=colour,
        marker=marker,
        markerfacecolor=hollow,
        linewidth=0.8,
        label=label,
    )


def _band(axes: Axes, ratio: Estimate, colour: str) -> None:
    if ratio.bounded:
        axes.axhspan(_percent(ratio.low), _percent(ratio.high), color=colour, alpha=0.16, linewidth=0)


def _extent(judgement: Judgement) -> Iterable[float]:
    """Everything that is drawn of a judgement, in per cent."""
    yield from (0.0, 100 * judgement.tolerance, 100 * judgement.mde)
    for ratio in (judgement.ratio, judgement.null):
        yield from (_percent(end) for end in (ratio.low, ratio.value, ratio.high) if end is not None)
    yield from (100 * math.expm1(log) for log in (*judgement.logs, *judgement.null_logs))


def _ends(values: Iterable[float]) -> tuple[float, float]:
    """Ends of an axis that holds all values with room on either side."""
    known = list(values)
    low, high = min(known, default=-1.0), max(known, default=1.0)
    room = 0.08 * (high - low or 1.0)
    return low - room, high + room


def _percent(ratio: float | None) -> float:
    return 100 * (number(ratio) - 1)


def _colour(outcome: Outcome) -> str:
    return _COLOURS.get(told.word(outcome), MUTED)
