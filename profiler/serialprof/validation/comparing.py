# SPDX-License-Identifier: Apache-2.0
"""Truth against estimate: intervals that hold together, what is a miss, and what is too noisy to be believed; pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from serialprof.errors import ExitCode
from serialprof.estimate import Estimate
from serialprof.intervals import MINIMUM_UNITS, two_sided
from serialprof.units import format_percent

Verdict: TypeAlias = Literal["inside", "missed", "no verdict"]
Outcome: TypeAlias = Literal["inside", "missed", "too noisy", "undecided"]

#: Coverage of the intervals of all checks together.
LEVEL: Final = 0.99
#: Above this share of disturbed samples, or of the CPUs' time in other processes, a machine is not quiet.
MOST_DISTURBED: Final = 0.2
MOST_FOREIGN: Final = 0.1

EXIT_CODES: Final[dict[Outcome, ExitCode]] = {
    "inside": ExitCode.OK,
    "missed": ExitCode.REGRESSION,
    "too noisy": ExitCode.CANNOT_MEASURE,
    "undecided": ExitCode.CANNOT_MEASURE,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What was planted, and what the analysis says of it.

    Attributes:
        name: of the check.
        truth: exact, with both ends at its value; or measured apart from what the analysis uses, with its interval.
        estimate: by the analysis, in the truth's unit and at its own level.
        units: independent units behind both intervals.
        widest: half-width from which an interval says too little to be checked.
        refusal: whether there must be no value, since the truth lies where nothing was measured.
        least: of a refusal: a lower bound up to here excludes nothing.
    """

    name: str
    truth: Estimate
    estimate: Estimate
    units: int
    widest: float
    refusal: bool = False
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """A claim that was judged.

    Attributes:
        name: of the claim.
        truth, estimate: at the level of all checks together.
        verdict: "inside"; "missed"; "no verdict" where the estimate excludes nothing worth excluding.
        reason: why there is no verdict, or what was wrong beyond the numbers; empty where these say it all.
        wide: whether there is a value, but with an interval that says too little: noise, unlike a refusal.
    """

    name: str
    truth: Estimate
    estimate: Estimate
    verdict: Verdict
    reason: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Conditions:
    """What it was like on the machine meanwhile.

    Attributes:
        disturbed: share of the samples that were disturbed.
        foreign: share of the used CPUs' time that other processes took, None where the system does not tell.
        units: the fewest independent units of a planted program.
    """

    disturbed: float
    foreign: float | None
    units: int


def judge(claims: Sequence[Claim], level: float = LEVEL) -> tuple[Check, ...]:
    """Compares truths and estimates with intervals that hold together, by Bonferroni's bound over all claims.

    Args:
        claims: all that are compared.
        level: probability that no true interval misses.
    """
    each = 1 - (1 - level) / max(1, len(claims))
    return tuple(_judged(claim, each) for claim in claims)


def widened(estimate: Estimate, units: int, level: float) -> Estimate:
    """An estimate at a higher level.

    The analysis gives Student's t intervals over units at 95 %: either end is moved away from the value by the ratio of
    the t quantiles at the units' degrees of freedom. Parts of an interval that rest on more than that (lack of fit,
    what was measured apart) are widened by the same, which is too much rather than too little. The ends of a bracket
    move away from its middle; a single end stays, and none is below 0, where none of these quantities can be.
    """
    if units < MINIMUM_UNITS or estimate.low is None or estimate.high is None:
        return estimate
    factor = two_sided(units - 1, level) / two_sided(units - 1, estimate.level)
    middle = (estimate.low + estimate.high) / 2 if estimate.value is None else estimate.value
    low, high = (middle + factor * (end - middle) for end in (estimate.low, estimate.high))
    return replace(estimate, low=max(0.0, low), high=high, level=level)


def noise(conditions: Conditions, checks: Sequence[Check]) -> tuple[str, ...]:
    """Why the checks are too noisy to be believed, each a clause; empty where they are not."""
    return tuple(_noise(conditions, checks))


def outcome(checks: Sequence[Check], noisy: Sequence[str]) -> Outcome:
    """What all checks come to. Noise outranks a miss, and a miss outranks refusals.

    Args:
        checks: all that were made.
        noisy: from `noise`.

    Returns:
        "undecided" where more than half of the checks have no verdict, or there are none.
    """
    if noisy:
        return "too noisy"
    if any(check.verdict == "missed" for check in checks):
        return "missed"
    decided = sum(check.verdict == "inside" for check in checks)
    return "inside" if 2 * decided >= len(checks) > 0 else "undecided"


def _judged(claim: Claim, level: float) -> Check:
    truth, estimate = (widened(item, claim.units, level) for item in (claim.truth, claim.estimate))
    if claim.refusal:
        verdict, reason = _refused(truth, estimate, claim.least)
    else:
        verdict, reason = _compared(truth, estimate, claim.widest)
    half = estimate.half_width
    wide = not claim.refusal and estimate.value is not None and half is not None and half > claim.widest
    return Check(claim.name, truth, estimate, verdict, reason, wide)


def _compared(truth: Estimate, estimate: Estimate, widest: float) -> tuple[Verdict, str]:
    if truth.low is None or truth.high is None:
        return "no verdict", truth.reason or "the truth is not known well enough"
    if estimate.low is None and estimate.high is None:
        return "no verdict", estimate.reason or "the estimate has no interval"
    low = -math.inf if estimate.low is None else estimate.low
    high = math.inf if estimate.high is None else estimate.high
    if truth.high < low or truth.low > high:
        return "missed", ""
    if not (high - low) / 2 <= widest:
        return "no verdict", estimate.reason or "the interval says too little"
    return "inside", ""


def _refused(truth: Estimate, estimate: Estimate, least: float) -> tuple[Verdict, str]:
    """Whether a truth that lies beyond what was measured was left there, by a bound that excludes something."""
    if estimate.value is not None or estimate.high is not None:
        return "missed", "a number where nothing was measured"
    if estimate.low is None or estimate.low <= least:
        return "no verdict", estimate.reason or "its lower bound excludes nothing"
    return ("missed" if truth.value is not None and estimate.low > truth.value else "inside"), ""


def _noise(conditions: Conditions, checks: Sequence[Check]) -> Iterator[str]:
    if conditions.foreign is not None and conditions.foreign > MOST_FOREIGN:
        yield (
            f"other processes took {format_percent(conditions.foreign)} of the CPUs' time "
            f"({format_percent(MOST_FOREIGN)} at most)"
        )
    if conditions.disturbed > MOST_DISTURBED:
        yield (
            f"{format_percent(conditions.disturbed)} of the samples were disturbed "
            f"({format_percent(MOST_DISTURBED)} at most)"
        )
    if conditions.units < MINIMUM_UNITS:
        yield f"a program has {conditions.units} independent units ({MINIMUM_UNITS} at least)"
    if wide := [check.name for check in checks if check.wide]:
        yield f"the interval is too wide to tell anything: {', '.join(wide)}"
