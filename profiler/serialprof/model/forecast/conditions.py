# SPDX-License-Identifier: Apache-2.0
"""What a change of the machine may do to each kind of term of the step-time model.

Execution, L1 and L2 take core cycles; what lies beyond L2 takes nanoseconds that stay when the core clock moves. Where
it is not known which of the two a term is made of, it may follow either; where several clocks were measured, the fit
has told.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

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


def factors(term: Term, cell: Cell, memory: Memory, mode: str, change: Change) -> Factors:
    """What a change may do to a term at an operating point.

    Args:
        term: of the model.
        cell: the operating point.
        memory: the machine's ladders, which know whether the footprint fits L2.
        mode: how steps are executed; only "native" is known to launch nothing.
        change: of the machine.
    """
    if term.scales is None:
        return _untold(term.kind, cell, memory, mode, change)
    if not term.scales:
        return _untold(term.kind, cell, memory, mode, replace(change, clock=1.0))
    # What takes core cycles waits for nothing beyond L2.
    cycles = replace(change, clock=1.0, memory_latency=1.0, bandwidth=1.0)
    found = _untold(term.kind, cell, memory, mode, cycles)
    return replace(found, least=found.least / change.clock, most=found.most / change.clock)


def _untold(kind: str, cell: Cell, memory: Memory, mode: str, change: Change) -> Factors:
    """The same for a term of which nobody knows whether it follows the clock."""
    clock, beyond = 1 / change.clock, {change.memory_latency, 1 / change.bandwidth}
    if kind in (SERIAL_LOADS, LOADS):
        return Factors.of({change.memory_latency})
    if kind == TRAFFIC:
        return Factors.of({1 / change.bandwidth})
    if kind == BARRIER:
        reason = "how much of a barrier follows the clock is not known"
        return Factors.of({change.barrier, change.barrier * clock}, reason, TWO_CLOCKS)
    if kind == LATENCY:
        return _chain(cell, memory, mode, change)
    unknown = memory.unknown(cell)
    return Factors.of({clock} | (beyond if unknown else set()), unknown, LADDERS)


def remainder(cell: Cell, memory: Memory, mode: str, change: Change) -> Factors:
    """What a change may do to the seconds that the model leaves unattributed: anything that can act there, or nothing.

    One thread waits at no barrier, native steps are not dispatched, and what fits L2 needs nothing beyond it.
    """
    clock = 1 / change.clock
    possible = {1.0, clock}
    if cell.threads > 1:
        possible |= {change.barrier, change.barrier * clock}
    if mode != "native":
        possible |= {change.dispatch, change.dispatch * clock}
    if not memory.fits(cell):
        possible |= {change.memory_latency, 1 / change.bandwidth}
    return Factors.of(possible, "a part of the step is unattributed", TWO_CLOCKS)


def on_threads(remedy: str, threads: int, usable: int | None) -> str:
    """A remedy that runs so many threads; where the machine cannot run them at once, one that can.

    Args:
        remedy: what to run.
        threads: that it takes.
        usable: threads that the machine runs at once, None where that is not known.
    """
    return remedy if usable is None or threads <= usable else f"a machine with {threads} cores"


def _chain(cell: Cell, memory: Memory, mode: str, change: Change) -> Factors:
    """The latency of the chain: cycles, unless it may wait for memory or hold the dispatch."""
    clock = 1 / change.clock
    possible, reasons, remedies = {clock}, [], []
    if mode != "native":
        possible |= {change.dispatch, change.dispatch * clock}
        reasons.append("dispatch is not measured apart from the serial chain")
        remedies.append(DISPATCH)
    declared = cell.work is not None and cell.work.serial_loads > 0 and not memory.unknown(cell)
    if not memory.fits(cell) and not declared:
        possible.add(change.memory_latency)
        reasons.append("the chain may wait for memory: its footprint lies beyond L2 or is not declared")
        remedies.append(DECLARED_LOADS)
    return Factors.of(possible, "; ".join(reasons), " and ".join(remedies))
