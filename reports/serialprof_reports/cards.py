# SPDX-License-Identifier: Apache-2.0
"""The verdicts as the page's first section shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof_reports import devices, frontier, limitshares, wording
from serialprof_reports.pageparts import Card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.model.results import FamilyAnalysis

#: What each grade of evidence rests on.
GRADES: Final = {"A": "clock swept", "B": "counters or a partial sweep", "C": "model or stand-in"}


def card(family: FamilyAnalysis) -> Card:
    """The verdict on a family; beside it what was declared, the chain's hatch and the next step."""
    verdict = family.verdict
    graded = wording.graded(family)
    return Card(
        name=title(family),
        summary=family.description.summary,
        sentence=verdict.sentence,
        grade=verdict.grade if graded else "",
        grade_means=GRADES[verdict.grade] if graded else "",
        grade_reason=verdict.grade_reason,
        warnings=tuple(frontier.warnings(family)),
        facts=tuple(_facts(family)),
        more=tuple(_more(family)),
    )


def title(family: FamilyAnalysis) -> str:
    """A family's name, short enough for a heading."""
    return wording.shorten(wording.label(family), 80)


def _facts(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    if family.declared is not None:
        yield "declared", wording.declared(family.declared, wording.axis(family))
    if family.device is not None and family.device.moves:
        yield devices.HELP, devices.would_help(family.device)
    hatch = family.verdict.hatch
    if text := limitshares.told(family):
        yield "share of the limit", text
    yield "this implementation's chain", f"known way round it: {hatch}" if hatch else "no way round it is known"
    yield "next step", family.verdict.next_step


def _more(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    if family.device is not None:
        yield "knee", devices.place(family.device)
        yield from (line for line in devices.lines(family) if line[0] != devices.HELP)
    for item in family.crossovers:
        yield "crossover", wording.crossover(item, wording.axis(family))
    yield from frontier.lines(family)
    if family.depth_costs:
        yield "depth cost", wording.depth_cost(family)
    for name, text in (
        ("start-up", wording.startup(family)),
        ("step tail", wording.tail(family)),
        ("by counters", wording.counted(family)),
    ):
        if text:
            yield name, text
    yield from (("not told", text) for text in frontier.refusals(family))
