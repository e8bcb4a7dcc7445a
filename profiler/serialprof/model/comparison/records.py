# SPDX-License-Identifier: Apache-2.0
"""What a comparison of runs says, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from serialprof.estimate import Estimate
from serialprof.planning import Family
from serialprof.question import Cost
from serialprof.setting import Form

CLOCK: Final = "clock"
CYCLES: Final = "cycles per step"
LATENCY: Final = "memory latency"
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Place:
    """What two points must have in common to be compared; a clock that was set is not part of it.

    Attributes:
        family: workload, parameters, mode, element type and the kind of device ("cpu" or "cuda", without its number).
        form, depth, width, threads: of the setting.
    """

    family: Family
    form: Form
    depth: int
    width: int
    threads: int


@dataclass(frozen=True, slots=True)
class Side:
    """One of the runs.

    Attributes:
        label: the letter that stands for it.
        name: of its file.
        run_id, started: of the run; seconds since the epoch.
        host, processor, hypervisor, gpus: of its machine.
        cpus, cores: of its machine: those that it may use at once, and the physical cores that they share.
        clock: median of the clock meter beside its samples in Hz, None where it was not read.
        points: that have a step time.
        price: of an hour of its machine, None where none was given.
    """

    label: str
    name: str
    run_id: str
    started: float
    host: str
    processor: str
    hypervisor: str
    gpus: tuple[str, ...]
    cpus: int
    cores: int
    clock: float | None
    points: int
    price: Cost | None = None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something beside the machine in which two runs differ: what, how it is in either, and why it matters."""

    what: str
    first: str
    second: str
    matters: str


@dataclass(frozen=True, slots=True)
class StepCost:
    """What a step costs in either run, in the unit of the prices, and first over second: above 1, it is the cheaper."""

    first: Estimate
    second: Estimate
    ratio: Estimate


@dataclass(frozen=True, slots=True)
class PointRatio:
    """One shared point.

    Attributes:
        place: which.
        first, second: seconds per step in either run.
        ratio: first over second: above 1, the second is faster.
        cost: None where no prices were given.
    """

    place: Place
    first: Estimate
    second: Estimate
    ratio: Estimate
    cost: StepCost | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a ratio of step times; above 1 it makes the second run faster. Without a value it is in OTHER."""

    name: str
    factor: Estimate


@dataclass(frozen=True, slots=True)
class Pooled:
    """A geometric mean over shared points of one form.

    Attributes:
        form: of the points.
        points: how many.
        ratio: step times of the first run over those of the second.
        factors: whose values multiply to that of the ratio; empty where it is not taken apart.
        cost: of a step in the first run over that in the second; None where no prices were given.
    """

    form: Form
    points: int
    ratio: Estimate
    factors: tuple[Factor, ...] = ()
    cost: Estimate | None = None

    def factor(self, name: str) -> Estimate | None:
        """The factor of a name, None where there is none."""
        return next((item.factor for item in self.factors if item.name == name), None)


@dataclass(frozen=True, slots=True)
class BesidePart:
    """The share of a step that a cause takes on its device, in either run."""

    cause: str
    first: Estimate
    second: Estimate


@dataclass(frozen=True, slots=True)
class BesideDevice:
    """What two runs say of the steps of a family on its device.

    Attributes:
        first_knee, second_knee: the batch from which on a step grows.
        batch: the smallest that both took apart; None where there is none.
        parts: there; empty where there is none.
    """

    first_knee: Estimate
    second_knee: Estimate
    batch: int | None
    parts: tuple[BesidePart, ...]


@dataclass(frozen=True, slots=True)
class Lever:
    """What is turned at an operating point of the serial form.

    Attributes:
        what: the clock, or the number of threads.
        width, threads: the operating point.
        more_threads: to which threads are raised; None for the clock.
    """

    what: Literal["clock", "threads"]
    width: int
    threads: int
    more_threads: int | None = None


@dataclass(frozen=True, slots=True)
class BesideLever:
    """How strongly step times follow a lever in either run: per cent of time saved per per cent of clock or threads.

    Without control of the clock, what follows it is a bracket.
    """

    lever: Lever
    first: Estimate
    second: Estimate


@dataclass(frozen=True, slots=True)
class FamilyRatios:
    """A family in two runs.

    Attributes:
        family: with the kind of device only.
        name: of the workload, with what differs from its defaults.
        points: shared, serial form first, ascending in threads and width.
        pooled: over them, per form.
        device: of steps that both runs took apart on their device, else None.
        levers: the clock first, ascending in width; empty where they were not asked for, or a run has no fit.
    """

    family: Family
    name: str
    points: tuple[PointRatio, ...]
    pooled: tuple[Pooled, ...]
    device: BesideDevice | None = None
    levers: tuple[BesideLever, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """All shared points on one kind of device ("cpu" or "cuda"): their geometric means, per form."""

    device: str
    pooled: tuple[Pooled, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs.

    Attributes:
        first, second: labels of the runs; a ratio above 1 says that the second is faster.
        verdict: in sentences.
        mismatches: in which they differ beside their machines.
        warnings: what else stands between the ratios and the machines, each a clause.
        shared: points that both measured.
        first_only, second_only: points that one of them measured alone.
        kinds: over all families.
        families: in the order of the first run.
    """

    first: str
    second: str
    verdict: str
    mismatches: tuple[Mismatch, ...]
    warnings: tuple[str, ...]
    shared: int
    first_only: int
    second_only: int
    kinds: tuple[Kind, ...]
    families: tuple[FamilyRatios, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs, and each of them against the first."""

    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]
