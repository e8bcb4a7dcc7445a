# SPDX-License-Identifier: Apache-2.0
"""Measures a machine's limits, inside a worker that is bound to one CPU: the best of a few short timings each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Final

from serialprof._native import Barrier, Chain, Chase, Team, fma_peak, read_bandwidth, read_meter
from serialprof.clock.meter import read_clock
from serialprof.limits import ChaseRung, Limits, StreamRung

CHAIN_OPS: Final = 64  # dependent operations in one step of the native chain
CHASE_LOADS: Final = 16  # dependent loads in one step of the native chase
_METER_OPS: Final = 100_000
_SMALLEST: Final = 16 << 10
_LARGEST: Final = 64 << 20
_LARGEST_FULL: Final = 256 << 20
_RUNG_RATIO: Final = 4
_TIMING: Final = 5e-3  # seconds that one timing aims at


def measure_limits(cpus: tuple[int, ...], threads: tuple[int, ...], quick: bool) -> Limits:
    """Chain latencies, pointer chase and read bandwidth by footprint, FMA peak, and barriers by thread count.

    Args:
        cpus: the CPUs in placement order; the calling thread is bound to the first.
        threads: thread counts; 1 is measured in any case.
        quick: fewer rungs and repetitions.
    """
    repeats = 3 if quick else 7
    footprints = list(_rungs(_LARGEST if quick else _LARGEST_FULL))
    teams = {count: Team(list(cpus[:count])) for count in sorted({1, *threads})}
    one = teams[1]
    clocks = [reading.hertz for reading in (read_clock() for _ in range(20)) if reading.hertz is not None]
    return Limits(
        clock=statistics.median(clocks) if clocks else None,
        chains=_chains(one, repeats),
        chase=tuple(
            ChaseRung(size, _seconds_per_step(Chase(one, size, 1), repeats) / CHASE_LOADS) for size in footprints
        ),
        stream=tuple(
            StreamRung(size, count, _bandwidth(team, size, repeats))
            for count, team in teams.items()
            for size in footprints
        ),
        fma=max(fma_peak(one, 50_000_000) for _ in range(repeats)),
        barrier={count: _seconds_per_step(Barrier(team, 0), repeats) for count, team in teams.items() if count > 1},
    )


def _chains(team: Team, repeats: int) -> dict[str, float]:
    """Seconds per dependent operation.

    A step of the chain kernel costs a few nanoseconds beside its operations. The meter times multiplies without steps,
    so the difference between the two is that cost, and is taken off the chains that the meter does not know.
    """
    readings = [read_meter(_METER_OPS) for _ in range(4 * repeats)]
    add, multiply = min(reading[0] for reading in readings), min(reading[1] for reading in readings)
    steps = {name: _seconds_per_step(Chain(team, name, 1), repeats) for name in ("multiply", "fma", "divide")}
    cost = max(0.0, steps.pop("multiply") - CHAIN_OPS * multiply)
    return {"add": add, "multiply": multiply} | {name: (seconds - cost) / CHAIN_OPS for name, seconds in steps.items()}


def _rungs(largest: int) -> Iterator[int]:
    size = _SMALLEST
    while size <= largest:
        yield size
        size *= _RUNG_RATIO


def _seconds_per_step(kernel: Barrier | Chain | Chase, repeats: int) -> float:
    """The best of some timings of a kernel's step, each long enough for the clock."""
    steps = 64
    while (seconds := _timed(kernel, steps)) < _TIMING / 4:
        steps *= 4
    steps = max(64, int(steps * _TIMING / seconds))
    return min(_timed(kernel, steps) for _ in range(repeats)) / steps


def _bandwidth(team: Team, size: int, repeats: int) -> float:
    """Bytes per second of a team over a footprint, the best of some timings."""
    passes = max(1, _LARGEST // size)
    return size * passes / min(read_bandwidth(team, size, passes) for _ in range(repeats))


def _timed(kernel: Barrier | Chain | Chase, steps: int) -> float:
    start = time.perf_counter()
    kernel.run(steps)
    return time.perf_counter() - start
