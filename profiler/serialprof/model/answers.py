# SPDX-License-Identifier: Apache-2.0
"""What an analysis says beyond its parts, as plain records: frontier, contradictions, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from serialprof.estimate import Estimate

Goal: TypeAlias = Literal["latency", "throughput", "price", "power"]


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
