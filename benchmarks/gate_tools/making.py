# SPDX-License-Identifier: Apache-2.0
"""Makes the gates: serialprof's own by the functions that its command line calls, a peer's by its processes."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.gate_tools import gated
from benchmarks.gate_tools.cells import SERIALPROF, Cell, Record
from benchmarks.gate_tools.peers import PEERS, Job
from benchmarks.neighbour import busy_neighbour
from serialprof.gating.contest import Contest, RefusedBenchmarkError, Side, contest
from serialprof.gating.contestants import BenchmarkFailedError
from serialprof.gating.judging import final, judge
from serialprof.gating.preflight import preflight
from serialprof.gating.records import Benchmark
from serialprof.gating.running import Effort, take_pairs
from serialprof.gating.selftest import planted, planting_pace
from serialprof.machine import Machine

#: Share of the time that the neighbour is busy.
NEIGHBOUR: Final = 0.5


@dataclass
class Maker:
    """Makes gates of any cell.

    Attributes:
        machine: this computer.
        opened: contests by kind, with the seconds that describing both sides and their preflights took, which is once
            for all gates of a kind.
    """

    machine: Machine
    opened: dict[str, tuple[Contest, float]] = field(default_factory=dict)

    def make(self, cell: Cell, number: int) -> Record:
        """One gate, or why there is none.

        Args:
            cell: whose it is.
            number: of the gate, which seeds its orders.
        """
        load, began = os.getloadavg()[0], time.time()
        with self._condition(cell.condition, number):
            try:
                found = self._own(cell, number) if cell.tool == SERIALPROF else _peer(cell)
            except (RuntimeError, ValueError, KeyError, OSError, RefusedBenchmarkError, BenchmarkFailedError) as reason:
                found = {"error": f"{type(reason).__name__}: {reason}"}
        return {**cell.place, "began": round(began), "load": load, **found}

    @contextmanager
    def _condition(self, condition: str, seed: int) -> Iterator[None]:
        if condition == "quiet":
            yield
            return
        with busy_neighbour(self.machine.cpus[1], NEIGHBOUR, seed):
            yield

    def _own(self, cell: Cell, number: int) -> Record:
        opened, opening = self._contest(cell.kind)
        began = time.monotonic()
        paced = planting_pace(opened.setting, opened.contestants["base"])
        pairs = take_pairs(planted(opened, cell.planted), paced, Effort(seed=number))
        judgement = judge(pairs, opened.benchmark.criteria)
        (verdict,) = final([judgement])
        return {
            "verdict": verdict,
            "ratio": judgement.ratio.value,
            "low": judgement.ratio.low,
            "high": judgement.ratio.high,
            "biased": judgement.biased,
            "logs": judgement.logs,
            "null_logs": judgement.null_logs,
            "seconds": time.monotonic() - began + opening,
        }

    def _contest(self, kind: str) -> tuple[Contest, float]:
        if kind not in self.opened:
            began = time.monotonic()
            side = Side("base", sys.executable, Path(gated.__file__).parent)
            benchmark = Benchmark(kind, f"{Path(gated.__file__).name}:{kind}")
            opened = contest(benchmark, side, side, self.machine)
            for role in ("base", "head"):
                preflight(role, opened.contestants[role], opened.setting)
            self.opened[kind] = opened, time.monotonic() - began
        return self.opened[kind]


def _peer(cell: Cell) -> Record:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        answer = PEERS[cell.tool](Job(cell.kind, cell.planted, Path(folder)))
    return {
        "verdict": "fail" if answer["failed"] else "pass",
        "ratio": answer["ratio"],
        "seconds": time.monotonic() - began,
    }
