# SPDX-License-Identifier: Apache-2.0
"""How the frontier, contradictions and refusals of a family are worded for people; pure functions of its records."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from serialprof.model.results import NOT_SCALING, SCALING
from serialprof.units import format_count, format_si
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serialprof.model.answers import BestSetting, Refusal, Sensitivity, TieLine
    from serialprof.model.results import FamilyAnalysis

_SHARE: Final = "share of "
_SPLIT: Final = dict.fromkeys((SCALING, NOT_SCALING), "what of serial scales with the clock")
#: Refusals are listed up to this number; the rest is counted.
_MOST_REFUSALS: Final = 4


def best(family: FamilyAnalysis) -> str:
    """The best measured settings; empty where nothing was measured."""
    return "; ".join(_best(item) for item in family.frontier.best)


def equal_threads(family: FamilyAnalysis) -> str:
    """How many threads equal +10 % clock, over width, on the fewest threads; empty where there is no fit."""
    sensitivities = family.frontier.sensitivities
    if not sensitivities:
        return ""
    fewest = min(item.threads for item in sensitivities)
    runs = groupby([item for item in sensitivities if item.threads == fewest], key=_equal)
    told = "; ".join(f"{phrase} {_span(list(run))}" for phrase, run in runs)
    return f"on {wording.threads(fewest)} equals {told}"


def tie(line: TieLine) -> str:
    """Between which widths +10 % clock and more threads gain the same."""
    change = f"from {wording.threads(line.threads)} to {line.more_threads}"
    width = line.width
    if width.low is not None and width.high is not None:
        between = f"W = {format_count(width.low)} and {format_count(width.high)}"
        return f"{change}: as good as +10 % clock between {between}"
    return f"{change}: {width.reason}"


def refusals(family: FamilyAnalysis) -> Iterator[str]:
    """What the data do not tell and what would, for what stands nowhere else."""
    merged: dict[tuple[str, str], list[str]] = {}
    for item in family.refusals:
        if _stands_alone(item):
            name = item.what.removeprefix(_SHARE)
            merged.setdefault((item.reason, item.remedy), []).append(_SPLIT.get(name, name))
    lines = [
        f"{', '.join(dict.fromkeys(names))}: {reason}" + (f"; told by {remedy}" if remedy else "")
        for (reason, remedy), names in merged.items()
    ]
    yield from lines[:_MOST_REFUSALS]
    if len(lines) > _MOST_REFUSALS:
        yield f"and {len(lines) - _MOST_REFUSALS} more, which the JSON lists"


def lines(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    """The frontier as (name, text) pairs."""
    for line in family.frontier.ties:
        yield "tie line", tie(line)
    if text := equal_threads(family):
        yield "+10 % clock", text
    if text := best(family):
        yield "best", text


def _stands_alone(item: Refusal) -> bool:
    """Whether a refusal is about a share, a knee or the whole family, and has no line of its own elsewhere."""
    if item.points and not item.what.startswith(_SHARE):
        return False
    return not item.what.startswith(("crossover", "tie line", "depth cost", "step-time model"))


def _best(item: BestSetting) -> str:
    places = [f"W = {format_count(item.width)} on {wording.threads(item.threads)}"]
    places += [f"W = {format_count(width)} on {wording.threads(count)}" for width, count in item.ties[:3]]
    more = len(item.ties) - 3
    where = " or ".join(places) + (f" or {more} more" if more > 0 else "")
    if item.score.value is None:
        return f"{item.goal} unknown"
    if item.goal == "latency":
        return f"shortest step {wording.compact_step(item.score)} at {where}"
    unit = {"throughput": "a second", "price": "for the price", "power": "a joule"}[item.goal]
    return f"most lanes {unit} {format_si(item.score.value, '')}{wording.spread(item.score)} at {where}"


def _equal(item: Sensitivity) -> str:
    """How many threads equal +10 % clock at an operating point, in words."""
    threads = "hardware threads" if item.siblings else "threads"
    outside = " (extrapolated)" if item.extrapolated else ""
    low, high = item.equal.low, item.equal.high
    if item.never:
        return "no number of threads"
    if item.equal.value is not None:
        return f"{item.equal.value:.0f} {threads}{outside}"
    if low is None or (low <= item.threads and high is None):
        return "an unknown number of threads"
    if high is None:
        return f"{low:.0f} {threads} or more{outside}"
    return f"at most {high:.0f} {threads}" if low <= item.threads else f"{low:.0f} to {high:.0f} {threads}{outside}"


def _span(run: Sequence[Sensitivity]) -> str:
    first, last = format_count(run[0].width), format_count(run[-1].width)
    return f"at W = {first}" if len(run) == 1 else f"from W = {first} to {last}"
