# SPDX-License-Identifier: Apache-2.0
"""What serialprof is to reach in every information set, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.attribution_tools.noise import DRIFT, INDEPENDENT
from benchmarks.attribution_tools.problems import InformationSet
from benchmarks.attribution_tools.scoring import Score

BOTH: Final = (INDEPENDENT.name, DRIFT.name)
#: Noise of 2 %, which goals of precision are stated for.
PLAIN: Final = (INDEPENDENT.name,)


@dataclass(frozen=True)
class Goal:
    """One figure of a score with its limit.

    Attributes:
        quantity, figure: which: an attribute of a Score.
        limit: what it may be at most, or must be at least.
        least: whether the limit is a least.
        times_bound: whether the limit is in multiples of the bound's own figure.
        noises: the kinds of noise it holds for.
    """

    quantity: str
    figure: str
    limit: float
    least: bool = False
    times_bound: bool = False
    noises: tuple[str, ...] = BOTH


@dataclass(frozen=True)
class Outcome:
    """A goal and what was reached.

    Attributes:
        goal: which.
        reached: None where nothing was there to be judged.
        limit: in the figure's own unit.
        ideal: what an estimator that reaches the bound would score, None where it has no such figure.
        met: None where nothing was there to be judged.
    """

    goal: Goal
    reached: float | None
    limit: float
    ideal: float | None
    met: bool | None


_SHARE: Final = (
    Goal("share", "median_error", 1.1, times_bound=True, noises=PLAIN),
    Goal("share", "p90_error", 1.1, times_bound=True, noises=PLAIN),
)
_ONE_PERCENT: Final = Goal("seconds", "median_error", 0.01, noises=PLAIN)
_NO_KNEE: Final = Goal("knee", "bare", 0.0)
_NO_SECONDS: Final = Goal("seconds", "bare", 0.0)
_SILENT: Final = (_NO_SECONDS, Goal("seconds", "remedies", 1.0, least=True))

#: What a set asks for beside what all of them do.
OWN: Final[Mapping[str, tuple[Goal, ...]]] = {
    "threads": _SHARE,
    "threads-given": (_ONE_PERCENT, Goal("seconds", "p90_error", 0.03, noises=PLAIN)),
    "threads-few": (*_SHARE, *_SILENT),
    "sum-inside": (_ONE_PERCENT,),
    "max-inside": (_ONE_PERCENT,),
    "sum-beyond": (_NO_KNEE,),
    "max-beyond": (_NO_KNEE, _NO_SECONDS),
}
#: Of truths inside the family, for every quantity.
INSIDE: Final = (("coverage", 0.93, True), ("width", 1.5, False), ("verdicts", 0.90, True))
#: Of truths outside of it.
HONEST: Final = tuple(Goal(quantity, "honest", 0.90, least=True) for quantity in ("share", "seconds"))


def goals(information_set: InformationSet) -> Iterator[Goal]:
    """All that an information set asks for."""
    yield from OWN.get(information_set.name, ())
    if information_set.outside:
        yield from HONEST
        return
    for quantity in ("share", "seconds", "knee"):
        for figure, limit, least in INSIDE:
            yield Goal(quantity, figure, limit, least)


def outcome(goal: Goal, reached: float | None, bound: Score | None) -> Outcome:
    """Whether a goal is met."""
    ideal = getattr(bound, goal.figure, None)
    limit = goal.limit * (1.0 if ideal is None or not goal.times_bound else ideal)
    met = None if reached is None else reached >= limit if goal.least else reached <= limit
    return Outcome(goal, reached, limit, ideal, met)
