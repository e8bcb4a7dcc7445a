# SPDX-License-Identifier: Apache-2.0
"""`serialprof validate`: does this instrument tell the truth on this machine?"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from serialprof.cli.delivery import show_lines
from serialprof.cli.options import DURATION
from serialprof.units import format_json, format_seconds, format_si

if TYPE_CHECKING:
    from serialprof.estimate import Estimate
    from serialprof.validation.comparing import Check
    from serialprof.validation.running import Validation

_WIDTH: Final = 80
_COLORS: Final = {"inside": "green", "missed": "red", "no verdict": "cyan"}


@click.command()
@click.option("--budget", type=DURATION, metavar="TIME", help="Most time for everything.  [default: 110s]")
@click.option("--json", "as_json", is_flag=True, help="Put the result, and nothing else, on standard output.")
@click.pass_context
def command(context: click.Context, budget: float | None, as_json: bool) -> None:
    """Plant programs whose truth is known, and see whether this machine's estimates contain it.

    Serial shares, barriers, memory shares and knees, with intervals that hold together at 99 %. Ends with 0 where all
    truths are inside, 1 where one is missed on a quiet machine, 3 where it is too noisy to be believed.
    """
    from serialprof.cli.progress import Display
    from serialprof.validation.running import DEFAULT_BUDGET, validate

    with Display() as display:
        validation = validate(DEFAULT_BUDGET if budget is None else budget, display.report, display.stage)
    if as_json:
        click.echo(_json(validation))
    else:
        show_lines(lambda width, color: lines(validation, width, color=color))
    for reason in validation.failed:
        click.echo(f"failed: {reason}", err=True)
    context.exit(validation.exit_code)


def _json(validation: Validation) -> str:
    document = {"outcome": validation.outcome, "exit_code": int(validation.exit_code), **asdict(validation)}
    return format_json(document)


def lines(validation: Validation, width: int, *, color: bool) -> Iterator[str]:
    """A validation as text: one row per check, and one closing sentence.

    Args:
        validation: what was found.
        width: columns; 80 at least are used.
        color: whether verdicts are coloured.
    """
    yield f"{'planted':<25}{'truth':<18}estimate, 99 % for all together"
    yield "─" * _WIDTH
    for check in validation.checks:
        verdict = click.style(check.verdict, fg=_COLORS[check.verdict]) if color else check.verdict
        yield f"{check.name:<25}{_truth(check.truth):<18}{_estimate(check):<27}{verdict}"
        if check.reason:
            yield from textwrap.wrap(check.reason, width, initial_indent="  ", subsequent_indent="  ")
    for name, reason in validation.skipped.items():
        yield from textwrap.wrap(f"skipped: {name}: {reason}", width, subsequent_indent="  ")
    yield ""
    yield from textwrap.wrap(_closing(validation), width)


def _closing(validation: Validation) -> str:
    """What it all comes to, in one sentence."""
    checks = validation.checks
    inside = sum(check.verdict == "inside" for check in checks)
    count = f"{inside} of {len(checks)} truths were contained"
    took = f" ({format_seconds(validation.seconds)})"
    if validation.failed:
        return f"Planted programs failed, so nothing is said of the others; {count}{took}."
    if validation.outcome == "too noisy":
        return f"Too noisy to be believed: {'; '.join(validation.noise)}; serialprof doctor says what to do{took}."
    if validation.outcome == "missed":
        missed = ", ".join(check.name for check in checks if check.verdict == "missed")
        return f"Missed on a quiet machine: {missed}; {count}, so do not trust these numbers here{took}."
    if validation.outcome == "undecided":
        return f"The data cannot tell: {count}, and most checks have no verdict{took}."
    rest = f", {len(checks) - inside} had no verdict" if inside < len(checks) else ""
    return f"{count[0].upper()}{count[1:]}, none was missed{rest}: this machine's numbers can be believed{took}."


def _truth(truth: Estimate) -> str:
    """An exact value, or a measured one with its half-width."""
    if truth.value is None:
        return "unknown"
    half = truth.half_width
    return _number(truth.value, truth.unit) + (f" ± {_number(half, truth.unit)}" if half else "")


def _estimate(check: Check) -> str:
    """A value with its interval, a bracket, or a bound; in the truth's unit."""
    estimate, unit = check.estimate, check.truth.unit
    low, high = (None if end is None else _number(end, unit) for end in (estimate.low, estimate.high))
    if estimate.value is not None:
        ends = "" if low is None or high is None else f" [{low}, {high}]"
        return _number(estimate.value, unit) + ends
    if check.estimate.reason.startswith("beyond"):
        return check.estimate.reason.partition(":")[0]
    if low is not None and high is not None:
        return f"{low} .. {high}"
    if low is not None:
        return f"{low} at least"
    return "none" if high is None else f"{high} at most"


def _number(value: float, unit: str) -> str:
    if unit == "s":
        return format_si(value, "s")
    return f"{value:.4g}" if unit == "lanes" else f"{value:.3f}"
