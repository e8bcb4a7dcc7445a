# SPDX-License-Identifier: Apache-2.0
"""The page's figure of where the time of a step goes, by the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof.model.results import CAUSES, COMPUTE, LAUNCH, MEMORY, SYNCHRONISATION, UNATTRIBUTED
from serialprof.units import format_count
from serialprof_reports import stackedbars, wording
from serialprof_reports.plotting import MUTED, PAPER, PARTS, Plot, render
from serialprof_reports.stackedbars import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from serialprof.model.results import Attribution, FamilyAnalysis, Part

#: Thread counts that are drawn.
_MOST_COUNTS: Final = 4
#: What causes have together that the data cannot tell apart.
UNTOLD: Final = "not told apart"


def attribution(family: FamilyAnalysis, prefix: str) -> Plot:
    """Where a step's time goes: stacked shares per width and thread count."""
    title = "Where the time of a step goes"
    if not family.attributions:
        return Plot(title, "", family.refusal or "There is no attribution.", "")
    rows = _rows(family.attributions)
    some_untold = any(bar.shares.get(UNTOLD) for bar in rows)
    causes = (*CAUSES[:-1], *((UNTOLD,) if some_untold else ()), UNATTRIBUTED)
    name = wording.shorten(family.description.width_name, 24)

    def draw(figure: Figure) -> None:
        stackedbars.draw(figure, rows, causes, _segment, name)

    caption = _missing_causes(family.attributions)
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


def _rows(items: Sequence[Attribution]) -> list[Bar]:
    """A bar per width, from few to many, under a heading for each thread count."""
    rows = []
    for count in sorted({item.threads for item in items})[:_MOST_COUNTS]:
        rows.append(Bar(wording.threads(count), {}))
        own = sorted((item for item in items if item.threads == count), key=lambda item: item.width)
        rows += [Bar(format_count(item.width), _shares(item)) for item in own]
    return rows


def _shares(item: Attribution) -> dict[str, float]:
    return {cause: _share(item, cause) for cause in (*CAUSES, UNTOLD)}


#: How a segment of the bars is drawn besides its colour; on paper, what is nothing that a cause is known of.
_HATCHES: Final = {LAUNCH: "++", SYNCHRONISATION: "xx", COMPUTE: "\\\\\\", MEMORY: "---"}
_ON_PAPER: Final = {UNATTRIBUTED: "////", UNTOLD: "|||"}


def _share(item: Attribution, cause: str) -> float:
    """What is drawn of a cause: its share of the step, or the least it can be; of UNTOLD, what that leaves over."""
    if cause != UNTOLD:
        share = item.part(cause).share
        return max(0.0, share.low or 0.0) if share.value is None else share.value
    drawn = sum(_share(item, known) for known in CAUSES)
    return 1 - drawn if any(part.share.value is None for part in item.parts) else 0.0


def _segment(cause: str) -> dict[str, Any]:
    """Colours and hatch of a cause, for bars and legend."""
    if cause not in _ON_PAPER:
        return {"facecolor": PARTS[cause], "edgecolor": PAPER, "hatch": _HATCHES.get(cause)}
    edge = PARTS.get(cause, MUTED)
    return {"facecolor": PAPER, "edgecolor": edge, "hatch": _ON_PAPER[cause]}


def untold(family: FamilyAnalysis) -> tuple[str, ...]:
    """Why causes are not told apart at some widths, each reason once with its causes."""
    causes: dict[str, list[str]] = {}
    for part in _without_value(family.attributions):
        found = causes.setdefault(part.share.reason, [])
        found += [part.cause] if part.cause not in found else []
    return tuple(f"{', '.join(names)}: {reason}" for reason, names in causes.items() if reason)


def _missing_causes(items: Sequence[Attribution]) -> str:
    names = ", ".join(dict.fromkeys(part.cause for part in _without_value(items)))
    return f"Not told apart at some widths, of which only the least is drawn: {names}." if names else ""


def _without_value(items: Sequence[Attribution]) -> list[Part]:
    return [part for item in items for part in item.parts if part.share.value is None]
