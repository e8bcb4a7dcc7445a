# SPDX-License-Identifier: Apache-2.0
"""What a machine can do at best, as measured by `measure.probes` and kept in the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, Literal, TypeAlias, TypeVar, get_args

Part: TypeAlias = Literal["chains", "fma", "chase", "stream", "barriers", "dispatch"]
"""What is measured by itself; the names of the fields of `Limits` that hold it."""

PARTS: Final[tuple[Part, ...]] = get_args(Part)
PART_NAMES: Final[dict[str, str]] = {
    "chains": "latency of arithmetic",
    "fma": "peaks of arithmetic",
    "chase": "latency of memory",
    "stream": "bandwidth of memory",
    "barriers": "cost of barriers",
    "dispatch": "dispatch of torch",
}
"""What each part is called for people."""

PER_THREADS: Final[tuple[Part, ...]] = ("chase", "stream", "barriers")
"""The parts that are measured for every thread count."""


@dataclass(frozen=True, slots=True)
class ChaseRung:
    """Latency of memory.

    Attributes:
        footprint: bytes of all threads together; each follows pointers over its own share of them, in random order.
        seconds: of one dependent load, while all threads chase at once; the mean over the threads.
        threads: how many.
    """

    footprint: int
    seconds: float
    threads: int = 1


@dataclass(frozen=True, slots=True)
class StreamRung:
    """Bandwidth in bytes per second of a number of threads together, at a footprint in bytes of all of them.

    Of reads, or of updates in place, where a byte that is read and written back counts twice.
    """

    footprint: int
    threads: int
    bandwidth: float


@dataclass(frozen=True, slots=True)
class BarrierRung:
    """What a barrier costs.

    Attributes:
        threads: how many meet.
        grain: seconds of work of each thread between two barriers.
        seconds: what the barrier adds to such a step, waiting for the slowest thread included.
        error: standard error of `seconds`.
    """

    threads: int
    grain: float
    seconds: float
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Measured limits of a machine; what was not measured is empty.

    Attributes:
        clock: core clock in hertz by the clock meter while the chains were measured.
        chains: seconds per dependent operation, by operation ("add", "multiply", "fma", "divide").
        chase: latency of memory by footprint and threads.
        stream: read bandwidth by footprint and threads, in the order of the passes that is the fastest there.
        updates: bandwidth of updates in place, in the same way; measured with the part "stream", and empty in runs from
            before it was.
        words: bitwise operations per second on 64-bit words in vectors on one thread, by instruction set; measured with
            the part "fma", and empty in runs from before it was.
        fma: FLOP/s of fp32 fused multiply-adds on one thread, by instruction set.
        barriers: what a barrier adds to a step, by threads and grain.
        dispatch: seconds of one eager torch operation on the CPU that waits for the one before.
        measured: when, in seconds since the epoch.
        quick: whether this is the short form.
        unmeasured: why a part is missing or has gaps, by part.
    """

    clock: float | None = None
    chains: dict[str, float] = field(default_factory=dict)
    chase: tuple[ChaseRung, ...] = ()
    stream: tuple[StreamRung, ...] = ()
    updates: tuple[StreamRung, ...] = ()
    fma: dict[str, float] = field(default_factory=dict)
    words: dict[str, float] = field(default_factory=dict)
    barriers: tuple[BarrierRung, ...] = ()
    dispatch: float | None = None
    measured: float | None = None
    quick: bool = False
    unmeasured: dict[str, str] = field(default_factory=dict)

    def cycles(self, operation: str) -> float | None:
        """Core cycles per dependent operation of a chain, None where it or the clock was not measured."""
        seconds = self.chains.get(operation)
        return None if seconds is None or self.clock is None else seconds * self.clock

    def bandwidth(self, footprint: float, threads: int) -> float | None:
        """Read bandwidth in bytes per second at a footprint in bytes, interpolated between rungs in log-log.

        The rungs of the nearest measured number of threads not above `threads` are used; beyond the ends the last rung
        holds. None where nothing was measured.
        """
        return _ladder([(rung.threads, rung.footprint, rung.bandwidth) for rung in self.stream], footprint, threads)

    def update_bandwidth(self, footprint: float, threads: int) -> float | None:
        """Bytes per second, read and written ones together, of updates in place, found as in `bandwidth`."""
        return _ladder([(rung.threads, rung.footprint, rung.bandwidth) for rung in self.updates], footprint, threads)

    def latency(self, footprint: float, threads: int = 1) -> float | None:
        """Seconds of a dependent load at a footprint in bytes, found as in `bandwidth`."""
        return _ladder([(rung.threads, rung.footprint, rung.seconds) for rung in self.chase], footprint, threads)

    def barrier(self, threads: int, grain: float) -> BarrierRung | None:
        """What a barrier adds to a step in which each thread works `grain` seconds; None for unmeasured thread counts.

        Seconds and error are interpolated in the logarithm of the grain (which zero has not: up to the least grain
        above it, in the grain itself); beyond the ends the last rung holds.
        """
        rungs = sorted((rung for rung in self.barriers if rung.threads == threads), key=lambda rung: rung.grain)
        if not rungs:
            return None
        for before, after in pairwise(rungs):
            if before.grain < grain < after.grain:
                return _between(before, after, grain)
        nearest = min(rungs, key=lambda rung: abs(rung.grain - grain))
        return replace(nearest, grain=grain)

    def joined(self, other: Limits) -> Limits:
        """These limits, with the rungs of the thread counts that only `other` has."""
        return replace(
            self,
            chase=(*self.chase, *_news(self.chase, other.chase)),
            stream=(*self.stream, *_news(self.stream, other.stream)),
            updates=(*self.updates, *_news(self.updates, other.updates)),
            barriers=(*self.barriers, *_news(self.barriers, other.barriers)),
            unmeasured={**other.unmeasured, **self.unmeasured},
        )


_Rung = TypeVar("_Rung", ChaseRung, StreamRung, BarrierRung)


def _news(ours: Sequence[_Rung], theirs: Sequence[_Rung]) -> list[_Rung]:
    known = {rung.threads for rung in ours}
    return [rung for rung in theirs if rung.threads not in known]


def _between(before: BarrierRung, after: BarrierRung, grain: float) -> BarrierRung:
    if before.grain > 0:
        share = math.log(grain / before.grain) / math.log(after.grain / before.grain)
    else:
        share = grain / after.grain
    return BarrierRung(
        before.threads,
        grain,
        before.seconds + share * (after.seconds - before.seconds),
        before.error + share * (after.error - before.error),
    )


def _ladder(rungs: Sequence[tuple[int, int, float]], footprint: float, threads: int) -> float | None:
    """A (threads, footprint, value) ladder at a footprint, on the nearest thread count not above; None without one."""
    measured = max((count for count, _, _ in rungs if count <= threads), default=None)
    if measured is None:
        return None
    return _log_interpolate(sorted((size, value) for count, size, value in rungs if count == measured), footprint)


def _log_interpolate(rungs: Sequence[tuple[float, float]], x: float) -> float:
    """Piecewise linear in ln x and ln y, constant beyond the ends; rungs sorted by x, positive, at least one."""
    if x <= rungs[0][0]:
        return rungs[0][1]
    for (x0, y0), (x1, y1) in pairwise(rungs):
        if x <= x1:
            share = math.log(x / x0) / math.log(x1 / x0)
            return math.exp(math.log(y0) + share * math.log(y1 / y0))
    return rungs[-1][1]
