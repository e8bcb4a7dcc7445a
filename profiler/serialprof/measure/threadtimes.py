# SPDX-License-Identifier: Apache-2.0
"""Times of runs on a machine that others use too, and what threads do meanwhile, as Linux tells it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_CLOCK: Final = 1e-9  # seconds, the least that a clock tells
_SLICES: Final = 0.02  # seconds, several time slices of a scheduler

_OWN: Final = Path("/proc/thread-self/schedstat")
_TASKS: Final = Path("/proc/self/task")


def seconds_of(run: Callable[[int], None], count: int) -> float:
    """Seconds that so many runs take, without those that this thread waited for a CPU on which others ran.

    A short timing is left as it is: its thread waited as often beside it, and the shortest of several counts. A longer
    one, for the same reason, takes at least the CPU time of this thread.
    """
    waited, on_cpu, start = _waited(), time.thread_time(), time.perf_counter()
    run(count)
    taken = max(_CLOCK, time.perf_counter() - start)
    on_cpu, waited = time.thread_time() - on_cpu, _waited() - waited
    return taken if taken < _SLICES else max(taken - waited, on_cpu)


def _waited() -> float:
    """Seconds that this thread waited in a run queue so far, 0 where the system does not tell."""
    try:
        return int(_OWN.read_text().split()[1]) * 1e-9
    except (OSError, ValueError, IndexError):
        return 0.0


def thread_times() -> dict[str, tuple[float, float]]:
    """Seconds of each thread so far, on a CPU and waiting for one, by its number; empty where the system is mute."""
    found = {}
    with suppress(OSError):
        for task in _TASKS.iterdir():
            with suppress(OSError, ValueError, IndexError):  # it may have ended meanwhile
                on_cpu, waited = map(int, (task / "schedstat").read_text().split()[:2])
                found[task.name] = (on_cpu * 1e-9, waited * 1e-9)
    return found


def since(before: dict[str, tuple[float, float]]) -> list[tuple[float, float]]:
    """Seconds of each thread since a reading, the busiest first."""
    new = (0.0, 0.0)
    times = {task: (now, before.get(task, new)) for task, now in thread_times().items()}
    return sorted(((now[0] - then[0], now[1] - then[1]) for now, then in times.values()), reverse=True)
