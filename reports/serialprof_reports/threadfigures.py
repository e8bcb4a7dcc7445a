# SPDX-License-Identifier: Apache-2.0
"""What more threads bring: speed-up with the ideal line, the fit's band, and where the threads were placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serialprof.estimate import Estimate
from serialprof.model.sweep import at_reference
from serialprof.units import format_count
from serialprof_reports import wording
from serialprof_reports.frames import arrange, at_places, frame, linear, new_axes
from serialprof_reports.plotting import MUTED, SERIES, Plot, band, interval_points, number, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.machine import Machine
    from serialprof.model.results import Curve, FamilyAnalysis, Fit

#: Thread counts up to which the CPUs of each are named.
_MOST_PLACES = 4


def speed_up(family: FamilyAnalysis, machine: Machine, prefix: str) -> Plot:
    """Speed-up by more threads: over width for two thread counts, over the thread count for more."""
    title = "Speed-up by more threads"
    places = _places(family)
    if len(places) > 2:
        return _over_threads(family, machine, prefix, title)
    known = [item for item in family.tradeoffs if item.cores_gain.value is not None]
    if not known:
        reasons = [item.cores_gain.reason for item in family.tradeoffs if item.cores_gain.reason]
        return Plot(title, "", reasons[0] if reasons else "Only one thread count was measured.", "")
    before, after = known[0].threads, known[0].more_threads

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        axes.set_xscale("log")
        _reference_lines(axes, after / before)
        _fit_over_width(axes, family.fit, before, after)
        widths = [item.width for item in known]
        interval_points(axes, widths, [_plus_one(item.cores_gain) for item in known], 1)
        axes.set_ylim(bottom=0)
        name = wording.shorten(family.description.width_name, 24)
        heading = f"speed-up, {before} to {after} threads"
        frame(axes, at_places(widths), linear(axes.get_ylim()), name, heading)
        arrange(figure, 1.9)

    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", _placement(places, machine))


def _over_threads(family: FamilyAnalysis, machine: Machine, prefix: str, title: str) -> Plot:
    places = _places(family)
    counts = sorted(places)
    steps = {
        (item.point.setting.width, item.point.setting.threads): item.step
        for item in at_reference(family.points)
        if item.point.setting.form == "serial" and item.step.value
    }
    widths = sorted({width for width, count in steps if count == counts[0]})
    if not widths:
        return Plot(title, "", family.refusal or "No point was measured.", "")

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        axes.plot(counts, [count / counts[0] for count in counts], "--", color=MUTED, linewidth=1.0, label="ideal")
        axes.axhline(1.0, color=MUTED, linewidth=1.0)
        if (shared := _first_shared(places, machine)) is not None:
            before = max((count for count in counts if count < shared), default=shared)
            axes.axvspan((before * shared) ** 0.5, counts[-1] * 1.1, color=MUTED, alpha=0.13, linewidth=0)
        for index, width in enumerate(widths):
            there = [count for count in counts if (width, count) in steps]
            ratios = [_ratio(steps[width, counts[0]], steps[width, count]) for count in there]
            interval_points(axes, there, ratios, index, label=f"W = {format_count(width)}")
            _fit_over_threads(axes, family.fit, width, counts, SERIES[index % len(SERIES)])
        axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        heading = f"speed-up over {wording.threads(counts[0])}"
        frame(axes, at_places(counts), linear(axes.get_ylim()), "threads", heading)
        arrange(figure, 1.9)

    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", _placement(places, machine))


def _reference_lines(axes: Axes, ideal: float) -> None:
    axes.axhline(1.0, color=MUTED, linewidth=1.0)
    axes.axhline(ideal, color=MUTED, linewidth=1.0, linestyle="--")
    axes.annotate("ideal", (0.02, ideal), (0, 3), ("axes fraction", "data"), "offset points", color=MUTED)
    axes.annotate("no change", (0.98, 1.0), (0, -4), ("axes fraction", "data"), "offset points", color=MUTED,
                  ha="right", va="top")  # fmt: skip


def _fit_over_width(axes: Axes, fit: Fit | None, before: int, after: int) -> None:
    """The fitted speed-up at the widths that the curves of both thread counts have: failed points may shorten one."""
    few, many = (
        dict(zip(curve.widths, curve.steps, strict=True)) if curve else {}
        for curve in map(_curves(fit).get, (before, after))
    )
    if shared := sorted(few.keys() & many.keys()):
        _band(axes, shared, [_ratio(few[width], many[width]) for width in shared], SERIES[1])


def _fit_over_threads(axes: Axes, fit: Fit | None, width: int, counts: Sequence[int], colour: str) -> None:
    """The fitted speed-up at a width, at the thread counts that have a curve."""
    curves = _curves(fit)
    there = [count for count in counts if count in curves]
    if counts[0] in curves and len(there) > 1:
        steps = {count: _nearest(curves[count], width) for count in there}
        _band(axes, there, [_ratio(steps[counts[0]], steps[count]) for count in there], colour)


def _band(axes: Axes, places: Sequence[float], ratios: Sequence[Estimate], colour: str) -> None:
    axes.plot(places, [number(item.value) for item in ratios], color=colour, linewidth=1.3)
    low, high = (
        [number(end) for end in ends] for ends in zip(*((item.low, item.high) for item in ratios), strict=True)
    )
    band(axes, places, low, high, colour)


def _curves(fit: Fit | None) -> dict[int, Curve]:
    return {} if fit is None else {curve.threads: curve for curve in fit.curves}


def _nearest(curve: Curve, width: int) -> Estimate:
    index = min(range(len(curve.widths)), key=lambda i: abs(curve.widths[i] - width))
    return curve.steps[index]


def _ratio(few: Estimate, many: Estimate) -> Estimate:
    """Speed-up from one step time to another; its ends are those of both, which is wide rather than narrow."""
    value, low, high = (
        above / below if above and below else None
        for above, below in ((few.value, many.value), (few.low, many.high), (few.high, many.low))
    )
    return Estimate(value, low, high)


def _plus_one(gain: Estimate) -> Estimate:
    value, low, high = (None if end is None else 1 + end for end in (gain.value, gain.low, gain.high))
    return Estimate(value, low, high)


def _places(family: FamilyAnalysis) -> dict[int, tuple[int, ...]]:
    """The CPUs of each thread count, fewest first."""
    settings = sorted((item.point.setting for item in family.points), key=lambda setting: setting.threads)
    return {setting.threads: setting.cpus for setting in settings}


def _cores(cpus: Sequence[int], machine: Machine) -> int:
    """How many cores these CPUs lie on; a CPU that the machine does not group has its own."""
    return len({next((group for group in machine.siblings if cpu in group), (cpu,)) for cpu in cpus})


def _first_shared(places: Mapping[int, tuple[int, ...]], machine: Machine) -> int | None:
    """The fewest threads of which two share a core."""
    return next((count for count, cpus in places.items() if _cores(cpus, machine) < len(cpus)), None)


def _placement(places: Mapping[int, tuple[int, ...]], machine: Machine) -> str:
    """On how many cores the threads were placed, and from how many on they share some."""
    shared = _first_shared(places, machine)
    sharing = f" From {shared} threads on (shaded), some share a core." if shared and len(places) > 2 else ""
    if len(places) > _MOST_PLACES:
        return f"Threads go to cores of their own first.{sharing}"
    told = ", ".join(f"{wording.threads(count)} on {_on(cpus, machine)}" for count, cpus in places.items())
    return f"Placement: {told}.{sharing}"


def _on(cpus: Sequence[int], machine: Machine) -> str:
    cores = _cores(cpus, machine)
    named = f"CPU {cpus[0]}" if len(cpus) == 1 else f"{len(cpus)} CPUs"
    return f"{named} of {cores} core{'' if cores == 1 else 's'}"
