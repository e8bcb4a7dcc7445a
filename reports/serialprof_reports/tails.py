# SPDX-License-Identifier: Apache-2.0
"""How step times spread: their cumulative share with p50, p95 and p99, from ticks of single steps or from samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from serialprof.model.latency import seconds_of
from serialprof.model.sweep import at_reference
from serialprof.units import format_count, format_seconds
from serialprof_reports import wording
from serialprof_reports.frames import Ticks, arrange, frame, linear, new_axes
from serialprof_reports.pageparts import Table
from serialprof_reports.plotting import MARKERS, SERIES, Plot, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from serialprof.model.results import FamilyAnalysis, PointSummary
    from serialprof.store import StoredRun, Visit

#: Shares of the steps that the vertical axis names and the curves mark.
_NAMED: Final = (0.5, 0.95, 0.99)
_TICKS: Final = (0.5, 0.95, 0.99, 0.999, 0.9999, 0.99999)
#: Places of a curve below and above its 90 % quantile.
_BULK, _TAIL = 46, 60
#: Points that are drawn of a family: the ends of its widths and one in the middle.
_DRAWN: Final = 3
#: Ratio of longest to shortest from which the horizontal axis is logarithmic.
_LONG: Final = 4.0


@dataclass(frozen=True, slots=True)
class Tail:
    """Seconds per step of a point, ascending, and whether they are those of single steps or means over samples."""

    item: PointSummary
    seconds: NDArray[np.float64]
    single: bool


def tails(run: StoredRun, family: FamilyAnalysis) -> tuple[Tail, ...]:
    """The serial points of a family that have any sound time, by width and threads."""
    visits: dict[int, list[Visit]] = {}
    for visit in run.visits:
        visits.setdefault(visit.point, []).append(visit)
    items = [item for item in at_reference(family.points) if item.point.setting.form == "serial" and item.step.value]
    items.sort(key=lambda item: (item.point.setting.threads, item.point.setting.width))
    found = [_tail(item, visits.get(item.point.id, [])) for item in items]
    return tuple(tail for tail in found if tail.seconds.size > 1)


def cumulated(family: FamilyAnalysis, found: Sequence[Tail], prefix: str) -> Plot:
    """Cumulative share of step times on the fewest threads, each over its median, for a few widths."""
    single = any(tail.single for tail in found)
    title = "Times of single steps" if single else "Times per step of the samples"
    if not found:
        return Plot(title, "", family.refusal or "No step was timed.", "")
    shown = _shown(found)

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        for index, tail in enumerate(shown):
            _curve(axes, tail, index, f"{wording.axis(family)} = {format_count(tail.item.point.setting.width)}")
        _axes(axes, max(tail.seconds.size for tail in shown))
        arrange(figure, 1.9)

    what = "" if single else "; means over many steps each, which hide the tail of single ones"
    caption = f"On {wording.threads(shown[0].item.point.setting.threads)}{what}."
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


def quantiles(family: FamilyAnalysis, found: Sequence[Tail]) -> Table:
    """p50, p95 and p99 of every point; with intervals over blocks where single steps were timed."""
    what = "steps" if any(tail.single for tail in found) else "samples"
    columns = (wording.axis(family), "threads", what, "p50", "p95", "p99", "longest")
    return Table(f"Quantiles of {what}", columns, tuple(map(_row, found)))


def _tail(item: PointSummary, visits: Sequence[Visit]) -> Tail:
    import numpy as np

    sound = [visit for visit in visits if visit.sound]
    ticked = [seconds_of(visit.readings.ticks) for visit in sound if visit.readings.ticks is not None]
    if item.latency is not None and ticked:
        return Tail(item, np.sort(np.concatenate(ticked)), single=True)
    depth = item.point.setting.depth
    means = [seconds / (visit.runs * depth) for visit in sound for seconds in visit.sound.seconds]
    return Tail(item, np.sort(np.array(means, dtype=float)), single=False)


def _shown(found: Sequence[Tail]) -> list[Tail]:
    fewest = [tail for tail in found if tail.item.point.setting.threads == found[0].item.point.setting.threads]
    return fewest if len(fewest) <= _DRAWN else [fewest[0], fewest[len(fewest) // 2], fewest[-1]]


def _curve(axes: Axes, tail: Tail, index: int, label: str) -> None:
    """One point's curve at a few places, more of them in its tail, up to the last share that its steps resolve."""
    import numpy as np

    highest = 1 - 1 / tail.seconds.size
    bulk = np.linspace(0.0, min(0.9, highest), _BULK)
    far = 1 - np.geomspace(0.1, 1 / tail.seconds.size, _TAIL) if highest > 0.9 else np.empty(0)
    shares = np.concatenate([bulk, far])
    typical = float(np.quantile(tail.seconds, 0.5))
    colour, marker = SERIES[index % len(SERIES)], MARKERS[index % len(MARKERS)]
    line = ("-", "--", ":")[index % 3]
    axes.plot(np.quantile(tail.seconds, shares) / typical, _heights(shares), line, color=colour, linewidth=1.4)
    marks = np.array([share for share in _NAMED if share <= highest])
    axes.plot(np.quantile(tail.seconds, marks) / typical, _heights(marks), marker, color=colour, label=label)


def _height(share: float) -> float:
    return -math.log10(1 - share)


def _heights(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places on an axis that gives every further nine as much room as the one before."""
    import numpy as np

    heights: NDArray[np.float64] = -np.log10(1 - shares)
    return heights


def _axes(axes: Axes, most: int) -> None:
    named = [share for share in _TICKS if share <= max(0.99, 1 - 1 / most)]
    up = Ticks((0.0, *map(_height, named)), ("", *(f"{100 * share:.6g} %" for share in named)))
    low, high = axes.dataLim.intervalx
    if low > 0 and high / low > _LONG:
        axes.set_xscale("log")
    frame(axes, _times(axes.get_xlim(), axes.get_xscale()), up, "time over its median", "share of times not above")


def _times(ends: tuple[float, float], scale: str) -> Ticks:
    """Multiples of the median along an axis."""
    from matplotlib.ticker import LogLocator

    low, high = ends
    if scale != "log":
        return linear(ends, "{:g}x")
    places = LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 50 else (1.0,)).tick_values(low, high)
    return Ticks(tuple(map(float, places)), tuple(f"{place:g}x" for place in places))


def _row(tail: Tail) -> tuple[str, ...]:
    setting, latency = tail.item.point.setting, tail.item.latency
    place = (format_count(setting.width), str(setting.threads), str(tail.seconds.size))
    if tail.single and latency is not None:
        told = [wording.compact_step(estimate) for estimate in (latency.p50, latency.p95, latency.p99)]
        return *place, *told, format_seconds(latency.worst)
    return *place, *_plain(tail), format_seconds(float(tail.seconds[-1]))


def _plain(tail: Tail) -> list[str]:
    """Quantiles as they are, where enough times lie beyond them."""
    import numpy as np

    return [
        format_seconds(float(np.quantile(tail.seconds, share)))
        if tail.seconds.size * (1 - share) >= 1
        else wording.MISSING
        for share in _NAMED
    ]
