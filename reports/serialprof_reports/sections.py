# SPDX-License-Identifier: Apache-2.0
"""The page's sections in their order, each with the figures that answer it; of those without only the clock's stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof.model.answers import Refusal
from serialprof.model.decision import decision_map
from serialprof_reports import (
    clockfigures,
    clockmap,
    clocktable,
    devicefigures,
    familytables,
    overtime,
    sharefigures,
    spanmap,
    tails,
    threadfigures,
    widthfigures,
)
from serialprof_reports.cards import title
from serialprof_reports.pageparts import Panel, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serialprof.model.examination import Examined
    from serialprof.model.results import Analysis, FamilyAnalysis
    from serialprof.store import StoredRun

_MAP: Final = (
    "How far each workload is from what limits it. Below the slanted roof, the clock's, nothing that must follow "
    "one another goes faster on this machine; below the level one, the throughput's, nothing at all does. Work and "
    "depth are as the workload declares them."
)
_CLOCK: Final = (
    "What clocks were asked for, what was read back, and what the clock meter measured on the cores of the points "
    "while all of them were busy. What was measured counts."
)
_NO_CLOCK: Final = (
    "Speed over clock was not measured, as this run left the cores' clocks alone. A run with --clock all, on a machine "
    "that lets clocks be set, would tell."
)
_THREADS: Final = (
    "What a step gains when more threads share it: above 1 they win, below 1 they lose. Points are measured; lines "
    "and bands are the fit. Intervals of a ratio of two fits have the ends of both, which is wide rather than "
    "narrow."
)
_WIDTH: Final = (
    "Below the knee a step hardly takes longer when it does more at once; beyond it, only more cores or a larger "
    "device help. Shaded: the knee's interval. Lines with bands: the fit. Hollow and dashed: the wide form, the "
    "same work without dependence between steps; the difference is what their order costs. Between dash-dotted "
    "lines more threads start to win."
)
_SHARES: Final = (
    "What a step spends its time on: by the fit over width and threads, or, on a device, by steps taken apart. What"
    " no cause explains is always shown; below zero, the causes predict more than was measured. Bars are means over"
    " blocks; the intervals stand in the tables."
)
_DECISION: Final = (
    "How many times as fast a step gets with another clock and other threads, over the fewest threads at the present "
    "clock, at the width that decides; as the sliders tell it. Contours: what is surely reached. The tie line runs "
    "where that clock alone gives as much as those threads alone: above it the threads give more, below it the clock."
)
_TAILS: Final = (
    "How much longer than usual a step may take: the share of the times, in sound visits on the fewest threads, "
    "that are not above a multiple of their median, marked at p50, p95 and p99. And what clock and temperature did "
    "meanwhile."
)


def sections(run: StoredRun, analysis: Analysis, examined: Sequence[Examined] = ()) -> tuple[Section, ...]:
    """Everything between the machine and what it takes to make the run again.

    Args:
        run: a stored run.
        analysis: of it.
        examined: its families with their fits; those that are lacking have no decision map.
    """
    found = (
        Section("map", "Serial-parallel map", _MAP, spanmap.span_maps(run, analysis, "map")),
        _clock(run, analysis),
        Section("threads", "Threads", _THREADS, tuple(_threads(run, analysis))),
        Section("width", "Width and batch", _WIDTH, tuple(_widths(analysis))),
        Section("shares", "Where the time goes", _SHARES, tuple(_shares(analysis))),
        Section("decision", "Clock against cores", _DECISION, tuple(_decisions(analysis, examined))),
        Section("tails", "Tails", _TAILS, tuple(_tails(run, analysis))),
    )
    return tuple(section for section in found if section.panels or section.tables or section.anchor == "clock")


def _clock(run: StoredRun, analysis: Analysis) -> Section:
    """Speed over the clocks that were set, and what became of each; a sentence alone where none was."""
    if not run.plan.clocks:
        return Section("clock", "Clock", _NO_CLOCK, ())
    rows = clocktable.cells(run)
    tables = (Table("Clocks", clocktable.COLUMNS, rows, ends_in_words=True),) if rows else ()
    panels = tuple(
        Panel(title(family), clockfigures.over_clock(family, f"c{number}"), (clockfigures.clock_points(family),))
        for number, family in enumerate(analysis.families)
    )
    return Section("clock", "Clock", _CLOCK, panels, tables)


def _threads(run: StoredRun, analysis: Analysis) -> Iterator[Panel]:
    """Families that were to be measured on several thread counts; the trade-offs' table holds the numbers."""
    for number, family in enumerate(analysis.families):
        if _several_threads(family):
            plot = threadfigures.speed_up(family, run.machine, f"t{number}")
            yield Panel(title(family), plot, _tradeoffs(family))


def _widths(analysis: Analysis) -> Iterator[Panel]:
    for number, family in enumerate(analysis.families):
        plot = widthfigures.growth(family, f"w{number}")
        fit, notes = familytables.fit(family.fit), family.fit.notes if family.fit is not None else ()
        yield Panel(title(family), plot, (familytables.points(family),), fit, notes)


def _shares(analysis: Analysis) -> Iterator[Panel]:
    for number, family in enumerate(analysis.families):
        if family.device is not None:
            plot = devicefigures.parts(family, family.device, f"p{number}")
        else:
            plot = sharefigures.attribution(family, f"a{number}")
        tables = (*familytables.attributions(family), *familytables.stand_ins(family))
        yield Panel(title(family), plot, tables, notes=sharefigures.untold(family))


def _decisions(analysis: Analysis, examined: Sequence[Examined]) -> Iterator[Panel]:
    fits = {item.times.family: item for item in examined}
    for number, family in enumerate(analysis.families):
        if family.tradeoffs and family.family in fits:
            found = decision_map(fits[family.family], family)
            tables = _tradeoffs(family) if isinstance(found, Refusal) else (clockmap.speed_ups(found),)
            yield Panel(title(family), clockmap.clock_map(family, found, f"d{number}"), tables)


def _tails(run: StoredRun, analysis: Analysis) -> Iterator[Panel]:
    for number, family in enumerate(analysis.families):
        if found := tails.tails(run, family):
            plot = tails.cumulated(family, found, f"e{number}")
            yield Panel(title(family), plot, (tails.quantiles(family, found),))
    if (whole := overtime.over_time(run, "o")) is not None:
        yield whole


def _several_threads(family: FamilyAnalysis) -> bool:
    return len({item.point.setting.threads for item in family.points}) > 1


def _tradeoffs(family: FamilyAnalysis) -> tuple[Table, ...]:
    return (familytables.tradeoffs(family),) if family.tradeoffs else ()
