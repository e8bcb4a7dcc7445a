# SPDX-License-Identifier: Apache-2.0
"""What is said of a family in lines of words, in the order in which it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serialprof_reports import devices, frontier, limitshares, standins, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.model.results import FamilyAnalysis


def statements(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    """What follows a family's tables: (name, text) pairs."""
    yield from (("contradicts", item.sentence) for item in family.contradictions)
    yield from (("warning", text) for text in frontier.warnings(family))
    yield from _over_width(family) if family.device is None else _over_batch(family)
    yield from (("not told", text) for text in frontier.refusals(family))
    yield "way round", family.verdict.hatch or "none known for this implementation's chain"
    yield "next step", family.verdict.next_step


def _over_width(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    """Clock, threads and depth over width."""
    yield from (("crossover", wording.crossover(item)) for item in family.crossovers)
    yield from _known("counters", wording.counted(family))
    yield from frontier.lines(family)
    if family.depth_costs:
        yield "depth cost", wording.depth_cost(family)
    yield from _known("start-up", wording.startup(family))
    yield from _known("step tail", wording.tail(family))
    if family.declared is not None:
        yield "declared", wording.declared(family.declared)
    yield from _known("limit", limitshares.told(family))
    yield from standins.lines(family.stand_ins)


def _over_batch(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    """Steps on a device over batch."""
    yield from devices.lines(family)
    yield from _known("host slack", standins.slack(family.stand_ins, wording.axis(family)))
    for item in family.crossovers:
        if item.width.bounded:
            yield "crossover", wording.crossover(item, wording.axis(family))
    yield from _known("+10 % clock", frontier.equal_threads(family))


def _known(name: str, text: str) -> Iterator[tuple[str, str]]:
    if text:
        yield name, text
