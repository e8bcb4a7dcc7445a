# SPDX-License-Identifier: Apache-2.0
"""One self-contained page of a recording of live loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from serialprof.units import format_percent
from serialprof_reports import livefigures as figures
from serialprof_reports import livewording as told
from serialprof_reports import wording
from serialprof_reports.document import document
from serialprof_reports.live import json
from serialprof_reports.pageparts import Panel, Section, Table
from serialprof_reports.reproduction import packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.live.results import LiveAnalysis, LoopAnalysis
    from serialprof.live.view import Live
    from serialprof_reports.pageparts import Facts

#: Loops whose figures are drawn; the data have all.
_MOST_LOOPS: Final = 20


@dataclass(frozen=True, slots=True)
class _Card:
    """The verdict on a loop, and what is to be known of it."""

    name: str
    sentence: str
    facts: Facts
    notes: tuple[str, ...]


def html(live: Live) -> str:
    """The page as one HTML document, under the same Content-Security-Policy as that of a run."""
    analysis = live.analysis
    return document(
        "live.html.j2",
        ("page.css",),
        ("page.js",),
        headline=told.heading(live),
        machine=told.machine(live),
        cards=tuple(_Card(loop.name, loop.sentence, tuple(_facts(loop)), loop.notes) for loop in analysis.loops),
        absent=tuple(told.absence(analysis)),
        losses=analysis.losses,
        honesty=told.HONESTY,
        sections=tuple(_section(loop, f"loop-{index}") for index, loop in enumerate(analysis.loops[:_MOST_LOOPS])),
        outside=_outside(analysis),
        next=analysis.next,
        command=told.command(live),
        data=f"data:application/gzip;base64,{packed(json(live))}",
    )


def _facts(loop: LoopAnalysis) -> Iterator[tuple[str, str]]:
    yield "steps", told.counts(loop)
    yield "mean step", wording.compact_step(loop.step)
    yield "quantiles", told.quantiles(loop.tail)
    if loop.waiting.value is not None:
        yield "on no CPU", f"{wording.compact_percent(loop.waiting)} of the driving thread's time"
    if loop.threads.value is not None:
        yield "threads that worked", f"{loop.threads.value:.2f}"
    if loop.drift.value is not None:
        yield "drift", wording.with_interval(loop.drift, lambda share: format_percent(share, 1))


def _section(loop: LoopAnalysis, anchor: str) -> Section:
    panels = (
        Panel(loop.name, figures.parts(loop, f"{anchor}-parts")),
        Panel(loop.name, figures.spread(loop, f"{anchor}-spread")),
        Panel(loop.name, figures.over_time(loop, f"{anchor}-time")),
    )
    rows = tuple(told.part_row(part) for part in loop.parts)
    return Section(anchor, loop.name, "", panels, (Table("Parts of a step", told.PART_COLUMNS, rows),))


def _outside(analysis: LiveAnalysis) -> tuple[Table, ...]:
    if not analysis.outside:
        return ()
    rows = tuple(told.outside_row(region) for region in analysis.outside)
    return (Table("Regions outside steps", told.OUTSIDE_COLUMNS, rows),)
