# SPDX-License-Identifier: Apache-2.0
"""What recording when every step ends costs per step: the same run(D) with and without ticks, in turns.

    python benchmarks/ticks.py

The goal is under 25 ns a step for native kernels. The interval is Student's t over blocks.
"""

from __future__ import annotations

import statistics
import time
from array import array
from collections.abc import Callable

from recording import record

from serialprof import _native
from serialprof.catalog import StepFunction
from serialprof.intervals import half_width
from serialprof.machine.reading import read_machine
from serialprof.measure.ticks import trace_function

BLOCKS, ROUNDS, DEPTH = 20, 50, 4096


def cost(plain: Callable[[], object], traced: Callable[[], object]) -> list[float]:
    """Extra seconds per step of `traced`, one value a block: the median over its rounds, which go ABBA."""
    costs = []
    for _ in range(BLOCKS):
        differences = []
        for turn in range(ROUNDS):
            seconds = {}
            for run in (plain, traced) if turn % 2 else (traced, plain):
                start = time.perf_counter()
                run()
                seconds[run] = time.perf_counter() - start
            differences.append((seconds[traced] - seconds[plain]) / DEPTH)
        costs.append(statistics.median(differences))
    return costs


def main() -> None:
    """Runs the benchmark, prints the costs, writes the JSON."""
    ticks = array("q", bytes(8 * (DEPTH + 1)))
    chain = _native.Chain(_native.Team([0]), "add", 1)
    function = StepFunction(lambda: None)
    costs = {
        "native kernel (chain of 64 adds)": cost(lambda: chain.run(DEPTH), lambda: chain.run(DEPTH, ticks)),
        "Python step function": cost(
            lambda: function.run(DEPTH), lambda: trace_function(function.step, DEPTH, memoryview(ticks))
        ),
    }
    table = {}
    for name, values in costs.items():
        mean, half = statistics.mean(values), half_width(values) or float("nan")
        table[name] = {"seconds_per_step": mean, "half_width": half}
        print(f"{name:<34} {mean * 1e9:7.1f} ns per step, +- {half * 1e9:.1f}")
    print(f"written: {record('ticks', read_machine(), {'table': table, 'blocks': costs})}")


if __name__ == "__main__":
    main()
