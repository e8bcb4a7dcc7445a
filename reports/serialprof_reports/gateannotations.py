# SPDX-License-Identifier: Apache-2.0
"""A gate's report as GitHub's workflow commands: annotations of the commit, one line each.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof_reports import gatewording as told
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.gating.records import GateReport, Outcome

_TITLE: Final = "serialprof gate"
#: Characters of a title that are kept.
_MOST_TITLE: Final = 120
#: GitHub shows ten annotations of a kind per step; the last one counts those that it would not show.
_MOST: Final = 10


def workflow_commands(report: GateReport) -> str:
    """`::error` for what the exit code comes from, `::warning` for what else is no pass, and for remarks.

    Empty where there is nothing to say.
    """
    outcomes = [outcome for outcome in report.outcomes if told.word(outcome) != "pass"]
    errors = [_annotation("error", report, item) for item in outcomes if not told.passes(report, item)]
    warnings = [_annotation("warning", report, item) for item in outcomes if told.passes(report, item)]
    warnings += [_line("warning", {"title": _TITLE}, text) for text in told.remarks(report)]
    if not report.outcomes:
        errors = [_line("error", {"title": _TITLE}, told.NOTHING)]
    lines = (*_most("error", errors), *_most("warning", warnings))
    return "".join(f"{line}\n" for line in lines)


def _most(kind: str, lines: list[str]) -> Iterator[str]:
    """As many as are shown."""
    if len(lines) <= _MOST:
        yield from lines
        return
    yield from lines[: _MOST - 1]
    yield _line(kind, {"title": _TITLE}, f"and {len(lines) - _MOST + 1} more; the job's summary has all")


def _annotation(kind: str, report: GateReport, outcome: Outcome) -> str:
    name = wording.shorten(outcome.benchmark.name, _MOST_TITLE)
    properties = {"title": f"{_TITLE}: {name}, {told.word(outcome)}"}
    location, _, _ = outcome.benchmark.reference.rpartition(":")
    if location.endswith(".py"):
        properties["file"] = location
    return _line(kind, properties, told.explained(report, outcome))


def _line(kind: str, properties: dict[str, str], message: str) -> str:
    told_properties = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{kind} {told_properties}::{_data(message)}"


def _data(text: str) -> str:
    return "".join(map(_encoded, text))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _encoded(character: str) -> str:
    """A character as the runner decodes it; of what nobody can read, only that it was there."""
    return {"%": "%25", "\r": "%0D", "\n": "%0A"}.get(character) or wording.plain(character)
