# SPDX-License-Identifier: Apache-2.0
"""The page's figure of where the time of a step goes, by the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof.model.results import CAUSES, COMPUTE, LAUNCH, MEMORY, SYNCHRONISATION, UNATTRIBUTED
from serialprof.units import format_count
from serialprof_reports import wording
from serialprof_reports.plotting import MUTED, PAPER, PARTS, WIDE, Plot, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.model.results import Attribution, FamilyAnalysis, Part


#: What causes have together that the data cannot tell apart.
UNTOLD: Final = "not told apart"


def attribution(family: FamilyAnalysis, prefix: str) -> Plot:
    """Where a step's time goes: stacked shares per width, a panel per thread count."""
    title = "Where the time of a step goes"
    if not family.attributions:
        return Plot(title, "", family.refusal or "There is no attribution.", "")
    counts = sorted({item.threads for item in family.attributions})[:4]

    def draw(figure: Figure) -> None:
        rows = -(-len(counts) // 2)
        figure.set_size_inches(WIDE, 2.5 * rows + 0.7)
        panels = figure.subplots(rows, min(2, len(counts)), sharey=True, squeeze=False).ravel()
        for spare in panels[len(counts) :]:
            spare.remove()
        for axes, count in zip(panels, counts, strict=False):
            _stack(axes, [item for item in family.attributions if item.threads == count])
            axes.set_title(wording.threads(count))
            axes.set_xlabel(wording.shorten(family.description.width_name, 24))
        panels[0].set_ylabel("share of the step, %")
        _cause_legend(figure, family.attributions)

    caption = _missing_causes(family.attributions)
    return Plot(title, render(draw, prefix, f"{title}, {wording.label(family)}"), "", caption)


#: How a segment of the bars is drawn besides its colour; on paper, what is nothing that a cause is known of.
_HATCHES: Final = {LAUNCH: "++", SYNCHRONISATION: "xx", COMPUTE: "\\\\\\", MEMORY: "---"}
_ON_PAPER: Final = {UNATTRIBUTED: "////", UNTOLD: "|||"}


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
    if cause not in _ON_PAPER:
        return {"facecolor": PARTS[cause], "edgecolor": PAPER, "hatch": _HATCHES.get(cause)}
    edge = PARTS.get(cause, MUTED)
    return {"facecolor": PAPER, "edgecolor": edge, "hatch": _ON_PAPER[cause]}


def _cause_legend(figure: Figure, items: Sequence[Attribution]) -> None:
    from matplotlib.patches import Patch

    untold = (UNTOLD,) if any(_share(item, UNTOLD) for item in items) else ()
    handles = [Patch(label=cause, **_segment(cause)) for cause in (*CAUSES[:-1], *untold, UNATTRIBUTED)]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, columnspacing=1.2)


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
