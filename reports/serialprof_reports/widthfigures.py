# SPDX-License-Identifier: Apache-2.0
"""Latency and throughput over width or batch: fit, knee, serial against wide form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serialprof.estimate import Estimate
from serialprof.model.device.telling import knee as told_knee
from serialprof.model.sweep import at_reference
from serialprof.units import format_count
from serialprof_reports import wording
from serialprof_reports.frames import arrange, at_places, frame, logarithmic, new_axes
from serialprof_reports.plotting import MUTED, PAPER, SERIES, Plot, band, interval_points, number, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.model.results import Crossover, FamilyAnalysis, PointSummary
    from serialprof.setting import Form


def growth(family: FamilyAnalysis, prefix: str) -> Plot:
    """Time per step and lanes per second over width: a series per thread count, fit and band, wide form, knee."""
    title = "Time per step and lanes per second"
    measured = [item for item in at_reference(family.points) if item.step.value is not None and item.step.value > 0]
    if not measured:
        return Plot(title, "", family.refusal or "No point was measured.", "")

    def draw(figure: Figure) -> None:
        upper, lower = new_axes(figure, 2)
        for axes in (upper, lower):
            axes.set_xscale("log")
            axes.set_yscale("log")
            _mark_knee(axes, _knee(family))
            for index, count in enumerate(_thread_counts(measured)):
                _series(axes, measured, count, index, rates=axes is lower, joined=not _fitted(family))
            _fit(axes, family, rates=axes is lower)
            for item in family.crossovers:
                _mark_crossover(axes, item)
        widths = at_places(item.point.setting.width for item in measured)
        lower.set_xlim(upper.get_xlim())
        frame(upper, widths.unlabelled(), logarithmic(upper.get_ylim(), "s"), "", "time per step")
        name = wording.shorten(family.description.width_name, 24)
        frame(lower, widths, logarithmic(lower.get_ylim(), ""), name, "lanes per second")
        arrange(figure, 1.5)

    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", _caption(family))


def _series(axes: Axes, measured: Sequence[PointSummary], count: int, index: int, *, rates: bool, joined: bool) -> None:
    """The measured points of a thread count, as times or as lanes per second; the wide form hollow and dashed."""
    colour = SERIES[index % len(SERIES)]
    for form in ("serial", "wide"):
        series = sorted(
            (item for item in measured if _is(item, count, form)), key=lambda item: item.point.setting.width
        )
        if not series:
            continue
        widths = [item.point.setting.width for item in series]
        estimates = [_rate(item) if rates else item.step for item in series]
        label = f"{wording.threads(count)}{'' if form == 'serial' else ', wide form'}"
        if form == "wide":
            interval_points(
                axes, widths, estimates, index, label=label,
                linestyle="--", linewidth=0.9, markerfacecolor=PAPER, markeredgecolor=colour, zorder=1.9,
            )  # fmt: skip
        else:
            line = "-" if joined else "none"
            interval_points(axes, widths, estimates, index, label=label, linestyle=line, linewidth=1.2)


def _rate(item: PointSummary) -> Estimate:
    """Lanes per second; the ends of an interval change places."""
    width, step = item.point.setting.width, item.step
    value, low, high = (None if not end or end <= 0 else width / end for end in (step.value, step.high, step.low))
    return Estimate(value, low, high, "1/s")


def _fit(axes: Axes, family: FamilyAnalysis, *, rates: bool) -> None:
    """The fitted curves with their bands."""
    counts = _thread_counts(family.points)
    for curve in family.fit.curves if family.fit is not None and _fitted(family) else ():
        if curve.threads not in counts:
            continue
        colour = SERIES[counts.index(curve.threads) % len(SERIES)]
        ends = [(step.value, step.low, step.high) for step in curve.steps]
        shown = [
            [
                width / number(end) if rates and end else number(end)
                for width, end in zip(curve.widths, each, strict=True)
            ]
            for each in zip(*ends, strict=True)
        ]
        axes.plot(curve.widths, shown[0], color=colour, linewidth=1.3)
        band(axes, curve.widths, shown[1], shown[2], colour)


def _fitted(family: FamilyAnalysis) -> bool:
    """Whether the fit is drawn; on a device, the knee alone is told of its own fit over batch."""
    return family.fit is not None and family.device is None


def _knee(family: FamilyAnalysis) -> Estimate:
    """The knee over batch on a device, or that of the fit on the fewest threads."""
    if family.device is not None:
        return family.device.sweep.knee
    knees = family.fit.knees if family.fit is not None else {}
    return knees[min(knees)] if knees else Estimate.unknown("")


def _mark_knee(axes: Axes, knee: Estimate) -> None:
    if knee.low is not None and knee.high is not None:
        axes.axvspan(knee.low, knee.high, color=MUTED, alpha=0.2, linewidth=0)
    if knee.value is not None:
        axes.axvline(knee.value, color=MUTED, linewidth=1.0, linestyle=":")


def _mark_crossover(axes: Axes, item: Crossover) -> None:
    """Two thin lines where more threads start to win, apart from the knee's shade."""
    for end in (item.width.low, item.width.high):
        if item.width.bounded and end is not None:
            axes.axvline(end, color=MUTED, linewidth=0.9, linestyle="-.")


def _caption(family: FamilyAnalysis) -> str:
    missing = f"No fit: {family.refusal}." if family.fit is None and family.device is None else ""
    return f"{_knee_text(family)} {missing}".strip()


def _knee_text(family: FamilyAnalysis) -> str:
    """Where the width's work takes as long as what does not grow with it, as a sentence; empty without a fit."""
    if family.device is not None:
        text = told_knee(family.device.sweep)
        return f"{text[:1].upper()}{text[1:]}."
    knee = _knee(family)
    if knee.value is None and not knee.bounded:
        return f"Knee: {knee.reason}." if knee.reason else ""
    return f"Knee at W = {wording.with_interval(knee, lambda width: format_count(float(f'{width:.2g}')))}."


def _thread_counts(points: Sequence[PointSummary]) -> list[int]:
    return sorted({item.point.setting.threads for item in points})


def _is(item: PointSummary, count: int, form: Form) -> bool:
    return item.point.setting.threads == count and item.point.setting.form == form
