# SPDX-License-Identifier: Apache-2.0
"""Measures a machine's limits part by part, each inside a worker that is bound to one CPU."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from serialprof._native import Team, chain_seconds, fma_peak, instruction_sets, word_peak
from serialprof.clock.meter import read_clock
from serialprof.limits import Limits, Part
from serialprof.measure.barriers import barriers
from serialprof.measure.ladder import chase, stream
from serialprof.measure.robust import undisturbed
from serialprof.measure.turns import in_turns

CHAINS: Final = ("add", "multiply", "fma", "divide")
_TIMING: Final = 2e-4  # seconds that one timing aims at: the clock hardly moves meanwhile
_FIRST_OPS: Final = 10_000
_FIRST_FLOPS: Final = 2_000_000
_PEAK_TIMING: Final = 1e-3
_GROWTH: Final = 5.0


def measure_part(part: Part, cpus: Sequence[int], threads: Sequence[int], quick: bool, seconds: float) -> Limits:
    """One part of the limits, and why it has gaps if it has; the other fields stay empty.

    Args:
        part: which.
        cpus: in placement order; the calling thread is bound to the first.
        threads: thread counts, none above the number of CPUs, for the parts that depend on them.
        quick: fewer rungs and grains.
        seconds: what it may take, the import of torch left out.

    Raises:
        ImportError: part is "dispatch" and there is no torch.
        MemoryError: less memory can be had than was available a moment ago.
    """
    match part:
        case "chains":
            return chains(seconds)
        case "fma":
            return peaks(cpus[0], seconds)
        case "chase":
            return chase(cpus, threads, quick, seconds)
        case "stream":
            return stream(cpus, threads, quick, seconds)
        case "barriers":
            return barriers(cpus, threads, quick, seconds)
        case "dispatch":
            from serialprof.measure.dispatch import dispatch

            return dispatch(seconds)


def chains(seconds: float) -> Limits:
    """Seconds per dependent operation of each chain, and the clock at that time.

    Each timing stands between two readings of the clock meter. Where these can be trusted, the seconds are the median
    cycles at the median clock, so that a clock that wanders meanwhile shows in neither.
    """
    visits = {name: partial(_clocked, name, _ops_for(name)) for name in CHAINS}
    readings = in_turns(visits, seconds, _GROWTH)
    clocks = [clock for pairs in readings.values() for _, clock in pairs if clock is not None]
    median = statistics.median(clocks) if clocks else None
    return Limits(clock=median, chains={name: _per_operation(pairs, median) for name, pairs in readings.items()})


def _per_operation(pairs: Sequence[tuple[float, float | None]], clock: float | None) -> float:
    """Seconds per operation at the given clock, of (seconds, hertz) readings."""
    cycles = [seconds * hertz for seconds, hertz in pairs if hertz is not None]
    if cycles and clock is not None:
        return statistics.median(cycles) / clock
    return undisturbed([seconds for seconds, _ in pairs])


def _clocked(operation: str, ops: int) -> list[tuple[float, float | None]]:
    """Seconds per operation, and the clock meanwhile; None where its readings were disturbed."""
    before = read_clock().hertz
    seconds = chain_seconds(operation, ops) / ops
    after = read_clock().hertz
    return [(seconds, None if before is None or after is None else (before + after) / 2)]


def _ops_for(operation: str) -> int:
    seconds = min(chain_seconds(operation, _FIRST_OPS) for _ in range(3)) / _FIRST_OPS
    return max(_FIRST_OPS, int(_TIMING / seconds))


def peaks(cpu: int, seconds: float) -> Limits:
    """FLOP/s of fp32 multiply-adds and operations per second on words, one thread, by instruction set, least first."""
    one, kinds = Team([cpu]), {"fma": fma_peak, "words": word_peak}
    visits = {
        (kind, level): partial(_seconds_per_operation, peak, one, level)
        for kind, peak in kinds.items()
        for level in instruction_sets()
    }
    found: dict[str, dict[str, float]] = {kind: {} for kind in kinds}
    for (kind, level), values in in_turns(visits, seconds, _GROWTH).items():
        found[kind][level] = 1 / undisturbed(values)
    return Limits(fma=found["fma"], words=found["words"])


def _seconds_per_operation(peak: Callable[[Team, int, str], float], one: Team, level: str) -> list[float]:
    rate = peak(one, _FIRST_FLOPS, level)
    return [1 / peak(one, max(1, int(rate * _PEAK_TIMING)), level) for _ in range(2)]
