# SPDX-License-Identifier: Apache-2.0
"""A gate's report as Markdown, for the summary of a GitHub job or a comment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from serialprof.units import format_seconds
from serialprof_reports import gatewording as told
from serialprof_reports import wording
from serialprof_reports.markdown import escaped, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from serialprof.gating.records import GateReport, Outcome

_COLUMNS: Final = ("benchmark", "verdict", "change", "base against itself", "pairs or processes", "step: base", "head")
#: Characters of a name, and of a sentence, that are shown: GitHub takes 1 MiB of summary, and drops one that is longer.
_MOST_NAME, _MOST_SENTENCE = 120, 600
#: Benchmarks in the table and among the sentences; the others are counted.
_MOST: Final = 400


def markdown(report: GateReport) -> str:
    """The verdict, a table of the benchmarks, what does not pass in sentences, and the command, folded away.

    Every text is escaped: what looks like markup or HTML is shown as it is.
    """
    return "\n\n".join(_document(report)) + "\n"


def _document(report: GateReport) -> Iterator[str]:
    yield f"### serialprof gate: {escaped(told.headline(report))}"
    yield escaped(f"{told.sides(report)}, on {told.where(report)}")
    if report.outcomes:
        yield table(_COLUMNS, map(_outcome, report.outcomes[:_MOST]), words=2)
    if len(report.outcomes) > _MOST:
        yield f"and {len(report.outcomes) - _MOST} more benchmarks"
    spoken = [outcome for outcome in report.outcomes if told.word(outcome) != "pass"]
    if spoken:
        yield _list(told.explained(report, outcome) for outcome in spoken[:_MOST])
    remarks = [*told.remarks(report), *told.remedies(report)]
    if remarks:
        yield _list(remarks)
    yield _folded("The command that repeats it", _block(told.command(report)))


def _outcome(outcome: Outcome) -> tuple[str, ...]:
    verdict = told.word(outcome)
    judgement, times = outcome.judgement, told.step_times(outcome)
    base, head = (wording.MISSING,) * 2 if times is None else map(format_seconds, times)
    cells = (
        told.change(judgement.ratio) if judgement else wording.MISSING,
        told.change(judgement.null) if judgement else wording.MISSING,
        str(len(judgement.logs)) if judgement else wording.MISSING,
        base,
        head,
    )
    name = wording.shorten(outcome.benchmark.name, _MOST_NAME)
    return name, verdict if verdict == "pass" else verdict.upper(), *cells


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(wording.shorten(text, _MOST_SENTENCE))}" for text in texts)


def _folded(title: str, inner: str) -> str:
    """Folded away under its title; the empty line makes GitHub read what follows as Markdown."""
    return f"<details><summary>{title}</summary>\n\n{inner}\n\n</details>"


def _block(text: str) -> str:
    """Text in a fence that is longer than any within it."""
    lines = "\n".join(map(wording.plain, text.splitlines()))
    longest = max((len(run) for run in re.findall("`+", lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{lines}\n{fence}"
