# SPDX-License-Identifier: Apache-2.0
"""What a change of the machine may do to each kind of term of the step-time model.

Execution, L1 and L2 take core cycles; what lies beyond L2 takes nanoseconds that stay when the core clock moves. Where
it is not known which of the two a term is made of, it may follow either; where several clocks were measured, the fit
has told.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final

from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.family import BARRIER, LATENCY, LOADS, SERIAL_LOADS, TRAFFIC, Term
from serialprof.model.fitting.memory import Memory
from serialprof.question import Change

NO_CLOCK: Final = "model-based: only one clock was measured"
TWO_CLOCKS: Final = "runs at two clocks"
MORE_CLOCKS: Final = "clocks farther apart"
LADDERS: Final = "declared work (work=... of the workload) and the machine's limits in full"
MORE_BLOCKS: Final = "a longer --budget"
DECLARED_LOADS: Final = "declared serial_loads"
DISPATCH: Final = "a native form of the workload"


@dataclass(frozen=True, slots=True)
class Factors:
    """What the seconds of a term may be multiplied by.

    Attributes:
        least, most: the ends.
        reason: why they differ, empty where they do not.
        remedy: what would tell.
    """

    least: float
    most: float
    reason: str = ""
    remedy: str = ""

    @classmethod
    def of(cls, possible: AbstractSet[float], reason: str = "", remedy: str = "") -> Factors:
        """The ends of what is possible, with the reason where there is more than one."""
        least, most = min(possible), max(possible)
        return cls(least, most, reason, remedy) if most > least else cls(least, most)


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which a change may act on seconds: a product of powers of its factors.

    Attributes:
        clock, barrier, dispatch, memory_latency, bandwidth: exponents of the factors of a `Change`.
        times: a constant before them.
    """

    clock: int = 0
    barrier: int = 0
    dispatch: int = 0
    memory_latency: int = 0
    bandwidth: int = 0
    times: float = 1.0

    def under(self, change: Change) -> float:
        """What it multiplies seconds by."""
        return float(
            self.times
            * change.clock**self.clock
            * change.barrier**self.barrier
            * change.dispatch**self.dispatch
            * change.memory_latency**self.memory_latency
            * change.bandwidth**self.bandwidth
        )


@dataclass(frozen=True, slots=True)
class Effects:
    """Every way in which a change may act on seconds.

    Attributes:
        ways: at least one.
        reason: why it is not known which, where they differ.
        remedy: what would tell.
    """

    ways: frozenset[Way]
    reason: str = ""
    remedy: str = ""

    def under(self, change: Change) -> Factors:
        """What a change comes to."""
        return Factors.of({way.under(change) for way in self.ways}, self.reason, self.remedy)


_CLOCK: Final = Way(clock=-1)
_LOAD: Final = Way(memory_latency=1)
_TRAFFIC: Final = Way(bandwidth=-1)
_BEYOND_L2: Final = frozenset({_LOAD, _TRAFFIC})
_BARRIER: Final = frozenset({Way(barrier=1), Way(barrier=1, clock=-1)})
_DISPATCH: Final = frozenset({Way(dispatch=1), Way(dispatch=1, clock=-1)})


def factors(term: Term, cell: Cell, memory: Memory, mode: str, change: Change) -> Factors:
    """What a change may do to a term at an operating point.

    Args:
        term: of the model.
        cell: the operating point.
        memory: the machine's ladders, which know whether the footprint fits L2.
        mode: how steps are executed; only "native" is known to launch nothing.
        change: of the machine.
    """
    return effects(term, cell, memory, mode).under(change)


def effects(term: Term, cell: Cell, memory: Memory, mode: str) -> Effects:
    """The ways in which any change may act on a term at an operating point; the arguments are those of `factors`."""
    found = _untold(term.kind, cell, memory, mode)
    if term.scales is None:
        return found
    if not term.scales:
        return replace(found, ways=_without(found.ways, "clock"))
    # What takes core cycles waits for nothing beyond L2.
    cycles = _without(found.ways, "clock", "memory_latency", "bandwidth")
    return replace(found, ways=frozenset(replace(way, clock=-1) for way in cycles))


def _without(ways: AbstractSet[Way], *names: str) -> frozenset[Way]:
    """The ways, none of which some properties act in."""
    nothing: dict[str, Any] = dict.fromkeys(names, 0)
    return frozenset(replace(way, **nothing) for way in ways)


def _untold(kind: str, cell: Cell, memory: Memory, mode: str) -> Effects:
    """The same for a term of which nobody knows whether it follows the clock."""
    if kind in (SERIAL_LOADS, LOADS):
        return Effects(frozenset({_LOAD}))
    if kind == TRAFFIC:
        return Effects(frozenset({_TRAFFIC}))
    if kind == BARRIER:
        return Effects(_BARRIER, "how much of a barrier follows the clock is not known", TWO_CLOCKS)
    if kind == LATENCY:
        return _chain(cell, memory, mode)
    unknown = memory.unknown(cell)
    return Effects(frozenset({_CLOCK}) | (_BEYOND_L2 if unknown else frozenset()), unknown, LADDERS)


def remainder(cell: Cell, memory: Memory, mode: str, change: Change) -> Factors:
    """What a change may do to the seconds that the model leaves unattributed; the arguments are those of `factors`."""
    return remaining(cell, memory, mode).under(change)


def remaining(cell: Cell, memory: Memory, mode: str) -> Effects:
    """The ways in which any change may act on what the model leaves unattributed: all that can act there, or nothing.

    One thread waits at no barrier, native steps are not dispatched, and what fits L2 needs nothing beyond it.
    """
    possible = frozenset({Way(), _CLOCK})
    if cell.threads > 1:
        possible |= _BARRIER
    if mode != "native":
        possible |= _DISPATCH
    if not memory.fits(cell):
        possible |= _BEYOND_L2
    return Effects(possible, "a part of the step is unattributed", TWO_CLOCKS)


def on_threads(remedy: str, threads: int, usable: int | None) -> str:
    """A remedy that runs so many threads; where the machine cannot run them at once, one that can.

    Args:
        remedy: what to run.
        threads: that it takes.
        usable: threads that the machine runs at once, None where that is not known.
    """
    return remedy if usable is None or threads <= usable else f"a machine with {threads} cores"


def _chain(cell: Cell, memory: Memory, mode: str) -> Effects:
    """The latency of the chain: cycles, unless it may wait for memory or hold the dispatch."""
    possible, reasons, remedies = frozenset({_CLOCK}), [], []
    if mode != "native":
        possible |= _DISPATCH
        reasons.append("dispatch is not measured apart from the serial chain")
        remedies.append(DISPATCH)
    declared = cell.work is not None and cell.work.serial_loads > 0 and not memory.unknown(cell)
    if not memory.fits(cell) and not declared:
        possible |= {_LOAD}
        reasons.append("the chain may wait for memory: its footprint lies beyond L2 or is not declared")
        remedies.append(DECLARED_LOADS)
    return Effects(possible, "; ".join(reasons), " and ".join(remedies))
