# SPDX-License-Identifier: Apache-2.0
"""Is attribution true? Planted laws: serialprof beside Extra-P, USL, Karp-Flatt and least squares on the same times.

    make attribution-tools
    .venv-attribution/bin/python -m benchmarks.attribution                        all tables, about half an hour
    .venv-attribution/bin/python -m benchmarks.attribution --trials 90            a quick look
    .venv-attribution/bin/python -m benchmarks.attribution --table threads-given  one table, not recorded

Made data, seeded: 5 repetitions of a few configurations, times with 2 % noise, or with a drift in time of 2 % besides.
One table per information set and kind of noise. Every tool gets the same times and the same other facts, and is used as
its users do, by default and with its best known option. It is asked for the serial share s of a step on one thread, for
the seconds T of a run that was not timed, and for the knee (the width whose work takes as long as the serial chain).

- error: of the numbers given; absolute for s, relative for T and the knee. error / bound's: the median over trials of
  |error| / the bound's standard error, over what a normal error would give; 1 is as good as can be.
- coverage: answers whose interval, bracket or one-sided bound contains the truth. width: median over the bound's.
- identifiable: the bound's own 95 % interval is within 0.05 for s, within 25 % for T and the knee, and the knee is not
  beyond twice the sweep. Elsewhere a number is none: there an answer should be a bracket, or say why there is none.
- bound: the Cramer-Rao bound of one who knows the law (attribution_tools/bound.py), over the same truths.
- Truths outside the family: covered or admitted counts answers whose interval contains the truth, or that report an
  unattributed share whose interval leaves out 0 somewhere in the sweep (elsewhere that is a false alarm).

Extra-P is slow, so it is asked in fewer trials; the row of trials says in how many.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from typing import Any, Final

# Fits are small and processes as many as cores: one thread for numerical libraries, which read this on import.
os.environ |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")} | {"MPLBACKEND": "agg"}

from benchmarks.attribution_tools.noise import NOISES
from benchmarks.attribution_tools.problems import SETS
from benchmarks.attribution_tools.running import run_trials, tools
from benchmarks.attribution_tools.table import Table, as_record, goal_line, lines, tabulate

PACKAGES: Final = ("serialprof", "numpy", "scipy", "extrap", "pyusl")


def versions() -> dict[str, str | None]:
    """Of everything that is compared; None where it is not installed."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def measure(arguments: argparse.Namespace) -> list[Table]:
    """All tables that are asked for, printed as they are finished."""
    found = []
    with get_context("spawn").Pool(arguments.processes) as pool:
        for information_set in SETS:
            if not information_set.name.startswith(arguments.table):
                continue
            for noise in NOISES:
                began = time.monotonic()
                trials = run_trials(information_set.name, noise.name, arguments.trials, arguments.seed, pool)
                found.append(tabulate(information_set, noise.name, trials))
                print("", *lines(found[-1]), f"{time.monotonic() - began:.0f} s", sep="\n", flush=True)
    return found


def summary(tables: list[Table]) -> None:
    """What was missed, and how many goals were judged."""
    judged = [(table, item) for table in tables for item in table.outcomes if item.met is not None]
    missed = [(table, item) for table, item in judged if not item.met]
    print(f"\n{len(judged) - len(missed)} of {len(judged)} goals met")
    for table, item in missed:
        print(f"{table.information_set.name}, {table.noise}:{goal_line(item)}")


def main() -> None:
    """Runs the benchmark, prints the tables, writes the JSON."""
    from benchmarks.recording import record
    from serialprof.machine.reading import read_machine

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2016, help="of each table, over its truths")
    parser.add_argument(
        "--table", default="", help="those whose names begin like this: " + ", ".join(item.name for item in SETS)
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    sys.argv[:1] = ["-m", "benchmarks.attribution"]  # as it is recorded
    missing = [name for name, found in versions().items() if found is None]
    if missing:
        print(f"not installed, so left out: {', '.join(missing)} (make attribution-tools)")
    tables = measure(arguments)
    summary(tables)
    result: dict[str, Any] = {
        "trials": arguments.trials,
        "seed": arguments.seed,
        "versions": versions(),
        "tools": [tool.name for tool in tools()],
        "noises": [vars(noise) for noise in NOISES],
        "tables": [as_record(table) for table in tables],
    }
    if len(tables) == len(SETS) * len(NOISES):
        print(f"written: {record('attribution', read_machine(), result)}")


if __name__ == "__main__":
    main()
