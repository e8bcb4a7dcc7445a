# SPDX-License-Identifier: Apache-2.0
"""Measures cores against their peers within some minutes, and says of each shape what came out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.kernels_tools.core import OURS, Case, Core
from benchmarks.kernels_tools.running import Field, Outcome
from benchmarks.kernels_tools.scoring import score, verdict
from serialprof.catalog import Work, Workload
from serialprof.limits import Limits
from serialprof.loading import load
from serialprof.model.limitshares import floors_of
from serialprof.setting import ParameterValue, Setting

Row = dict[str, Any]


class Clock:
    """Shares out some minutes among cases: what one leaves unused, starts of processes included, goes to the rest.

    Args:
        minutes: for all.
        cases: how many there are.
    """

    def __init__(self, minutes: float, cases: int) -> None:
        self._end = time.monotonic() + 60 * minutes
        self._left = cases

    def next_end(self) -> float:
        """Until when the next case may take, by time.monotonic()."""
        now = time.monotonic()
        share = max(0.0, self._end - now) / max(1, self._left)
        self._left -= 1
        return now + share


def measure(
    cores: Sequence[Core], counts: Sequence[int], minutes: float, cpus: Sequence[int], limits: Limits
) -> list[Row]:
    """One row per case and number of threads.

    Args:
        cores: with the cases that are wanted.
        counts: thread counts.
        minutes: for everything; a case is given four rounds at least.
        cpus: those of this machine in placement order.
        limits: of this machine.
    """
    clock = Clock(minutes, len(counts) * sum(len(core.cases) for core in cores))
    rows = []
    for core in cores:
        workload = load(core.name)
        for threads in sorted(counts):
            with tempfile.TemporaryDirectory() as folder, Field(core, tuple(cpus[:threads]), Path(folder)) as field:
                for case in core.cases:
                    outcome = field.time_case(case, {**workload.parameters, **case.parameters}, clock.next_end())
                    row = row_of(core, case, workload, threads, outcome, limits)
                    rows.append(row | {"loss": loss_of(row, rows) if case.barrier else None})
                    print(progress(rows[-1]), flush=True)
    return rows


def row_of(core: Core, case: Case, workload: Workload, threads: int, outcome: Outcome, limits: Limits) -> Row:
    """What is said of a case: our step, the least that the machine allows, ratios per round and the goals."""
    found = score(outcome.rounds)
    parameters: dict[str, ParameterValue] = {**workload.parameters, **case.parameters}
    setting = Setting(width=case.width, depth=case.steps, threads=threads, parameters=parameters)
    limit = limit_of(setting, workload.declared(setting) if core.per_step else None, limits)
    share = limit["seconds"] / found.step if limit and found.step else None
    best = found.ratios[found.best].median if found.best else None
    wanted = {"share": case.share if threads == 1 else None, "ratio": case.ratio.get(threads)}
    return {
        "core": core.name,
        "date": time.strftime("%Y-%m-%d"),
        "shape": case.shape,
        "threads": threads,
        "width": case.width,
        "steps": case.steps,
        "parameters": dict(parameters),
        "step": found.step,
        "limit": limit,
        "share": share,
        "best": found.best,
        "ratio": best,
        "ratios": {name: asdict(ratio) for name, ratio in found.ratios.items()},
        "missing": outcome.missing,
        "notes": outcome.notes,
        "versions": outcome.versions,
        "goals": wanted,
        "verdicts": {"share": verdict(share, wanted["share"]), "ratio": verdict(best, wanted["ratio"])},
        "rounds": outcome.rounds,
    }


def loss_of(row: Row, rows: Sequence[Row]) -> dict[str, Any] | None:
    """By how many seconds a step is longer than on one thread, and whether that is the barrier at most.

    Args:
        row: of several threads; None is returned for one.
        rows: among which the one of the same shape on one thread is.
    """
    same = [item for item in rows if (item["core"], item["shape"], item["threads"]) == (row["core"], row["shape"], 1)]
    barrier = row["limit"]["floors"].get("barriers") if row["limit"] else None
    if row["threads"] == 1 or not same or None in (row["step"], same[0]["step"], barrier):
        return None
    seconds = row["step"] - same[0]["step"]
    return {"seconds": seconds, "barrier": barrier, "verdict": "met" if seconds <= barrier else "missed"}


def limit_of(setting: Setting, work: Work | None, limits: Limits) -> dict[str, Any] | None:
    """The least seconds of a step, which limit that is, and what each alone asks for; None where none is known."""
    floors = {floor.limit: floor.seconds for floor in floors_of(setting, work, limits)} if work else {}
    binding = max(floors, key=lambda limit: floors[limit], default=None)
    return {"seconds": floors[binding], "binding": binding, "floors": floors} if binding else None


def progress(row: Row) -> str:
    """One line on a finished case."""
    place = f"{row['core']} {row['shape']} {row['threads']}T"
    if row["step"] is None:
        return f"{place}: not timed: {row['missing'].get(OURS, 'no result')}"
    peers = ", ".join(f"{name} {ratio['median']:.2f} x" for name, ratio in sorted(row["ratios"].items()))
    return f"{place}: {row['step'] * 1e6:.4g} us, {len(row['rounds'])} rounds; {peers}"
