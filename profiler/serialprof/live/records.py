# SPDX-License-Identifier: Apache-2.0
"""What a recording of live loops holds: sums and counts in SI base units, nothing computed yet.

Steps are counted exactly, all of them, by duration (`Spread`) and by stretch of time (`Block`); of single steps there
are the first ones, every so many of them, and the slowest. Times of regions are per place: a region under the regions
that enclose it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from serialprof.machine import Machine

#: The name of what a loop's own iterator does: the time inside next().
NEXT: Final = "next(loop)"

#: How device times were had: no CUDA in the process; by events; not at all, so that host times are those of enqueueing.
DeviceTimes: TypeAlias = Literal["none", "events", "enqueue"]


@dataclass(frozen=True, slots=True)
class Spread:
    """How many durations fell into each bucket: `edges` in seconds are the buckets' lower ends and widths."""

    lows: tuple[float, ...] = ()
    widths: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive steps of one loop on one thread.

    Attributes:
        lane: which thread's buffer.
        steps: how many.
        seconds: in them.
        start, end: of its first and last step, in seconds since the recording began.
        longest: the longest step.
        covered: seconds over which the next two were read; 0 where they were not.
        thread: CPU seconds of the thread that drove the loop.
        process: CPU seconds of all threads of the process.
        places: seconds by place, as in `Loop.places`.
    """

    lane: int
    steps: int
    seconds: float
    start: float
    end: float
    longest: float
    covered: float
    thread: float
    process: float
    places: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A single step: when it began, in seconds since the recording did, its seconds, and those by place."""

    start: float
    seconds: float
    places: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A region under those that enclose it.

    Attributes:
        path: names from the outermost region to this one.
        loop: whether it is a loop of its own inside the step.
        calls: how often it was entered.
        raised: how often an exception left it.
        seconds: in all, with what is nested in it.
        spread: of its seconds per step in which it ran; outside steps, per call.
    """

    path: tuple[str, ...]
    loop: bool
    calls: int
    raised: int
    seconds: float
    spread: Spread


@dataclass(frozen=True, slots=True)
class DeviceStep:
    """A step whose CUDA events were taken: seconds between them on the stream, whole and by path of regions."""

    seconds: float
    paths: tuple[tuple[str, ...], ...]
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of a loop's time on a CUDA device.

    Attributes:
        times: how times were had.
        steps: those whose events were taken, at most 512 spread over the recording.
        dropped: steps whose events were taken in vain: on changing streams, in a capture, or unresolved at the end.
    """

    times: DeviceTimes = "none"
    steps: tuple[DeviceStep, ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop, over all threads that drove one of this name.

    Attributes:
        name: of the loop.
        lanes: how many threads at a time drove it, at most.
        seen: steps that ended; all of them are in `spread` and `blocks`.
        cut: steps that were left before their end, by a break or an exception; in nothing else.
        left_out: steps in which regions did not match, in nothing else.
        seconds: in the steps that were seen.
        every: every so many of them are kept one by one.
        spread: of step times.
        longest: the longest step in seconds.
        first: seconds of the first steps in their order (of the first thread).
        blocks: by time.
        kept: every `every`-th step.
        slowest: the slowest steps, slowest first.
        places: where regions ran.
        device: its time on a CUDA device.
    """

    name: str
    lanes: int
    seen: int
    cut: int
    left_out: int
    seconds: float
    every: int
    spread: Spread
    longest: float
    first: tuple[float, ...]
    blocks: tuple[Block, ...]
    kept: tuple[Step, ...]
    slowest: tuple[Step, ...]
    places: tuple[Place, ...]
    device: Device = Device()


@dataclass(frozen=True, slots=True)
class Losses:
    """What was not recorded.

    Attributes:
        left_open: regions that were entered, and not left before what encloses them was.
        not_entered: exits of regions that this thread had not entered in this recording.
        crossed: loops that went on on another thread, or in the midst of another loop's steps.
        nested: loops inside a step of a loop of the same name.
        refused: entries beyond the bounds on loops, places and memory.
        deep: entries beyond the bound on nesting.
        threads: calls on threads for which there was no buffer.
    """

    left_open: int = 0
    not_entered: int = 0
    crossed: int = 0
    nested: int = 0
    refused: int = 0
    deep: int = 0
    threads: int = 0


@dataclass(frozen=True, slots=True)
class StoredLive:
    """A recording as its file keeps it.

    Attributes:
        live_id: random, unique.
        started: seconds since the epoch.
        duration: seconds of the recording.
        version: of serialprof.
        command: what the process was started as.
        machine: what it ran on.
        loops: in the order of their names.
        outside: regions outside steps.
        losses: what was not recorded.
    """

    live_id: str
    started: float
    duration: float
    version: str
    command: tuple[str, ...]
    machine: Machine
    loops: tuple[Loop, ...]
    outside: tuple[Place, ...]
    losses: Losses
