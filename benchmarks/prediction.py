# SPDX-License-Identifier: Apache-2.0
"""Does the fitted model predict what it was not fitted to? Real runs of the native serial cores.

    python -m benchmarks.prediction                                 every core, about 13 minutes
    python -m benchmarks.prediction --workloads lstm --budget 20    a quick look at one
    python -m benchmarks.prediction --runs FOLDER                   keeps the run files; measures only what is not there

Every core is measured over octaves of width on 1 and 2 threads, in one run of its own, the serial form alone. The
model is fitted to every second width, the ends of the sweep included, and predicts the widths between them ("between")
and one octave further ("beyond"), which it has not seen. It is told what work the workload declares there, and nothing
else.

- **error**: |predicted / measured - 1| of a step. Where the fit refuses a number and gives a bracket alone, as it may
  beyond, there is no error ("-" where that is the median).
- **covered**: the measured step lies within the prediction's 95 % interval, each half of it widened in quadrature by
  the half-width of the measurement's own interval. A bracket without a value covers too, nothing without ends does.
- **unattributed**: of the steps that were fitted, the share that the fit leaves over, median and largest. A miss is
  **announced** where the fit itself shows it: where at some fitted point this share is surely not zero (its interval
  lies on one side of it) and at least 3 %, what a prediction between may be off.

Goals, for every core: a median error of at most 3 % between and 8 % beyond, at least 90 % covered; where one is missed,
that it is announced.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from benchmarks.forms import serial_only
from benchmarks.heldout import Prediction, details, predict, row
from benchmarks.recording import record
from serialprof.errors import SerialprofError
from serialprof.estimate import Estimate
from serialprof.limits import Limits, Part
from serialprof.machine import Machine
from serialprof.measure.effort import BRIEF
from serialprof.measure.introspection import probe_limits
from serialprof.model.fitting.curves import RefusedFitError
from serialprof.model.fitting.memory import Memory
from serialprof.model.steptimes import collect
from serialprof.planning import Request
from serialprof.preparation import look_at_machine, prepare
from serialprof.session import measure, resume
from serialprof.store import SUFFIX, StoredRun
from serialprof.view import load

THREADS: Final = (1, 2)
#: What of the limits a fit may need.
PARTS: Final[tuple[Part, ...]] = ("chains", "chase", "stream", "barriers")
#: Relative half-width of every step time at which a run stops before its budget is spent.
PRECISION: Final = 0.005


@dataclass(frozen=True)
class Sweep:
    """What of a serial core is measured.

    Attributes:
        least, most: ends of the octaves of width.
        depth: steps in one run(D), None for the core's own.
    """

    least: int
    most: int
    depth: int | None = None

    @property
    def widths(self) -> tuple[int, ...]:
        """Octaves, ascending."""
        return tuple(self.least << octave for octave in range((self.most // self.least).bit_length()))


#: The default sweeps in octaves, and one further; depths so that the longest run(D) stays well below a second.
SWEEPS: Final[Mapping[str, Sweep]] = {
    "decode": Sweep(1, 512, depth=4),
    "lstm": Sweep(1, 512, depth=8),
    "rule110": Sweep(1 << 15, 1 << 28, depth=16),
    "life": Sweep(1 << 15, 1 << 28),
    "planted": Sweep(1, 512),
    "chain": Sweep(1, 512),
}


@dataclass
class Source:
    """Where the runs come from: a folder, filled as far as it lacks them.

    Attributes:
        folder: of the run files.
        budget: seconds of sampling of each core.
    """

    folder: Path
    budget: float

    def run(self, workload: str) -> StoredRun:
        """The run of one core.

        Raises:
            SerialprofError: it cannot be measured or read.
        """
        path, sweep = self.folder / f"{workload}{SUFFIX}", SWEEPS[workload]
        if path.exists():
            found = load(path)
            return (found if found.stored.status == "complete" else resume(path)).stored
        request = Request(
            (workload,),
            widths=sweep.widths,
            threads=THREADS,
            depth=sweep.depth,
            budget=self.budget,
            precision=PRECISION,
        )
        machine, limits = self._machine
        prepared = prepare(request, machine)
        return measure(replace(prepared, plan=serial_only(prepared.plan)), path, limits=limits).stored

    @cached_property
    def _machine(self) -> tuple[Machine, Limits]:
        """This computer and its limits, the same for all cores."""
        machine = look_at_machine()
        return machine, probe_limits(machine.cpus, THREADS, effort=BRIEF, parts=PARTS)


def print_row(found: Mapping[str, Any]) -> None:
    """One line of the table."""
    names = ("between", "between_p90", "beyond", "covered", "unattributed", "unattributed_most")
    told = {None: "", True: " (announced)", False: " (not announced)"}[found["announced"]]
    cells = [f"{found[name]:>9.1%}" if math.isfinite(found[name]) else f"{'-':>9}" for name in names]
    print(f"{found['workload']:<9} {found['points']:>6}", *cells, f" {', '.join(found['missed']) or 'nothing'}{told}")
    sys.stdout.flush()


def print_points(detail: Mapping[str, Any]) -> None:
    """The fit of one core, and a line for every point, in order of threads and width."""
    residuals = ", ".join(f"{name} {value:.1%}" for name, value in detail["residual"].items())
    print(f"  {detail['form']}; residuals: {residuals}; noise {detail['noise']:.2%}; {detail['blocks']} blocks")
    print("  " + ", ".join(f"{name} {value:.3g}" for name, value in detail["parameters"].items()))
    lines = {}
    for point in detail["fitted"]:
        parts = ", ".join(f"{cause} {_percent(share)}" for cause, share in point["shares"].items())
        text = f"{point['measured']:>10.3g} s {-(point['unattributed'].value or 0.0):>+7.1%}  fitted: {parts}"
        lines[point["threads"], point["width"]] = text
    for item in detail["held_out"]:
        text = f"{item['measured']['value']:>10.3g} s {item['error']:>+7.1%}  {item['part']}"
        text += ", refused" if item["predicted"]["value"] is None else ""
        lines[item["threads"], item["width"]] = text + ("" if item["covered"] else ", not covered")
    for (threads, width), text in sorted(lines.items()):
        print(f"  {threads} x {width:<10}{text}")


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"


def main() -> None:
    """Runs the benchmark, prints one line per core and one over all, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    parser.add_argument("--budget", type=float, default=110.0, help="seconds of sampling per core")
    parser.add_argument("--runs", type=Path, help="folder that keeps the run files")
    parser.add_argument("--points", action="store_true", help="print the fit and every point too")
    arguments = parser.parse_args()
    # As it is recorded: where the run files lie does not matter.
    sys.argv = ["-m", "benchmarks.prediction", "--budget", f"{arguments.budget:g}", "--workloads", *arguments.workloads]
    table: list[dict[str, Any]] = []
    cores: dict[str, Any] = {}
    everything: list[Prediction] = []
    left: list[Estimate] = []
    machine = limits = None
    titles = ("between", "p90", "beyond", "covered", "unattrib.", "at most")
    print(f"{'core':<9} {'points':>6}", *(f"{title:>9}" for title in titles), " missed")
    with tempfile.TemporaryDirectory() as temporary:
        source = Source(arguments.runs or Path(temporary), arguments.budget)
        source.folder.mkdir(parents=True, exist_ok=True)
        for workload in arguments.workloads:
            try:
                run = source.run(workload)
                (times,) = collect(run)
                fitted, predictions = predict(times, Memory.of(run.limits, run.machine.cache_bytes(2)))
            except (SerialprofError, RefusedFitError) as error:
                cores[workload] = {"error": str(error)}
                print(f"{workload:<9} {error}")
                continue
            machine, limits = run.machine, run.limits
            cores[workload] = details(fitted, predictions)
            table.append(row(workload, predictions, fitted.unattributed()))
            print_row(table[-1])
            if arguments.points:
                print_points(cores[workload])
            everything += predictions
            left += fitted.unattributed()
    if machine is None:
        return
    table.append(row("all", everything, left))
    print_row(table[-1])
    result = {"budget": arguments.budget, "limits": limits, "table": table, "cores": cores}
    print(f"written: {record('prediction', machine, result)}")


if __name__ == "__main__":
    main()
