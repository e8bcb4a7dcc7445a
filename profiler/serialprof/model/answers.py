# SPDX-License-Identifier: Apache-2.0
"""What an analysis says beyond its parts, as plain records: frontier, contradictions, refusals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from serialprof.estimate import Estimate

Goal: TypeAlias = Literal["latency", "throughput", "price", "power"]


@dataclass(frozen=True, slots=True)
class Part:
    """One cause's part of a step: seconds, and the share of the step."""

    cause: str
    seconds: Estimate
    share: Estimate

    @classmethod
    def nothing(cls, cause: str, reason: str) -> Part:
        """A part that is zero by definition, not by measurement."""
        zero = Estimate(0.0, 0.0, 0.0, reason=reason)
        return cls(cause, replace(zero, unit="s"), zero)

    @classmethod
    def unknown(cls, cause: str, reason: str, remedy: str = "") -> Part:
        """A part of which nothing is known."""
        return cls(cause, Estimate.unknown(reason, "s", remedy), Estimate.unknown(reason, "1", remedy))

    def because(self, reason: str) -> Part:
        """The part with one more reason."""
        seconds, share = (
            replace(each, reason="; ".join(filter(None, (each.reason, reason)))) for each in (self.seconds, self.share)
        )
        return replace(self, seconds=seconds, share=share)


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How the step time answers to clock and to threads at one operating point of the serial form.

    Attributes:
        width, threads: the operating point.
        clock: elasticity -dlnT/dlnf; a bracket without clock control.
        cores: elasticity -dlnT/dlnp by the fit, towards more threads.
        paired: -dlnT/dlnp as measured to the next thread count; unknown where there is none.
        equal: the fewest threads in all whose step is as short as that of +10 % clock on `threads`; `threads` itself
            where the clock may gain nothing.
        never: whether no number of threads that was looked at gains as much as +10 % clock: an answer, too; the lower
            end of `equal` is the most that was looked at.
        extrapolated: whether `equal` counts more threads than were measured.
        siblings: whether it counts hardware threads, of which several share a core of this machine.
    """

    width: int
    threads: int
    clock: Estimate
    cores: Estimate
    paired: Estimate
    equal: Estimate
    never: bool = False
    extrapolated: bool = False
    siblings: bool = False


@dataclass(frozen=True, slots=True)
class TieLine:
    """The width at which +10 % clock gains as much as more threads do.

    Attributes:
        threads, more_threads: the thread counts compared.
        width: a bracket: the last measured width at which the clock surely gains more, and the first at which the
            threads do; one-sided with the reason where one of them is missing.
    """

    threads: int
    more_threads: int
    width: Estimate


@dataclass(frozen=True, slots=True)
class BestSetting:
    """The measured operating point that serves a goal best.

    Attributes:
        goal: "latency" (the shortest step), "throughput" (lanes per second), "price" (lanes per unit of a price of an
            hour) or "power" (lanes per joule).
        width, threads: the best, or of those that the paired intervals do not tell from it the one with fewest threads.
        score: its step in seconds, or its lanes per second, unit of price, or joule.
        ties: (width, threads) of the others that are not told from the best, ascending in threads.
    """

    goal: Goal
    width: int
    threads: int
    score: Estimate
    ties: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Frontier:
    """Clock against threads over the whole (W, p) plane.

    Attributes:
        sensitivities: at every fitted operating point, ascending in threads, then width.
        ties: one line for every pair of adjacent thread counts.
        best: the best measured setting for each goal.
    """

    sensitivities: tuple[Sensitivity, ...] = ()
    ties: tuple[TieLine, ...] = ()
    best: tuple[BestSetting, ...] = ()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two accounts of the same steps that cannot both be right: what is declared, counted, measured or fitted.

    Attributes:
        what: "chain", "operations", "bytes", "threads", "depth" or "counters".
        width, threads: the operating point at which they differ most.
        sentence: what contradicts what, and what is not to be trusted.
        remedy: what to look at.
        certain: whether both cannot be right, whatever else holds.
    """

    what: str
    width: int
    threads: int
    sentence: str
    remedy: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Counting:
    """What the hardware's counters say of a step on one thread, beside what the fit says.

    Attributes:
        width: of the operating point.
        cycles, instructions: per step, in user mode.
        stalls: share of the cycles in which the core waited for memory.
        scaling: share of the step that scales with the clock, by the counters; where the event counts other waits as
            well, only its lower end is theirs.
        fitted: the same by the fit: -dlnT/dlnf; unknown where there is none.
        difference: scaling less fitted.
    """

    width: int
    cycles: Estimate
    instructions: Estimate
    stalls: Estimate
    scaling: Estimate
    fitted: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class InjectedDelay:
    """How a step answered to delays that its driving thread spun in every step.

    Attributes:
        label: what it is, in the words that every report uses.
        width, threads: the operating point.
        primary: whether it tells something: with several threads or a device. Where one thread does everything the
            slope is 1 by construction, and it is a check of the instrument.
        step: seconds per step without delay, in the same visits.
        slope: seconds that the step grows by per second of delay, beyond the slack.
        slack: seconds of delay per step that it bears without growing.
        waits: whether that thread surely has slack: its serial time is then not on the critical path.
        delays, steps: the mean curve, seconds.
        units: blocks behind the intervals.
        residual: relative root-mean-square residual of the curve, None where nothing was fitted.
    """

    label: str
    width: int
    threads: int
    primary: bool
    step: Estimate
    slope: Estimate
    slack: Estimate
    waits: bool
    delays: tuple[float, ...]
    steps: tuple[float, ...]
    units: int
    residual: float | None = None


@dataclass(frozen=True, slots=True)
class Dilation:
    """How a step answered when a real-time thief took a share of the time of the core that drives it.

    Attributes:
        label: what it is, in the words that every report uses, with the factor.
        width, threads: the operating point.
        factor: by how much longer everything on that core took.
        ratio: the step by that of the step as it is.
        sensitivity: d ln step / d ln factor: an upper bound of what the host core's speed decides, for waiting for
            memory is dilated with it.
        units: blocks behind the intervals.
    """

    label: str
    width: int
    threads: int
    factor: float
    ratio: Estimate
    sensitivity: Estimate
    units: int


@dataclass(frozen=True, slots=True)
class SerialBenefit:
    """What +10 % clock saves of a step through its serial part: a bracket, and what narrows it.

    Attributes:
        width, threads: the operating point.
        saved: share of the step, from 0 to serial share x (1 - f / f').
        narrowed: the same by the route that is primary for this loop; unknown, with the reason, where it tells nothing.
        route: "injected delay", "hardware counters" or "footprint model".
    """

    width: int
    threads: int
    saved: Estimate
    narrowed: Estimate
    route: str


@dataclass(frozen=True, slots=True)
class MissingStandIn:
    """An operating point that lacks a stand-in: the label of what is missing, where, and why."""

    label: str
    width: int
    threads: int
    reason: str


@dataclass(frozen=True, slots=True)
class StandIns:
    """What stands in for another clock where none was set."""

    delays: tuple[InjectedDelay, ...] = ()
    dilations: tuple[Dilation, ...] = ()
    benefits: tuple[SerialBenefit, ...] = ()
    missing: tuple[MissingStandIn, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the data do not tell.

    Attributes:
        what: the quantity.
        reason: why it is not identified.
        remedy: what would identify it, empty where nothing is known to.
        points: (width, threads) at which it is missing; empty where it is about the whole family.
    """

    what: str
    reason: str
    remedy: str
    points: tuple[tuple[int, int], ...] = ()
