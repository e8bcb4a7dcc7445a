# SPDX-License-Identifier: Apache-2.0
"""How near to the machine's limit are the native cores, and how far ahead of what one could use instead?

    make kernel-tools
    .venv-kernels/bin/python -m benchmarks.kernels                              about 20 minutes
    .venv-kernels/bin/python -m benchmarks.kernels --core lstm --minutes 1      a quick look; nothing is written
    .venv-kernels/bin/python -m benchmarks.kernels --core lstm --record         its rows anew among those written
    .venv-kernels/bin/python -m benchmarks.kernels --table                      the table of what was measured here

Every native core beside every peer that is installed, each in a process of its own, pinned to one CPU, then to two.
All are made ready at the same shape and from the same data, and whose result differs from ours is not compared. Then
rounds: each competitor once, in an order that turns, while the processes of all others are stopped. A ratio is that of
one round; its median and quartiles are over rounds. A peer that takes far longer than the others is timed in the first
four rounds alone.

- step: our seconds per step, the median over rounds.
- limit: the least seconds that this machine allows for the declared work of one step, and what binds it: latency of
  the chain or its loads, bandwidth at the footprint, peak of arithmetic, barriers; share: that over the step.
- ratio: the step of the fastest peer over ours.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.kernels_tools.measuring import measure
from benchmarks.kernels_tools.registry import MODULES, core_of
from benchmarks.kernels_tools.table import Row, lines_of
from benchmarks.recording import RESULTS, machine_name, record
from serialprof.preparation import look_at_machine
from serialprof.session import limits_of


def main() -> None:
    """Runs the benchmark, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", nargs="+", choices=tuple(MODULES), help="these alone; nothing is written")
    parser.add_argument("--record", action="store_true", help="put the rows of these cores in place of those written")
    parser.add_argument("--shape", default="", help="only shapes that contain this text; nothing is written")
    parser.add_argument("--minutes", type=float, default=20.0, help="for all of it; a shape gets four rounds at least")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="thread counts")
    parser.add_argument("--file", type=Path, help="of the results, in place of the one of this machine")
    parser.add_argument("--table", action="store_true", help="measure nothing, show what is there")
    arguments = parser.parse_args()
    if arguments.record and (arguments.shape or arguments.threads != [1, 2]):
        parser.error("--record wants cores whole, without --shape and --threads")
    names = arguments.core or list(MODULES)
    machine = look_at_machine()
    path = arguments.file or RESULTS / f"kernels-{machine_name(machine)}.json"
    if arguments.table:
        rows = msgspec.json.decode(path.read_bytes())["result"]["rows"]
        print(*lines_of([row for row in rows if row["core"] in names and arguments.shape in row["shape"]]), sep="\n")
        return
    counts = [count for count in arguments.threads if count <= len(machine.cpus)]
    limits = limits_of(machine, counts, stage=lambda text: print(text, flush=True))
    cores = [core_of(name) for name in names]
    cores = [replace(core, cases=tuple(case for case in core.cases if arguments.shape in case.shape)) for core in cores]
    rows = measure(cores, counts, arguments.minutes, machine.cpus, limits)
    run = {"date": time.strftime("%Y-%m-%d"), "command": sys.argv[1:], "cores": names, "limits": asdict(limits)}
    print(*lines_of(rows), sep="\n")
    if arguments.core is None and not arguments.shape:
        print(f"written: {record('kernels', machine, {'runs': [run], 'rows': rows})}")
    elif arguments.record:
        print(f"written: {record('kernels', machine, renewed(msgspec.json.decode(path.read_bytes()), run, rows))}")


def renewed(before: dict[str, Any], run: dict[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """A document's result with some cores measured anew, and with what each of its runs still stands for.

    Args:
        before: the document.
        run: the cores that were measured now, the command, the day, and this machine's limits then.
        rows: of these cores.
    """
    order, cores = list(MODULES), set(run["cores"])
    result = before["result"]
    runs = [{**past, "cores": [name for name in past["cores"] if name not in cores]} for past in result["runs"]]
    kept = [row for row in result["rows"] if row["core"] not in cores]
    return {
        "runs": [*(past for past in runs if past["cores"]), run],
        "rows": sorted([*kept, *rows], key=lambda row: order.index(row["core"])),
    }


if __name__ == "__main__":
    main()
