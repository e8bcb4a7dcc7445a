# SPDX-License-Identifier: Apache-2.0
"""Clock and temperature over the time of a run, as far as they were stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from serialprof.units import format_si
from serialprof_reports.frames import arrange, frame, linear, new_axes
from serialprof_reports.pageparts import Panel, Table
from serialprof_reports.plotting import SERIES, Plot, band, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.records import GpuState
    from serialprof.store import StoredRun, Visit

#: What was read: its name, its unit, and (seconds since the start, value) pairs.
Track: TypeAlias = tuple[str, str, list[tuple[float, float]]]

#: Stretches of time that a track is drawn in.
_STRETCHES: Final = 80


def over_time(run: StoredRun, prefix: str) -> Panel | None:
    """What was read of clocks and temperatures, visit by visit; None where nothing was."""
    tracks = [track for track in _tracks(run.visits) if track[2]]
    if not tracks:
        return None
    title = "Clock and temperature over the run"
    moments = [when for _, _, pairs in tracks for when, _ in pairs]
    start, end = min(moments), max(moments) + 1e-9

    def draw(figure: Figure) -> None:
        panels = new_axes(figure, len(tracks))
        for index, (axes, track) in enumerate(zip(panels, tracks, strict=True)):
            axes.set_xlim(start, end)
            _draw(axes, track, SERIES[index % len(SERIES)], last=index == len(tracks) - 1)
        arrange(figure, 1.0)

    caption = "Line: the median of the visits of a stretch of time; band: from the lowest to the highest of them."
    return Panel("The run as a whole", Plot(title, render(draw, prefix, title), "", caption), (_table(tracks),))


def _tracks(visits: Sequence[Visit]) -> Iterator[Track]:
    yield "core clock", "Hz", _pairs((visit.started, visit.clock) for visit in visits)
    yield "temperature", "°C", _pairs((visit.started, visit.readings.temperature) for visit in visits)
    states = [(visit.started, visit.readings.gpu[-1]) for visit in visits if visit.readings.gpu]
    yield "GPU clock", "Hz", _pairs((started, state.sm_clock) for started, state in states)
    yield "GPU temperature", "°C", _pairs((started, _temperature(state)) for started, state in states)


def _temperature(state: GpuState) -> float | None:
    return state.temperature


def _pairs(readings: Iterable[tuple[float, float | None]]) -> list[tuple[float, float]]:
    return sorted((when, value) for when, value in readings if value is not None)


def _draw(axes: Axes, track: Track, colour: str, *, last: bool) -> None:
    import numpy as np

    name, unit, pairs = track
    times, values = np.array(pairs).T
    scale = 1e9 if unit == "Hz" else 1.0
    stretches = [part for part in np.array_split(np.arange(len(times)), min(_STRETCHES, len(times))) if part.size]
    places = [float(times[part].mean()) for part in stretches]
    low, middle, high = (
        [float(np.quantile(values[part], share)) / scale for part in stretches] for share in (0, 0.5, 1)
    )
    band(axes, places, low, high, colour, alpha=0.25)
    axes.plot(places, middle, color=colour, linewidth=1.2)
    seconds = linear(axes.get_xlim())
    values_up = linear(axes.get_ylim(), most=3)
    label = "seconds since the start" if last else ""
    heading = f"{name}, {'GHz' if unit == 'Hz' else unit}"
    frame(axes, seconds if last else seconds.unlabelled(), values_up, label, heading)


def _table(tracks: Sequence[Track]) -> Table:
    from statistics import median

    rows = tuple(
        (name, str(len(pairs)), *(_told(end([value for _, value in pairs]), unit) for end in (min, median, max)))
        for name, unit, pairs in tracks
    )
    return Table("Readings", ("what", "readings", "lowest", "median", "highest"), rows)


def _told(value: float, unit: str) -> str:
    return format_si(value, unit) if unit == "Hz" else f"{value:.0f} {unit}"
