# SPDX-License-Identifier: Apache-2.0
"""What is said of steps on a device in sentences: the knee, the parts at both ends of the sweep, the best next move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from serialprof.estimate import Estimate
from serialprof.model import wording
from serialprof.model.dissected import BANDWIDTH, FLOOR, FLOP, BatchSweep, DeviceAnalysis, DeviceStep, Move
from serialprof.units import format_seconds

#: Share of a step from which a part is named, and how many are.
_NAMED: Final = 0.05
_MOST_NAMED: Final = 3


def clauses(found: DeviceAnalysis) -> Iterator[str]:
    """What a verdict says of a family's steps on their device, clause by clause."""
    yield knee(found.sweep)
    ends = found.steps[:1] + found.steps[1:][-1:]
    if ends:
        yield "; ".join(map(parts, ends))
    if found.moves:
        yield best(found)


def knee(sweep: BatchSweep) -> str:
    """Where the knee lies, and what makes a step batch-insensitive below it."""
    known = sweep.knee
    if known.value is not None:
        ends = f" [{wording.count(known.low)} - {wording.count(known.high)}]" if known.low and known.high else ""
        place = f"the knee is at B = {wording.count(known.value)}{ends}"
    elif known.low is None and known.high is None:
        place = f"the knee is unknown: {known.reason}"
    else:
        place = f"the knee lies {known.reason}" if " B = " in known.reason else known.reason
    if sweep.cause:
        return f"{place}, and a step below it is batch-insensitive because of {sweep.cause}"
    return f"{place}; what a narrow step spends most on: {sweep.reason}" if sweep.reason else place


def parts(step: DeviceStep) -> str:
    """The largest parts of a step in words."""
    known = sorted(
        (part for part in step.parts if (part.share.value or 0.0) >= _NAMED),
        key=lambda part: part.share.value or 0.0,
        reverse=True,
    )
    named = [f"{wording.share(part.share)} {part.cause}" for part in known[:_MOST_NAMED]]
    kernels = [step.part(cause).share for cause in (FLOOR, BANDWIDTH, FLOP)]
    if all(share.value is None for share in kernels):
        named.append(f"up to {round(100 * (kernels[0].high or 0.0))} % kernels, whose parts the data cannot tell")
    at = f"at B = {wording.count(step.width)} a step of {format_seconds(step.step.value or 0.0)}"
    return f"{at} is {wording.listed(named)}" if named else f"{at} is in no part of which 5 % or more is known"


def best(found: DeviceAnalysis) -> str:
    """The best next move with its gain; beside a larger batch the best one at this batch."""
    if found.best is None:
        return f"at B = {wording.count(found.moves[0].width)} nothing that was looked at surely helps most"
    told = f"the best next move from B = {wording.count(found.best.width)} is {_move(found.best)}"
    if found.best.batch and found.best_here is not None:
        told += f"; at that batch it is {_move(found.best_here)}"
    return told


def next_move(found: DeviceAnalysis) -> str:
    """One sentence of advice; empty where nothing surely helps and nothing is left to measure."""
    if found.best is not None:
        here = found.best_here if found.best.batch else None
        more = f"; where the batch has to stay, {_move(here)}" if here else ""
        return f"From B = {wording.count(found.best.width)}, go for {_move(found.best)}{more}."
    return next((f"Measure what {item.name} would gain ({item.reason}): run again with {item.remedy}."
                 for item in found.moves if item.remedy and item.remedy.startswith("--")), "")  # fmt: skip


def speed_up(gain: Estimate) -> str:
    """A speed-up minus 1: in per cent, or from a doubling on as a ratio."""
    return wording.ratio(gain, 1.0) if gain.value is not None and gain.value >= 1.0 else wording.gain(gain)


def _move(item: Move) -> str:
    what = " lanes per second" if item.batch else ""
    return f"{item.name} ({speed_up(item.gain)}{what}, {item.evidence})"
