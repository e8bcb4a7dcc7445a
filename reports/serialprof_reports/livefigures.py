# SPDX-License-Identifier: Apache-2.0
"""Figures of a live loop: where a step's time goes, how step times spread, and the loop over the recording."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from serialprof.live.telling import name_of
from serialprof.units import format_seconds
from serialprof_reports import wording
from serialprof_reports.frames import Ticks, arrange, frame, linear, logarithmic, new_axes
from serialprof_reports.plotting import INK, MUTED, SERIES, Plot, number, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.live.results import LoopAnalysis, Part

#: Parts that are drawn.
_MOST: Final = 10
#: Height of a part's row in inches.
_ROW: Final = 0.36
_TICKS: Final = (0.5, 0.95, 0.99, 0.999, 0.9999, 0.99999)
_ACROSS: Final = "seconds since the start"
_NAMED: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def parts(loop: LoopAnalysis, prefix: str) -> Plot:
    """Own share of every part, with its interval."""
    title = "Where the time of a step goes"
    known = sorted((part for part in loop.parts if part.share.value is not None), key=_share, reverse=True)
    if not known:
        return Plot(title, "", loop.parts[0].share.reason, "")
    drawn = known[:_MOST]

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        _bars(axes, drawn)
        arrange(figure, _ROW * len(drawn), handles=())

    left = f" {len(known) - len(drawn)} smaller parts are in the table." if len(known) > len(drawn) else ""
    whose = "between CUDA events on the stream" if loop.device == "events" else "by the clock of the host"
    caption = f"Own time, without what is nested in a part, {whose}; lines are intervals of 95 %.{left}"
    return Plot(title, render(draw, prefix, f"{title}, {loop.name}"), "", caption)


def spread(loop: LoopAnalysis, prefix: str) -> Plot:
    """Which share of the steps took at most so long, with p50, p95 and p99."""
    title = "Times of single steps"
    if loop.seen < 2:
        return Plot(title, "", "Fewer than two steps were seen.", "")

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        _cumulated(axes, loop)
        arrange(figure, 1.9)

    caption = f"All {loop.seen} steps, counted in buckets at most 1.6 % wide."
    return Plot(title, render(draw, prefix, f"{title}, {loop.name}"), "", caption)


def over_time(loop: LoopAnalysis, prefix: str) -> Plot:
    """Mean and longest step, and the threads that worked, over the recording."""
    title = "Over the recording"
    if len(loop.stretches) < 2:
        return Plot(title, "", "The recording is too short for a curve over time.", "")
    read = any(stretch.threads is not None for stretch in loop.stretches)

    def draw(figure: Figure) -> None:
        axes, *more = new_axes(figure, 2 if read else 1)
        _steps(axes, loop, last=not more)
        for below in more:
            _threads(below, loop)
        arrange(figure, 1.2)

    caption = "Each point is a stretch of consecutive steps; threads are CPU seconds of the whole process per second."
    return Plot(title, render(draw, prefix, f"{title}, {loop.name}"), "", caption)


def _share(part: Part) -> float:
    return part.share.value or 0.0


def _bars(axes: Axes, drawn: list[Part]) -> None:
    ends = [100 * max(_share(part), part.share.high or 0.0) for part in drawn]
    axes.set_xlim(0.0, max(5.0, *ends) * 1.02)
    axes.set_ylim(len(drawn) - 0.5, -0.5)
    axes.barh([row + 0.22 for row in range(len(drawn))], [100 * _share(part) for part in drawn], 0.3, color=SERIES[0])
    for row, part in enumerate(drawn):
        if part.share.bounded:
            low, high = 100 * number(part.share.low), 100 * number(part.share.high)
            axes.plot((low, high), (row + 0.22, row + 0.22), color=INK, linewidth=1.2)
        label = f"{wording.shorten(wording.plain(name_of(part.path)), 44)}: {wording.compact_percent(part.share)}"
        axes.annotate(label, (0, row), (2, 2), textcoords="offset points", va="bottom", fontsize=10)
    frame(axes, linear(axes.get_xlim()), Ticks((), ()), "own share of the step, %", "part")


def _cumulated(axes: Axes, loop: LoopAnalysis) -> None:
    highest = 1 - 1 / (loop.seen + 1)
    heights = [_height(min(share, highest)) for share in loop.curve.shares]
    axes.step(loop.curve.seconds, heights, where="post", color=SERIES[0], linewidth=1.4)
    for name, share in _NAMED:
        value = getattr(loop.tail, name)
        if value is not None:
            label = f"{name} {format_seconds(value)}"
            axes.plot([value], [_height(share)], "o", color=SERIES[1], label=label)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    named = [share for share in _TICKS if share <= max(0.99, highest)]
    up = Ticks((0.0, *map(_height, named)), ("", *(f"{100 * share:.6g} %" for share in named)))
    frame(axes, logarithmic((low, high), "s"), up, "time of a step", "share of steps not above")


def _height(share: float) -> float:
    """Places on an axis that gives every further nine as much room as the one before."""
    return -math.log10(1 - share)


def _steps(axes: Axes, loop: LoopAnalysis, *, last: bool) -> None:
    middles = [(stretch.start + stretch.end) / 2 for stretch in loop.stretches]
    axes.plot(
        middles, [stretch.longest for stretch in loop.stretches], color=MUTED, linewidth=0.8, label="longest step"
    )
    axes.plot(middles, [stretch.step for stretch in loop.stretches], color=SERIES[0], linewidth=1.4, label="mean step")
    axes.set_yscale("log")
    axes.set_xlim(loop.stretches[0].start, max(stretch.end for stretch in loop.stretches))
    across = linear(axes.get_xlim())
    label = _ACROSS if last else ""
    frame(axes, across if last else across.unlabelled(), logarithmic(axes.get_ylim(), "s"), label, "time of a step")


def _threads(axes: Axes, loop: LoopAnalysis) -> None:
    known = [stretch for stretch in loop.stretches if stretch.threads is not None]
    middles = [(stretch.start + stretch.end) / 2 for stretch in known]
    axes.plot(middles, [number(stretch.threads) for stretch in known], color=SERIES[2], linewidth=1.4)
    axes.set_xlim(loop.stretches[0].start, max(stretch.end for stretch in loop.stretches))
    axes.set_ylim(0.0, max(1.05, *(1.05 * number(stretch.threads) for stretch in known)))
    frame(axes, linear(axes.get_xlim()), linear(axes.get_ylim()), _ACROSS, "threads that worked")
