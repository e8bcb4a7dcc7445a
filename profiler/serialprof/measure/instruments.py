# SPDX-License-Identifier: Apache-2.0
"""What a worker reads beside its samples: hardware counters, the core it is on, steal, temperature, throttling."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

from serialprof.clock.counters import open_counters
from serialprof.machine.sensors import Sensors


@dataclass(frozen=True, slots=True)
class Sense:
    """One look at the sensors of a worker's CPUs: see `store.Readings` for the units."""

    steal: float | None
    temperature: float | None
    throttles: int | None

    def stolen_since(self, earlier: Sense) -> float | None:
        """Seconds stolen between two looks, None where the system does not tell."""
        return None if self.steal is None or earlier.steal is None else self.steal - earlier.steal

    def throttled_since(self, earlier: Sense) -> int | None:
        """Throttling events between two looks, None where they are not counted."""
        return None if self.throttles is None or earlier.throttles is None else self.throttles - earlier.throttles


class Instruments:
    """Opened once per worker, before any thread is started, so that the counters cover them all.

    Args:
        cpus: the worker's CPUs.
    """

    def __init__(self, cpus: Sequence[int]) -> None:
        self._counters = open_counters()
        self._sensors = Sensors(cpus)
        self._getcpu = getattr(ctypes.CDLL(None), "sched_getcpu", None)

    def sense(self) -> Sense:
        """A look at the slow sensors: once before and once after a visit."""
        reading = self._sensors.read()
        return Sense(reading.steal, reading.temperature, reading.throttles)

    def count(self) -> tuple[float | None, float | None, float | None]:
        """Cycles, instructions and cycles stalled on memory so far, None each where they are not counted."""
        if self._counters is None:
            return None, None, None
        cycles, instructions, *stalls = self._counters.read()
        return float(cycles), float(instructions), float(stalls[0]) if stalls else None

    def cpu(self) -> int | None:
        """The CPU that the calling thread is on, None where the system does not tell."""
        cpu = -1 if self._getcpu is None else int(self._getcpu())
        return cpu if cpu >= 0 else None
