# SPDX-License-Identifier: Apache-2.0
"""A gate's report as plain text for a terminal, and as one JSON object."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from serialprof.gating.reading import SCHEMA
from serialprof.model.plain import as_plain, machine_as_plain
from serialprof.units import format_json
from serialprof_reports import gatewording as told
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.gating.records import GateReport, Outcome

_LABEL: Final = 14
#: SGR codes by verdict.
_COLOURS: Final = {"error": "31", "no baseline": "31", "fail": "31", "inconclusive": "33", "waived": "33", "pass": "32"}


def json(report: GateReport) -> str:
    """The report as one JSON object, in SI base units, with all raw samples: docs/schema/gate.schema.json.

    Keys: `schema` (name, version), `exit_code`, and `serialprof.gating.records.GateReport` by its attributes' names.
    Each estimate is {value, low, high, unit, level, identified, reason, what_would_identify_it}.
    `serialprof.gating.reading.read_report` reads it back.
    """
    machine = machine_as_plain(report.machine)
    document = {"schema": SCHEMA, "exit_code": int(report.exit_code)} | as_plain(report) | {"machine": machine}
    return format_json(document, indent=1) + "\n"


def terminal(report: GateReport, *, width: int = 80, color: bool = False) -> str:
    """The verdict, a paragraph per benchmark in the order in which they are expected, and what to do.

    Args:
        report: of a gate.
        width: columns of the terminal; no line is longer.
        color: whether to add ANSI colours to verdicts.
    """
    return "\n".join(_document(report, width, color=color)) + "\n"


def _document(report: GateReport, width: int, *, color: bool) -> Iterator[str]:
    yield from _labelled("gate", told.headline(report), width, told.overall(report) if color else "")
    yield from _labelled("", told.sides(report), width)
    yield from _labelled("", told.where(report), width)
    yield ""
    for outcome in report.outcomes:
        yield from _outcome(report, outcome, width, color=color)
    remarks, remedies = tuple(told.remarks(report)), told.remedies(report)
    for name, texts in (("note", remarks), ("to do", remedies)):
        if texts:
            yield ""
        for text in texts:
            yield from _labelled(name, text, width)
    yield ""
    yield from _labelled("again", told.command(report), width)


def _outcome(report: GateReport, outcome: Outcome, width: int, *, color: bool) -> Iterator[str]:
    verdict = told.word(outcome)
    shout = verdict if verdict == "pass" else verdict.upper()
    yield from _labelled(shout, told.explained(report, outcome), width, verdict if color else "")
    if text := told.measured(outcome):
        yield from _labelled("", text, width)


def _labelled(label: str, text: str, width: int, colour: str = "") -> Iterator[str]:
    """A label, and beside it the text, wrapped under itself."""
    lines = textwrap.wrap(wording.plain(text), max(1, width - _LABEL), break_on_hyphens=False) or [""]
    head = f"\x1b[{_COLOURS[colour]}m{label}\x1b[0m" if colour else label
    yield (head + " " * (_LABEL - len(label)) + lines[0]).rstrip()
    yield from (" " * _LABEL + line for line in lines[1:])
