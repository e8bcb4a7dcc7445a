# SPDX-License-Identifier: Apache-2.0
"""The page's figure of steps on a device: their parts over batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof.model.dissected import BANDWIDTH, DEVICE_CAUSES, FLOOR, FLOP, GAPS, HOST, SLOW, TRANSFERS, UNTOLD
from serialprof.units import format_count
from serialprof_reports import wording
from serialprof_reports.plotting import MUTED, PAPER, PARTS, SERIES, WIDE, Plot, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.model.dissected import DeviceAnalysis, DeviceStep
    from serialprof.model.results import FamilyAnalysis

_COLOURS: Final = dict(
    zip(
        (FLOOR, HOST, TRANSFERS, FLOP, BANDWIDTH, UNTOLD, GAPS, SLOW),
        (*PARTS.values(), SERIES[1], SERIES[5]),
        strict=True,
    )
)
#: How a segment is drawn besides its colour.
_HATCHES: Final = {HOST: "++", GAPS: "///", TRANSFERS: "xx", FLOP: "\\\\\\", BANDWIDTH: "---", SLOW: "||"}
#: What the data do not tell apart.
_OPEN: Final = "not told apart"


def parts(family: FamilyAnalysis, found: DeviceAnalysis, prefix: str) -> Plot:
    """Stacked shares of a step over batch."""
    title = "Parts of a step over batch"
    if not found.steps:
        return Plot(title, "", "; ".join(dict.fromkeys(item.reason for item in found.missing)), "")

    def draw(figure: Figure) -> None:
        figure.set_size_inches(WIDE, 3.6)
        axes = figure.subplots()
        _stack(axes, found.steps)
        axes.set_xlabel(wording.shorten(family.description.width_name, 24))
        axes.set_ylabel("share of the step, %")
        _legend(figure, found.steps)

    open_ = any(_share(step, _OPEN) for step in found.steps)
    caption = f"Where parts are {_OPEN}, only the least of each is drawn." if open_ else ""
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
    return {"facecolor": _COLOURS[cause], "edgecolor": PAPER, "hatch": _HATCHES.get(cause)}


def _legend(figure: Figure, steps: Sequence[DeviceStep]) -> None:
    from matplotlib.patches import Patch

    open_ = (_OPEN,) if any(_share(step, _OPEN) for step in steps) else ()
    handles = [
        Patch(label=cause.replace(" and ", "\nand "), **_segment(cause))
        for cause in (*DEVICE_CAUSES[:-1], *open_, UNTOLD)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, columnspacing=1.2)
