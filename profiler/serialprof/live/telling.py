# SPDX-License-Identifier: Apache-2.0
"""A recording in sentences: what a step's time is in, who worked meanwhile, and what this cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from serialprof.estimate import Estimate
from serialprof.live.records import Loop, Losses
from serialprof.live.results import LoopAnalysis, Part
from serialprof.units import format_percent, format_seconds

#: Parts that the verdict names one by one.
_NAMED: Final = 3
#: What can tell more.
FOLLOWING: Final = (
    "serialprof workload new NAME writes a workload file for the body of a loop, and serialprof run FILE.py:NAME "
    "sweeps widths and threads: that tells clock from cores."
)
#: What was not recorded, and what to do about it; the count follows.
_LOSSES: Final = {
    "left_open": "regions entered and not left before what encloses them, whose steps are left out",
    "not_entered": (
        "regions left that their thread had not entered in this recording (opened before it began, or by another task "
        "of an event loop: put regions around code that does not await)"
    ),
    "crossed": (
        "loops that went on on another thread, or in the midst of another loop's steps, whose steps are left out (give "
        "each task of an event loop a thread, or time one of them)"
    ),
    "nested": "loops inside a step of a loop of the same name, of which only the outer is recorded (rename one)",
    "refused": (
        "entries beyond the bounds on names, places and memory (name what the code does, and not what it works on)"
    ),
    "deep": "regions nested too deeply",
    "threads": "calls from threads beyond the bound on threads at a time",
}


def name_of(path: Sequence[str]) -> str:
    """A part as people read it: its regions from outside in."""
    return " > ".join(path) if path else "no region"


def percent(share: Estimate) -> str:
    """A share with its interval, where that shows in whole numbers: "61 % (59 to 63 %)", "under 1 %"."""
    if share.value is None:
        return "an unknown share"
    value, low, high = (None if end is None else round(100 * end) for end in (share.value, share.low, share.high))
    told = f"{value} %" if value else "under 1 %"
    return told if low is None or low == value == high else f"{told} ({low} to {high} %)"


def sentence(loop: LoopAnalysis) -> str:
    """The verdict on a loop."""
    if not loop.seen:
        return "No step of it was recorded from beginning to end, so nothing is said of its time."
    return "; ".join((_where(loop), _who(loop))) + (
        ". One setting cannot tell what a faster clock or more cores would bring."
    )


def losses(lost: Losses) -> tuple[str, ...]:
    """What was not recorded, and what to do about it."""
    return tuple(f"{text}: {getattr(lost, name)}" for name, text in _LOSSES.items() if getattr(lost, name))


def notes(loop: LoopAnalysis, stored: Loop, dependent: bool) -> Iterator[str]:
    """What else a reader is to know of a loop."""
    if loop.warm_up.steps:
        many = f"first {loop.warm_up.steps} steps" if loop.warm_up.steps > 1 else "first step"
        yield f"the {many} took more than twice the median, {format_seconds(loop.warm_up.seconds)} more in all"
    if _apart_from_zero(loop.drift):
        value = loop.drift.value or 0.0
        yield f"steps became {percent_change(value)} over the recording"
    if dependent:
        yield "stretches of the recording resemble their neighbours: intervals may be too narrow"
    if loop.slow is not None:
        slow = loop.slow
        yield (
            f"the {slow.steps} slowest of {loop.seen} steps take {format_seconds(slow.excess)} more than the mean one, "
            f"{format_percent(slow.share)} of it in {name_of(slow.path)}"
        )
    if loop.cut:
        yield f"{loop.cut} steps were left before their end and are in nothing"
    if loop.left_out:
        yield f"{loop.left_out} steps are left out, since regions in them did not match"
    if loop.lanes > 1:
        yield f"{loop.lanes} threads drove it; threads' CPU time is that of the whole process"
    if loop.device == "events":
        yield (
            f"shares are those of {len(stored.device.steps)} steps between CUDA events on their stream; host times of "
            "regions are those of enqueueing"
        )
    if stored.device.dropped:
        yield f"CUDA events of {stored.device.dropped} steps were dropped"


def percent_change(value: float) -> str:
    """By how much steps became "12 % longer", or shorter."""
    return f"{format_percent(abs(value))} {'longer' if value > 0 else 'shorter'}"


def _where(loop: LoopAnalysis) -> str:
    step = format_seconds(loop.step.value or 0.0)
    if loop.device == "enqueue":
        return f"A step takes {step}, and no split of it is given: its host times are those of enqueueing CUDA work"
    named = _named(loop.parts)
    parts = ", ".join(f"{percent(part.share)} in {name_of(part.path)}" for part in named)
    others = len(loop.parts) - len(named)
    more = f", the rest in {others} more" if others else ""
    whole = "on its stream" if loop.device == "events" else "by the host's clock"
    return f"A step takes {step}; {whole}, {parts}{more}"


def _named(parts: Sequence[Part]) -> list[Part]:
    """The largest parts, and always what lies in no region."""
    ordered = sorted(parts, key=lambda part: -(part.share.value or 0.0))
    return [part for place, part in enumerate(ordered) if place < _NAMED or not part.path]


def _who(loop: LoopAnalysis) -> str:
    if loop.waiting.value is None or loop.threads.value is None:
        return "CPU times were not read"
    others = max(0.0, loop.threads.value - (1 - loop.waiting.value) * loop.lanes)
    return (
        f"the thread that drives it was on no CPU for {percent(loop.waiting)} of the time (waiting, or others' turn), "
        f"and other threads of the process worked {others:.2f} s per second"
    )


def _apart_from_zero(change: Estimate) -> bool:
    return change.low is not None and change.high is not None and (change.low > 0 or change.high < 0)
