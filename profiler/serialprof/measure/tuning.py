# SPDX-License-Identifier: Apache-2.0
"""The clock that a point asks for: put in force before it is measured, and what was measured beside what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Protocol

from serialprof.planning import Plan, Point
from serialprof.policyclock import Clock, PolicyClock


class Clocks(Protocol):
    """What sets clocks (`clock.control.ClockControl`, or a fake one in tests)."""

    def set(self, clock: Clock) -> tuple[PolicyClock, ...]: ...  # noqa: D102


class Tuner:
    """Sets the clock of the point that comes next, where another one is in force.

    Args:
        plan: whose clocks.
        clocks: who sets them; None where the plan has none.

    Raises:
        ValueError: the plan has clocks, and there is nobody who sets them.
    """

    def __init__(self, plan: Plan, clocks: Clocks | None) -> None:
        if plan.clocks and clocks is None:
            raise ValueError("the plan has clocks, and nobody sets them")
        self._clocks = clocks
        self._by_hertz = {float(clock.hertz): clock for clock in plan.clocks}
        self._in_force: float | None = None
        self._pinned: tuple[PolicyClock, ...] = ()

    def tune(self, point: Point) -> tuple[PolicyClock, ...]:
        """Makes a point's clock the one in force: what became of it, policy by policy; empty where it asks for none.

        Raises:
            CannotMeasureError: the kernel refuses.
        """
        hertz = point.setting.clock
        if hertz is None or self._clocks is None:
            return ()
        if hertz != self._in_force:
            self._in_force = None  # where setting fails, nobody knows what is in force
            self._pinned = self._clocks.set(self._by_hertz[hertz])
            self._in_force = hertz
        return self._pinned


def with_measured(
    pinned: Sequence[PolicyClock], cpus: Sequence[int], clocks: Sequence[float | None]
) -> tuple[PolicyClock, ...]:
    """What became of a clock, with what the meter read: the median over the CPUs that a policy rules.

    Args:
        pinned: by policy, not measured yet.
        cpus: of the point, rank by rank.
        clocks: hertz of each, None where the reading was disturbed; may be shorter.
    """

    def of(policy: PolicyClock) -> float | None:
        known = [clock for cpu, clock in zip(cpus, clocks, strict=False) if clock is not None and cpu in policy.cpus]
        return median(known) if known else None

    return tuple(replace(policy, measured=of(policy)) for policy in pinned)
