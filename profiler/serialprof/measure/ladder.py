# SPDX-License-Identifier: Apache-2.0
"""Probes of the memory ladder: latency and bandwidth over footprints from L1 to DRAM, by thread count."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Final, NamedTuple, TypeAlias, TypeVar

from serialprof._native import Reader, Team, Walk
from serialprof.limits import ChaseRung, Limits, StreamRung
from serialprof.machine import Cache
from serialprof.machine.quota import available_memory
from serialprof.machine.topology import caches
from serialprof.measure.robust import undisturbed
from serialprof.measure.turns import in_turns
from serialprof.units import format_bytes

#: The largest footprint, in multiples of the largest cache: nine tenths of random loads then miss it.
_BEYOND: Final = 4
_UNKNOWN_CACHE: Final = 32 << 20  # bytes, where the system does not tell
_SMALLEST: Final = 16 << 10
_LEAST_SHARE: Final = 1 << 10  # bytes of one thread
_MEMORY_SHARE: Final = 1 / 8  # of what is available; all rungs together hold twice as much as the largest
_RATIO: Final = {True: 4, False: 2}  # of neighbouring footprints, in the quick form and in the full one
_TURNS: Final = {True: 5, False: 25}
_TIMING: Final = 1e-3  # seconds that one timing aims at
_TIMINGS: Final = 3  # a visit
#: Of passes: a visit has one timing of reads and one of updates in each.
_ORDERS: Final = ("up", "down", "pieces", "abreast")
#: Of one visit each, where a pass is long; all come within the quick form's turns.
_FAR_ORDERS: Final = ("abreast", "up", "pieces", "down", "abreast", "up")
_FAR: Final = 2  # multiples of the largest cache
_FEW_LOADS: Final = 1 << 10

_Reading = TypeVar("_Reading")
_Visit: TypeAlias = Callable[[], list[_Reading]]


class Moved(NamedTuple):
    """A timing of passes over a footprint.

    Attributes:
        updating: whether the bytes were written back, too; both ways count.
        order: of every second pass, or of all ("abreast").
        seconds: per byte.
    """

    updating: bool
    order: str
    seconds: float


def chase(cpus: Sequence[int], threads: Sequence[int], quick: bool, seconds: float) -> Limits:
    """Seconds of a dependent load over rising footprints, for each thread count.

    Args:
        cpus: in placement order; the calling thread is bound to the first.
        threads: thread counts, none above the number of CPUs.
        quick: fewer footprints.
        seconds: what all of it may take.
    """
    found, gaps = _climb(cpus, threads, quick, seconds, _Chase)
    rungs = tuple(ChaseRung(footprint, undisturbed(loads), count) for (count, footprint), loads in found.items())
    return Limits(chase=rungs, unmeasured={"chase": gaps} if gaps else {})


def stream(cpus: Sequence[int], threads: Sequence[int], quick: bool, seconds: float) -> Limits:
    """Bandwidth of reads and of updates over rising footprints, for each thread count; arguments as of `chase`."""
    found, gaps = _climb(cpus, threads, quick, seconds, _Stream)
    reads, updates = (
        tuple(StreamRung(size, count, 1 / least(timings, updating)) for (count, size), timings in found.items())
        for updating in (False, True)
    )
    return Limits(stream=reads, updates=updates, unmeasured={"stream": gaps} if gaps else {})


def least(timings: Sequence[Moved], updating: bool) -> float:
    """Seconds per byte of reads or of updates in the order that is the fastest; pure.

    Passes to and fro find at every turn what the last one left in nearer caches, pieces of them suit the prefetchers
    better, and so do several streams at once; where the caches lie decides which is worth most.
    """
    orders: dict[str, list[float]] = {}
    for timing in timings:
        if timing.updating == updating:
            orders.setdefault(timing.order, []).append(timing.seconds)
    return min(map(undisturbed, orders.values()))


def footprints(seen: Sequence[Cache], threads: int, available: int | None, ratio: int) -> tuple[list[int], str]:
    """The footprints in bytes of so many threads together, ascending, and why the last does not reach DRAM; pure.

    Args:
        seen: the caches, as one CPU sees them.
        threads: how many work at once; more of them reach more caches.
        available: bytes of memory that can still be had, None where unknown.
        ratio: of neighbours.
    """
    top = _BEYOND * reach(seen, 1)
    while top < _BEYOND * reach(seen, threads):
        top *= ratio
    sizes: list[int] = []
    while top >= max(_SMALLEST, threads * _LEAST_SHARE):
        sizes.insert(0, top // 64 * 64)
        top //= ratio
    allowed = [size for size in sizes if available is None or size <= _MEMORY_SHARE * available]
    if len(allowed) == len(sizes):
        return sizes, ""
    return allowed, f"{_beyond(allowed)} of {_threads(threads)}: too little memory is available"


def reach(seen: Sequence[Cache], threads: int) -> int:
    """Bytes of the largest level of cache that so many threads on CPUs in a row have together; pure."""
    sizes = [cache.bytes * -(-threads // cache.cpus) for cache in seen if cache.kind != "Instruction"]
    return max(sizes, default=_UNKNOWN_CACHE * threads)


def _climb(
    cpus: Sequence[int],
    threads: Sequence[int],
    quick: bool,
    seconds: float,
    visit: Callable[[Team, int, int], _Visit[_Reading]],
) -> tuple[dict[tuple[int, int], list[_Reading]], str]:
    """Readings by (threads, footprint), and what is missing and why."""
    end = time.perf_counter() + seconds
    seen, ratio = caches(), _RATIO[quick]
    found: dict[tuple[int, int], list[_Reading]] = {}
    gaps = []
    for number, count in enumerate(threads):
        sizes, gap = footprints(seen, count, available_memory(), ratio)
        team = Team(list(cpus[:count]))
        visits = {size: visit(team, size, reach(seen, count)) for size in sizes}
        left = (end - time.perf_counter()) / (len(threads) - number)
        # So many times larger, and farther away.
        readings = in_turns(visits, left, growth=1.25 * ratio, most=_TURNS[quick])
        found |= {(count, size): values for size, values in readings.items()}
        if len(readings) < len(sizes):
            gap = f"{_beyond(list(readings))} of {_threads(count)}: its time was up"
        gaps += [gap] if gap else []
    return found, "; ".join(gaps)


class _Chase:
    """Visits of one footprint: seconds per load. The first one links the pointers."""

    def __init__(self, team: Team, footprint: int, cache: int) -> None:
        self._team, self._footprint, self._cache = team, footprint, cache
        self._walk: Walk | None = None

    def __call__(self) -> list[float]:
        walk = self._walk or self._linked()
        # Once round, so that the caches hold what they do in the long run: what has room in them, and next to nothing
        # of what lies far beyond, since a line has been driven out by the time that the walk comes round to it.
        warm = max(_FEW_LOADS, walk.lines if self._footprint <= _FAR * self._cache else 0)
        loads = max(_FEW_LOADS, int(_TIMING * warm / walk.seconds(warm)))
        return [walk.seconds(loads) / loads for _ in range(_TIMINGS)]

    def _linked(self) -> Walk:
        self._walk = Walk(self._team, self._footprint)
        if self._footprint > _FAR * self._cache:
            Reader(self._team, _FAR * self._cache)  # writes as much, which drives out what linking left in the caches
        return self._walk


class _Stream:
    """Visits of one footprint: reads and updates in every order. The first one writes the words."""

    def __init__(self, team: Team, footprint: int, _: int) -> None:
        self._team, self._footprint = team, footprint
        self._reader: Reader | None = None
        self._orders = cycle(_FAR_ORDERS)

    def __call__(self) -> list[Moved]:
        reader = self._reader = self._reader or Reader(self._team, self._footprint)
        once = reader.seconds(1)
        passes = max(1, int(_TIMING / once))
        moved = passes * self._footprint
        timings = [] if passes > 1 else [Moved(False, "up", once / moved)]
        for order in _ORDERS if passes > 1 else (next(self._orders),):
            timings.append(Moved(False, order, reader.seconds(passes, order) / moved))
            timings.append(Moved(True, order, reader.update_seconds(passes, order) / (2 * moved)))
        return timings


def _beyond(sizes: Sequence[int]) -> str:
    return f"no footprint beyond {format_bytes(sizes[-1])}" if sizes else "no footprint"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
