# SPDX-License-Identifier: Apache-2.0
"""The verdicts and tables of a run as plain text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof.model.results import SERIAL
from serialprof.model.sweep import at_reference
from serialprof.model.tradeoff import USELESS
from serialprof.units import format_count
from serialprof_reports import clocktable, devices, limitshares, wording
from serialprof_reports.machinewording import gpu_clocks, machine_line
from serialprof_reports.plaintext import INDENT, indented, new_table, printed, styled
from serialprof_reports.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from serialprof.model.results import Analysis, FamilyAnalysis, Tradeoff
    from serialprof.store import StoredRun
    from serialprof.view import Run

_LABEL: Final = 11
#: Failed points are listed up to this number; the rest is counted.
_MOST_FAILURES: Final = 20

#: What is not printed of steps on a device.
_ELSEWHERE: Final = (
    "in the page and the JSON: the parts' intervals, single steps, depth cost at every batch, declared work, stand-ins"
)
_WINNER_STYLES: Final = {"clock": "cyan", "cores": "yellow", "neither": "dim", "unknown": "dim"}


def terminal(run: Run, *, width: int = 80, color: bool = False) -> str:
    """Machine, then per family the verdict and a table over widths, then whatever failed.

    Args:
        run: the run.
        width: columns of the terminal; no line is longer.
        color: whether to add ANSI colours.
    """
    return printed(_document(run.stored, run.analysis), width, color)


def _document(run: StoredRun, analysis: Analysis) -> Iterator[RenderableType]:
    yield from _machine(run)
    for family in analysis.families:
        yield ""
        yield from _family(family)
    if not analysis.families:
        yield ""
        yield _line("nothing", "no point was measured, so there is no verdict")
    yield ""
    if any(family.tradeoffs for family in analysis.families):
        yield styled("winner: what surely gains more, +10 % clock or the larger number of threads", "dim")
    if any(item.futile for family in analysis.families for item in family.tradeoffs):
        useless = f"more threads lose, stay idle or gain below {100 * USELESS:g} %; clock may gain none"
        yield styled(f"{wording.NO_GAIN}: {useless}", "dim")
    if text := devices.legend(analysis.families):
        yield styled(text, "dim")
    if any(family.device is not None for family in analysis.families):
        yield styled(_ELSEWHERE, "dim")
    yield from _clocks(run)
    yield from _remarks(run, analysis)


def _clocks(run: StoredRun) -> Iterator[RenderableType]:
    """Which clocks were reached, where some were set; what was not as asked for in words below."""
    rows = clocktable.cells(run)
    if not rows:
        return
    table = new_table(clocktable.COLUMNS[:-1])
    for row in rows:
        table.add_row(*map(wording.plain, row[:-1]))
    yield styled("clocks", "bold underline")
    yield table
    yield from (_line(row[0], row[-1]) for row in rows)
    yield ""


def _machine(run: StoredRun) -> Iterator[RenderableType]:
    yield styled(f"serialprof {run.version} on {run.machine.host}, {wording.date(run.started)}", "bold")
    yield styled(machine_line(run))
    if text := gpu_clocks(run):
        yield styled(f"GPU clock: {text}")
    yield from (styled(devices.limits(each)) for each in run.devices)


def _family(family: FamilyAnalysis) -> Iterator[RenderableType]:
    verdict = family.verdict
    yield styled(wording.label(family), "bold underline")
    yield indented(verdict.sentence)
    if wording.graded(family):
        yield _line("evidence", f"{verdict.grade}: {verdict.grade_reason}", "dim")
    yield from _tables(family)
    if family.refusal and family.device is None:
        yield _line("no fit", family.refusal.removeprefix("no fit: "))
    for name, text in statements(family):
        yield _line(name, text)


def _tables(family: FamilyAnalysis) -> Iterator[RenderableType]:
    on_device = family.device is not None and bool(family.device.sweep.throughput)
    if on_device:
        yield _device_table(family)
    pairs = sorted({(item.threads, item.more_threads) for item in family.tradeoffs})
    for threads, more in pairs:
        yield _tradeoff_table(family, threads, more)
    if not on_device and not pairs and any(summary.step.value is not None for summary in family.points):
        yield _step_table(family)


def _tradeoff_table(family: FamilyAnalysis, threads: int, more: int) -> Table:
    names = (wording.threads(threads), wording.threads(more))
    columns = (wording.axis(family), *names, "cores gain", "+10 % clock", "serial", "winner")
    table = new_table(columns, left=("winner",))
    for item in sorted(family.tradeoffs, key=lambda item: item.width):
        if (item.threads, item.more_threads) == (threads, more):
            table.add_row(*_tradeoff_cells(family, item))
    return table


def _tradeoff_cells(family: FamilyAnalysis, item: Tradeoff) -> Iterator[RenderableType]:
    yield format_count(item.width)
    yield wording.compact_step(wording.step_of(family, item.width, item.threads))
    yield wording.compact_step(wording.step_of(family, item.width, item.more_threads))
    yield wording.compact_percent(item.cores_gain, "+")
    yield wording.compact_percent(item.clock_gain, "+")
    yield _serial_share(family, item.width, item.threads)
    yield styled(wording.winner(item), _WINNER_STYLES[item.winner])


def _device_table(family: FamilyAnalysis) -> Table:
    """Step, throughput and the parts of a step on its device, batch by batch."""
    columns, rows = devices.short_table(family)
    table = new_table(columns)
    for row in rows:
        table.add_row(*map(wording.plain, row))
    return table


def _step_table(family: FamilyAnalysis) -> Table:
    """Step time and serial share alone, where no two thread counts were compared."""
    table = new_table(("W", "threads", "step time", "serial", "limit"))
    for summary in at_reference(family.points):
        setting = summary.point.setting
        if setting.form == "serial":
            table.add_row(
                format_count(setting.width),
                str(setting.threads),
                wording.compact_step(summary.step),
                _serial_share(family, setting.width, setting.threads),
                limitshares.share_of(family, setting.width, setting.threads),
            )
    return table


def _remarks(run: StoredRun, analysis: Analysis) -> Iterator[RenderableType]:
    taken, disturbed = wording.sample_counts(run)
    yield styled(
        f"{taken} samples, {disturbed} of them disturbed and left out; run {run.run_id} is {run.status}", "dim"
    )
    for family in analysis.families:
        yield from (indented(f"{place}: {reason}") for place, reason in devices.ended(family))
    failed = wording.failures(analysis)
    if not failed:
        return
    yield styled(f"{len(failed)} point{'s' if len(failed) > 1 else ''} failed:", "red")
    for place, reason in failed[:_MOST_FAILURES]:
        yield indented(f"{place}: {reason}")
    if len(failed) > _MOST_FAILURES:
        yield indented(f"and {len(failed) - _MOST_FAILURES} more")


def _serial_share(family: FamilyAnalysis, width: int, threads: int) -> str:
    there = wording.attribution_of(family, width, threads)
    return wording.MISSING if there is None else wording.compact_percent(there.part(SERIAL).share)


def _line(name: str, text: str, style: str = "") -> RenderableType:
    """A name, and beside it the text, wrapped under itself."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=INDENT - 1)
    grid.add_column(width=_LABEL)
    grid.add_column(overflow="fold")
    grid.add_row("", styled(name, "bold"), styled(text, style))
    return grid
