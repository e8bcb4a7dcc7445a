# SPDX-License-Identifier: Apache-2.0
"""`serialprof doctor`: what on this machine spoils measurements, by how much, and what mends it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from serialprof.cli.delivery import show_lines
from serialprof.units import format_json

if TYPE_CHECKING:
    from serialprof.machine.finding import Finding

_NAME: Final = 15  # columns of a finding's name
_HEADINGS: Final = {
    "costs": ("spoils or limits measurements", "yellow"),
    "unknown": ("cannot be told here", "cyan"),
    "good": ("good", "green"),
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(as_json: bool) -> None:
    """Say what on this machine spoils measurements, by how much, and what mends it.

    Measures for about four seconds: sleeps, then spins on every CPU that may be used, then reads the clock. Changes
    nothing.
    """
    if sys.stderr.isatty() and not as_json:
        click.echo("measuring for about 4 s ...", err=True)
    findings = _examined()
    if as_json:
        click.echo(format_json({"findings": findings}))
        return
    show_lines(lambda width, color: lines(findings, width, color=color))


def _examined() -> tuple[Finding, ...]:
    """Everything that is looked at, read and measured."""
    from serialprof.clock import gpusurvey, survey
    from serialprof.clock.counters import refusal
    from serialprof.clock.policies import policies
    from serialprof.machine import health
    from serialprof.machine.reading import read_machine
    from serialprof.measure import findings
    from serialprof.measure.health import examine

    machine = read_machine()
    seen = examine(machine.cpus[: machine.usable])
    return (
        findings.load(seen),
        findings.interruptions(seen),
        findings.steal(seen),
        findings.clock_wander(seen),
        findings.siblings(seen, machine.siblings, health.smt_switch()),
        findings.heat(seen),
        *survey.clock_control(policies()),
        *health.clock_control(machine.cpus),
        findings.counters(refusal(), machine.stall_event),
        health.affinity(machine.cpus),
        health.quota(machine.cpus, findings.throttled(seen)),
        health.memory(),
        *findings.swap(seen, health.swap_used()),
        *health.gpus(),
        *gpusurvey.gpu_clocks(),
    )


def lines(findings: Sequence[Finding], width: int, *, color: bool) -> Iterator[str]:
    """The findings as text, what costs first.

    Args:
        findings: in any order; within one state they keep it.
        width: columns; a command breaks only where the shell lets it.
        color: whether headings are coloured.
    """
    shown = [state for state in _HEADINGS if any(finding.state == state for finding in findings)]
    for state in shown:
        heading, paint = _HEADINGS[state]
        if state != shown[0]:
            yield ""
        yield click.style(heading, fg=paint, bold=True) if color else heading
        for finding in findings:
            if finding.state == state:
                yield from _finding_lines(finding, width)


def _finding_lines(finding: Finding, width: int) -> Iterator[str]:
    label = "Cost" if finding.state == "costs" else "Measured"
    text = f"{finding.what} {label}: {finding.cost}." if finding.cost else finding.what
    margin = " " * (_NAME + 2)
    yield from textwrap.wrap(
        text, width, initial_indent=f"  {finding.name:<{_NAME}}", subsequent_indent=margin, break_long_words=False
    )
    if finding.remedy:
        yield from _command_lines(finding.remedy, width, margin)


def _command_lines(remedy: str, width: int, margin: str) -> Iterable[str]:
    """A command that can be copied: broken with backslashes where it is too long for one line."""
    broken = textwrap.wrap(
        remedy, width - len(margin) - 4, break_long_words=False, break_on_hyphens=False, subsequent_indent="  "
    )
    ends = [" \\"] * (len(broken) - 1) + [""]
    starts = ["$ "] + ["  "] * (len(broken) - 1)
    return [f"{margin}{start}{part}{end}" for start, part, end in zip(starts, broken, ends, strict=True)]
