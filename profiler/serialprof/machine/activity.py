# SPDX-License-Identifier: Apache-2.0
"""What is going on on this computer: CPU time by CPU and by process, and swapping, as counted so far."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_BUSY_FIELDS: Final = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq of a line of proc(5)


@dataclass(frozen=True, slots=True)
class Activity:
    """Counts since the start of the system; differences of two are what happened between them.

    Attributes:
        busy: seconds of work on the given CPUs, by anyone; None where the system does not tell.
        processes: seconds of CPU time and the name of every process that may be seen, by its number.
        swapped: pages swapped in or out, None where the system does not tell.
    """

    busy: float | None
    processes: dict[int, tuple[float, str]] = field(default_factory=dict)
    swapped: int | None = None

    def busiest_since(self, earlier: Activity, besides: Iterable[int] = ()) -> tuple[str, int, float] | None:
        """Name, number and seconds of the process that used most CPU time, None where none used any.

        Args:
            earlier: the activity before.
            besides: processes that do not count, such as one's own.
        """
        used = {
            process: seconds - earlier.processes.get(process, (0.0, ""))[0]
            for process, (seconds, _) in self.processes.items()
            if process not in set(besides)
        }
        most = max(used, key=lambda process: used[process], default=None)
        return None if most is None or used[most] <= 0 else (self.processes[most][1], most, used[most])


def read_activity(cpus: Iterable[int], proc: Path = Path("/proc")) -> Activity:
    """The activity so far; what cannot be read is missing."""
    second = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
    return Activity(_busy(cpus, proc, second), _processes(proc, second), _swapped(proc))


def _busy(cpus: Iterable[int], proc: Path, second: int) -> float | None:
    wanted = {f"cpu{cpu}" for cpu in cpus}
    ticks = []
    for line in _lines(proc / "stat"):
        name, *fields = line.split() or [""]
        if name in wanted:
            with suppress(ValueError, IndexError):
                ticks.append(sum(int(fields[index]) for index in _BUSY_FIELDS))
    return sum(ticks) / second if ticks else None


def _processes(proc: Path, second: int) -> dict[int, tuple[float, str]]:
    found = {}
    for folder in proc.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # gone meanwhile, or not ours to see
            head, _, tail = (folder / "stat").read_text().rpartition(")")
            fields = tail.split()
            seconds = (int(fields[11]) + int(fields[12])) / second  # utime and stime
            found[int(folder.name)] = (seconds, head.partition("(")[2])
    return found


def _swapped(proc: Path) -> int | None:
    pages = [line.split()[1] for line in _lines(proc / "vmstat") if line.startswith(("pswpin ", "pswpout "))]
    return sum(map(int, pages)) if pages else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
