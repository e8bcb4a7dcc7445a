# SPDX-License-Identifier: Apache-2.0
"""What recording live loops costs: a step, a region from Python, a step and a region from C++, on and off.

    python benchmarks/live.py [--rounds 60]

Each figure is the CPU time of a loop with the recorder less that of the same loop without, per turn, in rounds that go
ABBA: the least of the rounds (nothing else on the core) and the median. Goals: 200 ns a step and 700 ns a region from
Python, 25 ns a region or step from C++. Two readings of the clock, which no region can do without, are shown beside.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from recording import record

import serialprof
from serialprof.machine.reading import read_machine

TURNS, PASSES = 5000, 10
GOALS = {"a step, from Python": 200, "a region, from Python": 700, "a step, from C++": 25, "a region, from C++": 25}
SOURCE = """
#include <serialprof/live.hpp>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif
using namespace serialprof::live;
static Name loop_name("decode"), region_name("sample");
extern "C" bool attach_to(const void* table) { return attach(table); }
extern "C" void nothing(int turns) { for (int i = 0; i < turns; ++i) asm volatile(""); }
extern "C" void steps(int turns) { Loop loop(loop_name); for (int i = 0; i < turns; ++i) loop.step(); }
extern "C" void regions(int turns) { for (int i = 0; i < turns; ++i) { Region region(region_name); asm volatile(""); } }
extern "C" void regions_in_a_step(int turns) { Loop loop(loop_name); regions(turns); loop.step(); }
extern "C" void clock_twice(int turns) {
#if defined(__x86_64__)
  for (int i = 0; i < turns; ++i) { volatile auto a = __rdtsc(); volatile auto b = __rdtsc(); (void)a; (void)b; }
#endif
}
"""


def plain() -> None:
    """The loop without anything."""
    for _ in range(TURNS):
        pass


def steps() -> None:
    """Its turns as steps."""
    for _ in serialprof.steps(range(TURNS), "decode"):
        pass


def region_in_a_step() -> None:
    """Regions in one step."""
    for _ in serialprof.steps(range(1), "decode"):
        for _ in range(TURNS):
            with serialprof.region("sample"):
                pass


def held_region_in_a_step() -> None:
    """Regions whose name is looked up once."""
    sample = serialprof.region("sample")
    for _ in serialprof.steps(range(1), "decode"):
        for _ in range(TURNS):
            with sample:
                pass


def loops() -> None:
    """Loops of one step."""
    for _ in range(TURNS):
        for _ in serialprof.steps(range(1), "decode"):
            pass


def plain_loops() -> None:
    """The same without steps."""
    for _ in range(TURNS):
        for _ in range(1):
            pass


def steps_with_a_region() -> None:
    """One region in every step."""
    for _ in serialprof.steps(range(TURNS), "decode"):
        with serialprof.region("sample"):
            pass


class Row:
    """What one loop takes more than another per turn, over rounds that may lie far apart."""

    def __init__(self) -> None:
        self._least = [float("inf"), float("inf")]
        self._differences: list[float] = []

    def measure(self, without: Callable[[], object], with_it: Callable[[], object], rounds: int) -> None:
        """Adds rounds."""
        for turn in range(rounds):
            taken = [0.0, 0.0]
            for which in (0, 1) if turn % 2 else (1, 0):
                start = time.thread_time_ns()
                (without, with_it)[which]()
                taken[which] = (time.thread_time_ns() - start) / TURNS * 1e-9
                self._least[which] = min(self._least[which], taken[which])
            self._differences.append(taken[1] - taken[0])

    def told(self) -> dict[str, float]:
        """Seconds per turn: the difference of the least ones, and the median difference."""
        return {"min": self._least[1] - self._least[0], "median": statistics.median(self._differences)}


@contextmanager
def native() -> Iterator[ctypes.CDLL | None]:
    """SOURCE as a library, None without a compiler."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "live.cpp", Path(folder) / "live.so"
        source.write_text(SOURCE)
        command = [
            "c++",
            "-std=c++17",
            "-O2",
            "-shared",
            "-fPIC",
            f"-I{serialprof.include()}",
            str(source),
            "-o",
            str(library),
        ]
        try:
            subprocess.run(command, check=True)
        except FileNotFoundError:
            yield None
            return
        yield ctypes.CDLL(str(library))


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """All rows of the table, in passes, since the machine changes over minutes."""
    table: defaultdict[str, Row] = defaultdict(Row)
    off = {"a step": steps, "a region": region_in_a_step, "a region held in a variable": held_region_in_a_step}
    on = off | {"a step with a region": steps_with_a_region}
    with native() as library:
        for _ in range(PASSES):
            for name, run in off.items():
                table[f"{name}, off"].measure(plain, run, rounds)
            with serialprof.recording():
                for name, run in on.items():
                    table[f"{name}, from Python"].measure(plain, run, rounds)
                table["a loop of one step, from Python"].measure(plain_loops, loops, max(2, rounds // 6))
                for name, (without, run) in native_pairs(library).items():
                    table[name].measure(without, run, rounds)
    return {name: row.told() for name, row in table.items()}


def native_pairs(library: ctypes.CDLL | None) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """The rows of C++: the loop without and the loop with."""
    if library is None:
        return {}
    library.attach_to.argtypes = [ctypes.c_void_p]
    assert library.attach_to(serialprof.live_table())
    rows = {
        "a step, from C++": library.steps,
        "a region, from C++": library.regions_in_a_step,
        "of which two readings of the clock": library.clock_twice,
    }
    return {name: (partial(library.nothing, TURNS), partial(run, TURNS)) for name, run in rows.items()}


def main() -> None:
    """Runs the benchmark, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    table = measure(parser.parse_args().rounds)
    print(f"{'':<42}{'min':>10}{'median':>10}{'goal':>10}")
    for name, row in table.items():
        goal = f"{GOALS[name]} ns" if name in GOALS else ""
        print(f"{name:<42}{row['min'] * 1e9:>7.1f} ns{row['median'] * 1e9:>7.1f} ns{goal:>10}")
    result = {"table": table, "goals": {name: 1e-9 * goal for name, goal in GOALS.items()}, "turns": TURNS}
    print(f"written: {record('live', read_machine(), result)}")


if __name__ == "__main__":
    main()
