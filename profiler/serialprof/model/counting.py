# SPDX-License-Identifier: Apache-2.0
"""The share of a step that scales with the clock by the hardware's counters, beside what the fit says of it.

On one thread a step is cycles in which the core does something, which follow the clock, and cycles in which it waits
for what lies beyond L2, which take nanoseconds whatever the clock is: so 1 - stalls / cycles scales (the stall-based
model of Keramidas, Spiliopoulos and Kaxiras 2010, "Interval-based models for run-time DVFS orchestration in superscalar
processors"). It is no exact share. What is done while a load is outstanding counts as scaling, though a faster core
would only wait longer there; so do waits for stores and for instructions. A core that waits for something of its own
while a load is outstanding counts as stalled, and so does one whose outer caches follow its clock.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.intervals import midmean
from serialprof.machine.stalls import counts_beyond
from serialprof.model.answers import Contradiction, Counting, Sensitivity
from serialprof.model.statistics import Array, interval, log_interval
from serialprof.model.steptimes import FamilyTimes
from serialprof.planning import Point
from serialprof.records import StoredRun, Visit
from serialprof.samples import Sample, Samples
from serialprof.setting import PROCESS_MODE

#: How far the two may lie apart, ends of intervals to ends, before they contradict each other: neither is exact.
_APART: Final = 0.1

_EXACT: Final = "by hardware counters; work beside an outstanding load counts as scaling, any wait beside one as not"
_BOUND: Final = "a lower bound: this machine's event counts waits for near caches or execution units as stalls, too"


def count(run: StoredRun, times: FamilyTimes, sensitivities: Sequence[Sensitivity]) -> tuple[Counting, ...]:
    """What was counted at the points of the serial form on one thread, ascending in width.

    Several threads wait for each other in ways that their counts do not tell; a program's counts hold its start-up.

    Args:
        run: with the visits.
        times: of the family.
        sensitivities: of its fit, empty where there is none.
    """
    if times.family.mode == PROCESS_MODE:
        return ()
    fitted = {item.width: item.clock for item in sensitivities if item.threads == 1}
    visits: dict[int, list[Visit]] = defaultdict(list)
    for visit in run.visits:
        if visit.status == "ok":
            visits[visit.point].append(visit)
    found = (
        _counting(point, visits[point.id], fitted, beyond=counts_beyond(run.machine.stall_event))
        for point, summary in zip(times.points, times.summaries, strict=True)
        if not summary.failed and _compared(point, times)
    )
    return tuple(sorted((item for item in found if item is not None), key=lambda item: item.width))


def disagreements(counted: Sequence[Counting]) -> tuple[Contradiction, ...]:
    """Where counters and fit contradict each other, once: at the width where they do most."""
    gaps = [(gap, item) for item in counted if (gap := _gap(item.difference)) > _APART]
    if not gaps:
        return ()
    gap, worst = max(gaps, key=lambda pair: pair[0])
    more = len(gaps) - 1
    elsewhere = f", and likewise at {more} other width{'s' if more > 1 else ''}" if more else ""
    sentence = (
        f"At W = {worst.width} on 1 thread the hardware counters say that {_ends(worst.scaling)} of a step scale with "
        f"the clock, and the fit says {_ends(worst.fitted)}, {gap:.2f} away{elsewhere}."
    )
    remedy = "runs at two clocks tell which is right; check declared serial_loads, bytes and footprint"
    return (Contradiction("counters", worst.width, 1, sentence, remedy, certain=False),)


def standing(run: StoredRun, counted: Sequence[Counting]) -> tuple[bool, str]:
    """Whether counters confirm what the fit says of the clock, and a clause on them; empty where there are none.

    Args:
        run: the stored run.
        counted: of one family.
    """
    known = [item for item in counted if item.stalls.value is not None]
    if not known:
        read = any(cycles is not None for visit in run.visits for cycles in visit.samples.cycles[:1])
        return False, "hardware counters were read, but none of memory stalls on one thread" if read else ""
    compared = [item.difference for item in known if item.difference.bounded]
    if not counts_beyond(run.machine.stall_event):
        return False, "hardware counters give a lower bound of what scales with the clock"
    if not compared:
        return False, "hardware counters were read, but there is nothing to compare them with"
    away = max(map(_gap, compared))
    if away > _APART:
        return False, f"hardware counters contradict the model by {away:.2f} of a step"
    return True, f"hardware counters confirm the model at {len(compared)} width{'s' if len(compared) > 1 else ''}"


def _compared(point: Point, times: FamilyTimes) -> bool:
    setting = point.setting
    return (setting.form, setting.threads, setting.clock) == ("serial", 1, times.reference)


def _counting(
    point: Point, visits: Sequence[Visit], fitted: Mapping[int, Estimate], *, beyond: bool
) -> Counting | None:
    """The counts of one point, None where there are none."""
    depth, width = point.setting.depth, point.setting.width
    cycles = log_interval(_logs(visits, lambda visit, sound: _per_step(sound.cycles, visit.runs * depth)), "cycles")
    if cycles.value is None:
        return None
    instructions = _logs(visits, lambda visit, sound: _per_step(sound.instructions, visit.runs * depth))
    stalls = _per_unit(visits, lambda _, sound: map(_ratio, sound.stalls, sound.cycles))
    scaling = _scaling(_per_unit(visits, lambda _, sound: map(_scales, sound)), beyond=beyond)
    by_fit = fitted.get(width, Estimate.unknown("there is no fit", remedy="a run that can be fitted"))
    return Counting(
        width,
        cycles,
        log_interval(instructions, "instructions"),
        _within(interval(stalls)) if stalls.size else Estimate.unknown("no stalls were counted"),
        scaling,
        by_fit,
        _difference(scaling, by_fit),
    )


def _scales(sample: Sample) -> float | None:
    """Share of a sample that scales with the clock: of the cycles, and what was off the CPU does not."""
    stalled = _ratio(sample.stalls, sample.cycles)
    if stalled is None or not sample.seconds > 0:
        return None
    return max(0.0, 1.0 - stalled) * min(1.0, sample.cpu_seconds / sample.seconds)


def _scaling(units: Array, *, beyond: bool) -> Estimate:
    if not units.size:
        return Estimate.unknown("no stalls were counted")
    found = _within(interval(units))
    if beyond:
        return Estimate(found.value, found.low, found.high, level=found.level, reason=found.reason or _EXACT)
    return Estimate(None, found.low, 1.0, level=found.level, reason=_BOUND)


def _difference(first: Estimate, second: Estimate) -> Estimate:
    """The first less the second, end against end; a value where both have one."""
    value = None if first.value is None or second.value is None else first.value - second.value
    low = None if first.low is None or second.high is None else first.low - second.high
    high = None if first.high is None or second.low is None else first.high - second.low
    reason = "" if value is not None else first.reason if first.value is None else second.reason
    return Estimate(value, low, high, level=first.level, reason=reason)


def _gap(difference: Estimate) -> float:
    """By how much a difference surely leaves out 0; 0 where it does not."""
    return max(0.0, difference.low or 0.0, -(difference.high or 0.0))


def _per_unit(visits: Sequence[Visit], values: Callable[[Visit, Samples], Iterable[float | None]]) -> Array:
    """[unit], the midmean of the finite values of the sound samples."""
    units: dict[int, list[float]] = defaultdict(list)
    for visit in visits:
        found = [value for value in values(visit, visit.sound) if value is not None and math.isfinite(value)]
        if found:
            units[visit.block] += found
    return np.array([midmean(values) for values in units.values()], dtype=float)


def _logs(visits: Sequence[Visit], values: Callable[[Visit, Samples], Iterable[float | None]]) -> Array:
    """[unit], the logarithm of the midmean of the values, where that is positive."""
    found = _per_unit(visits, values)
    logs: Array = np.log(found[found > 0])
    return logs


def _per_step(counts: Sequence[float | None], steps: int) -> list[float | None]:
    """Counts of samples of so many steps, per step; None where nothing was counted."""
    return [count / steps if count else None for count in counts]


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole or whole < 0 else part / whole


def _within(share: Estimate) -> Estimate:
    """A share with its ends cut at 0 and 1."""
    value, low, high = (
        None if end is None else min(1.0, max(0.0, end)) for end in (share.value, share.low, share.high)
    )
    return Estimate(value, low, high, share.unit, share.level, share.reason, share.remedy)


def _ends(share: Estimate) -> str:
    low, high = share.low or 0.0, 1.0 if share.high is None else share.high
    return f"{low:.2f} to {high:.2f}"
