# SPDX-License-Identifier: Apache-2.0
"""What is said of a recording: shares, tails, waiting and drift, each with its uncertainty or a reason."""

from __future__ import annotations

from dataclasses import dataclass

from serialprof.estimate import Estimate
from serialprof.live.records import DeviceTimes


@dataclass(frozen=True, slots=True)
class Tail:
    """Quantiles in seconds over every step that was seen, within 1 % by the width of the counting buckets.

    They are of this recording, and carry no interval: steps follow one another, and are no independent draws. One
    beyond which no ten steps lie is None.
    """

    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Which share of steps took at most so many seconds, ascending."""

    seconds: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A region, what the loop's own iterator takes, or what lies in no region.

    Attributes:
        path: names from the outermost region to this one; empty for what lies in no region.
        loop: whether it is a loop of its own inside the step.
        calls: how often it was entered per step.
        raised: how often an exception left it.
        whole: seconds per step with all that is nested in it.
        own: seconds per step without what is nested in it.
        share: of the step that is its own, by the device's time where events were taken; without a value where host
            times are those of enqueueing.
        tail: of its seconds per step in which it ran.
    """

    path: tuple[str, ...]
    loop: bool
    calls: float
    raised: int
    whole: Estimate
    own: Estimate
    share: Estimate
    tail: Tail | None


@dataclass(frozen=True, slots=True)
class Slow:
    """What the slowest steps take longer for.

    Attributes:
        steps: how many were kept with their regions.
        least: seconds of the shortest of them.
        excess: seconds by which they exceed the mean step, on average.
        path: the part that takes most of the excess.
        share: of the excess that is its own.
    """

    steps: int
    least: float
    excess: float
    path: tuple[str, ...]
    share: float


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Steps at the beginning that took more than twice the median, and the seconds by which they exceed it."""

    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """The loop over some time: from when to when in seconds since the start, mean and longest step, threads used."""

    start: float
    end: float
    step: float
    longest: float
    threads: float | None


@dataclass(frozen=True, slots=True)
class LoopAnalysis:
    """One loop.

    Attributes:
        name: of the loop.
        lanes: threads at a time that drove it.
        seen: steps, all of them in the means and tails.
        kept: single steps that are kept with their regions, besides the slowest.
        cut: steps that were left before their end, in nothing.
        left_out: steps in which regions did not match, in nothing.
        batches: stretches that the intervals count as units.
        step: mean seconds per step.
        tail: of step times.
        curve: of step times.
        parts: regions, own iterator, and what lies in no region; by own seconds, descending.
        device: how the shares were had.
        device_step: seconds per step between CUDA events, without a value where none were taken.
        waiting: share of the driving thread's time in which it ran on no CPU.
        threads: CPU seconds of the whole process per second of the loop.
        drift: by which share steps became longer over the recording, by a straight line.
        warm_up: at the beginning.
        slow: what the slowest steps take longer for; None where it is not told.
        stretches: over time.
        sentence: the verdict.
        notes: what else a reader is to know.
    """

    name: str
    lanes: int
    seen: int
    kept: int
    cut: int
    left_out: int
    batches: int
    step: Estimate
    tail: Tail
    curve: Curve
    parts: tuple[Part, ...]
    device: DeviceTimes
    device_step: Estimate
    waiting: Estimate
    threads: Estimate
    drift: Estimate
    warm_up: WarmUp
    slow: Slow | None
    stretches: tuple[Stretch, ...]
    sentence: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """A region outside steps: how often it was entered and left, seconds in all, and its tail per call."""

    path: tuple[str, ...]
    calls: int
    raised: int
    seconds: float
    tail: Tail


@dataclass(frozen=True, slots=True)
class LiveAnalysis:
    """A recording: its loops, regions outside steps, what was lost, and what to do next."""

    duration: float
    loops: tuple[LoopAnalysis, ...]
    outside: tuple[Outside, ...]
    losses: tuple[str, ...]
    next: str
