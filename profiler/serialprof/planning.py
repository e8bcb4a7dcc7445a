# SPDX-License-Identifier: Apache-2.0
"""The plan of a run: which points, in how many blocks, within which budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final, Literal, TypeAlias

from serialprof.catalog import Description, Work
from serialprof.errors import UsageError
from serialprof.machine import Machine
from serialprof.policyclock import Clock
from serialprof.setting import CPU, ParameterValue, Setting
from serialprof.units import format_bytes

DEFAULT_WORKLOADS: Final = ("decode", "lstm", "rule110", "life")
#: Share of the machine's memory that one point may touch.
_MEMORY_SHARE: Final = 0.5
#: More declared operations than this in one run(D) take minutes on the fastest core, hours on one chain.
_MOST_OPERATIONS: Final = 1e13
_MOST_BUDGET: Final = 7 * 86400.0
_MOST_DEPTH: Final = 2**31
#: Counts are kept as signed 64-bit numbers, with room for a sum.
_MOST_COUNT: Final = 2**62
#: More points than this cannot be visited five times in any budget that somebody would wait for.
_MOST_POINTS: Final = 10_000

#: What stands in for another clock where none can be set: a delay injected into every step, or time dilation.
StandInKind: TypeAlias = Literal["delay", "dilation"]


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; None leaves a knob to the workload or the machine.

    Attributes:
        workloads: references, in the order of the report.
        widths, threads, modes: the sweeps.
        depth: steps in one run.
        parameters: workload parameters, for every workload that has them.
        budget: seconds of sampling.
        precision: relative half-width of the step time.
        seed: of the plan and the workloads.
        quick: the short form.
        meter: whether the clock meter is read beside every sample.
        clocks: the clocks of the sweep as --clock takes them; None, or "off", leaves clocks alone.
        turbo: whether clocks above the base may be among them.
        stand_ins: for another clock that are taken once the points are sampled.
        gpu_clock: that GPUs are locked at for the whole run, as --gpu-clock takes it; None leaves them alone.
        device: that workloads run on, "cpu" or "cuda:N".
        dtypes: element types; None leaves them to the workload.
    """

    workloads: tuple[str, ...] = DEFAULT_WORKLOADS
    widths: tuple[int, ...] | None = None
    threads: tuple[int, ...] | None = None
    modes: tuple[str, ...] | None = None
    depth: int | None = None
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    budget: float | None = None
    precision: float = 0.02
    seed: int = 0
    quick: bool = False
    meter: bool = True
    clocks: str | None = None
    turbo: bool = False
    stand_ins: tuple[StandInKind, ...] = ()
    gpu_clock: str | None = None
    device: str = CPU
    dtypes: tuple[str, ...] | None = None

    @property
    def sets_clocks(self) -> bool:
        """Whether clocks are to be set, as far as the words tell."""
        return self.clocks is not None and self.clocks.strip().lower() != "off"

    def __post_init__(self) -> None:
        """Raises a UsageError for a budget, precision, count, depth or clocks that no run can have."""
        if self.budget is not None and not 0 < self.budget <= _MOST_BUDGET:
            raise UsageError(f"--budget {self.budget:g}: no time between 0 and 7 days", "write it like 90s, 2m or 1h")
        if not 0 < self.precision < 1:
            raise UsageError(f"--precision {self.precision:g}: no share between 0 and 1", "write it like 2% or 0.02")
        for name, counts in (("width", self.widths), ("threads", self.threads)):
            if counts is not None and (not counts or min(counts) < 1):
                raise UsageError(f"--{name} holds a count below 1, or none", f"write --{name} 1,4,16")
            if counts is not None and max(counts) > _MOST_COUNT:
                raise UsageError(f"--{name} {max(counts)}: no whole number from 1 to 2^62", f"write --{name} 1,4,16")
        if self.depth is not None and not 1 <= self.depth <= _MOST_DEPTH:
            raise UsageError(f"--depth {self.depth}: no whole number from 1 to 2^31", "write it like --depth 1000")
        if self.sets_clocks and not self.meter:
            raise UsageError(
                "--no-meter does not go with clocks: the clock that is set has to be measured", "leave it out"
            )
        if self.turbo and not self.sets_clocks:
            raise UsageError("--turbo is given, but no clock is to be set", "add --clock, such as --clock all")
        if self.sets_clocks and "dilation" in self.stand_ins:
            raise UsageError(
                "--dilate does not go with clocks: those that are set measure what dilation only bounds",
                "leave --dilate or --clock out",
            )


@dataclass(frozen=True, slots=True)
class Family:
    """What one fit is about: a workload with its parameters, mode, device and element type; the rest varies.

    Two points are comparable where their families are equal.
    """

    workload: str
    mode: str
    device: str
    dtype: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One cell of the sweep.

    Attributes:
        id: its number in the plan, from 0.
        workload: the reference by which the workload was asked for.
        setting: the knobs.
        work: what a step of the serial form declares, None where undeclared.
    """

    id: int
    workload: str
    setting: Setting
    work: Work | None = None

    @property
    def family(self) -> Family:
        """The fit that this point belongs to."""
        setting = self.setting
        parameters = tuple(sorted((name, str(value)) for name, value in setting.parameters.items()))
        return Family(self.workload, setting.mode, setting.device, setting.dtype, parameters)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run sets out to do.

    Attributes:
        descriptions: the workloads, as their worker described them.
        points: every cell, ids ascending.
        budget: seconds of sampling, an upper bound.
        precision: relative half-width of the step time at which sampling stops early.
        blocks: blocks that the budget is divided into, at least intervals.MINIMUM_UNITS.
        blocks_per_process: blocks after which the workers are replaced by fresh ones; 1 but in the quick form.
        seed: of the drawn order.
        quick: whether this is the short form.
        meter: whether the clock meter is read beside every sample.
        clocks: that are set in turn, ascending; empty where clocks are left alone. A setting names its own by hertz.
        stand_ins: for another clock that are taken after sampling, out of the same budget, where points can take them.
        open_ended: references of workloads whose sweep over width ends by itself: where memory does, or one octave past
            the knee.
    """

    descriptions: tuple[Description, ...]
    points: tuple[Point, ...]
    budget: float
    precision: float
    blocks: int
    blocks_per_process: int
    seed: int
    quick: bool = False
    meter: bool = True
    clocks: tuple[Clock, ...] = ()
    stand_ins: tuple[StandInKind, ...] = ()
    open_ended: tuple[str, ...] = ()

    def description(self, reference: str) -> Description:
        """The description of a workload of this plan."""
        return next(item for item in self.descriptions if item.reference == reference)

    def process_round(self, block: int) -> int:
        """Which generation of worker processes visits a block, where the run was never interrupted."""
        return block // self.blocks_per_process


def thread_counts(request: Request, machine: Machine) -> tuple[int, ...]:
    """The thread counts of a run: as asked, else 1, 2, 4 .. usable cores (the quick form: 1, 2, usable cores).

    Raises:
        UsageError: more threads than usable cores were asked for.
    """
    usable = machine.usable
    if request.threads is not None:
        if max(request.threads) > usable:
            raise UsageError(
                f"--threads {max(request.threads)}: this process may use {usable} core{'s' if usable > 1 else ''}",
                f"ask for {usable} at most, or widen its affinity or cgroup quota",
            )
        return request.threads
    doubling = {1 << power for power in range(usable.bit_length())}
    chosen = {1, 2} if request.quick else doubling
    return tuple(sorted({count for count in chosen if count <= usable} | {usable}))


def settings_of(
    request: Request, description: Description, machine: Machine, clocks: Sequence[Clock] = ()
) -> list[Setting]:
    """Every setting of one workload's sweep; none where the machine has too few cores for it.

    Args:
        request: what was asked for.
        description: of the workload.
        machine: this computer.
        clocks: to be set in turn; without, clocks are left alone.

    Raises:
        UsageError: a mode that the workload lacks.
    """
    parameters = _parameters(request, description)
    modes = request.modes or description.modes[:1]
    for mode in modes:
        if mode not in description.modes:
            raise UsageError(f"{description.name} has no mode {mode!r}", f"choose from {', '.join(description.modes)}")
    widths = request.widths or (description.quick_widths if request.quick else description.widths)
    counts = [count for count in thread_counts(request, machine) if count >= description.min_threads]
    depths = _depths(request.depth or description.depth, description)
    hertz: list[float | None] = [float(clock.hertz) for clock in clocks] or [None]
    check_count(len(modes) * len(widths) * len(counts) * len(description.forms) * len(depths) * len(hertz))
    return [
        Setting(
            width=width,
            depth=depth,
            threads=threads,
            cpus=machine.cpus[:threads],
            mode=mode,
            form=form,
            clock=clock,
            seed=request.seed,
            parameters=parameters,
        )
        for mode, width, threads, form, depth, clock in product(modes, widths, counts, description.forms, depths, hertz)
    ]


def _depths(depth: int, description: Description) -> tuple[int, ...]:
    """The depths of every point: one, or a quarter of it too where differencing is to take the start-up off."""
    if not description.startup:
        return (depth,)
    if depth < 2:
        raise UsageError(
            f"--depth {depth}: the start-up of {description.name} is taken off by differencing over depth",
            "ask for 2 at least, better for hundreds",
        )
    return (max(1, depth // 4), depth)


def make_plan(
    request: Request, descriptions: Sequence[Description], points: Sequence[Point], clocks: Sequence[Clock] = ()
) -> Plan:
    """The plan over declared points.

    Raises:
        UsageError: more points than can be visited.
    """
    check_count(len(points))
    return Plan(
        descriptions=tuple(descriptions),
        points=tuple(points),
        budget=request.budget or (25.0 if request.quick else 120.0),
        precision=request.precision,
        blocks=8 if request.quick else 10,
        blocks_per_process=8 if request.quick else 1,
        seed=request.seed,
        quick=request.quick,
        meter=request.meter,
        clocks=tuple(clocks),
        stand_ins=request.stand_ins,
        open_ended=() if request.widths else tuple(item.reference for item in descriptions if item.open_ended),
    )


def check_count(points: int) -> None:
    """Raises a UsageError where a sweep has more points than can be visited."""
    if points > _MOST_POINTS:
        raise UsageError(f"the sweep has {points} points", f"shorten --width or --threads to {_MOST_POINTS} at most")


def check_size(point: Point, machine: Machine) -> None:
    """Raises a UsageError where a point's declared footprint or work is out of all proportion to this machine."""
    if point.work is None:
        return
    width, depth = point.setting.width, point.setting.depth
    footprint = point.work.footprint.at(width)
    if footprint > _MEMORY_SHARE * machine.memory:
        raise UsageError(
            f"{point.workload} at width {width} would touch {format_bytes(footprint)} of memory, "
            f"this machine has {format_bytes(machine.memory)}",
            "ask for a smaller width or smaller parameters",
        )
    operations = depth * max(point.work.flops.at(width), point.work.serial_ops)
    if operations > _MOST_OPERATIONS:
        raise UsageError(
            f"{point.workload} at width {width} and depth {depth} declares {operations:.1e} operations a run",
            f"ask for {_MOST_OPERATIONS:.0e} at most: a smaller width, depth or smaller parameters",
        )


def check_parameters(request: Request, descriptions: Sequence[Description]) -> None:
    """Raises a UsageError for a parameter that none of the workloads has, or has with another type."""
    for name, value in request.parameters.items():
        having = [description for description in descriptions if name in description.parameters]
        if not having:
            names = " and ".join(description.name for description in descriptions)
            known = ", ".join(dict.fromkeys(key for item in descriptions for key in item.parameters)) or "none"
            raise UsageError(f"{names} has no parameter {name!r}", f"known parameters: {known}")
        for description in having:
            default = description.parameters[name]
            if isinstance(value, str) != isinstance(default, str):
                raise UsageError(f"--param {name}={value}: {description.name} takes a value like {default}")


def _parameters(request: Request, description: Description) -> dict[str, ParameterValue]:
    """A workload's parameters: its defaults, and what was asked for of those that it has."""
    asked = {name: value for name, value in request.parameters.items() if name in description.parameters}
    return {**description.parameters, **asked}
