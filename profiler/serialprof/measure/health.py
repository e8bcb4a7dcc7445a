# SPDX-License-Identifier: Apache-2.0
"""Measures what disturbs measurements here: other processes, interruptions, steal, the clock's wander, siblings."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from serialprof._native import find_gaps
from serialprof.clock.meter import read_clock
from serialprof.machine.activity import Activity, read_activity
from serialprof.machine.quota import cpu_throttled
from serialprof.machine.sensors import SensorReading, Sensors
from serialprof.measure.pairs import PairReading, probe_pairs

#: A gap between two readings of the tick clock that is longer, in seconds, is an interruption: a reading takes tens of
#: nanoseconds.
GAP: Final = 1e-6

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Gaps:
    """What interrupted a spinning thread on one CPU: how often, and for how many seconds of those that it spun."""

    cpu: int
    count: int
    lost: float
    longest: float
    spun: float


@dataclass(frozen=True, slots=True)
class Busiest:
    """The process that used most CPU time while this one slept; `cpus`: how many CPUs' worth of it."""

    name: str
    process: int
    cpus: float


@dataclass(frozen=True, slots=True)
class Examination:
    """What was measured; None where the system does not tell.

    Attributes:
        seconds: wall time of everything together.
        load: CPUs' worth of time that others used on these CPUs while this process slept.
        busiest: who used most of it.
        gaps: interruptions of one spinning thread a CPU.
        stolen: seconds that the hypervisor took from the spinning CPUs together.
        clocks: in hertz, the undisturbed readings of the clock meter on the first CPU, ascending.
        readings: how many readings there were, the disturbed ones too.
        pairs: readings of the pair probe.
        throttles: throttling events meanwhile.
        temperature: of the processor at the end, in degrees Celsius.
        throttled: seconds that the cgroup's quota kept this process from the CPU meanwhile.
        swapped: pages swapped in or out meanwhile.
    """

    seconds: float
    load: float | None = None
    busiest: Busiest | None = None
    gaps: tuple[Gaps, ...] = ()
    stolen: float | None = None
    clocks: tuple[float, ...] = ()
    readings: int = 0
    pairs: tuple[PairReading, ...] = ()
    throttles: int | None = None
    temperature: float | None = None
    throttled: float | None = None
    swapped: int | None = None


def examine(cpus: Sequence[int], seconds: float = 1.0) -> Examination:
    """Sleeps, spins on every CPU and reads the clock meter, `seconds` each, then probes the pairs for up to a second.

    The work is done by threads that are bound to their CPUs; the calling thread sleeps and keeps its own.

    Args:
        cpus: the CPUs that may be used, not more than a quota grants.
        seconds: of each of the three measurements.
    """
    started = time.monotonic()
    quota_before = cpu_throttled()
    with Sensors(cpus) as sensors:
        before, activity = sensors.read(), read_activity(cpus)
        load, busiest = _watch(cpus, seconds)
        spinning = sensors.read()
        gaps = _spin(cpus, seconds)
        spun = sensors.read()
        clocks = _bound(cpus[0], lambda: _read_clocks(seconds))
        pairs = _bound(cpus[0], lambda: probe_pairs(cpus))
        after = sensors.read()
    quota_after = cpu_throttled()
    trusted = tuple(sorted(clock for clock in clocks if clock is not None))
    return Examination(
        time.monotonic() - started,
        load,
        busiest,
        gaps,
        _difference(spinning.steal, spun.steal),
        trusted,
        len(clocks),
        pairs,
        _throttles(before, after),
        after.temperature,
        _difference(quota_before, quota_after),
        _swapped(activity, read_activity(cpus)),
    )


def _watch(cpus: Sequence[int], seconds: float) -> tuple[float | None, Busiest | None]:
    """What others do while this process sleeps."""
    before, started = read_activity(cpus), time.monotonic()
    time.sleep(seconds)
    after, slept = read_activity(cpus), time.monotonic() - started
    busy = _difference(before.busy, after.busy)
    found = after.busiest_since(before, besides=[os.getpid()])
    busiest = None if found is None else Busiest(found[0], found[1], found[2] / slept)
    return None if busy is None else busy / slept, busiest


def _spin(cpus: Sequence[int], seconds: float) -> tuple[Gaps, ...]:
    """Interruptions of all CPUs at once."""

    def spin(cpu: int) -> Gaps:
        return _here(cpu, lambda: Gaps(cpu, *find_gaps(seconds, GAP)))

    with ThreadPoolExecutor(len(cpus)) as threads:
        return tuple(threads.map(spin, cpus))


def _read_clocks(seconds: float) -> list[float | None]:
    end = time.monotonic() + seconds
    clocks = []
    while time.monotonic() < end:
        clocks.append(read_clock().hertz)
    return clocks


def _bound(cpu: int, function: Callable[[], _Result]) -> _Result:
    """The function's result from a thread of its own, bound to a CPU."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(_here, cpu, function).result()


def _here(cpu: int, function: Callable[[], _Result]) -> _Result:
    """The function's result after the calling thread was bound to a CPU, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})
    return function()


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _throttles(before: SensorReading, after: SensorReading) -> int | None:
    return None if before.throttles is None or after.throttles is None else after.throttles - before.throttles


def _swapped(before: Activity, after: Activity) -> int | None:
    return None if before.swapped is None or after.swapped is None else after.swapped - before.swapped
