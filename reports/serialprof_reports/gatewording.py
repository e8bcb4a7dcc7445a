# SPDX-License-Identifier: Apache-2.0
"""How a gate's verdicts are worded: shared by everything that shows one."""

from __future__ import annotations

import shlex
from collections import Counter
from statistics import geometric_mean, median
from typing import TYPE_CHECKING, Final

from serialprof.gating.records import LOOKS
from serialprof.program import COMMAND_PREFIX
from serialprof.units import format_seconds
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.estimate import Estimate
    from serialprof.gating.records import GateReport, Outcome, SideFacts

#: Verdicts, the gravest first; a waived failure is none.
GRAVEST: Final = ("error", "no baseline", "fail", "inconclusive", "waived", "pass")
#: What people can do, the gravest first: about a verdict, or about why a gate is inconclusive.
_HELP: Final = {
    "error": "error: mend what the sentence names, then run the command below again",
    "no baseline": "no baseline: there is nothing to compare with; a benchmark that the base lacks is compared once it "
    "is merged, or saved by `gate save`",
    "fail": "fail: look at what changed between the two commits; where the cost is meant, waive it in the "
    "configuration with a ceiling, an expiry and a reason",
    "stored": "inconclusive against a stored baseline: save it anew on this machine as it is now (`gate save "
    "--replace`), or gate base and head in the same job (--base-ref, --base-python)",
    "barred": "inconclusive, where a metric cannot be measured: its sentence says why; leave it out of `metrics`",
    "spent": "inconclusive, where further pairs would not help: a quieter machine does, or a larger mde; `serialprof "
    "gate --self-test` says what this one can tell",
    "short": "inconclusive: give it more time (--budget), or a quieter machine; `serialprof gate --self-test` says "
    "what this one can tell",
}
NOTHING: Final = "no benchmark ran, and nothing that ran is no pass"


def word(outcome: Outcome) -> str:
    """The verdict in one word; a failure that is let through is "waived"."""
    return "waived" if outcome.waiver else outcome.verdict


def overall(report: GateReport) -> str:
    """The gravest verdict of all."""
    words = {word(outcome) for outcome in report.outcomes}
    return next((verdict for verdict in GRAVEST if verdict in words), "error")


def headline(report: GateReport) -> str:
    """The whole gate in one line: "FAIL: 1 fail, 2 pass; exit code 1"."""
    if not report.outcomes:
        return f"ERROR: {NOTHING}; exit code {report.exit_code:d}"
    counts = Counter(map(word, report.outcomes))
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in GRAVEST if counts[verdict])
    return f"{overall(report).upper()}: {told}; exit code {report.exit_code:d}"


def remedies(report: GateReport) -> tuple[str, ...]:
    """What to do, once for everything that asks for it, the gravest first."""
    asked = set(map(_trouble, report.outcomes))
    return tuple(text for trouble, text in _HELP.items() if trouble in asked)


def _trouble(outcome: Outcome) -> str:
    """The verdict, and where it is inconclusive, why; more time helps only where there were not all pairs."""
    if word(outcome) != "inconclusive":
        return word(outcome)
    if outcome.unpaired is not None:
        return "stored"
    judgements = outcome.judgements.values()
    if all(judgement.verdict == "pass" or judgement.barred for judgement in judgements):
        return "barred"
    biased = outcome.judgement is not None and outcome.judgement.biased
    return "spent" if biased or len(outcome.pairs) >= LOOKS[-1] else "short"


def remarks(report: GateReport) -> Iterator[str]:
    """Why failures do not fail, and warnings; whole sentences."""
    if report.advisory:
        yield f"failures end with exit code 0: {report.advisory}"
    yield from report.warnings


def sides(report: GateReport) -> str:
    """Base and head, each by its commit and its interpreter."""
    return f"{_side(report.base)} against {_side(report.head)}"


def where(report: GateReport) -> str:
    """Machine and time of a gate."""
    return f"{report.machine.host}, {wording.date(report.started)}, {format_seconds(report.seconds)}"


def command(report: GateReport) -> str:
    """The command that repeats it, quoted for a shell."""
    return shlex.join(report.command)


def change(ratio: Estimate) -> str:
    """A ratio of times as a change: "+2.3 % [+1.1, +3.6]"."""
    if ratio.value is None:
        return wording.MISSING
    ends = f" [{signed(ratio.low)}, {signed(ratio.high)}]" if ratio.low is not None and ratio.high is not None else ""
    return f"{signed(ratio.value)} %{ends}"


def signed(ratio: float | None) -> str:
    """A ratio as per cent of change: "+2.3"."""
    return wording.MISSING if ratio is None else f"{round(100 * (ratio - 1), 1) + 0.0:+.1f}"


def step_times(outcome: Outcome) -> tuple[float, float] | None:
    """Seconds per step of base and head; None where nothing was measured.

    Means over pairs or processes of the logs of their medians, as the verdict has it: so the two differ by about its
    change also where the machine was fast in some pairs and slow in others.
    """
    if outcome.unpaired is not None:
        sides = outcome.unpaired.base, outcome.unpaired.head
    else:
        sides = (
            tuple((*pair.base, *pair.twin) for pair in outcome.pairs),
            tuple(pair.head for pair in outcome.pairs),
        )
    if not all(sides):
        return None
    base, head = (geometric_mean(map(median, side)) for side in sides)
    return base, head


def measured(outcome: Outcome) -> str:
    """What stands behind a verdict: null, step times, and what it took; empty where nothing was measured."""
    times = step_times(outcome)
    if times is None or outcome.judgement is None:
        return ""
    base, head = map(format_seconds, times)
    parts = [
        f"base against itself {change(outcome.judgement.null)}" if outcome.judgement.null.identified else "",
        f"step: base {base}, head {head}",
        f"took {format_seconds(outcome.seconds)}",
    ]
    return "; ".join(filter(None, parts))


def passes(report: GateReport, outcome: Outcome) -> bool:
    """Whether an outcome alone would end with exit code 0, as everything that CI reads takes it."""
    if outcome.waiver or outcome.verdict == "pass":
        return True
    if outcome.verdict == "inconclusive":
        return not report.strict
    return outcome.verdict == "fail" and bool(report.advisory)


def explained(report: GateReport, outcome: Outcome) -> str:
    """The sentence of an outcome, with why it does not count where it does not."""
    if outcome.waiver:
        return f"{outcome.sentence}; {outcome.waiver}"
    if outcome.verdict == "fail" and report.advisory:
        return f"{outcome.sentence}; advisory: {report.advisory}"
    return outcome.sentence


def _side(side: SideFacts) -> str:
    what = side.command.removeprefix(COMMAND_PREFIX) or side.commit[:12]
    python = f"(Python {side.python})" if side.python else ""  # of a side that could not be had nothing is known
    return " ".join(filter(None, (side.label, what, python)))
