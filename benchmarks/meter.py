# SPDX-License-Identifier: Apache-2.0
"""How far does the clock meter agree with itself, and what does it do beside a busy neighbour?

    python -m benchmarks.meter                about a minute

Readings are taken in stretches on one CPU, back to back and 1 ms apart (as beside samples): alone, beside a process
that is busy on the same CPU, and beside one that is busy on another. The conditions take turns in a rotating order.

- neighbours: |b - a| / mean of two trusted readings that follow one another; median and 95th percentile.
- hops: share of neighbours more than 1 % apart: the clock moved, or a reading was wrong.
- in a bin: share of trusted readings within 4 MHz of a multiple of 100 MHz, the steps of many processors' clocks; 8 %
  would be there by chance.
- rejected: share of all readings, by wall time over CPU time, and by an involuntary context switch; both may hold.
- ratio: time of a dependent multiply over that of a dependent add, median; 3 on an undisturbed x86 core.

What other processes took meanwhile, beside ours, is recorded too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from benchmarks.neighbour import busy_neighbour
from benchmarks.recording import record
from serialprof.clock.meter import WALL_OVER_CPU_LIMIT, Reading, read_clock
from serialprof.machine.activity import read_activity
from serialprof.preparation import look_at_machine

#: In hertz: the steps in which clocks move, and how near to one a reading counts as being in it.
BIN: Final = 100e6
NEAR: Final = 4e6
#: Relative difference of neighbours from which the clock counts as having moved.
HOP: Final = 0.01
#: Seconds between readings, and how many make a stretch.
GAPS: Final = {0.0: 1000, 1e-3: 200}
#: Seconds that a neighbour is given to start and to be bound.
SETTLING: Final = 0.3


@dataclass(frozen=True)
class Row:
    """What the readings of one condition come to; shares are of 1, spreads relative.

    Attributes:
        readings: all of them.
        rejected: share that was not trusted, and of that, by the two reasons.
        neighbours: median and 95th percentile of the relative difference of trusted neighbours.
        hops: share of trusted neighbours that differ by more than HOP.
        in_a_bin: share of the trusted readings within NEAR of a multiple of BIN.
        hertz: 1st percentile, median and 99th percentile of the trusted readings.
        ratio: median of multiply over add, of all readings.
    """

    readings: int
    rejected: float
    rejected_by_time: float
    rejected_by_switch: float
    neighbours: tuple[float, float]
    hops: float
    in_a_bin: float
    hertz: tuple[float, float, float]
    ratio: float


def summary(stretches: Sequence[Sequence[Reading]]) -> Row:
    """What the readings of a condition come to; neighbours are within a stretch.

    Args:
        stretches: in one of them at least, two trusted readings follow one another.
    """
    readings = [reading for stretch in stretches for reading in stretch]
    clocks = [reading.hertz for reading in readings if reading.hertz is not None]
    apart = sorted(
        2 * abs(second.hertz - first.hertz) / (first.hertz + second.hertz)
        for stretch in stretches
        for first, second in pairwise(stretch)
        if first.hertz is not None and second.hertz is not None
    )
    ordered = sorted(clocks)
    return Row(
        len(readings),
        1 - len(clocks) / len(readings),
        share(reading.wall_over_cpu > WALL_OVER_CPU_LIMIT for reading in readings),
        share(bool(reading.involuntary) for reading in readings),
        (quantile(apart, 0.5), quantile(apart, 0.95)),
        share(difference > HOP for difference in apart),
        share(abs(clock - BIN * round(clock / BIN)) <= NEAR for clock in clocks),
        (quantile(ordered, 0.01), quantile(ordered, 0.5), quantile(ordered, 0.99)),
        statistics.median(reading.ratio for reading in readings),
    )


def share(flags: Iterator[bool]) -> float:
    """Share of those that are true."""
    told = list(flags)
    return sum(told) / len(told)


def quantile(ordered: Sequence[float], level: float) -> float:
    """The value below which this share of the ordered values lies, the nearest one."""
    return ordered[round(level * (len(ordered) - 1))]


def stretch(count: int, gap: float) -> list[Reading]:
    """Readings in a row, with so many busy seconds between two."""
    found = []
    for _ in range(count):
        found.append(read_clock())
        end = time.perf_counter() + gap
        while gap and time.perf_counter() < end:
            pass
    return found


@contextmanager
def beside(cpu: int | None) -> Iterator[None]:
    """Keeps a CPU busy meanwhile, none where it is None."""
    if cpu is None:
        yield
        return
    with busy_neighbour(cpu, 1.0):
        time.sleep(SETTLING)
        yield


def conditions(cpus: Sequence[int]) -> dict[str, int | None]:
    """Which CPU is kept busy in each condition, the meter being on the first of `cpus`."""
    busy: dict[str, int | None] = {"alone": None, "busy on the same CPU": cpus[0]}
    return busy | ({"busy on another CPU": cpus[1]} if len(cpus) > 1 else {})


def measure(cpus: Sequence[int], rounds: int) -> dict[tuple[str, float], list[list[Reading]]]:
    """Stretches by condition and gap."""
    asked = conditions(cpus)
    found: dict[tuple[str, float], list[list[Reading]]] = {(name, gap): [] for name in asked for gap in GAPS}
    os.sched_setaffinity(0, {cpus[0]})
    for number in range(rounds):
        names = list(asked)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            with beside(asked[name]):
                for gap, count in GAPS.items():
                    found[name, gap].append(stretch(count, gap))
    return found


def own_seconds() -> float:
    """CPU seconds of this process and of the children that have ended, so far."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def main() -> None:
    """Runs the benchmark, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="stretches of each condition")
    arguments = parser.parse_args()
    sys.argv[:1] = ["-m", "benchmarks.meter"]  # as it is recorded
    machine = look_at_machine()
    load, before, own, began = os.getloadavg()[0], read_activity(machine.cpus), own_seconds(), time.perf_counter()
    found = measure(machine.cpus, arguments.rounds)
    wall, after = time.perf_counter() - began, read_activity(machine.cpus)
    others = None
    if before.busy is not None and after.busy is not None:
        others = max(0.0, after.busy - before.busy - (own_seconds() - own)) / wall / len(machine.cpus)
    table = []
    print(f"{'condition':<21} {'apart':>6} {'rejected':>8} {'neighbours, 95 %':>19} {'hops':>6} {'in a bin':>8} ratio")
    for (name, gap), stretches in found.items():
        row = summary(stretches)
        table.append({"condition": name, "gap": gap, "row": row})
        print_row(name, gap, row)
    told = "unknown" if others is None else f"{others:.1%}"
    print(f"load average before {load:.2f}; other processes took {told} of the CPUs meanwhile")
    result: dict[str, Any] = {"rounds": arguments.rounds, "load_before": load, "others": others, "table": table}
    print(f"written: {record('meter', machine, result)}")


def print_row(name: str, gap: float, row: Row) -> None:
    """One line of the table."""
    middle, far = row.neighbours
    print(
        f"{name:<21} {gap * 1e3:>3.0f} ms {row.rejected:>8.2%} {middle:>9.4%} {far:>9.4%} {row.hops:>6.2%} "
        f"{row.in_a_bin:>8.1%} {row.ratio:.3f}"
    )


if __name__ == "__main__":
    main()
