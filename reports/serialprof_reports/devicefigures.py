# SPDX-License-Identifier: Apache-2.0
"""The page's figure of steps on a device: their parts over batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof.model.dissected import BANDWIDTH, DEVICE_CAUSES, FLOOR, FLOP, GAPS, HOST, SLOW, TRANSFERS, UNTOLD
from serialprof.units import format_count
from serialprof_reports import stackedbars, wording
from serialprof_reports.plotting import MUTED, PAPER, PARTS, SERIES, Plot, render
from serialprof_reports.stackedbars import Bar

if TYPE_CHECKING:
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

    open_ = any(_share(step, _OPEN) for step in found.steps)
    causes = (*DEVICE_CAUSES[:-1], *((_OPEN,) if open_ else ()), UNTOLD)
    bars = [Bar(format_count(step.width), {cause: _share(step, cause) for cause in causes}) for step in found.steps]
    name = wording.shorten(family.description.width_name, 24)

    def draw(figure: Figure) -> None:
        stackedbars.draw(figure, bars, causes, _segment, name)

    caption = f"Where parts are {_OPEN}, only the least of each is drawn." if open_ else ""
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


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
