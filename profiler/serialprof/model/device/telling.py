# SPDX-License-Identifier: Apache-2.0
"""What is said of steps on a device in sentences: clock or cores, the knee, the parts at both ends, the next move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from serialprof.estimate import Estimate
from serialprof.intervals import MINIMUM_UNITS
from serialprof.model import wording
from serialprof.model.answers import Part
from serialprof.model.device.batch import WEIGHTS
from serialprof.model.device.clockorcores import clock_or_cores
from serialprof.model.dissected import (
    BANDWIDTH,
    FLOOR,
    FLOP,
    SLOW,
    UNTOLD,
    BatchSweep,
    DeviceAnalysis,
    DeviceStep,
    Move,
)
from serialprof.setting import on_cuda

#: Share of a step from which a part is named, and how many are.
_NAMED: Final = 0.05
_MOST_NAMED: Final = 3
#: What streams at any batch, as a sentence can hold it.
_STREAMING: Final = "weight bandwidth (width memory)"


def clauses(found: DeviceAnalysis) -> Iterator[str]:
    """What a verdict says of a family's steps on their device, clause by clause."""
    if on_cuda(found.device):
        yield clock_or_cores(found)
    yield knee(found.sweep) if found.steps else knee(replace(found.sweep, reason=""))  # why is said with the parts
    ends = found.steps[:1] + found.steps[1:][-1:]
    if ends:
        told = [f"at B = {wording.count(step.width)} {'it' if number else 'a step'} is {parts(step)}"
                for number, step in enumerate(ends)]  # fmt: skip
        yield "; ".join(told)
    if found.moves:
        yield best(found)


def knee(sweep: BatchSweep) -> str:
    """Where the knee lies, and what makes a step batch-insensitive below it."""
    known = sweep.knee
    if every_batch_beyond(sweep):
        return f"every batch is beyond the knee: from B = {wording.count(sweep.throughput[0].width)} on lanes cost time"
    cause, reason = (text.replace(WEIGHTS, _STREAMING) for text in (sweep.cause, sweep.reason))
    place, below = _place(known)
    if cause and not below:
        return f"{place}; a narrow step spends most on {cause}"
    if cause:
        return f"{place}: {below} a step is batch-insensitive because of {cause}"
    return f"{place}; what a narrow step spends most on: {reason}" if reason else place


def every_batch_beyond(sweep: BatchSweep) -> bool:
    """Whether the knee, for all that is known, lies below the narrowest batch that was measured."""
    known, least = sweep.knee, min((item.width for item in sweep.throughput), default=0)
    if known.high is not None:
        return known.high <= least
    return known.value < least if known.value is not None else known.reason.startswith("below B = ")


def _place(known: Estimate) -> tuple[str, str]:
    """Where a knee lies in words, and what is said to lie below it; nothing where that is open."""
    if known.value is not None:
        low, high = (wording.count(end) if end else "" for end in (known.low, known.high))
        ends = f" [{low} - {high}]" if low != high and low and high else ""
        return f"the knee is at B = {wording.count(known.value)}{ends}", "below it"
    if known.reason.startswith("beyond B = "):
        return f"the knee lies {known.reason.partition(';')[0]}", "up to there"
    if known.reason.startswith("below B = "):
        assert known.high is not None
        return f"the knee lies at B = {wording.count(known.high)} or below", "below it"
    open_on_both_sides = known.reason.startswith("the data cannot tell")
    return known.reason if open_on_both_sides else f"the knee is unknown: {known.reason}", ""


def parts(step: DeviceStep) -> str:
    """The largest parts of a step in words, by what they may take at most where no more is known; unattributed last."""
    kernels = [step.part(cause) for cause in (FLOOR, BANDWIDTH, FLOP, SLOW)]
    together = all(part.share.value is None for part in kernels)
    single = [part for part in step.parts if not (together and part in kernels) and _most(part) >= _NAMED]
    largest = sorted(single, key=_most, reverse=True)[:_MOST_NAMED]
    largest.sort(key=lambda part: part.cause == UNTOLD)
    named = [f"{wording.share(part.share)} {part.cause}" for part in largest]
    if together:
        named.append(f"up to {round(100 * (kernels[0].share.high or 0.0))} % kernels, whose parts are not told")
    return wording.listed(named) or "in no part of which 5 % or more is known"


def _most(part: Part) -> float:
    """The share of a part, or the most that it may be."""
    return part.share.value if part.share.value is not None else part.share.high or 0.0


def best(found: DeviceAnalysis) -> str:
    """The best next move with its gain and its price; beside a larger batch the best one at this batch."""
    if found.best is None:
        return _no_best(found)
    told = f"the best next move from B = {wording.count(found.best.width)} is {_move(found.best)}"
    if found.best.batch and found.best_here is not None:
        told += f". where the batch has to stay, it is {_move(found.best_here)}"
    return told


def _no_best(found: DeviceAnalysis) -> str:
    """That no move surely helps most; and what was measured to help, only not with an interval."""
    told = f"at B = {wording.count(found.moves[0].width)} no move surely helps most"
    bare = [item for item in found.moves if (item.gain.value or 0.0) > 0 and item.gain.low is None]
    if not bare:
        return told
    most = max(bare, key=lambda item: item.gain.value or 0.0)
    return f"{told}; without an interval yet (that takes {MINIMUM_UNITS} blocks), {_move(most)}"


def next_move(found: DeviceAnalysis) -> str:
    """One sentence of advice: the best move, and the best that leaves the batch; empty where none surely helps."""
    if found.best is None:
        return ""
    here = found.best_here if found.best.batch else None
    more = f"; where the batch has to stay, for {_short(here)}" if here else ""
    return f"From B = {wording.count(found.best.width)}, go for {_short(found.best)}{more}."


def next_measurement(found: DeviceAnalysis) -> str:
    """One sentence on which move to measure next; empty where nothing is left to measure."""
    return next((f"Measure what {item.name} would gain ({item.reason}): run again with {item.remedy}."
                 for item in found.moves if item.remedy and item.remedy.startswith("--")), "")  # fmt: skip


def speed_up(gain: Estimate) -> str:
    """A speed-up minus 1: in per cent, or as a ratio where it may be a doubling."""
    if gain.value is not None and gain.value >= 1.0:
        return wording.ratio(gain, 1.0)
    if gain.value is None and gain.low is not None and gain.high is not None and gain.high >= 1.0:
        return f"{1 + gain.low:.3g}x to {1 + gain.high:.3g}x"
    return wording.gain(gain)


def price(item: Move) -> Estimate | None:
    """By how much longer a step takes at the batch that a move changes to, as a ratio; None where the batch stays.

    Lanes per second are B / step: of the same paired step times, (B'/B) / speed-up is step' / step.
    """
    gain = item.gain
    if item.batch is None or gain.value is None:
        return None
    wider = item.batch / item.width
    low, high = (None if end is None else wider / (1 + end) for end in (gain.high, gain.low))
    return Estimate(wider / (1 + gain.value), low, high, level=gain.level)


def told(item: Move) -> str:
    """A move's gain, with its price in latency where it has one: "441x [402 - 484] lanes per second, ..."."""
    longer = price(item)
    if longer is None:
        return speed_up(item.gain)
    return f"{speed_up(item.gain)} lanes per second; a step takes {wording.ratio(longer)} as long"


def _move(item: Move) -> str:
    return f"{item.name}: {told(item)} ({item.evidence})"


def _short(item: Move) -> str:
    """A move with its gain and price alone; the verdict has the intervals."""
    gain = speed_up(Estimate(item.gain.value))
    longer = price(item)
    if longer is None:
        return f"{item.name} ({gain})"
    return f"{item.name} ({gain} lanes per second, a step {wording.ratio(Estimate(longer.value))} as long)"
