# SPDX-License-Identifier: Apache-2.0
"""The plan of a run: which points, in how many blocks, within which budget."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from serialprof.catalog import Description, Work
from serialprof.errors import UsageError
from serialprof.policyclock import Clock
from serialprof.setting import CPU, DTYPES, ParameterValue, Setting, on_cuda

DEFAULT_WORKLOADS: Final = ("decode", "lstm", "rule110", "life")
#: The same on a CUDA device.
CUDA_WORKLOADS: Final = ("torch-decode", "torch-lstm", "torch-ca")
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
        workloads: references, in the order of the report; none for the default ones of the device.
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
        device: that workloads run on, "cpu" or "cuda:N"; "cuda" is the first one.
        dtypes: element types; None leaves them to the workload.
    """

    workloads: tuple[str, ...] = ()
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
        """Fills in what the device decides; raises a UsageError for what no run can have."""
        object.__setattr__(self, "device", device_name(self.device))
        if not self.workloads:
            object.__setattr__(self, "workloads", CUDA_WORKLOADS if on_cuda(self.device) else DEFAULT_WORKLOADS)
        self._check_knobs()
        self._check_clocks()

    def _check_knobs(self) -> None:
        """Raises a UsageError for a budget, precision, count, depth or element type that no run can have."""
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
        for dtype in self.dtypes or ():
            if dtype not in DTYPES:
                raise UsageError(f"--dtype {dtype!r}: no such element type", f"choose from {', '.join(DTYPES)}")
        if on_cuda(self.device) and self.threads not in (None, (1,)):
            raise UsageError(
                f"--threads does not go with --device {self.device}: one thread of the host drives the device",
                "leave --threads out",
            )

    def _check_clocks(self) -> None:
        """Raises a UsageError for words about clocks that contradict one another."""
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


def device_name(text: str) -> str:
    """The name of a device, "cpu" or "cuda:N", as the user may write it: "cuda" is the first one.

    Raises:
        UsageError: it is neither.
    """
    words = text.strip().lower()
    if words == "cuda":
        return "cuda:0"
    if words == CPU or re.fullmatch(r"cuda:(0|[1-9][0-9]{0,2})", words):
        return words
    raise UsageError(f"--device {text!r}: no such device", "write cpu, cuda, or cuda:1 for the second one")


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
