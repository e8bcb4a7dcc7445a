# SPDX-License-Identifier: Apache-2.0
"""The best measured setting for latency, for throughput, and per unit of a price or watt; paired over blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from serialprof.estimate import Estimate
from serialprof.model.answers import BestSetting, Goal
from serialprof.model.forecast.uniting import inverse
from serialprof.model.statistics import interval
from serialprof.model.steptimes import FamilyTimes, paired
from serialprof.question import Cost, per_hour

_UNITS: Final[dict[Goal, str]] = {"latency": "s", "throughput": "1/s", "price": "1/price", "power": "1/J"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One measured operating point with what its step time has to be divided into.

    Attributes:
        width, threads: the operating point.
        step: seconds.
        worth: a score is worth / step; 1 where the step itself counts.
    """

    width: int
    threads: int
    step: Estimate
    worth: float

    @property
    def score(self) -> float:
        """The larger the better."""
        return self.worth / (self.step.value or math.inf)


def best_settings(times: FamilyTimes, price: Cost | None = None, watts: Cost | None = None) -> tuple[BestSetting, ...]:
    """The best measured setting of the serial form for each goal that can be judged.

    Args:
        times: of the family.
        price: of an hour, by threads.
        watts: drawn, by threads.
    """
    goals: list[Goal] = ["latency", "throughput"]
    goals += ["price"] if price else []
    goals += ["power"] if watts else []
    costs = {"price": price, "power": watts}
    found = (_best(times, goal, costs.get(goal)) for goal in goals)
    return tuple(item for item in found if item is not None)


def _best(times: FamilyTimes, goal: Goal, cost: Cost | None) -> BestSetting | None:
    entries = list(_entries(times, goal, cost))
    if not entries:
        return None
    best = max(entries, key=lambda entry: entry.score)
    level = [entry for entry in entries if entry is best or _as_good(times, entry, best)]
    level.sort(key=lambda entry: (entry.threads, -entry.score))
    first, *others = level
    score = first.step if goal == "latency" else inverse(first.step).scaled(first.worth, _UNITS[goal])
    return BestSetting(goal, first.width, first.threads, score, tuple((entry.width, entry.threads) for entry in others))


def _entries(times: FamilyTimes, goal: Goal, cost: Cost | None) -> Iterator[_Entry]:
    steps = {
        (point.setting.width, point.setting.threads): summary.step
        for point, summary in zip(times.points, times.summaries, strict=True)
        if point.setting.form == "serial" and point.setting.clock == times.reference and summary.units
    }
    for (width, threads), step in steps.items():
        worth = 1.0 if goal == "latency" else float(width)
        if cost is not None:
            worth = (per_hour(worth) if goal == "price" else worth) / cost.at(threads)
        if step.value is not None:
            yield _Entry(width, threads, step, worth)


def _as_good(times: FamilyTimes, entry: _Entry, best: _Entry) -> bool:
    """Whether the paired interval of ln(score / best score) reaches zero; without an interval only the best is best."""
    columns = (times.column(item.width, item.threads, "serial") for item in (best, entry))
    advantage = interval(paired(*columns) + math.log(entry.worth / best.worth))
    return advantage.high is not None and advantage.high >= 0
