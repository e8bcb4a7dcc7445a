# SPDX-License-Identifier: Apache-2.0
"""What a check found, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from serialprof.checking.finding import SEVERITIES, Finding, Severity
from serialprof.checking.report import Report
from serialprof.machine.finding import counted
from serialprof.units import format_count, format_seconds

_NAME: Final = 9  # columns of the severity
_SOUND: Final = (
    "Steps follow one another, and their times stay what they are; state, memory, threads, synchronisation and what is "
    "declared hold."
)


def lines(report: Report, width: int, paint: Callable[[Severity, str], str] = lambda _, text: text) -> Iterator[str]:
    """A report as text, the worst first.

    Args:
        report: what is told.
        width: columns.
        paint: colours the word of a severity, which lasts as many columns.
    """
    yield from _wrapped(_heading(report), width, "", "  ")
    yield ""
    for finding in report.findings:
        yield from _finding_lines(finding, width, paint)
        yield ""
    for gap in report.gaps:
        yield from _wrapped(f"not looked at: {gap}", width, "", "  ")
    yield from _wrapped(_conclusion(report.findings), width, "", "")


def _heading(report: Report) -> str:
    setting = report.setting
    knobs = [
        f"width {format_count(setting.width)} ({report.width_name})",
        counted(setting.threads, "thread"),
        setting.device,
        *(f"{name}={value}" for name, value in setting.parameters.items()),
    ]
    step = "" if report.step_seconds is None else f": a step takes {format_seconds(report.step_seconds)}"
    return f"{report.workload} at {', '.join(knobs)}{step}"


def _finding_lines(finding: Finding, width: int, paint: Callable[[Severity, str], str]) -> Iterator[str]:
    severity = finding.severity
    yield f"{paint(severity, severity)}{'':<{_NAME - len(severity)}}{finding.name}"
    yield from _wrapped(finding.what, width, " " * _NAME, " " * _NAME)
    yield from _wrapped(f"-> {finding.remedy}", width, " " * _NAME, " " * (_NAME + 3))


def _conclusion(findings: Sequence[Finding]) -> str:
    counts = {severity: sum(each.severity == severity for each in findings) for severity in SEVERITIES}
    told = ", ".join(counted(count, severity) for severity, count in counts.items() if count)
    if counts["error"]:
        return f"{told}: what would be measured is not the time of its steps, or not what it declares."
    if counts["warning"]:
        return f"{told}: it can be measured, and what is found may mislead."
    return f"{told}, and nothing wrong. {_SOUND}" if told else f"Nothing found. {_SOUND}"


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
