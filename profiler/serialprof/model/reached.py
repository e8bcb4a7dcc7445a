# SPDX-License-Identifier: Apache-2.0
"""Which clocks a run reached: what was requested, what the kernel read back, and what the clock meter measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from serialprof.policyclock import PolicyClock
from serialprof.store import StoredRun, Visit
from serialprof.units import format_percent

#: Share by which a measured clock may lie off the request before the point is flagged.
TOLERANCE: Final = 0.03
NOT_MEASURED: Final = "the meter gave no reading"


@dataclass(frozen=True, slots=True)
class ReachedClock:
    """What became of one point's clock in one policy. Frequencies are in Hz.

    Attributes:
        point: its id.
        policy: name of the policy.
        cpus: that it rules.
        requested: what was asked for.
        read_back: what the kernel said in all visits, None where it said nothing, or one thing and another.
        measured: median over visits of what the meter read on the point's CPUs in this policy, None without a reading.
        off: measured / requested - 1, None where not measured.
        flag: what is wrong with it, in words; empty where nothing is.
    """

    point: int
    policy: str
    cpus: tuple[int, ...]
    requested: float
    read_back: float | None
    measured: float | None
    off: float | None
    flag: str


@dataclass(frozen=True, slots=True)
class ClockRow:
    """One clock in the policies that answered it alike. Frequencies are in Hz.

    Attributes:
        requested: what was asked for.
        read_back: as in `ReachedClock`.
        policies: names.
        low, measured, high: least, median and greatest of what was measured over points, None where nothing was.
        points: that were measured.
        off: of these, those whose clock lies off the request by more than TOLERANCE.
        notes: what stood in the way, each once.
    """

    requested: float
    read_back: float | None
    policies: tuple[str, ...]
    low: float | None
    measured: float | None
    high: float | None
    points: int
    off: int
    notes: tuple[str, ...]


def reached(run: StoredRun) -> tuple[ReachedClock, ...]:
    """What became of every clock, by point and policy; empty where clocks were left alone."""
    found: dict[tuple[int, str], list[PolicyClock]] = defaultdict(list)
    for visit in run.visits:
        for each in visit.pinned:
            found[visit.point, each.policy].append(each)
    return tuple(
        _reached(point, found[point, policy], run.point(point).setting.cpus)
        for point, policy in sorted(found, key=_key)
    )


def clock_rows(clocks: Iterable[ReachedClock]) -> tuple[ClockRow, ...]:
    """The same clock by clock, ascending: policies and points that were answered alike in one row."""
    groups: dict[tuple[float, float], list[ReachedClock]] = defaultdict(list)
    for clock in clocks:
        groups[clock.requested, clock.read_back or 0.0].append(clock)
    return tuple(_row(groups[key]) for key in sorted(groups))


def clock_of(cpus: Sequence[int], visits: Iterable[Visit]) -> tuple[float | None, float | None, float | None]:
    """Requested, read back and measured clock in Hz of visits of one point; None each where clocks were left alone.

    Of the policies of the point's own CPUs: what all of them read back, and the median over all readings.
    """
    own = [each for visit in visits for each in visit.pinned if set(cpus) & set(each.cpus)]
    if not own:
        return None, None, None
    measured = [each.measured for each in own if each.measured is not None]
    return float(own[0].requested), _common(own), median(measured) if measured else None


def _key(key: tuple[int, str]) -> tuple[int, int, str]:
    point, policy = key
    return point, int("".join(filter(str.isdigit, policy)) or 0), policy


def _reached(point: int, each: Sequence[PolicyClock], cpus: Sequence[int]) -> ReachedClock:
    first = each[0]
    known = [visit.measured for visit in each if visit.measured is not None]
    measured = median(known) if known else None
    off = measured / first.requested - 1 if measured is not None and first.requested > 0 else None
    words = [visit.note for visit in each if visit.note]
    if off is not None and abs(off) > TOLERANCE:
        words.insert(0, f"measured {format_percent(abs(off), 1)} {'above' if off > 0 else 'below'} the request")
    if measured is None and set(cpus) & set(first.cpus):
        words.append(NOT_MEASURED)
    flag = "; ".join(dict.fromkeys(words))
    return ReachedClock(point, first.policy, first.cpus, float(first.requested), _common(each), measured, off, flag)


def _common(each: Sequence[PolicyClock]) -> float | None:
    values = {visit.read_back for visit in each}
    only = values.pop() if len(values) == 1 else None
    return None if only is None else float(only)


def _row(group: Sequence[ReachedClock]) -> ClockRow:
    known = [clock.measured for clock in group if clock.measured is not None]
    measured = {clock.point for clock in group if clock.measured is not None}
    off = {clock.point for clock in group if clock.off is not None and abs(clock.off) > TOLERANCE}
    notes = [note for clock in group for note in clock.flag.split("; ") if note and not note.startswith("measured ")]
    return ClockRow(
        requested=group[0].requested,
        read_back=group[0].read_back,
        policies=tuple(dict.fromkeys(clock.policy for clock in group)),
        low=min(known, default=None),
        measured=median(known) if known else None,
        high=max(known, default=None),
        points=len(measured),
        off=len(off),
        notes=tuple(dict.fromkeys(notes)),
    )
