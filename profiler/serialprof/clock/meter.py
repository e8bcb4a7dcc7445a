# SPDX-License-Identifier: Apache-2.0
"""The clock meter: the core's frequency from a chain of instructions whose cycles are known.

A dependent 64-bit multiply takes 3 cycles and a dependent add 1 on today's x86 cores, so the ratio of the two says
whether the chains ran as they should, and seconds per multiply give the clock. It needs no privilege and works in
virtual machines, where the kernel's own figure is a constant.

Interrupts, cold caches and what a hypervisor steals lengthen a chain without showing in its CPU time; nothing ever
shortens one. So where both are known, the chain that gives the higher clock is the one that counts.
"""

from __future__ import annotations

import platform
import resource
import time
from dataclasses import dataclass
from typing import Final

from serialprof import _native

OPS: Final = 24_576
"""Operations per chain: about 98,000 cycles for both chains, 28 us at 3.5 GHz."""

SETTLE: Final = 1e-3
"""Seconds in which CPUs are kept busy before their clocks are read together, so that these have come to rest."""

WALL_OVER_CPU_LIMIT: Final = 1.01
CYCLES_PER_MULTIPLY: Final = 3.0
RATIO_TOLERANCE: Final = 0.25
#: By how much the shorter chain must be faster to count where both are known: it is the less precise one.
LEAD: Final = 0.01
#: Where a multiply takes 3 cycles or more, so that 3 cycles per multiply never exceed the clock.
X86: Final = platform.machine().lower() in ("x86_64", "amd64")


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the clock meter, of the CPU that the calling thread is on.

    Attributes:
        hertz: the core's clock, or None where the reading was disturbed.
        ratio: time of a dependent multiply over that of a dependent add; 3 on an undisturbed x86 core.
        wall_over_cpu: wall time over CPU time of the reading; above 1 where something else had the CPU meanwhile.
        involuntary: involuntary context switches during the reading, or None where the system does not count them.
    """

    hertz: float | None
    ratio: float
    wall_over_cpu: float
    involuntary: int | None

    @property
    def trusted(self) -> bool:
        """Whether the reading was undisturbed."""
        return self.hertz is not None


def read_clock(ops: int = OPS) -> Reading:
    """Reads the clock of the CPU that the calling thread runs on, in 20-50 us.

    Args:
        ops: operations per chain.

    Raises:
        ValueError: `ops` is out of range.
    """
    time.thread_time()  # the kernel notices here that a time slice is over, so a switch that is due comes first
    before = _involuntary_switches()
    add, multiply, wall_over_cpu = _native.read_meter(ops)
    after = _involuntary_switches()
    switches = None if before is None or after is None else after - before
    return interpret(add, multiply, wall_over_cpu, switches)


def read_clocks(team: _native.Team, settle: float = SETTLE, ops: int = OPS) -> tuple[Reading, ...]:
    """Reads the clocks of all CPUs of a team at once, rank by rank, while each of them is busy.

    A core's clock depends on what the others do, and comes to rest a while after they have begun.

    Args:
        team: its rank 0 is the calling thread, which has to be on its CPU.
        settle: seconds in which all are kept busy first.
        ops: operations per chain.

    Raises:
        ValueError: `ops` or `settle` is out of range.
    """
    return tuple(interpret(*row) for row in _native.read_meters(team, ops, settle))


def interpret(
    add: float, multiply: float, wall_over_cpu: float, involuntary: int | None, *, x86: bool = X86
) -> Reading:
    """Turns seconds per add and per multiply into a reading; pure.

    On x86 a multiply takes 3 cycles and an add 1: the multiplies give the clock, being the longer chain and the more
    precise, unless they were held up, so that the adds give a higher one. Elsewhere the multiplies give it where one
    takes about three adds, else the adds at 1 cycle.
    """
    ratio = multiply / add if add > 0.0 else 0.0
    disturbed = wall_over_cpu > WALL_OVER_CPU_LIMIT or bool(involuntary) or ratio <= 0.0
    if disturbed:
        return Reading(None, ratio, wall_over_cpu, involuntary)
    if x86:
        multiplies = ratio <= CYCLES_PER_MULTIPLY * (1.0 + LEAD)
    else:
        multiplies = abs(ratio - CYCLES_PER_MULTIPLY) <= RATIO_TOLERANCE
    return Reading(CYCLES_PER_MULTIPLY / multiply if multiplies else 1.0 / add, ratio, wall_over_cpu, involuntary)


def _involuntary_switches() -> int | None:
    """Involuntary context switches of the calling thread so far, None where they are counted per process only."""
    thread = getattr(resource, "RUSAGE_THREAD", None)
    return None if thread is None else resource.getrusage(thread).ru_nivcsw
