# SPDX-License-Identifier: Apache-2.0
"""How far do results spread over whole runs? serialprof beside pyperf, pytest-benchmark, torch, hyperfine and asv.

    make bench-tools
    .venv-bench/bin/python benchmarks/sampling.py                          about four hours; may be interrupted
    .venv-bench/bin/python benchmarks/sampling.py --runs 2 --seconds 4     a quick look
    .venv-bench/bin/python benchmarks/sampling.py --table                  only what has been measured so far

Three kinds of steps of 2 to 5 us (native, numpy, torch eager; sampling_tools/steps.py), a smaller and a larger one of
each. A whole run is one use of a tool on both steps, from scratch, with the same wall seconds for every tool, process
starts included. The tools take turns in a drawn order, so that drift hits all of them. Every statistic that a tool
offers is recorded; the tool is scored by the one that spreads least, for the ratio and the step time apart.

- spread: standard deviation over whole runs of ln(A / B), the ratio of the two steps of one run, and of ln A.
- robust: the same from the median absolute deviation.
- s to 1 %: wall seconds of a run at the smallest of --seconds at which the ratio spreads by 1 % at most.
- own share: what the engine spent between samples, of the wall time from its first visit to its last; starts of fresh
  workers apart.

A finished run is kept at once, in the file --state; a restart with the same machine, versions and code carries on.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import peers
from recording import record
from sampling_table import Record, Row, goals_of, print_table, row_of, seconds_to_stated, shares_of
from steps import DEPTH, KNOWN_RATIO, WIDTHS  # found by peers

from serialprof.machine import Machine
from serialprof.machine.reading import read_machine

#: Whole runs after which nothing is gained: the share of an engine varies little.
FEW = {"serialprof unmetered": 5}
#: Tools that end by themselves: the largest budget tells all.
OPEN_ENDED = ("serialprof to 1 %", "serialprof unmetered")
PACKAGES = ("serialprof", "numpy", "torch", "pyperf", "pytest-benchmark", "asv")


def versions() -> dict[str, str]:
    """Of everything that is compared."""
    found = {name: version(name) for name in PACKAGES}
    if shutil.which("hyperfine"):
        told = subprocess.run(["hyperfine", "--version"], capture_output=True, text=True, check=True).stdout
        found["hyperfine"] = told.split()[1]
    return found


def fingerprint(machine: Machine, found: dict[str, str]) -> str:
    """What runs must share to stand in one table: machine, versions, the code of serialprof and of this benchmark."""
    parts = [machine.processor, str(machine.usable), json.dumps(found, sort_keys=True)]
    package = find_spec("serialprof")
    assert package and package.submodule_search_locations
    sources = [path for folder in package.submodule_search_locations for path in Path(folder).rglob("*.py")]
    files = (*sorted(sources), Path(peers.__file__), *sorted(peers.FOLDER.glob("*.py")))
    parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class State:
    """The finished runs: one JSON line each, kept as soon as it is finished.

    Args:
        path: the file; lines with another key are left alone.
        key: of this machine, these versions and this code.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        known = [json.loads(line) for line in lines if line.endswith("\n")]  # a killed write leaves half a line
        self.records: list[Record] = [item for item in known if item["key"] == key]
        if lines and not lines[-1].endswith("\n"):
            path.write_text("".join(lines[:-1]))

    def has(self, place: Record) -> bool:
        """Whether a run is finished: it has times, or is known not to fit. One that failed is tried again."""
        return any(item.items() >= place.items() and "error" not in item for item in self.records)

    def add(self, item: Record) -> None:
        """Keeps a run."""
        self.records.append({"key": self.key, **item})
        with self.path.open("a") as file:
            file.write(json.dumps(self.records[-1]) + "\n")


def whole_run(tool: str, kind: str, seconds: float, costs: peers.Costs) -> Record:
    """One use of a tool from scratch, or why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        load, began = os.getloadavg()[0], time.perf_counter()
        try:
            outcome = peers.TOOLS[tool](peers.Job(kind, seconds, costs, Path(folder)))
        except peers.DoesNotFit as reason:
            return {"reason": str(reason)}
        except (RuntimeError, ValueError, KeyError, OSError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {"wall": time.perf_counter() - began, "load": load, **outcome}


def measure(arguments: argparse.Namespace, state: State) -> dict[str, Any]:
    """Everything that is not yet in the state; returns what processes cost."""
    costs: dict[str, peers.Costs] = {}
    began = time.monotonic()
    for run, kind, seconds in itertools.product(range(arguments.runs), arguments.kinds, arguments.seconds):
        tools = random.Random(f"{arguments.seed}/{run}/{kind}/{seconds}").sample(arguments.tools, len(arguments.tools))
        for tool in tools:
            place = {"tool": tool, "kind": kind, "seconds": seconds, "run": run}
            early = tool in OPEN_ENDED and seconds < max(arguments.seconds)
            if early or run >= FEW.get(tool, run + 1) or state.has(place):
                continue
            if kind not in costs:
                with tempfile.TemporaryDirectory() as folder:
                    costs[kind] = peers.measure_costs(kind, Path(folder))
            found = whole_run(tool, kind, seconds, costs[kind])
            state.add({**place, **found})
            told = found.get("reason") or found.get("error") or f"{found['wall']:.1f} s"
            print(f"{time.monotonic() - began:6.0f} s  {run + 1:>2} {kind} {seconds:g} s {tool}: {told}", flush=True)
    return {kind: vars(item) for kind, item in costs.items()}


def tabulate(records: Sequence[Record]) -> tuple[list[Row], list[Row]]:
    """The rows of the table and the goals."""
    rows: list[Row] = []
    goals: list[Row] = []
    timed = [item for item in records if "times" in item]
    for kind in [kind for kind in WIDTHS if any(item["kind"] == kind for item in timed)]:
        budgets = sorted({item["seconds"] for item in timed if item["kind"] == kind})
        for tool, seconds in itertools.product(peers.TOOLS, budgets):
            place = {"kind": kind, "tool": tool, "seconds": seconds}
            here = [item for item in timed if item.items() >= place.items()]
            if here:
                rows.append(row_of(kind, tool, seconds, here))
            if seconds == budgets[-1] and tool in ("serialprof", "serialprof unmetered"):
                goals += [share for share in [shares_of(kind, tool, here)] if share]
        goals += goals_of(rows, peers.PEERS, kind, budgets[-1])
    for row in rows:
        row["seconds_to_stated"] = seconds_to_stated(rows, row["kind"], row["tool"])
        row["known_ratio"] = KNOWN_RATIO.get(row["kind"])
        del row["logs"]
    return rows, goals


def main() -> None:
    """Runs the benchmark or what is left of it, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="whole runs of each tool, kind and budget")
    parser.add_argument("--seconds", type=float, nargs="+", default=[8.0, 30.0], help="wall seconds of a whole run")
    parser.add_argument("--kinds", nargs="+", choices=tuple(WIDTHS), default=list(WIDTHS))
    parser.add_argument("--tools", nargs="+", choices=tuple(peers.TOOLS), default=list(peers.TOOLS))
    parser.add_argument("--seed", type=int, default=0, help="of the drawn order")
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "serialprof-sampling.jsonl")
    parser.add_argument("--table", action="store_true", help="measure nothing, show and write what is there")
    arguments = parser.parse_args()
    machine, found = read_machine(), versions()
    state = State(arguments.state, fingerprint(machine, found))
    costs = {} if arguments.table else measure(arguments, state)
    records = [{name: value for name, value in item.items() if name != "key"} for item in state.records]
    records = [item for item in records if item["kind"] in arguments.kinds and item["seconds"] in arguments.seconds]
    rows, goals = tabulate(records)
    print_table(rows, goals, [item for item in records if "reason" in item])
    result = {"depth": DEPTH, "widths": WIDTHS, "versions": found, "costs": costs, "table": rows, "goals": goals}
    print(f"written: {record('sampling', machine, {**result, 'runs': records})}")


if __name__ == "__main__":
    main()
