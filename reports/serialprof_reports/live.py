# SPDX-License-Identifier: Apache-2.0
"""A recording of live loops as plain text for a terminal, as Markdown, and as one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serialprof.model.plain import as_plain, machine_as_plain
from serialprof.units import format_json
from serialprof_reports import livewording as told
from serialprof_reports import wording
from serialprof_reports.markdown import escaped, table
from serialprof_reports.plaintext import indented, new_table, printed, styled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from serialprof.live.results import LiveAnalysis, LoopAnalysis
    from serialprof.live.view import Live


def json(live: Live) -> str:
    """The analysis as one JSON object, in SI base units: docs/schema/live.schema.json."""
    stored = live.stored
    facts = {name: getattr(stored, name) for name in ("live_id", "started", "version", "command")}
    document = {"schema": told.SCHEMA, "recording": facts, "machine": machine_as_plain(stored.machine)}
    return format_json(document | as_plain(live.analysis), indent=1) + "\n"


def terminal(live: Live, *, width: int = 80, color: bool = False) -> str:
    """Loop by loop the verdict, its tails and a table of its parts, then what lies outside steps and what was lost.

    Args:
        live: the recording.
        width: columns of the terminal; no line is longer.
        color: whether to add ANSI colours.
    """
    return printed(_document(live), width, color)


def markdown(live: Live) -> str:
    """The same as Markdown; every text is escaped."""
    return "\n\n".join(_paragraphs(live)) + "\n"


def _document(live: Live) -> Iterator[RenderableType]:
    analysis = live.analysis
    yield styled(told.heading(live), "bold")
    yield styled(told.machine(live))
    yield styled(told.command(live), "dim")
    for loop in analysis.loops:
        yield ""
        yield from _loop(loop)
    yield from map(styled, told.absence(analysis))
    yield from _outside(analysis)
    yield from (indented(f"lost: {loss}") for loss in analysis.losses)
    yield ""
    yield styled(told.HONESTY, "dim")
    yield styled(f"next: {analysis.next}")


def _loop(loop: LoopAnalysis) -> Iterator[RenderableType]:
    yield styled(loop.name, "bold underline")
    yield indented(loop.sentence)
    yield indented(f"{told.counts(loop)}: {told.quantiles(loop.tail)}")
    yield _table(told.PART_COLUMNS, map(told.part_row, loop.parts))
    yield from (indented(f"- {note}") for note in loop.notes)


def _outside(analysis: LiveAnalysis) -> Iterator[RenderableType]:
    if analysis.outside:
        yield ""
        yield styled("outside steps", "bold underline")
        yield _table(told.OUTSIDE_COLUMNS, map(told.outside_row, analysis.outside))


def _paragraphs(live: Live) -> Iterator[str]:
    analysis = live.analysis
    yield f"# serialprof: {escaped(told.heading(live))}"
    yield escaped(told.machine(live))
    yield escaped(told.command(live))
    for loop in analysis.loops:
        yield f"## {escaped(loop.name)}"
        yield f"**{escaped(loop.sentence)}**"
        yield escaped(f"{told.counts(loop)}: {told.quantiles(loop.tail)}")
        yield table(told.PART_COLUMNS, map(told.part_row, loop.parts), words=1)
        if loop.notes:
            yield "\n".join(f"- {escaped(note)}" for note in loop.notes)
    yield from map(escaped, told.absence(analysis))
    if analysis.outside:
        yield "## Outside steps"
        yield table(told.OUTSIDE_COLUMNS, map(told.outside_row, analysis.outside), words=1)
    if analysis.losses:
        yield "## Lost"
        yield "\n".join(f"- {escaped(loss)}" for loss in analysis.losses)
    yield escaped(told.HONESTY)
    yield escaped(analysis.next)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    made = new_table(columns, left=columns[:1])
    for row in rows:
        made.add_row(*map(wording.plain, row))
    return made
