# SPDX-License-Identifier: Apache-2.0
"""What an analysis says: plain records, rebuilt from a stored run alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from serialprof.catalog import Description
from serialprof.estimate import Estimate
from serialprof.model.answers import Contradiction, Counting, Frontier, Refusal, StandIns
from serialprof.model.answers import Part as Part
from serialprof.model.dissected import DeviceAnalysis
from serialprof.model.limitshares import LimitShare
from serialprof.model.wording import share
from serialprof.planning import Family, Point
from serialprof.rendering import in_notebook

Winner: TypeAlias = Literal["clock", "cores", "neither", "unknown"]
#: What more threads surely do where nothing wins.
Futility: TypeAlias = Literal["lose", "stay idle", "gain nothing"]
Grade: TypeAlias = Literal["A", "B", "C"]

SERIAL: Final = "serial"
LAUNCH: Final = "launch"
SYNCHRONISATION: Final = "synchronisation"
COMPUTE: Final = "width compute"
MEMORY: Final = "width memory"
UNATTRIBUTED: Final = "unattributed"
SCALING: Final = "serial, scaling with the clock"
NOT_SCALING: Final = "serial, not scaling"
BEYOND_L2: Final = "width memory beyond L2"
CAUSES: Final = (SERIAL, LAUNCH, SYNCHRONISATION, COMPUTE, MEMORY, UNATTRIBUTED)


@dataclass(frozen=True, slots=True)
class Moment:
    """Step times of one visit, for the jitter timeline.

    Attributes:
        started: seconds since the start of the run, interruptions left out.
        block: of the visit.
        p50, p99, worst: seconds per step.
    """

    started: float
    block: int
    p50: float
    p99: float
    worst: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Step-level times of one point, from the ticks of single steps.

    Attributes:
        steps: how many steps were told apart.
        p50, p95, p99: quantiles over all of them in seconds; t intervals over units.
        worst: the longest step in seconds.
        timeline: visit by visit.
    """

    steps: int
    p50: Estimate
    p95: Estimate
    p99: Estimate
    worst: float
    timeline: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class PointSummary:
    """What was measured at one point.

    Attributes:
        point: the point.
        step: seconds per step; a t interval over units, without ends below five units.
        units: independent units (blocks, each with processes of its own) behind it.
        samples: samples kept.
        disturbed: samples left out.
        cycles: core cycles per step by the clock meter, unknown where it was not readable.
        failed: why the point failed, empty where it did not.
        startup: seconds that a whole program takes before its steps, None where that is not told apart.
        latency: step-level times, None where the steps cannot be told apart.
        clock: measured core clock in Hz, that of the slowest of its CPUs, for which a step waits; the median over
            visits, None where it was not read.
        ended: why the sweep ended here (no memory, wide enough), empty where it did not: a planned end is no failure.
        leaked: bytes of memory that every step kept, None where that is not told apart from nothing.
        held: what held the device's clock down during its visits, in words; empty where nothing is known to have.
    """

    point: Point
    step: Estimate
    units: int
    samples: int
    disturbed: int
    cycles: Estimate
    failed: str = ""
    startup: Estimate | None = None
    latency: Latency | None = None
    clock: float | None = None
    ended: str = ""
    leaked: float | None = None
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where the time of a step goes at one operating point of the serial form.

    Attributes:
        width, threads: the operating point.
        step: measured seconds per step.
        parts: one per cause of CAUSES, in that order; shares add up to 1, seconds to the step less what counts as its
            noise. Unattributed may be negative (the model predicts more than was measured).
        finer: of the serial part, what is SCALING with the clock and what is NOT_SCALING; of width memory, what lies
            BEYOND_L2 and does not scale either.
    """

    width: int
    threads: int
    step: Estimate
    parts: tuple[Part, ...]
    finer: tuple[Part, ...] = ()

    def part(self, cause: str) -> Part:
        """The part of one cause, the finer ones included."""
        return next(part for part in (*self.parts, *self.finer) if part.cause == cause)

    def __repr__(self) -> str:
        return f"<Attribution at {self}>"

    def __str__(self) -> str:
        """Where, and the share of each cause that may have one."""
        shares = (f"{part.cause} {share(part.share)}" for part in self.parts if part.share.high != 0)
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"width {self.width}, {threads}: {', '.join(shares)}"

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        return in_notebook("attribution", self)


@dataclass(frozen=True, slots=True)
class Curve:
    """The fitted step time over width at one thread count, for plots; steps[i] belongs to widths[i]."""

    threads: int
    widths: tuple[float, ...]
    steps: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted step-time model.

    Attributes:
        form: the winner: "sum", "max", or "norm q" for a partial overlap (L^q + w^q)^(1/q).
        residual: relative root-mean-square residual of each form that was fitted.
        latency: seconds of the serial part per step, loads beyond L2 apart.
        compute: seconds per declared operation of the width part (core clock domain, caches L1 and L2 included).
        memory: measured seconds beyond L2 in multiples of bytes / ladder bandwidth.
        synchronisation: seconds per step by number of threads (2 and more).
        units: independent units behind the intervals.
        curves: for plots, one per measured thread count.
        notes: what was assumed or confounded, each a sentence.
        knees: by thread count, the width at which the width work takes as long as the chain.
    """

    form: str
    residual: dict[str, float]
    latency: Estimate
    compute: Estimate
    memory: Estimate
    synchronisation: dict[int, Estimate]
    units: int
    curves: tuple[Curve, ...]
    notes: tuple[str, ...] = ()
    knees: dict[int, Estimate] = field(default_factory=dict)


_NOT_LOOKED_AT: Final = Estimate.unknown("CPU times were not looked at")


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """Clock against cores at one width.

    Attributes:
        width: independent lanes.
        threads: the thread count from which the cores would be doubled (or raised to `more_threads`).
        more_threads: the larger thread count.
        clock: elasticity -dlnT/dlnf at `threads`: per cent of time saved per per cent of clock; a bracket without clock
            control.
        cores: elasticity -dlnT/dlnp between the two thread counts, from paired blocks.
        clock_gain: speed-up minus 1 from +10 % clock.
        cores_gain: speed-up minus 1 from going to `more_threads`.
        winner: "clock" only if the lower end of `clock_gain` exceeds 0.005 and the upper end of `cores_gain`; "cores"
            the other way round; "neither" where both upper ends are below 0.005; "unknown" where the data cannot tell.
            The elasticities compare per cent for per cent, which may come out otherwise.
        futile: what more threads surely do where they are of no use and yet the clock does not win, since it may gain
            nothing; None where they may be of use, something wins, or more samples were disturbed than not.
        busy: threads that were busy at `more_threads`, by CPU time. More threads cannot gain more than the share by
            which it exceeds `threads`, unless they have less to do in all.
    """

    width: int
    threads: int
    more_threads: int
    clock: Estimate
    cores: Estimate
    clock_gain: Estimate
    cores_gain: Estimate
    winner: Winner
    futile: Futility | None = None
    busy: Estimate = _NOT_LOOKED_AT


@dataclass(frozen=True, slots=True)
class Crossover:
    """The width at which more threads start to win.

    Attributes:
        threads, more_threads: the thread counts compared.
        width: the crossover; its interval are the neighbouring measured widths that bracket it. A value only where more
            threads surely lose at the lower and surely win at the upper end, or "beyond the sweep" as the reason.
    """

    threads: int
    more_threads: int
    width: Estimate


@dataclass(frozen=True, slots=True)
class DepthCost:
    """T_serial / T_wide at one width and thread count, from paired blocks: what the dependence between steps costs."""

    width: int
    threads: int
    ratio: Estimate


@dataclass(frozen=True, slots=True)
class DeclaredWork:
    """Declared work, depth and their ratio (average parallelism, Brent 1974) of one run(D) at the widest point.

    Attributes:
        width: lanes.
        work: operations of one run(D).
        depth: operations on the longest dependent chain of one run(D).
    """

    width: int
    work: float
    depth: float

    @property
    def ratio(self) -> float:
        """Work per unit of depth."""
        return self.work / self.depth


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence, and what stands behind it.

    Attributes:
        sentence: the answer with numbers and intervals, in words.
        grade: evidence: "A" clock swept, "B" counters or a partial sweep, "C" model or stand-in.
        grade_reason: why that grade.
        hatch: the known way round this implementation's chain, empty where none is known.
        next_step: what to do next, one sentence.
    """

    sentence: str
    grade: Grade
    grade_reason: str
    hatch: str
    next_step: str

    def __repr__(self) -> str:
        return f"<Verdict {self}>"

    def __str__(self) -> str:
        """The sentence with its grade."""
        return f"{self.sentence} (evidence {self.grade}: {self.grade_reason})"

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        return in_notebook("verdict", self)


@dataclass(frozen=True, slots=True)
class FamilyAnalysis:
    """Everything that a run says about one family.

    `fit` is None where there is none, `refusal` then says why in a sentence. `counted` is empty where the hardware's
    counters could not be read. `device` is None where no step was dissected; where it is there, it tells where the
    time of a step goes: there are no `attributions`, and the fit has no knees.
    """

    family: Family
    description: Description
    depth: int
    points: tuple[PointSummary, ...]
    fit: Fit | None
    refusal: str
    attributions: tuple[Attribution, ...]
    tradeoffs: tuple[Tradeoff, ...]
    crossovers: tuple[Crossover, ...]
    depth_costs: tuple[DepthCost, ...]
    declared: DeclaredWork | None
    verdict: Verdict
    frontier: Frontier = field(default_factory=Frontier)
    contradictions: tuple[Contradiction, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    counted: tuple[Counting, ...] = ()
    stand_ins: StandIns = field(default_factory=StandIns)
    device: DeviceAnalysis | None = None
    limit_shares: tuple[LimitShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """A run's analysis: one entry per family, in the order of the plan."""

    families: tuple[FamilyAnalysis, ...]
