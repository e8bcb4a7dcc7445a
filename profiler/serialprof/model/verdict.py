# SPDX-License-Identifier: Apache-2.0
"""The answer in words: what an analysis of one family comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from serialprof.catalog import Description
from serialprof.estimate import Estimate
from serialprof.model import wording
from serialprof.model.answers import Contradiction
from serialprof.model.device.telling import clauses as device_clauses
from serialprof.model.dissected import DeviceAnalysis
from serialprof.model.evidence import contradict
from serialprof.model.results import (
    LAUNCH,
    SERIAL,
    Attribution,
    Crossover,
    DepthCost,
    Futility,
    PointSummary,
    Tradeoff,
    Winner,
)
from serialprof.model.sweep import at_reference
from serialprof.units import format_bytes


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
    contradictions: tuple[Contradiction, ...] = ()
    disturbed: float = 0.0
    device: DeviceAnalysis | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def axis(self) -> str:
        """What stands for the width in sentences: B where it is the batch of a framework's steps."""
        return "W" if self.device is None else "B"

    @property
    def failures(self) -> tuple[str, ...]:
        """Why points failed, in the order of the plan, without repetition."""
        return tuple(dict.fromkeys(summary.failed for summary in self.points if summary.failed))

    @property
    def varied(self) -> bool:
        """Whether the serial form was to run on more than one thread count."""
        settings = (item.point.setting for item in self.points)
        return len({setting.threads for setting in settings if setting.form == "serial"}) > 1

    @property
    def measured(self) -> tuple[PointSummary, ...]:
        """The points of the serial form that have a step time, at the reference clock."""
        return tuple(item for item in at_reference(self.points) if item.units and item.point.setting.form == "serial")


def sentence(findings: Findings) -> str:
    """A few sentences: clock against cores, then the serial share or steps on their device, what depth costs."""
    clauses = [part for text in _clauses(findings) for part in text.split(". ")]
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in clauses)


#: Contradictions that say that a declaration is wrong, and with it what is computed from the declaration.
DECLARED: Final = frozenset({"chain", "operations", "bytes"})

#: Share of disturbed samples from which nothing is said to win.
TOO_DISTURBED: Final = 0.5


def _clauses(findings: Findings) -> Iterator[str]:
    if not findings.measured:
        reasons = findings.failures or tuple(item.ended for item in findings.points if item.ended)
        why = f": {reasons[0]}" if reasons else ""
        yield f"nothing was measured, so the data cannot tell{why}"
        return
    if false := [item.what for item in findings.contradictions if item.certain and item.what in DECLARED]:
        yield (
            f"its declared {contradict(false)} what was measured, so the shares and the clock's gain here are not to "
            "be trusted"
        )
    if findings.crossovers:
        yield _clock_against_cores(findings)
    elif findings.device is None or not findings.measured[0].point.setting.on_cuda:
        lacking = "no width has a step time on two thread counts" if findings.varied else "threads were not varied"
        yield f"{lacking}, so the data cannot tell whether clock beats cores"
    if findings.device is None:
        yield _serial(findings)
    else:  # its parts stand for the serial share
        yield from device_clauses(findings.device)
    if findings.depth_costs:
        yield _depth(findings)
    yield from findings.assumptions
    yield from _spoilt(findings)
    if findings.within_process:
        yield "intervals are within one process only: they do not cover what a fresh start changes"
    if findings.disturbed > TOO_DISTURBED:
        yield "more samples were disturbed than not, so nothing is said to win"


def _spoilt(findings: Findings) -> Iterator[str]:
    """What makes the times other than those of a steady step on a device that is left alone."""
    if most := max((item.leaked or 0.0 for item in findings.points), default=0.0):
        yield f"every step keeps up to {format_bytes(most)} of memory, so later steps may take longer"
    for reason in dict.fromkeys(reason for item in findings.points for reason in item.held):
        widths = sorted({item.point.setting.width for item in findings.points if reason in item.held})
        where = wording.listed([wording.count(width) for width in widths])
        yield f"at {findings.axis} = {where} the device's clock was held down ({reason}), so steps there take longer"


def _clock_against_cores(findings: Findings) -> str:
    """About the smallest pair of thread counts: who wins at which widths, and where more threads start to pay."""
    crossover = findings.crossovers[0]
    pair = (crossover.threads, crossover.more_threads)
    steps = [item for item in findings.tradeoffs if (item.threads, item.more_threads) == pair]
    more = _more(*pair)
    axis, lanes = findings.axis, findings.description.width_name
    runs = [(words, list(run)) for words, run in groupby(steps, key=_said)]
    if {words for words, _ in runs} == {_WINS["unknown"]}:
        unknown = f"the data cannot tell whether clock beats cores {_span(steps, axis)} {lanes}"
        told = f"{unknown}: {_figures(steps, more, axis)}"
    else:
        told = "; ".join(
            f"{words} {_span(run, axis)}{f' {lanes}' if number == 0 else ''} ({_figures(run, more, axis)})"
            for number, (words, run) in enumerate(runs)
        )
    return f"on this machine {told}{_turn(crossover.width, more, axis)}"


#: What a winner is called in a sentence.
_WINS: Final[dict[Winner, str]] = {
    "clock": "clock beats cores",
    "cores": "cores beat clock",
    "neither": "neither helps",
    "unknown": "the data cannot tell",
}
#: What is said instead where that is known, though nothing wins.
_FUTILE: Final[dict[Futility, str]] = {
    "lose": "more threads surely lose, while +10 % clock may gain nothing,",
    "stay idle": "more threads stay idle, while +10 % clock may gain,",
    "gain nothing": "more threads gain nothing, while +10 % clock may gain,",
}


def _said(item: Tradeoff) -> str:
    """Who wins at a width, in words."""
    return _FUTILE[item.futile] if item.futile else _WINS[item.winner]


def _span(run: Sequence[Tradeoff], axis: str) -> str:
    first, last = wording.count(run[0].width), wording.count(run[-1].width)
    return f"at {axis} = {first}" if len(run) == 1 else f"from {axis} = {first} to {last}"


def _figures(run: Sequence[Tradeoff], more: str, axis: str) -> str:
    """The gains at both ends of a run of widths."""
    ends = (run[0],) if len(run) == 1 else (run[0], run[-1])
    return "; ".join(
        f"{'' if len(run) == 1 else f'at {axis} = {wording.count(item.width)}, '}"
        f"+10 % clock gives {wording.gain(item.clock_gain)}, {more} {wording.gain(item.cores_gain)}"
        for item in ends
    )


def _turn(width: Estimate, more: str, axis: str) -> str:
    """Where more threads start to pay, if the data show it."""
    if width.value is None or width.low is None or width.high is None:
        return ""
    again = ", though the order changes more than once" if width.reason else ""
    ends = f"[{wording.count(width.low)} - {wording.count(width.high)}]"
    return f". {more} starts to pay at about {axis} = {wording.count(width.value)} {ends}{again}"


def _serial(findings: Findings) -> str:
    """The serial share at both ends of the sweep, at the fewest threads."""
    if not findings.attributions:
        return f"the serial share is unknown: {findings.refusal}"
    fewest = min(item.threads for item in findings.attributions)
    ends = [item for item in findings.attributions if item.threads == fewest]
    first, last = ends[0], ends[-1]
    on = "one thread" if fewest == 1 else f"{fewest} threads"
    launched = [item.part(LAUNCH).share.value is None for item in (first, last)]
    launch = " (launch included)" if launched[0] else ""
    too = " (launch included)" if launched[1] and not launched[0] else ""
    low, high = (wording.share(item.part(SERIAL).share) for item in (first, last))
    lanes = findings.description.width_name
    return (
        f"the serial share of a step on {on}{launch} is {low} at W = {wording.count(first.width)}"
        f" and {high} at W = {wording.count(last.width)} {lanes}{too}"
    )


def _depth(findings: Findings) -> str:
    """What depth costs where it costs most, at the fewest threads."""
    costs = findings.depth_costs
    fewest = min(cost.threads for cost in costs)
    worst = max((cost for cost in costs if cost.threads == fewest), key=lambda cost: cost.ratio.value or 0.0)
    where = f"at {findings.axis} = {wording.count(worst.width)}"
    return f"depth costs {wording.ratio(worst.ratio)} {where}, against the wide form"


def _more(fewer: int, more: int) -> str:
    return "a second thread" if (fewer, more) == (1, 2) else f"going from {fewer} to {more} threads"
