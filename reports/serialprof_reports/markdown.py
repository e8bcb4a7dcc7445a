# SPDX-License-Identifier: Apache-2.0
"""The verdicts and tables of a run as Markdown, for an issue, a wiki or a README."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from serialprof.model.doctor import findings
from serialprof.model.results import SERIAL
from serialprof.model.sweep import at_reference
from serialprof.units import format_count
from serialprof_reports import clocktable, devices, wording
from serialprof_reports.machinewording import machine_facts
from serialprof_reports.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from serialprof.machine.finding import Finding
    from serialprof.model.results import Analysis, FamilyAnalysis
    from serialprof.store import StoredRun
    from serialprof.view import Run


def markdown(run: Run) -> str:
    """Machine, then per family the verdict and its tables, then what failed; tables as GitHub reads them.

    Every text is escaped: what looks like markup or HTML is shown as it is.
    """
    return "\n\n".join(_document(run.stored, run.analysis)) + "\n"


def escaped(text: str) -> str:
    """The text as Markdown shows it unchanged, on one line, in a table too."""
    text = wording.plain(text).strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)
    return re.sub(r"^(\d*)([-+=#]+|[.)])(?=\s|$)", r"\1\\\2", text)  # what would begin a list or a heading


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 0) -> str:
    """A table of escaped cells: the first `words` columns stand at the left, the others, of numbers, at the right."""
    lines = [_row(columns), "|" + "---|" * words + "--:|" * (len(columns) - words), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"


def _document(run: StoredRun, analysis: Analysis) -> Iterator[str]:
    yield f"# serialprof: {escaped(run.machine.host)}"
    taken, disturbed = wording.sample_counts(run)
    yield escaped(
        f"{wording.date(run.started)}; run {run.run_id} is {run.status}; {taken} samples, {disturbed} of them "
        "disturbed and left out"
    )
    if not taken:
        yield "**Nothing was measured, so there is no verdict.**"
    for family in analysis.families:
        yield from _family(family)
    yield from _machine(run)
    yield from _doctor(run)
    yield from _failures(analysis)


def _family(family: FamilyAnalysis) -> Iterator[str]:
    verdict = family.verdict
    yield f"## {escaped(wording.label(family))}"
    yield f"**{escaped(verdict.sentence)}**"
    if wording.graded(family):
        yield f"Evidence {verdict.grade}: {escaped(verdict.grade_reason)}"
    yield from _tables(family)
    if family.refusal and family.device is None:
        yield f"No fit: {escaped(family.refusal.removeprefix('no fit: '))}"
    yield "\n".join(f"- {escaped(name)}: {escaped(text)}" for name, text in statements(family))
    if ended := devices.ended(family):
        yield "\n".join(f"- {escaped(place)}: {escaped(reason)}" for place, reason in ended)


def _tables(family: FamilyAnalysis) -> Iterator[str]:
    if family.device is not None and family.device.sweep.throughput:
        yield table(*devices.short_table(family))
    pairs = sorted({(item.threads, item.more_threads) for item in family.tradeoffs})
    for threads, more in pairs:
        yield _tradeoffs(family, threads, more)
    if not pairs and family.device is None and (steps := list(_steps(family))):
        yield table(("W", "threads", "step time", "serial"), steps)


def _tradeoffs(family: FamilyAnalysis, threads: int, more: int) -> str:
    """What more threads and a faster clock gain, width by width."""
    counts = (threads, more)
    rows = [
        (
            format_count(item.width),
            *(wording.compact_step(wording.step_of(family, item.width, count)) for count in counts),
            wording.compact_percent(item.cores_gain, "+"),
            wording.compact_percent(item.clock_gain, "+"),
            _serial(family, item.width, threads),
            wording.winner(item),
        )
        for item in sorted(family.tradeoffs, key=lambda item: item.width)
        if (item.threads, item.more_threads) == counts
    ]
    names = (*map(wording.threads, counts), "cores gain", "+10 % clock", "serial", "winner")
    return table((wording.axis(family), *names), rows)


def _steps(family: FamilyAnalysis) -> Iterator[tuple[str, ...]]:
    """Step time and serial share alone, where no two thread counts were compared."""
    for summary in at_reference(family.points):
        setting = summary.point.setting
        if setting.form == "serial" and summary.step.value is not None:
            share = _serial(family, setting.width, setting.threads)
            yield format_count(setting.width), str(setting.threads), wording.compact_step(summary.step), share


def _serial(family: FamilyAnalysis, width: int, threads: int) -> str:
    there = wording.attribution_of(family, width, threads)
    return wording.MISSING if there is None else wording.compact_percent(there.part(SERIAL).share)


def _machine(run: StoredRun) -> Iterator[str]:
    yield "## Machine"
    facts = [*machine_facts(run), ("command", wording.command_line(run)), ("serialprof", run.version)]
    yield table(("what", "is"), facts, words=2)
    if limits := [devices.limits(each) for each in run.devices]:
        yield "\n".join(f"- {escaped(text)}" for text in limits)
    if rows := clocktable.cells(run):
        yield "## Clocks"
        yield table(clocktable.COLUMNS, rows)


def _doctor(run: StoredRun) -> Iterator[str]:
    """What spoilt or limited the run, without what was found good."""
    costs = [finding for finding in findings(run) if finding.state == "costs"]
    if costs:
        yield "## What spoilt or limited these measurements"
        yield "\n".join(f"- {escaped(item.name)}: {escaped(item.what)}{escaped(_cost(item))}" for item in costs)


def _cost(finding: Finding) -> str:
    return f" Cost: {finding.cost}." if finding.cost else ""


def _failures(analysis: Analysis) -> Iterator[str]:
    if failed := wording.failures(analysis):
        yield f"## Failed: {len(failed)} point{'s' if len(failed) > 1 else ''}"
        yield table(("point", "reason"), failed, words=2)
