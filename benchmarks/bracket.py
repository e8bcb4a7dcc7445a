# SPDX-License-Identifier: Apache-2.0
"""How wide is the bracket of the clock elasticity where no clock is set? Real runs of cores whose footprint fits L2.

    python -m benchmarks.bracket                    every core on one and two threads, about two minutes
    python -m benchmarks.bracket --workloads lstm   one of them

Every core is measured over a few widths, in one run of its own, the serial form alone. At each point -dlnT/dlnf is a
bracket, model-based: what surely takes core cycles, and what may. One thread passes no barrier, so what is left open
there is what the model does not explain; on more threads a barrier may or may not follow the clock.

Goal: on one thread no bracket is wider than 0.2.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.forms import serial_only
from benchmarks.recording import record
from serialprof.measure.effort import BRIEF
from serialprof.measure.introspection import probe_limits
from serialprof.model import analyse
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.memory import Memory
from serialprof.planning import Request
from serialprof.preparation import look_at_machine, prepare
from serialprof.session import measure
from serialprof.setting import ParameterValue
from serialprof.store import StoredRun

#: The widest bracket that is meant to be left.
GOAL: Final = 0.2


@dataclass(frozen=True)
class Sweep:
    """What of a serial core is measured: widths whose footprint fits an L2 of half a mebibyte and more."""

    widths: tuple[int, ...]
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)


SWEEPS: Final[Mapping[str, Sweep]] = {
    "chain": Sweep((1, 4, 16, 64)),
    "lstm": Sweep((1, 4, 16, 64), {"hidden": 64}),
    "rule110": Sweep(tuple(1 << power for power in (15, 16, 17, 18, 19))),
    "life": Sweep(tuple(1 << power for power in (12, 14, 16, 18))),
    "planted": Sweep((1, 4, 16, 64)),
}


def brackets(run: StoredRun) -> list[dict[str, Any]]:
    """Every point of the serial form whose footprint fits L2, with its bracket."""
    memory = Memory.of(run.limits, run.machine.cache_bytes(2))
    works = {(point.setting.width, point.setting.threads): point.work for point in run.plan.points}
    found = []
    for item in analyse(run).families[0].frontier.sensitivities:
        low, high = item.clock.low or 0.0, 1.0 if item.clock.high is None else item.clock.high
        if memory.fits(Cell(item.width, item.threads, works[item.width, item.threads])):
            found.append({"width": item.width, "threads": item.threads, "low": low, "high": high})
    return found


def main() -> None:
    """Runs the benchmark, prints one line per core and thread count, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--budget", type=float, default=15.0, help="seconds of sampling per core")
    arguments = parser.parse_args()
    sys.argv[:1] = ["-m", "benchmarks.bracket"]  # as it is recorded
    machine = look_at_machine()
    threads = tuple(range(1, min(2, machine.usable) + 1))
    limits = probe_limits(machine.cpus, threads, effort=BRIEF)
    table = []
    print(f"{'core':<9} {'threads':>7} {'points':>6} {'widest':>7} {'at W':>9}  bracket there")
    with tempfile.TemporaryDirectory() as folder:
        for workload in arguments.workloads:
            sweep = SWEEPS[workload]
            request = Request(
                (workload,),
                widths=sweep.widths,
                threads=threads,
                parameters=dict(sweep.parameters),
                budget=arguments.budget,
            )
            prepared = prepare(request, machine)
            prepared = replace(prepared, plan=serial_only(prepared.plan))
            found = brackets(measure(prepared, Path(folder) / f"{workload}.serialprof", limits=limits).stored)
            for count in threads:
                points = [point for point in found if point["threads"] == count]
                table.append({"workload": workload, "threads": count, "points": points})
                print_row(table[-1])
    print(f"written: {record('bracket', machine, {'budget': arguments.budget, 'goal': GOAL, 'table': table})}")


def print_row(row: Mapping[str, Any]) -> None:
    """The widest bracket of one core on so many threads."""
    head = f"{row['workload']:<9} {row['threads']:>7} {len(row['points']):>6}"
    if not row["points"]:
        print(f"{head}  no point fits L2")
        return
    widest = max(row["points"], key=lambda point: float(point["high"] - point["low"]))
    width = widest["high"] - widest["low"]
    verdict = "" if row["threads"] > 1 else ", met" if width <= GOAL else ", MISSED"
    print(
        f"{head} {width:>7.3f} {widest['width']:>9}  {widest['low']:.3f} to {widest['high']:.3f}{verdict}", flush=True
    )


if __name__ == "__main__":
    main()
