# SPDX-License-Identifier: Apache-2.0
"""The page's figures of one family: step times, what threads bring, where the time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof.model.results import CAUSES, UNATTRIBUTED
from serialprof.model.sweep import at_reference
from serialprof.units import format_count
from serialprof_reports import wording
from serialprof_reports.plotting import MUTED, PAPER, PARTS, SERIES, WIDE, Plot, log_ticks, number, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.estimate import Estimate
    from serialprof.model.results import Attribution, Crossover, FamilyAnalysis, PointSummary


#: What causes have together that the data cannot tell apart.
UNTOLD: Final = "not told apart"


def step_times(family: FamilyAnalysis, prefix: str) -> Plot:
    """Step time over width per thread count: points with intervals, fit and band, wide form, crossovers."""
    title = "Step time over width"
    measured = [item for item in at_reference(family.points) if item.step.value is not None and item.step.value > 0]
    if not measured:
        return Plot(title, "", family.refusal or "No point was measured.", "")

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        for index, count in enumerate(_thread_counts(measured)):
            _step_series(axes, family, count, SERIES[index % len(SERIES)])
        for item in family.crossovers:
            _mark_crossover(axes, item)
        _width_axis(axes, family, [item.point.setting.width for item in measured])
        log_ticks(axes, "s")
        axes.set_ylabel("time per step")
        axes.legend(loc="upper left")

    bands = "Lines and bands: the fit. " if family.fit is not None else f"{family.refusal.capitalize()}. "
    wide = any(item.point.setting.form == "wide" for item in measured)
    dashes = "Thin dashes: the wide form, the same work without dependence between steps. " if wide else ""
    crossed = any(item.width.bounded for item in family.crossovers)
    cross = "Shaded: the measured widths between which more threads start to win." if crossed else ""
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", f"{bands}{dashes}{cross}".strip())


def threads(family: FamilyAnalysis, prefix: str) -> Plot:
    """Speed-up by more threads: over width for two thread counts, over the thread count for more."""
    title = "What more threads bring"
    counts = _thread_counts(family.points)
    if len(counts) > 2:
        return _over_threads(family, prefix, title, counts)
    known = [item for item in family.tradeoffs if item.cores_gain.value is not None]
    if not known:
        reasons = [item.cores_gain.reason for item in family.tradeoffs if item.cores_gain.reason]
        return Plot(title, "", reasons[0] if reasons else "Only one thread count was measured.", "")
    before, after = known[0].threads, known[0].more_threads

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_xscale("log")
        _reference_lines(axes, after / before)
        _with_intervals(
            axes, [item.width for item in known], [item.cores_gain for item in known], SERIES[1], offset=1.0
        )
        _width_axis(axes, family, [item.width for item in known])
        axes.set_ylim(bottom=0)
        axes.set_ylabel(f"speed-up, {before} to {after} threads")

    caption = "Above 1 more threads win, below 1 they lose. From paired blocks."
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


def attribution(family: FamilyAnalysis, prefix: str) -> Plot:
    """Where a step's time goes: stacked shares per width, a panel per thread count."""
    title = "Where the time of a step goes"
    if not family.attributions:
        return Plot(title, "", family.refusal or "There is no attribution.", "")
    counts = sorted({item.threads for item in family.attributions})[:4]

    def draw(figure: Figure) -> None:
        rows = -(-len(counts) // 2)
        figure.set_size_inches(WIDE, 3.2 * rows + 0.7)
        panels = figure.subplots(rows, min(2, len(counts)), sharey=True, squeeze=False).ravel()
        for spare in panels[len(counts) :]:
            spare.remove()
        for axes, count in zip(panels, counts, strict=False):
            _stack(axes, [item for item in family.attributions if item.threads == count])
            axes.set_title(wording.threads(count))
            axes.set_xlabel(wording.shorten(family.description.width_name, 24))
        panels[0].set_ylabel("share of the step, %")
        _cause_legend(figure, family.attributions)

    missing = _missing_causes(family.attributions)
    caption = f"Unattributed below zero: the fit predicts more than was measured.{missing}"
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


def _step_series(axes: Axes, family: FamilyAnalysis, count: int, colour: str) -> None:
    for form in ("serial", "wide"):
        series = sorted(
            (item for item in at_reference(family.points) if _is(item, count, form) and item.step.value is not None),
            key=lambda item: item.point.setting.width,
        )
        if not series:
            continue
        widths = [item.point.setting.width for item in series]
        if form == "wide":
            axes.plot(widths, [item.step.value or 0 for item in series], "--", color=colour, linewidth=0.9)
        else:
            _with_intervals(axes, widths, [item.step for item in series], colour, label=wording.threads(count))
    for curve in family.fit.curves if family.fit is not None else ():
        if curve.threads == count:
            axes.plot(curve.widths, [number(step.value) for step in curve.steps], color=colour, linewidth=1.4)
            low = [number(step.low) for step in curve.steps]
            high = [number(step.high) for step in curve.steps]
            axes.fill_between(curve.widths, low, high, color=colour, alpha=0.18, linewidth=0)


def _with_intervals(
    axes: Axes,
    widths: Sequence[float],
    estimates: Sequence[Estimate],
    colour: str,
    *,
    label: str = "",
    offset: float = 0.0,
) -> None:
    """Points with their intervals, those without one as a point alone."""
    values = [(estimate.value or 0.0) + offset for estimate in estimates]
    below = [0.0 if item.low is None else max(0.0, (item.value or 0.0) - item.low) for item in estimates]
    above = [0.0 if item.high is None else max(0.0, item.high - (item.value or 0.0)) for item in estimates]
    axes.errorbar(widths, values, yerr=(below, above), fmt="o", color=colour, elinewidth=1.3, label=label or None)


def _mark_crossover(axes: Axes, item: Crossover) -> None:
    if item.width.low is None or item.width.high is None:
        return
    axes.axvspan(item.width.low, item.width.high, color=MUTED, alpha=0.13, linewidth=0)
    if item.width.value is not None:
        axes.axvline(item.width.value, color=MUTED, linewidth=1.0, linestyle=":")


def _reference_lines(axes: Axes, ideal: float) -> None:
    axes.axhline(1.0, color=MUTED, linewidth=1.0)
    axes.axhline(ideal, color=MUTED, linewidth=1.0, linestyle="--")
    axes.annotate("ideal", (0.02, ideal), (0, 3), ("axes fraction", "data"), "offset points", color=MUTED)
    axes.annotate("no change", (0.98, 1.0), (0, -4), ("axes fraction", "data"), "offset points", color=MUTED,
                  ha="right", va="top")  # fmt: skip


def _over_threads(family: FamilyAnalysis, prefix: str, title: str, counts: list[int]) -> Plot:
    steps = {
        (item.point.setting.width, item.point.setting.threads): item.step.value
        for item in at_reference(family.points)
        if item.point.setting.form == "serial" and item.step.value is not None
    }
    widths = sorted({width for width, count in steps if count == counts[0]})
    if not widths:
        return Plot(title, "", family.refusal or "No point was measured.", "")

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        ideal = [count / counts[0] for count in counts]
        axes.plot(counts, ideal, "--", color=MUTED, linewidth=1.0, label="ideal")
        axes.axhline(1.0, color=MUTED, linewidth=1.0)
        for index, width in enumerate(widths):
            there = [count for count in counts if (width, count) in steps]
            ratios = [steps[width, counts[0]] / steps[width, count] for count in there]
            axes.plot(there, ratios, "o-", color=SERIES[index % len(SERIES)], label=f"W = {format_count(width)}")
        axes.set_xscale("log", base=2)
        _fixed_ticks(axes, counts, str)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("threads")
        axes.set_ylabel(f"speed-up over {wording.threads(counts[0])}")
        axes.legend(loc="upper left")

    caption = (
        "Above 1 more threads win, below 1 they lose. Ratios of mean step times; their intervals stand in the table."
    )
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


#: How a segment of the attribution bars is drawn besides its colour.
_HATCHES: Final = {UNATTRIBUTED: "////", UNTOLD: "|||"}


def _stack(axes: Axes, items: Sequence[Attribution]) -> None:
    items = sorted(items, key=lambda item: item.width)
    floors, ceilings = [0.0] * len(items), [0.0] * len(items)
    for cause in (*CAUSES[:-1], UNTOLD, UNATTRIBUTED):
        shares = [100 * _share(item, cause) for item in items]
        if cause == UNTOLD and not any(shares):
            continue
        bottoms = [floor if share < 0 else top for share, floor, top in zip(shares, floors, ceilings, strict=True)]
        axes.bar(range(len(items)), shares, 0.78, bottoms, linewidth=0.7, **_segment(cause))
        floors = [floor + min(share, 0.0) for share, floor in zip(shares, floors, strict=True)]
        ceilings = [top + max(share, 0.0) for share, top in zip(shares, ceilings, strict=True)]
    axes.axhline(0.0, color=MUTED, linewidth=0.8)
    labels = [format_count(item.width) for item in items]
    axes.set_xticks(range(len(items)), labels, rotation=0 if sum(map(len, labels)) < 15 else 40)
    axes.grid(visible=False, axis="x")


def _share(item: Attribution, cause: str) -> float:
    """What is drawn of a cause: its share of the step, or the least it can be; of UNTOLD, what that leaves over."""
    if cause != UNTOLD:
        share = item.part(cause).share
        return max(0.0, share.low or 0.0) if share.value is None else share.value
    drawn = sum(_share(item, known) for known in CAUSES)
    return 1 - drawn if any(part.share.value is None for part in item.parts) else 0.0


def _segment(cause: str) -> dict[str, Any]:
    """Colours and hatch of a cause, for bars and legend."""
    if cause not in _HATCHES:
        return {"facecolor": PARTS[cause], "edgecolor": PAPER}
    edge = PARTS.get(cause, MUTED)
    return {"facecolor": PAPER, "edgecolor": edge, "hatch": _HATCHES[cause]}


def _cause_legend(figure: Figure, items: Sequence[Attribution]) -> None:
    from matplotlib.patches import Patch

    untold = (UNTOLD,) if any(_share(item, UNTOLD) for item in items) else ()
    handles = [Patch(label=cause, **_segment(cause)) for cause in (*CAUSES[:-1], *untold, UNATTRIBUTED)]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.2)


def _missing_causes(items: Sequence[Attribution]) -> str:
    reasons = {part.cause: part.share.reason for item in items for part in item.parts if part.share.value is None}
    listed = "; ".join(f"{cause} ({reason})" if reason else cause for cause, reason in reasons.items())
    return f" Not told apart at some widths, of which only the least is drawn: {listed}." if listed else ""


def _width_axis(axes: Axes, family: FamilyAnalysis, widths: Sequence[int]) -> None:
    _fixed_ticks(axes, sorted(set(widths)), format_count)
    axes.set_xlabel(f"width ({wording.shorten(family.description.width_name, 24)})")


def _fixed_ticks(axes: Axes, places: Sequence[int], form: Callable[[int], str]) -> None:
    every = -(-len(places) // 8)
    axes.set_xticks(places[::every], [form(place) for place in places[::every]])
    axes.minorticks_off()


def _thread_counts(points: Sequence[PointSummary]) -> list[int]:
    return sorted({item.point.setting.threads for item in points})


def _is(item: PointSummary, count: int, form: str) -> bool:
    return item.point.setting.threads == count and item.point.setting.form == form
