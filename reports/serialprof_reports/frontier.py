# SPDX-License-Identifier: Apache-2.0
"""How the frontier, contradictions and refusals of a family are worded for people; pure functions of its records."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

from serialprof.model.advice import below, memory_end
from serialprof.model.dissected import DEVICE_CAUSES
from serialprof.model.results import NOT_SCALING, SCALING
from serialprof.units import format_count, format_si
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from serialprof.model.answers import BestSetting, Refusal, Sensitivity, TieLine
    from serialprof.model.results import FamilyAnalysis

#: What the times themselves do not tell: those of a device held down, or of steps that keep memory.
_HYGIENE: Final = ("unthrottled step time", "steady steps")
_SHARE: Final = "share of "
_SPLIT: Final = dict.fromkeys((SCALING, NOT_SCALING), "what of serial scales with the clock")
_UNKNOWN_THREADS: Final = "an unknown number of threads"
#: How remedies begin that ask for wider points.
_WIDER: Final = ("batches up to", "widths up to")
#: Refusals are listed up to this number; the rest is counted.
_MOST_REFUSALS: Final = 4


def best(family: FamilyAnalysis) -> str:
    """The best measured settings; empty where nothing was measured."""
    return "; ".join(_best(item, wording.axis(family)) for item in family.frontier.best)


def equal_threads(family: FamilyAnalysis) -> str:
    """How many threads equal +10 % clock, over width, on the fewest threads; empty where that is known nowhere."""
    sensitivities = family.frontier.sensitivities
    if not sensitivities:
        return ""
    fewest = min(item.threads for item in sensitivities)
    runs = [
        (phrase, list(run))
        for phrase, run in groupby([item for item in sensitivities if item.threads == fewest], key=_equal)
    ]
    if all(phrase == _UNKNOWN_THREADS for phrase, _ in runs):
        return ""
    told = "; ".join(f"{phrase} {_span(run, wording.axis(family))}" for phrase, run in runs)
    return f"on {wording.threads(fewest)} equals {told}"


def tie(line: TieLine, axis: str = "W") -> str:
    """Between which widths +10 % clock and more threads gain the same."""
    change = f"from {wording.threads(line.threads)} to {line.more_threads}"
    width = line.width
    if width.low is not None and width.high is not None:
        between = f"{axis} = {format_count(width.low)} and {format_count(width.high)}"
        return f"{change}: as good as +10 % clock between {between}"
    return f"{change}: {width.reason}"


def warnings(family: FamilyAnalysis) -> Iterator[str]:
    """What spoils the times themselves, all of it: steps that keep memory, a device that was held down."""
    for item in family.refusals:
        if item.what in _HYGIENE:
            yield f"{_where(family, item.points)}: {item.reason}; what helps: {item.remedy}"


def refusals(family: FamilyAnalysis) -> Iterator[str]:
    """What the data do not tell and what would, for what stands nowhere else."""
    merged: dict[tuple[str, str], dict[str, list[tuple[int, int]]]] = {}
    for item in family.refusals:
        if _stands_alone(family, item):
            name = item.what.removeprefix(_SHARE)
            places = merged.setdefault((item.reason, item.remedy), {}).setdefault(_SPLIT.get(name, name), [])
            places += item.points
    counts = Counter(name for names in merged.values() for name in names)
    lines = [
        f"{_names(family, names, counts)}: {reason}{_told_by(family, remedy)}"
        for (reason, remedy), names in merged.items()
    ]
    yield from lines[:_MOST_REFUSALS]
    if len(lines) > _MOST_REFUSALS:
        yield f"and {len(lines) - _MOST_REFUSALS} more, which the JSON lists"


def lines(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    """The frontier as (name, text) pairs."""
    for line in family.frontier.ties:
        yield "tie line", tie(line, wording.axis(family))
    if text := equal_threads(family):
        yield "+10 % clock", text
    if text := best(family):
        yield "best", text


def _stands_alone(family: FamilyAnalysis, item: Refusal) -> bool:
    """Whether a refusal is about a share, a knee or the whole family, and has no line of its own elsewhere.

    Where a step's parts on its device are told, the shares and knees of the model of width and threads are not.
    """
    if item.points and not item.what.startswith(_SHARE):  # what spoils the times is told as a warning
        return False
    if family.device is not None and _of_widths(item.what):
        return False
    return not item.what.startswith(("crossover", "tie line", "depth cost", "step-time model"))


def _of_widths(what: str) -> bool:
    """Whether it is a share or a knee by the model of width and threads, or all of them."""
    if what.startswith(_SHARE):
        return what.removeprefix(_SHARE) not in DEVICE_CAUSES
    return what.startswith(("knee on ", "shares of a step"))


def _names(family: FamilyAnalysis, names: Mapping[str, Sequence[tuple[int, int]]], counts: Mapping[str, int]) -> str:
    """What is not told; with the places of what is not told elsewhere for another reason."""
    return ", ".join(
        f"{name} ({_where(family, places)})" if counts[name] > 1 and places else name for name, places in names.items()
    )


def _where(family: FamilyAnalysis, places: Sequence[tuple[int, int]]) -> str:
    """(width, threads) pairs in words: "at W = 1, 4 on 1 thread"; the threads only where they were varied."""
    several = len({item.point.setting.threads for item in family.points}) > 1
    widths: dict[int, list[int]] = {}
    for width, count in sorted(set(places), key=lambda place: (place[1], place[0])):
        widths.setdefault(count, []).append(width)
    axis = wording.axis(family)
    return "; ".join(
        f"at {axis} = {', '.join(map(format_count, own))}" + (f" on {wording.threads(count)}" if several else "")
        for count, own in widths.items()
    )


def _told_by(family: FamilyAnalysis, remedy: str) -> str:
    """What would tell it, without a width for which memory did not suffice."""
    end = memory_end(family.points)
    if end is not None and remedy.startswith(_WIDER):
        return f"; told by more memory, which ends at {wording.axis(family)} = {format_count(end)}"
    if end is not None and "--width" in remedy:
        remedy = below(end) or f"smaller steps: memory ends at {wording.axis(family)} = {format_count(end)}"
    return f"; told by {remedy}" if remedy else ""


def _best(item: BestSetting, axis: str) -> str:
    places = [f"{axis} = {format_count(item.width)} on {wording.threads(item.threads)}"]
    places += [f"{axis} = {format_count(width)} on {wording.threads(count)}" for width, count in item.ties[:3]]
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
        return _UNKNOWN_THREADS
    if high is None:
        return f"{low:.0f} {threads} or more{outside}"
    return f"at most {high:.0f} {threads}" if low <= item.threads else f"{low:.0f} to {high:.0f} {threads}{outside}"


def _span(run: Sequence[Sensitivity], axis: str) -> str:
    first, last = format_count(run[0].width), format_count(run[-1].width)
    return f"at {axis} = {first}" if len(run) == 1 else f"from {axis} = {first} to {last}"
