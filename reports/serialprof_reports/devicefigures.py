# SPDX-License-Identifier: Apache-2.0
"""The page's figures of steps on a device: their parts over batch, and time and throughput with the knee."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof.model.device.telling import knee
from serialprof.model.dissected import BANDWIDTH, DEVICE_CAUSES, FLOOR, FLOP, GAPS, HOST, TRANSFERS, UNTOLD
from serialprof.units import format_count
from serialprof_reports import wording
from serialprof_reports.plotting import MUTED, PAPER, PARTS, SERIES, Plot, log_ticks, number, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.estimate import Estimate
    from serialprof.model.dissected import DeviceAnalysis, DeviceStep
    from serialprof.model.results import FamilyAnalysis

_COLOURS: Final = dict(
    zip(
        (FLOOR, HOST, TRANSFERS, FLOP, BANDWIDTH, UNTOLD, GAPS),
        (*PARTS.values(), SERIES[1]),
        strict=True,
    )
)
#: What the data do not tell apart.
_OPEN: Final = "not told apart"


def parts(family: FamilyAnalysis, found: DeviceAnalysis, prefix: str) -> Plot:
    """Stacked shares of a step over batch."""
    title = "Parts of a step over batch"
    if not found.steps:
        return Plot(title, "", "; ".join(dict.fromkeys(item.reason for item in found.missing)), "")

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _stack(axes, found.steps)
        axes.set_xlabel(wording.shorten(family.description.width_name, 24))
        axes.set_ylabel("share of the step, %")
        _legend(figure, found.steps)

    open_ = any(_share(step, _OPEN) for step in found.steps)
    caption = "Means over blocks; intervals stand in the table. Below zero: the paths promise more than was measured."
    more = f" Where parts are {_OPEN}, only the least of each is drawn." if open_ else ""
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", f"{caption}{more}")


def growth(family: FamilyAnalysis, found: DeviceAnalysis, prefix: str) -> Plot:
    """Step time and throughput over batch, with the knee."""
    title = "Step time and throughput over batch"
    rates = [item for item in found.sweep.throughput if item.rate.value]
    if not rates:
        return Plot(title, "", "No batch was measured.", "")
    widths = [item.width for item in rates]
    steps = [wording.step_of(family, width, found.threads) for width in widths]
    lanes = wording.shorten(family.description.width_name, 24)

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes, estimates, unit, label, colour in (
            (upper, steps, "s", "time per step", SERIES[0]),
            (lower, [item.rate for item in rates], "", "lanes per second", SERIES[2]),
        ):
            _series(axes, widths, estimates, colour)
            axes.set_xscale("log")
            axes.set_yscale("log")
            log_ticks(axes, unit)
            axes.set_ylabel(label)
            _mark_knee(axes, found.sweep.knee)
        every = -(-len(widths) // 8)
        lower.set_xticks(widths[::every], [format_count(width) for width in widths[::every]])
        lower.minorticks_off()
        lower.set_xlabel(lanes)

    known = found.sweep.knee
    caption = f"{knee(found.sweep)}."
    caption = f"{caption[:1].upper()}{caption[1:]}{' Shaded: its interval.' if known.bounded else ''}"
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


def _stack(axes: Axes, steps: Sequence[DeviceStep]) -> None:
    floors, tops = [0.0] * len(steps), [0.0] * len(steps)
    for cause in (*DEVICE_CAUSES[:-1], _OPEN, UNTOLD):
        shares = [100 * _share(step, cause) for step in steps]
        if cause == _OPEN and not any(shares):
            continue
        bottoms = [low if share < 0 else top for share, low, top in zip(shares, floors, tops, strict=True)]
        axes.bar(range(len(steps)), shares, 0.78, bottoms, linewidth=0.7, **_segment(cause))
        floors = [low + min(share, 0.0) for share, low in zip(shares, floors, strict=True)]
        tops = [top + max(share, 0.0) for share, top in zip(shares, tops, strict=True)]
    axes.axhline(0.0, color=MUTED, linewidth=0.8)
    labels = [format_count(step.width) for step in steps]
    axes.set_xticks(range(len(steps)), labels, rotation=0 if sum(map(len, labels)) < 30 else 40)
    axes.grid(visible=False, axis="x")


def _share(step: DeviceStep, cause: str) -> float:
    """What is drawn of a cause: its share, or the least it can be; of _OPEN, what the others leave of the step."""
    if cause != _OPEN:
        share = step.part(cause).share
        return max(0.0, share.low or 0.0) if share.value is None else share.value
    left = 1 - sum(_share(step, known) for known in DEVICE_CAUSES)
    return left if left > 1e-6 and any(part.share.value is None for part in step.parts) else 0.0


def _segment(cause: str) -> dict[str, Any]:
    """Colours and hatch of a cause, for bars and legend."""
    if cause == _OPEN:
        return {"facecolor": PAPER, "edgecolor": MUTED, "hatch": "|||"}
    if cause == UNTOLD:
        return {"facecolor": PAPER, "edgecolor": _COLOURS[cause], "hatch": "////"}
    return {"facecolor": _COLOURS[cause], "edgecolor": PAPER}


def _legend(figure: Figure, steps: Sequence[DeviceStep]) -> None:
    from matplotlib.patches import Patch

    open_ = (_OPEN,) if any(_share(step, _OPEN) for step in steps) else ()
    handles = [Patch(label=cause, **_segment(cause)) for cause in (*DEVICE_CAUSES[:-1], *open_, UNTOLD)]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, columnspacing=1.2)


def _series(axes: Axes, widths: Sequence[int], estimates: Sequence[Estimate], colour: str) -> None:
    values = [number(item.value) for item in estimates]
    below = [max(0.0, number(item.value) - item.low) if item.low is not None else 0.0 for item in estimates]
    above = [max(0.0, item.high - number(item.value)) if item.high is not None else 0.0 for item in estimates]
    axes.errorbar(widths, values, yerr=(below, above), fmt="o-", color=colour, linewidth=1.2, elinewidth=1.2)


def _mark_knee(axes: Axes, knee: Estimate) -> None:
    if knee.low is not None and knee.high is not None:
        axes.axvspan(knee.low, knee.high, color=MUTED, alpha=0.16, linewidth=0)
    if knee.value is not None:
        axes.axvline(knee.value, color=MUTED, linewidth=1.0, linestyle=":")
