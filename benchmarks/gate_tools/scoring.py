# SPDX-License-Identifier: Apache-2.0
"""From gates to rates with their exact bounds, and whether the goals are met; what is computed stands apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

from benchmarks.gate_tools.cells import CONDITIONS, KINDS, PLANTED, SERIALPROF, TOOLS, Record
from serialprof.gating.rates import Rate, pairs_for, pooled_spread, smallest_caught
from serialprof.gating.records import LOOKS, Criteria

CRITERIA: Final = Criteria()
#: Kinds of which a power is asked.
POWERED: Final = ("native", "numpy", "torch")
#: Gates from which on something is said of their seconds.
_FEWEST_TIMED: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    """The gates of a tool on a kind of steps under a condition.

    Attributes:
        tool, kind, condition: whose.
        failures: by planted slow-down, as many as there are gates of.
        inconclusive: of all gates.
        seconds: of a gate, the median.
        slow_seconds: that 19 of 20 gates stay below.
        load: of the machine before a gate, the median.
        errors: gates that were not made.
    """

    tool: str
    kind: str
    condition: str
    failures: dict[float, Rate]
    inconclusive: Rate
    seconds: float
    slow_seconds: float
    load: float
    errors: int


@dataclass(frozen=True, slots=True)
class Goal:
    """One of the goals: what is asked, what was found, and whether that is enough to tell.

    Attributes:
        asked: in words.
        found: in words, with the exact bound.
        state: "met", "missed" or "not enough gates".
    """

    asked: str
    found: str
    state: str


@dataclass(frozen=True, slots=True)
class Computed:
    """What the spread of pairs lets expect of serialprof; computed, not counted.

    Attributes:
        kind, condition: whose.
        spread: standard deviation of a pair's log ratio.
        pairs: that catch the mde with a power of 95 %, None beyond a thousand.
        caught: the slow-down that the most pairs of a gate catch so, as a share.
    """

    kind: str
    condition: str
    spread: float
    pairs: int | None
    caught: float


def rows(records: Sequence[Record]) -> list[Row]:
    """One row per tool, kind and condition that was tried."""
    found = []
    for kind in KINDS:
        for condition in CONDITIONS:
            for tool in TOOLS:
                here = [
                    record
                    for record in records
                    if (record["tool"], record["kind"], record["condition"]) == (tool, kind, condition)
                ]
                if here:
                    found.append(_row(tool, kind, condition, here))
    return found


def _row(tool: str, kind: str, condition: str, here: Sequence[Record]) -> Row:
    made = [record for record in here if "error" not in record]
    seconds = [record["seconds"] for record in made]
    by_share = {share: [record for record in made if record["planted"] == share] for share in PLANTED}
    return Row(
        tool,
        kind,
        condition,
        {share: rate(gates, "fail") for share, gates in by_share.items() if gates},
        rate(made, "inconclusive"),
        median(seconds) if seconds else 0.0,
        _slow(seconds),
        median(record["load"] for record in here),
        len(here) - len(made),
    )


def rate(records: Iterable[Record], verdict: str) -> Rate:
    """How many of the gates that were made came out so."""
    verdicts = [record["verdict"] for record in records if "error" not in record]
    return Rate(verdicts.count(verdict), len(verdicts))


def goals(records: Sequence[Record]) -> list[Goal]:
    """The goals of serialprof's gate, beside what was found."""
    own = [record for record in records if record["tool"] == SERIALPROF and "error" not in record]
    null = rate(_where(own, planted=0.0), "fail")
    found = [_rarely("A/A gates that fail, of 600 or more", null, 0.005)]
    for share, wanted in ((0.03, 0.95), (0.05, 0.99)):
        powered = [record for record in _where(own, planted=share) if record["kind"] in POWERED]
        asked = f"+{100 * share:.0f} % that fails, at least {100 * wanted:.0f} %"
        found.append(_often(f"{asked}: native, numpy, torch", rate(powered, "fail"), wanted))
        found += [_often(f"{asked}: {kind}", rate(_where(powered, kind=kind), "fail"), wanted) for kind in POWERED]
    for condition, most in (("quiet", 0.02), ("neighbour", 0.10)):
        clear = [record for record in _where(own, condition=condition) if _clear(record["planted"])]
        undecided = rate(clear, "inconclusive")
        found.append(_rarely(f"inconclusive, {condition}, not at +2 %, at most {100 * most:.0f} %", undecided, most))
    for kind, most_seconds in (("native", 15.0), ("numpy", 15.0), ("torch", 60.0)):
        found.append(_within(kind, [record["seconds"] for record in _where(own, kind=kind)], most_seconds))
    return found


def computed(records: Sequence[Record]) -> list[Computed]:
    """What the spread of all pairs of serialprof's gates lets expect, by kind and condition."""
    found = []
    for kind in KINDS:
        for condition in CONDITIONS:
            logs = [record["logs"] for record in _where(records, kind=kind, condition=condition) if "logs" in record]
            if logs:
                spread = pooled_spread(logs)
                pairs = pairs_for(spread, CRITERIA.mde, CRITERIA.tolerance)
                caught = smallest_caught(LOOKS[-1], spread, CRITERIA.tolerance)
                found.append(Computed(kind, condition, spread, pairs, caught))
    return found


def percent(share: float) -> str:
    """A share in percent, to a tenth near either end."""
    whole = share in (0, 1) or 0.1 <= share < 0.99
    return f"{100 * share:.{0 if whole else 1}f} %"


def _where(records: Iterable[Record], **place: object) -> list[Record]:
    return [record for record in records if record.items() >= place.items()]


def _rarely(asked: str, found: Rate, most: float) -> Goal:
    """A goal that a chance is at most so large, shown by an exact bound of 95 %."""
    state = _state(found.at_most <= most, found.at_least > most)
    return Goal(asked, f"{found.events} of {found.trials}, at most {percent(found.at_most)}", state)


def _often(asked: str, found: Rate, least: float) -> Goal:
    """A goal that a chance is at least so large."""
    state = _state(found.at_least >= least, found.at_most < least)
    return Goal(asked, f"{found.events} of {found.trials}, at least {percent(found.at_least)}", state)


def _within(kind: str, seconds: Sequence[float], most: float) -> Goal:
    """A goal that 19 of 20 gates take at most so many seconds."""
    asked = f"seconds of a gate, {kind}, at most {most:.0f}"
    if len(seconds) < _FEWEST_TIMED:
        return Goal(asked, f"{len(seconds)} gates", "not enough gates")
    slow = _slow(seconds)
    told = f"median {median(seconds):.1f}, 19 of 20 below {slow:.1f}"
    return Goal(asked, told, "met" if slow <= most else "missed")


def _clear(planted: float) -> bool:
    """Whether a gate has an answer to give: between tolerance and mde it may fail, pass, or leave it open."""
    return planted <= CRITERIA.tolerance or planted >= CRITERIA.mde


def _state(met: bool, missed: bool) -> str:
    return "met" if met else "missed" if missed else "not enough gates"


def _slow(seconds: Sequence[float]) -> float:
    """What 19 of 20 stay below."""
    if len(seconds) < 2:
        return max(seconds, default=0.0)
    return quantiles(seconds, n=20, method="inclusive")[-1]
