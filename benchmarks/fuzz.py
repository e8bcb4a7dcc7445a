# SPDX-License-Identifier: Apache-2.0
"""Can any call crash the interpreter? Random calls of everything in `serialprof._native`, in child processes.

    python benchmarks/fuzz.py --minutes 60              an hour more, which comes to what is recorded of this library
    python benchmarks/fuzz.py --minutes 30 --jobs 2     an hour of children, two beside each other
    python benchmarks/fuzz.py --seed 17                 the calls of one child again

Arguments are of right and wrong types, huge, negative, not finite, buffers too short, unaligned or read-only; objects
are used in any order, and at times by two threads at once. Classes and functions come from the stub, so that new ones
are covered. A child that dies is a failure, and so is an exception that no refusal may be; the last calls are printed,
and --seed makes them again. A child that takes too long is ended and listed: it may hang.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.fuzz_tools.signatures import native

PROGRAMS = 40
PATIENCE = 300.0  # seconds of one child
SHOWN = 42  # calls before the end: one program's


@dataclass
class Outcome:
    """What one child came to, or several."""

    calls: Counter[str] = field(default_factory=Counter)  # by exception, or "accepted"
    accepted: Counter[str] = field(default_factory=Counter)  # by what was called
    crashes: list[str] = field(default_factory=list)  # with the last calls
    overdue: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Adds what another child came to."""
        self.calls += other.calls
        self.accepted += other.accepted
        self.crashes += other.crashes
        self.overdue += other.overdue


def names() -> list[str]:
    """Everything that can be accepted: functions, classes, and what these offer."""
    kinds, functions = native()
    offered = [f"{kind.name}.{call.name}" for kind in kinds for call in kind.offers]
    return [call.name for call in functions] + [kind.name for kind in kinds if kind.init] + offered


def fuzzed(seed: int, programs: int = PROGRAMS, megabytes: int = 2048) -> Outcome:
    """The calls of one seed, in a child of their own."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        command = [
            *(sys.executable, "-X", "faulthandler", "-m", "benchmarks.fuzz_tools.child", "--log", str(log)),
            *("--seed", str(seed), "--programs", str(programs), "--megabytes", str(megabytes)),
        ]
        root = Path(__file__).parent.parent
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE, cwd=root, check=False, errors="replace"
            )
        except subprocess.TimeoutExpired:
            return Outcome(overdue=[f"seed {seed}: no end after {PATIENCE:g} s; the last calls were\n{tail(log)}"])
        if done.returncode != 0:
            how = f"seed {seed}: exit code {done.returncode}\n{done.stderr[-4000:]}\nthe last calls were\n{tail(log)}"
            return Outcome(crashes=[how])
    told = json.loads(done.stdout.splitlines()[-1])
    return Outcome(Counter(told["calls"]), Counter(told["accepted"]))


def tail(log: Path) -> str:
    """The last calls that a child wrote down."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-SHOWN:]) if log.exists() else ""


def fuzzed_until(end: float, seeds: Iterator[int]) -> Outcome:
    """The calls of one child after another, at least one, until `end` (monotonic); what failed is printed."""
    total = Outcome()
    while True:
        outcome = fuzzed(next(seeds))
        total.add(outcome)
        for told in outcome.crashes + outcome.overdue:
            print(told, flush=True)
        if time.monotonic() >= end:
            return total


def code() -> str:
    """What all calls of a result are made to: a digest of the native library."""
    from serialprof import _native

    return hashlib.sha256(Path(_native.__file__).read_bytes()).hexdigest()[:12]


def earlier(path: Path) -> dict[str, Any]:
    """The result of a file, if it is of this library; else one of nothing yet."""
    found = json.loads(path.read_bytes())["result"] if path.exists() else {}
    nothing = {"minutes": 0, "seeds": [0, -1], "came_to": {}, "accepted": {}, "crashes": [], "without_end": []}
    return found if found.get("code") == code() else nothing


def main() -> int:
    """Fuzzes for so many minutes, prints what came of it, and adds it to what is recorded."""
    from benchmarks.recording import RESULTS, machine_name, record
    from serialprof.machine.reading import read_machine

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--jobs", type=int, default=1, help="children beside each other")
    parser.add_argument("--seed", type=int, help="of one child, of which nothing is recorded")
    given = parser.parse_args()
    machine, start = read_machine(), time.monotonic()
    before = earlier(RESULTS / f"fuzz-{machine_name(machine)}.json")
    first, jobs = (before["seeds"][1] + 1, given.jobs) if given.seed is None else (given.seed, 1)
    end = start + 60 * given.minutes if given.seed is None else start
    total, seeds = Outcome(), itertools.count(first)
    with ThreadPoolExecutor(jobs) as pool:
        for outcome in pool.map(fuzzed_until, [end] * jobs, [seeds] * jobs):
            total.add(outcome)
    last, minutes = next(seeds) - 1, jobs * (time.monotonic() - start) / 60
    crashed = bool(total.crashes)
    if given.seed is None:
        minutes += before["minutes"]
        total.add(
            Outcome(Counter(before["came_to"]), Counter(before["accepted"]), before["crashes"], before["without_end"])
        )
    missed = [name for name in names() if not total.accepted[name]]
    print(f"{sum(total.calls.values()):,} calls in {minutes:.0f} minutes of children, seeds up to {last}")
    print(", ".join(f"{count:,} {what}" for what, count in total.calls.most_common()))
    print(
        f"{len(total.crashes)} crashes, {len(total.overdue)} without end; never accepted: {', '.join(missed) or 'none'}"
    )
    if given.seed is None:
        result = {
            "code": code(),
            "minutes": minutes,
            "seeds": [before["seeds"][0], last],
            "calls": sum(total.calls.values()),
            "came_to": dict(total.calls),
            "accepted": dict(total.accepted),
            "never_accepted": missed,
            "crashes": total.crashes,
            "without_end": total.overdue,
        }
        print(record("fuzz", machine, result))
    return int(crashed)


if __name__ == "__main__":
    sys.exit(main())
