# SPDX-License-Identifier: Apache-2.0
"""What a run consists of: visits with their readings, calibrations, and how it was put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from serialprof.devicelimits import DeviceLimits
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.planning import Plan, Point, StandInKind
from serialprof.policyclock import PolicyClock
from serialprof.samples import Sample, Samples

RunStatus: TypeAlias = Literal["running", "complete", "interrupted", "failed"]
VisitStatus: TypeAlias = Literal["ok", "failed", "ended"]
"""How a visit went; "ended" is the planned end of a sweep: no memory for this width, or wide enough already."""


@dataclass(frozen=True, slots=True)
class StepTicks:
    """When single steps ended: one contiguous record of a visit, capped.

    Attributes:
        seconds_per_tick: of the clock that was read.
        steps: ticks of each step, little-endian int64.
    """

    seconds_per_tick: float
    steps: bytes


@dataclass(frozen=True, slots=True)
class GpuState:
    """What a GPU did at a moment by NVML; what it does not tell is None.

    Attributes:
        sm_clock, memory_clock: in hertz.
        power: in watts.
        temperature: in degrees Celsius.
        reasons: why its clock is what it is, in words; empty where nothing holds it down.
    """

    sm_clock: float | None = None
    memory_clock: float | None = None
    power: float | None = None
    temperature: float | None = None
    reasons: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """What a worker brings back from a visit.

    Attributes:
        samples: what was measured; by column where it comes from a file.
        warmup_runs, warmup_seconds: run(D) before the first sample, and how long they took.
        steady: whether these had settled; otherwise every sample is flagged.
        steal: seconds that the hypervisor took from the point's CPUs meanwhile, None where it does not tell.
        temperature: degrees Celsius after the visit, None where not readable.
        throttles: how often the CPUs were throttled meanwhile, None where not counted.
        ticks: step-level times, None where the steps cannot be told apart.
        exit_code: of the last process in mode process, else None.
        stderr: the last of what it wrote to standard error.
        core_clocks: clock meter's reading in hertz of each of the point's CPUs, rank by rank, while all of them are
            busy; None where disturbed, empty where clocks were left alone.
        gpu: the device's state before and after the samples; empty where it is no GPU, or NVML is not there.
        leaked: bytes of memory that every step kept, None where they were not told apart from nothing.
    """

    samples: tuple[Sample, ...] | Samples
    warmup_runs: int = 0
    warmup_seconds: float = 0.0
    steady: bool = True
    steal: float | None = None
    temperature: float | None = None
    throttles: int | None = None
    ticks: StepTicks | None = None
    exit_code: int | None = None
    stderr: str = ""
    core_clocks: tuple[float | None, ...] = ()
    gpu: tuple[GpuState, ...] = ()
    leaked: float | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A point's stay in one block.

    Attributes:
        point: the point's id.
        block: number of the block.
        process: which generation of worker processes sampled it, counted from 0.
        status: "ok", "failed", or "ended".
        reason: why it failed or ended.
        started: seconds since the start of the run, interruptions left out.
        spent: seconds of the budget that were spent when it ended.
        position: its place in the block's drawn order; -1 where the point failed before it was visited.
        turn: pairs of passes over the block are counted: visits of one turn are compared with one another.
        runs: run(D) per sample, fixed per point after calibration.
        readings: what was measured.
        pinned: what became of the clock that was asked for, policy by policy; empty where clocks were left alone.
    """

    point: int
    block: int
    process: int
    status: VisitStatus
    reason: str = ""
    started: float = 0.0
    spent: float = 0.0
    position: int = -1
    turn: int = 0
    runs: int = 1
    readings: Readings = Readings(())
    pinned: tuple[PolicyClock, ...] = ()

    @property
    def samples(self) -> Samples:
        """The visit's samples, disturbed ones included."""
        return Samples.of(self.readings.samples)

    @property
    def sound(self) -> Samples:
        """The samples that count."""
        return self.samples.sound

    @property
    def clock(self) -> float | None:
        """Mean of the clock meter's readings beside its samples in hertz, None where there is none."""
        return self.samples.clock


@dataclass(frozen=True, slots=True)
class StandIn:
    """One timing of a point under a stand-in for another clock: an injected delay, or time dilation.

    Attributes:
        kind: which stand-in.
        point: id of the point.
        block: number of the repetition; what is compared lies in the same one.
        level: seconds of delay per step, or the share of the time that the thief takes; 0 for the step as it is.
        seconds: per step.
        cpu_seconds: CPU time of the worker process per step.
        disturbed: why it is left out, empty where it is sound.
    """

    kind: StandInKind
    point: int
    block: int
    level: float
    seconds: float
    cpu_seconds: float
    disturbed: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """What a worker brings back of one level of a stand-in, per step: see `StandIn`."""

    level: float
    seconds: float
    cpu_seconds: float
    disturbed: str = ""


@dataclass(frozen=True, slots=True)
class StandInGap:
    """A point that was chosen for a stand-in and has no complete set of timings: id of the point, and why."""

    kind: StandInKind
    point: int
    reason: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A few steps under the framework's profiler, per step unless said otherwise.

    On a CUDA device a kernel is one; on the CPU it is an operation of the framework that calls no other one.

    Attributes:
        steps: how many were profiled.
        step: seconds of one while it was profiled; the profiler's own cost is in it.
        kernels: how many ran.
        busy: seconds in which at least one kernel ran: the union of their intervals.
        transfers: seconds of copies between host and device in which no kernel ran.
        waiting: host seconds inside calls that wait for the device.
    """

    steps: int
    step: float
    kernels: float
    busy: float
    transfers: float
    waiting: float


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Separate timings of the same steps, in seconds per step.

    Attributes:
        step: until everything is done.
        enqueue: until the host is free again, nothing waited for; None where steps are synchronous.
        device: between an event on the device before the first step and one after the last; None on the CPU.
        profile: of a few steps; None where the framework has no profiler.
        unprofiled: why there is no profile, empty where there is one.
        disturbed: why it is left out, empty where it is sound.
    """

    step: float
    enqueue: float | None = None
    device: float | None = None
    profile: Profile | None = None
    unprofiled: str = ""
    disturbed: str = ""


@dataclass(frozen=True, slots=True)
class Dissection:
    """The anatomy of a point's step in one block of dissections; what is compared lies in the same one."""

    point: int
    block: int
    anatomy: Anatomy


@dataclass(frozen=True, slots=True)
class DissectionGap:
    """A point that was to be dissected and could not be: its id, and why."""

    point: int
    reason: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was found out about a point before it was sampled.

    Attributes:
        point: its id.
        run_seconds: seconds of one run(D).
        runs: k, the run(D) per sample.
        took: seconds that starting its worker, building it and warming it up took.
    """

    point: int
    run_seconds: float
    runs: int
    took: float = 0.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the steps of a point touch that declares nothing: bytes of whole pages, of code as of data."""

    point: int
    touched: int


@dataclass(frozen=True, slots=True)
class Stop:
    """One planned visit of a block: which point, in which turn, and for how many seconds."""

    point: int
    turn: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Resumption:
    """A continuation of a run that had been interrupted: when, by which command, on which machine, by which code."""

    started: float
    command: tuple[str, ...]
    machine: Machine
    version: str
    code: str


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A whole run as stored: everything that any report needs.

    Attributes:
        run_id: a random name of this run, hexadecimal.
        started: seconds since the epoch.
        version: serialprof's version.
        code: hash of the native extension and the workloads' sources.
        command: the command line that made it.
        status: "running" (or killed while running), "complete", "interrupted" or "failed".
        machine, limits, plan: as they were.
        visits: in the order in which they were made.
        calibrations: of the points that were reached.
        draws: the drawn order of every block that was begun.
        resumptions: continuations, in order.
        stand_ins: timings under a stand-in for another clock, in the order in which they were made.
        stand_in_gaps: points that were chosen for a stand-in and lack timings.
        gpu_clocks: that GPUs were locked at, requested and read back when the run began; empty where left alone.
        devices: limits of the devices that a framework drove, as measured before the first visit.
        dissections: separate timings of steps, in the order in which they were made.
        dissection_gaps: points that were to be dissected and could not be.
        footprints: what steps touch, of points that declare nothing, where the system tells.
    """

    run_id: str
    started: float
    version: str
    code: str
    command: tuple[str, ...]
    status: RunStatus
    machine: Machine
    limits: Limits
    plan: Plan
    visits: tuple[Visit, ...]
    calibrations: tuple[Calibration, ...] = ()
    draws: dict[int, tuple[Stop, ...]] = field(default_factory=dict)
    resumptions: tuple[Resumption, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    stand_in_gaps: tuple[StandInGap, ...] = ()
    gpu_clocks: tuple[PolicyClock, ...] = ()
    devices: tuple[DeviceLimits, ...] = ()
    dissections: tuple[Dissection, ...] = ()
    dissection_gaps: tuple[DissectionGap, ...] = ()
    footprints: tuple[Footprint, ...] = ()

    def point(self, number: int) -> Point:
        """The point of an id."""
        return self.plan.points[number]
