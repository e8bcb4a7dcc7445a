# SPDX-License-Identifier: Apache-2.0
"""Speed over the measured clock, for runs that set clocks."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from serialprof.estimate import Estimate
from serialprof.units import format_count, format_seconds, format_si
from serialprof_reports import wording
from serialprof_reports.frames import arrange, frame, linear, new_axes
from serialprof_reports.pageparts import Table
from serialprof_reports.plotting import MUTED, Plot, interval_points, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.model.results import FamilyAnalysis, PointSummary

#: Widths that are drawn: the ends of the sweep and one in its middle.
_DRAWN = 3


def over_clock(family: FamilyAnalysis, prefix: str) -> Plot:
    """Speed over measured clock, both against the lowest clock, on the fewest threads, for a few widths."""
    title = "Speed over measured clock"
    series = _series(family)
    if not series:
        return Plot(title, "", "No point was measured at two clocks that the meter could read.", "")

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        for index, (width, items) in enumerate(series.items()):
            clocks = [_gigahertz(item) for item in items]
            interval_points(
                axes, clocks, _speeds(items), index, linestyle="-", linewidth=1.1,
                label=f"{wording.axis(family)} = {format_count(width)}",
            )  # fmt: skip
        _ideal(axes, [_gigahertz(item) for items in series.values() for item in items])
        frame(axes, linear(axes.get_xlim()), linear(axes.get_ylim()), "measured clock, GHz", "speed-up")
        arrange(figure, 1.9)

    threads = next(iter(series.values()))[0].point.setting.threads
    caption = (
        f"Over the lowest clock, on {wording.threads(threads)}. On the dashed line time scales with the clock in full; "
        "a level line does not care about the clock. Intervals are those of the step time at each clock."
    )
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


def clock_points(family: FamilyAnalysis) -> Table:
    """Every measured point of the serial form by clock: asked for, measured, time per step."""
    columns = (wording.axis(family), "threads", "asked for", "measured", "time per step", "95 % interval")
    items = sorted(_clocked(family), key=_place)
    return Table("Step times by clock", columns, tuple(_row(item) for item in items))


def _row(item: PointSummary) -> tuple[str, ...]:
    setting, step = item.point.setting, item.step
    ends = f"{format_seconds(step.low)} to {format_seconds(step.high)}" if step.low and step.high else wording.MISSING
    return (
        format_count(setting.width),
        str(setting.threads),
        wording.MISSING if setting.clock is None else format_si(setting.clock, "Hz"),
        wording.MISSING if item.clock is None else format_si(item.clock, "Hz"),
        wording.MISSING if step.value is None else format_seconds(step.value),
        ends,
    )


def _place(item: PointSummary) -> tuple[int, int, float]:
    setting = item.point.setting
    return setting.width, setting.threads, setting.clock or 0.0


def _clocked(family: FamilyAnalysis) -> list[PointSummary]:
    """Points of the serial form whose clock was set and whose step time is known."""
    return [
        item
        for item in family.points
        if item.point.setting.form == "serial" and item.point.setting.clock is not None and item.step.value
    ]


def _series(family: FamilyAnalysis) -> dict[int, list[PointSummary]]:
    """By width, points of the fewest threads at two clocks or more, ascending by measured clock."""
    known = [item for item in _clocked(family) if item.clock]
    fewest = min((item.point.setting.threads for item in known), default=0)
    by_width: dict[int, list[PointSummary]] = defaultdict(list)
    for item in sorted(known, key=lambda item: item.clock or 0.0):
        if item.point.setting.threads == fewest:
            by_width[item.point.setting.width].append(item)
    widths = sorted(width for width, items in by_width.items() if len(items) > 1)
    drawn = widths if len(widths) <= _DRAWN else [widths[0], widths[len(widths) // 2], widths[-1]]
    return {width: by_width[width] for width in drawn}


def _speeds(items: Sequence[PointSummary]) -> list[Estimate]:
    """Step time at the lowest clock over that at each."""
    slowest = items[0].step.value or 0.0
    return [_speed(slowest, item.step) for item in items]


def _speed(slowest: float, step: Estimate) -> Estimate:
    """How much faster a step is than `slowest` seconds; the ends of its interval change places."""
    value, low, high = (slowest / end if end else None for end in (step.value, step.high, step.low))
    return Estimate(value, low, high)


def _ideal(axes: Axes, clocks: Sequence[float]) -> None:
    low, high = min(clocks), max(clocks)
    axes.plot([low, high], [1.0, high / low], "--", color=MUTED, linewidth=1.0, label="all of it scales")


def _gigahertz(item: PointSummary) -> float:
    return (item.clock or 0.0) / 1e9
