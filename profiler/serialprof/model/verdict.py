# SPDX-License-Identifier: Apache-2.0
"""The answer in words: what an analysis of one family comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from serialprof.catalog import Description
from serialprof.estimate import Estimate
from serialprof.model import wording
from serialprof.model.results import (
    LAUNCH,
    SERIAL,
    Attribution,
    Crossover,
    DepthCost,
    PointSummary,
    Tradeoff,
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the verdict on one family is made from."""

    description: Description
    points: tuple[PointSummary, ...]
    refusal: str
    attributions: tuple[Attribution, ...]
    tradeoffs: tuple[Tradeoff, ...]
    crossovers: tuple[Crossover, ...]
    depth_costs: tuple[DepthCost, ...]
    within_process: bool

    @property
    def failures(self) -> tuple[str, ...]:
        """Why points failed, in the order of the plan, without repetition."""
        return tuple(dict.fromkeys(summary.failed for summary in self.points if summary.failed))

    @property
    def measured(self) -> tuple[PointSummary, ...]:
        """The points of the serial form that have a step time."""
        return tuple(item for item in self.points if item.units and item.point.setting.form == "serial")


def sentence(findings: Findings) -> str:
    """Two or three sentences: clock against cores, the serial share over width, what depth costs."""
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in _clauses(findings))


def grade_reason(clocks: Sequence[float | None]) -> str:
    """Why the evidence is of grade C, from the clocks that the points asked for."""
    if any(clock is not None for clock in clocks):
        return "points with a set clock are not evaluated, and no hardware counters were read"
    return "no clock was set and no hardware counters were read: the clock's side is a model"


def _clauses(findings: Findings) -> Iterator[str]:
    if not findings.measured:
        why = f": {findings.failures[0]}" if findings.failures else ""
        yield f"nothing was measured, so the data cannot tell{why}"
        return
    if findings.crossovers:
        yield _clock_against_cores(findings)
    else:
        yield "threads were not varied, so the data cannot tell whether clock beats cores"
    yield _serial(findings)
    if findings.depth_costs:
        yield _depth(findings.depth_costs)
    if findings.within_process:
        yield "intervals are within one process only: they do not cover what a fresh start changes"


def _clock_against_cores(findings: Findings) -> str:
    """About the smallest pair of thread counts."""
    crossover = findings.crossovers[0]
    steps = [
        item
        for item in findings.tradeoffs
        if (item.threads, item.more_threads) == (crossover.threads, crossover.more_threads)
    ]
    more = _more(crossover.threads, crossover.more_threads)
    lanes = findings.description.width_name
    width = crossover.width
    if width.value is not None:
        return _crossing(width, steps, more, lanes)
    first, last = steps[0], steps[-1]
    span = f"from W = {wording.count(first.width)} to {wording.count(last.width)} {lanes}"
    winners = {item.winner for item in steps}
    both = f"{_both(first, more)}; {_both(last, more)}" if len(steps) > 1 else _both(first, more)
    if winners == {"clock"}:
        return f"clock beats cores on this machine {span}: {both}"
    if winners == {"cores"}:
        return f"cores beat clock on this machine {span}: {both}"
    if winners == {"neither"}:
        return f"neither clock nor cores help {span}: {both}"
    sure = [
        f"{name} at W = {', '.join(wording.count(item.width) for item in steps if item.winner == winner)}"
        for winner, name in (("clock", "clock beats cores"), ("cores", "cores beat clock"))
        if winner in winners
    ]
    known = f" ({'; '.join(sure)})" if sure else ""
    return f"whether clock beats cores {span} the data cannot tell everywhere{known}: {both}"


def _crossing(width: Estimate, steps: Sequence[Tradeoff], more: str, lanes: str) -> str:
    """More threads surely lose below and surely win above a width."""
    assert width.value is not None and width.low is not None and width.high is not None
    below = next(item for item in steps if item.width == width.low)
    wins = [item for item in steps if item.width >= width.high and (item.cores_gain.low or 0) > 0]
    above = wins[-1]
    ends = f"[{wording.count(width.low)} - {wording.count(width.high)}]"
    start = f"below {wording.count(width.value)} {lanes} {ends} "
    start += "clock beats cores on this machine" if below.winner == "clock" else f"{more} loses"
    then = {
        "cores": "cores beat clock",
        "clock": f"{more} gains, but less than +10 % clock",
        "neither": "neither helps much",
        "unknown": f"{more} gains, and the data cannot tell whether more than +10 % clock",
    }[above.winner]
    figures = f"{wording.ratio(above.cores_gain, 1)} at W = {wording.count(above.width)}"
    clock = wording.gain(above.clock_gain)
    again = "; further up the order changes again" if width.reason else ""
    return f"{start}: {_both(below, more)}; above it {then} ({figures}, +10 % clock {clock}){again}"


def _both(item: Tradeoff, more: str) -> str:
    clock, cores = wording.gain(item.clock_gain), wording.gain(item.cores_gain)
    return f"at W = {wording.count(item.width)} +10 % clock gives {clock}, {more} {cores}"


def _serial(findings: Findings) -> str:
    """The serial share at both ends of the sweep, at the fewest threads."""
    if not findings.attributions:
        return f"the serial share is unknown: {findings.refusal}"
    fewest = min(item.threads for item in findings.attributions)
    ends = [item for item in findings.attributions if item.threads == fewest]
    first, last = ends[0], ends[-1]
    on = "one thread" if fewest == 1 else f"{fewest} threads"
    launch = " (launch included)" if first.part(LAUNCH).share.value is None else ""
    low, high = (wording.share(item.part(SERIAL).share) for item in (first, last))
    lanes = findings.description.width_name
    return (
        f"the serial share of a step on {on}{launch} is {low} at W = {wording.count(first.width)}"
        f" and {high} at W = {wording.count(last.width)} {lanes}"
    )


def _depth(costs: Sequence[DepthCost]) -> str:
    """What depth costs where it costs most, at the fewest threads."""
    fewest = min(cost.threads for cost in costs)
    worst = max((cost for cost in costs if cost.threads == fewest), key=lambda cost: cost.ratio.value or 0.0)
    return f"depth costs {wording.ratio(worst.ratio)} at W = {wording.count(worst.width)}, against the wide form"


def _more(fewer: int, more: int) -> str:
    return "a second thread" if (fewer, more) == (1, 2) else f"going from {fewer} to {more} threads"
