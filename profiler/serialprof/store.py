# SPDX-License-Identifier: Apache-2.0
"""The run file: one SQLite database, one transaction per visit."""

from __future__ import annotations

from dataclasses import dataclass

from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.planning import Plan, Point


@dataclass(frozen=True, slots=True)
class Sample:
    """One timed stretch of `runs` consecutive run(D).

    Attributes:
        seconds: wall time.
        cpu_seconds: CPU time of the whole worker process meanwhile (all its threads).
        involuntary: involuntary context switches of the sampling thread.
        disturbed: why the sample is left out of fits, empty where it is sound.
    """

    seconds: float
    cpu_seconds: float
    involuntary: int
    disturbed: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A point's stay in one block.

    Attributes:
        point: the point's id.
        block: number of the block.
        process: which process of this point's worker sampled it, counted from 0.
        status: "ok", or "failed".
        reason: why it failed.
        started: seconds since the run's start.
        runs: run(D) per sample, fixed per point after calibration.
        clock_before, clock_after: neighbouring clock meter readings in hertz, None where rejected.
        cpu: the CPU that the sampling thread was on, None where unknown.
        samples: what was measured.
    """

    point: int
    block: int
    process: int
    status: str
    reason: str = ""
    started: float = 0.0
    runs: int = 1
    clock_before: float | None = None
    clock_after: float | None = None
    cpu: int | None = None
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A whole run as stored: everything that any report needs.

    Attributes:
        run_id: a random name of this run, hexadecimal.
        started: seconds since the epoch.
        version: serialprof's version.
        code: hash of the native extension and the workloads' sources.
        command: the command line that made it.
        status: "running", "complete", "interrupted" or "failed".
        machine, limits, plan: as they were.
        visits: in the order in which they were made.
    """

    run_id: str
    started: float
    version: str
    code: str
    command: tuple[str, ...]
    status: str
    machine: Machine
    limits: Limits
    plan: Plan
    visits: tuple[Visit, ...]

    def point(self, number: int) -> Point:
        """The point of an id."""
        return self.plan.points[number]
