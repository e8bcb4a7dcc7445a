# SPDX-License-Identifier: Apache-2.0
"""What rounds say: ratios per round, the best peer, the share of the limit, and whether a goal is met."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.kernels_tools.core import OURS


@dataclass(frozen=True)
class Ratio:
    """How many times as long a peer takes for a step as we do.

    Attributes:
        median: over rounds; above 1 we are faster.
        low, high: quartiles over rounds, the spread.
        rounds: how many.
        step: the peer's seconds per step, the median.
    """

    median: float
    low: float
    high: float
    rounds: int
    step: float


@dataclass(frozen=True)
class Score:
    """One case on a number of threads.

    Attributes:
        step: our seconds per step, the median over rounds, None where we were not timed.
        ratios: by peer.
        best: the peer with the least ratio, empty where there is none.
    """

    step: float | None
    ratios: dict[str, Ratio]
    best: str


def score(rounds: Sequence[Mapping[str, float]]) -> Score:
    """The score of rounds that hold seconds per step by competitor; a competitor may be absent from some."""
    ours = [item[OURS] for item in rounds if OURS in item]
    names = sorted({name for item in rounds for name in item} - {OURS})
    ratios = {name: ratio(rounds, name) for name in names}
    best = min(ratios, key=lambda name: ratios[name].median, default="")
    return Score(statistics.median(ours) if ours else None, ratios, best)


def ratio(rounds: Sequence[Mapping[str, float]], peer: str) -> Ratio:
    """The ratio to one peer, over the rounds that have both."""
    both = [item for item in rounds if peer in item and OURS in item]
    found = [item[peer] / item[OURS] for item in both]
    low, high = quartiles(found)
    return Ratio(statistics.median(found), low, high, len(found), statistics.median(item[peer] for item in both))


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The first and the third; of a single value it is both."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def verdict(value: float | None, goal: float | None) -> str:
    """Whether a goal is met; "report" where there is none, "not known" where there is no value."""
    if goal is None:
        return "report"
    if value is None:
        return "not known"
    return "met" if value >= goal else "missed"
