# SPDX-License-Identifier: Apache-2.0
"""Findings on the times of steps: do they follow one another, and do they stay what they are.

What a busy machine could feign counts only where every process has shown it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Final

from serialprof.checking.evidence import Evidence
from serialprof.checking.finding import Finding, Numbers
from serialprof.machine.finding import counted
from serialprof.measure.observation import Observation
from serialprof.measure.observing import GROWN, growth, went_on
from serialprof.units import format_percent, format_seconds

#: Growth over depth from which steps get slower along a run.
STEEP: Final = 2.5
#: Ratio of late times to early ones, or the other way round, from which they count as drifting.
DRIFT: Final = 1.75
#: The same within a series after its warm-up, where it goes one way all along.
STILL: Final = 1.1
#: Agreement of a series on one direction, from -1 to 1, below which it only wanders; a single leap comes to 0.55.
ONE_WAY: Final = 0.75
#: Share of a run from which its start-up is worth a word.
STARTUP: Final = 0.5
_DEEP: Final = "keep the state in the object, and have each step begin from what the last one left"


def feedback(evidence: Evidence) -> Iterator[Finding]:
    """Steps that leave nothing behind, or whose time does not grow with their number."""
    seen = evidence.observations
    if seen and all(map(_stateless, seen)):
        yield Finding(
            "no-feedback",
            "warning",
            "A step leaves nothing behind: no variable, attribute or array that it reaches differs after it, so that "
            "every step does the same and none needs the one before.",
            "feed the result of a step into the next one: assign it to a variable of the build function (nonlocal) or "
            "to an attribute",
            {"variables": list(seen[0].single[0].parts)},
        )
    timed = [each for each in seen if len(each.depths) > 1]
    if timed and all(_growth(each) < GROWN for each in timed):
        yield _flat(timed)
    elif timed and all(_growth(each) > STEEP for each in timed):
        first, last = timed[0].depths[0], timed[0].depths[-1]
        yield Finding(
            "slower-along-a-run",
            "warning",
            f"Steps get slower along a run: {last.steps} steps take {format_seconds(last.seconds)}, which is "
            f"{last.seconds / first.seconds:.3g} times as long as {first.steps}.",
            "have every step do the same amount of work, or measure at one --depth and read the step time as its mean",
            {"depths": _depths(timed[0]), "seconds": _seconds(timed[0])},
        )
    elif timed:
        yield from _startup(timed)


def _stateless(seen: Observation) -> bool:
    """Whether everything that a step function reaches was seen, and stayed what it is."""
    return len(seen.single) > 1 and all(state.whole and state.parts == seen.single[0].parts for state in seen.single)


def _growth(seen: Observation) -> float:
    """The greatest growth between neighbouring depths: a long start-up hides that of the shallow ones."""
    return max(growth(before, after) for before, after in pairwise(seen.depths))


def _flat(timed: Sequence[Observation]) -> Finding:
    first, last, refused = timed[0].depths[0], timed[0].depths[-1], timed[0].refused
    deeper = f" Deeper runs failed ({refused})." if refused else ""
    return Finding(
        "no-growth",
        "warning" if refused else "error",
        f"A run of {last.steps} steps takes as long as one of {first.steps}: {format_seconds(last.seconds)} and "
        f"{format_seconds(first.seconds)}. The steps do not follow one another, or are not run at all.{deeper}",
        f"have run(steps) run that many steps, without a cache or a lazy result in between; {_DEEP}",
        {"depths": _depths(timed[0]), "seconds": _seconds(timed[0])},
    )


def _startup(timed: Sequence[Observation]) -> Iterator[Finding]:
    """A start-up that makes up most of a run of the workload's depth."""
    shares = []
    for seen in timed:
        (before, after), steps = seen.depths[-2:], seen.steps
        step = (after.seconds - before.seconds) / (after.steps - before.steps)
        at_depth = next((each.seconds for each in seen.depths if each.steps == steps), None)
        if at_depth is None:
            return
        shares.append(1 - steps * step / at_depth)
    if min(shares) > STARTUP:
        seen = timed[0]
        yield Finding(
            "start-up",
            "note",
            f"{format_percent(min(shares))} of a run of {seen.steps} steps is start-up, which the step time takes in.",
            f"give a greater depth: --depth {8 * seen.steps}, or default_depth in the declaration",
            {"share": min(shares), "depths": _depths(seen), "seconds": _seconds(seen)},
        )


def trend(evidence: Evidence) -> Iterator[Finding]:
    """Times that go one way all along: steps that get slower, or a warm-up that does not end."""
    timed = [seen for seen in evidence.observations if seen.series]
    if not timed:
        return
    seen = timed[0]
    runs = seen.runs * len(seen.series)
    numbers: Numbers = {"early": seen.early_seconds, "seconds": list(seen.series), "runs": runs}
    slower = min(map(slowing, timed))
    if slower >= DRIFT and all(one_way(each.series) >= ONE_WAY for each in timed):
        yield Finding(
            "drift",
            "warning",
            f"Steps get slower from run to run: {slower:.3g} times as slow after {runs} runs of "
            f"{counted(seen.steps, 'step')}.",
            "begin every run from the same state: return an object whose run(steps) resets it; and bound what the "
            "state gathers",
            numbers,
        )
    faster = min(map(speeding, timed))
    going_on = all(warming(each) >= STILL and one_way(each.series) <= -ONE_WAY for each in timed)
    if faster >= DRIFT and going_on:
        yield Finding(
            "never-warm",
            "warning",
            f"It is never warm: steps became {faster:.3g} times as fast, and after the warm-up they still got faster, "
            f"all along {runs} runs of {counted(seen.steps, 'step')}.",
            "do once, when it is built, what later steps are spared: compile, fill caches, tune; and begin every run "
            "from the same state",
            numbers,
        )


def slowing(seen: Observation) -> float:
    """How much longer the last third of the series takes than its first, or than runs before the warm-up."""
    first, last = _thirds(seen.series)
    return last / min(first, seen.early_seconds)


def speeding(seen: Observation) -> float:
    """How much longer runs took before the warm-up than in the last third of the series, which is warm."""
    first, last = _thirds(seen.series)
    return max(first, seen.early_seconds) / last


def warming(seen: Observation) -> float:
    """How much longer the first third of the series takes than the last, although both are warm."""
    first, last = _thirds(seen.series)
    return first / last


def _thirds(series: Sequence[float]) -> tuple[float, float]:
    """The medians of the first third and of the last."""
    third = max(1, len(series) // 3)
    return statistics.median(series[:third]), statistics.median(series[-third:])


def one_way(series: Sequence[float]) -> float:
    """Kendall's rank correlation with time: 1 where every value is above all before it, -1 where below."""
    pairs = list(combinations(series, 2))
    return sum((after > before) - (after < before) for before, after in pairs) / max(1, len(pairs))


def synchronisation(evidence: Evidence) -> Iterator[Finding]:
    """Work that goes on once a run has returned."""
    seen = evidence.observations
    if not seen or not all(went_on(each.aftermath) for each in seen):
        return
    after = seen[0].aftermath
    where = "the device" if (after.device or 0.0) > after.busy else "threads of this process"
    left = max(after.device or 0.0, after.busy)
    yield Finding(
        "asynchronous",
        "error",
        f"Work goes on once a run has returned: after {format_seconds(after.runs)} of runs, {where} were at work for "
        f"{format_seconds(left)} more. What is timed is the time to start steps.",
        "wait for the last step at the end of run(steps), or return an object that has sync()",
        {"runs": after.runs, "busy_after": after.busy, "waited": after.waited, "device_after": after.device},
    )


def _depths(seen: Observation) -> list[int]:
    return [each.steps for each in seen.depths]


def _seconds(seen: Observation) -> list[float]:
    return [each.seconds for each in seen.depths]
