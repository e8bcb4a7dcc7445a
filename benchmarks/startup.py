# SPDX-License-Identifier: Apache-2.0
"""What `serialprof --help` costs: CPU seconds of the whole process, user and system, beside a bare interpreter's.

    python benchmarks/startup.py

The two take turns; the goal is a median under 0.1 s.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from recording import record

from serialprof.machine.reading import read_machine

ROUNDS = 25
COMMANDS = {
    "serialprof --help": [sys.executable, "-c", "from serialprof.cli import main; main()", "--help"],
    "python -c pass": [sys.executable, "-c", "pass"],
}


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one process."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def main() -> None:
    """Runs the benchmark, prints the medians, writes the JSON."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            seconds[name].append(cpu_seconds(command))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<20} {median * 1e3:6.1f} ms CPU, median of {ROUNDS}")
    path = record("startup", read_machine(), {"median_cpu_seconds": medians, "cpu_seconds": seconds})
    print(f"written: {path}")


if __name__ == "__main__":
    main()
