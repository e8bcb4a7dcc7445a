# SPDX-License-Identifier: Apache-2.0
"""The clock of each of a worker's CPUs while all of them are busy, by the clock meter."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from serialprof._native import Team
from serialprof.clock.meter import read_clocks


class CoreClocks:
    """Reads them; its threads sleep in between.

    Args:
        cpus: the worker's CPUs, rank 0 first.
    """

    def __init__(self, cpus: Sequence[int]) -> None:
        self._team = Team(cpus)

    def read(self) -> tuple[float | None, ...]:
        """Hertz by rank, None where the reading was disturbed; takes about a millisecond."""
        with _on(self._team.cpus[0]):
            return tuple(reading.hertz for reading in read_clocks(self._team))


@contextmanager
def _on(cpu: int) -> Iterator[None]:
    """Has the calling thread stay on one CPU meanwhile, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, (cpu,))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
