# SPDX-License-Identifier: Apache-2.0
"""Many runs or gates of a main branch as series over time: one per benchmark and machine, and where each changed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean, variance
from typing import Final, Literal, TypeAlias

from serialprof.estimate import Estimate
from serialprof.gating.changepoints import MINIMUM, MOST, Found, change_points
from serialprof.gating.historyreading import Reading
from serialprof.gating.judging import holm, p_at_most
from serialprof.gating.records import LOOKS
from serialprof.intervals import two_sided

#: What a series consists of: seconds per step of stored runs; ratios of gates that all had the same base; or the
#: product of the ratios of gates, each of which had the head of the one before as its base.
Kind: TypeAlias = Literal["step", "ratio", "chain"]

_LEVEL: Final = 0.95
#: Chance that a chain in which nothing changed by more than its tolerance shows a change.
_CHAIN_ERROR: Final = 0.05


@dataclass(frozen=True, slots=True)
class Moment:
    """One value of a series.

    Attributes:
        label: the commit of the head, or the file.
        started: seconds since the epoch.
        value: seconds per step, or a ratio of times.
    """

    label: str
    started: float
    value: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a series without a change: indices of its first and last value, and their geometric mean.

    The level's interval is a t interval over its values, where there are five; that of a chain has none.
    """

    first: int
    last: int
    level: Estimate


@dataclass(frozen=True, slots=True)
class Change:
    """Where a series changed: index of the first value after it, and time after over time before."""

    place: int
    ratio: Estimate


@dataclass(frozen=True, slots=True)
class Series:
    """A benchmark on one machine over time.

    Attributes:
        name: of the benchmark, with its setting where it comes from stored runs.
        machine: on which all of it was measured.
        kind: what its values are.
        moments: its values.
        stretches: its parts between changes; one where there are none.
        changes: between the stretches.
        p_value: of "nothing changed", None where that was not asked.
        refusal: why no change was looked for, empty where one was.
        whole: of a chain, time after its last gate over time before its first; else None.
        notes: that people should read.
    """

    name: str
    machine: str
    kind: Kind
    moments: tuple[Moment, ...]
    stretches: tuple[Stretch, ...]
    changes: tuple[Change, ...] = ()
    p_value: float | None = None
    refusal: str = ""
    whole: Estimate | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """All series of some files.

    Attributes:
        series: in the order in which benchmarks and machines first appear.
        files: how many were read.
        ordered: whether they stand as they were given instead of by time.
        command: the words that make it again.
    """

    series: tuple[Series, ...]
    files: int
    ordered: bool
    command: tuple[str, ...] = ()


def history(files: Iterable[Sequence[Reading]], *, ordered: bool = False, command: tuple[str, ...] = ()) -> History:
    """The series of what stands in files.

    Args:
        files: what was read of each.
        ordered: whether they are in their order already, as commits are; else they are put by time.
        command: the words that make it again.

    Raises:
        UsageError: ruptures is not installed.
    """
    given = list(files)
    if not ordered:
        given.sort(key=lambda readings: readings[0].started if readings else 0.0)
    groups: dict[tuple[str, str, bool], list[Reading]] = defaultdict(list)
    for reading in (reading for readings in given for reading in readings):
        groups[reading.name, reading.machine, reading.is_gate].append(reading)
    series = tuple(
        _of_gates(name, machine, readings) if is_gate else _of_runs(name, machine, readings)
        for (name, machine, is_gate), readings in groups.items()
    )
    return History(series, len(given), ordered, command)


def _of_runs(name: str, machine: str, readings: Sequence[Reading]) -> Series:
    return _level_series(name, machine, "step", readings, ())


def _of_gates(name: str, machine: str, readings: Sequence[Reading]) -> Series:
    """Gates with one base are a series of ratios, others a chain."""
    kept, notes = _without_repeats(readings)
    bases = {reading.base for reading in kept}
    if len(kept) > 1 and len(bases) == 1 and "" not in bases:
        return _level_series(name, machine, "ratio", kept, notes)
    return _chain(name, machine, kept, notes)


def _without_repeats(readings: Sequence[Reading]) -> tuple[list[Reading], tuple[str, ...]]:
    """Of gates of the same two commits the last one alone: a link of a chain must not count twice."""
    last = {(reading.base, reading.head): reading for reading in readings if reading.base and reading.head}
    kept = [reading for reading in readings if last.get((reading.base, reading.head), reading) is reading]
    dropped = len(readings) - len(kept)
    return kept, (f"of gates of the same two commits the last one counts: {dropped} left out",) if dropped else ()


def _level_series(name: str, machine: str, kind: Kind, readings: Sequence[Reading], notes: tuple[str, ...]) -> Series:
    """A series whose values lie around levels."""
    if len(readings) > MOST:
        notes = (*notes, f"the last {MOST} of {len(readings)} values are looked at")
        readings = readings[-MOST:]
    logs = [math.log(reading.value) for reading in readings]
    refusal = "" if len(logs) >= MINIMUM else f"{_values(len(logs))}, and from {MINIMUM} on a change can be told"
    found = Found((), 1.0, 0.0) if refusal else change_points(logs)
    ends = (0, *found.places, len(logs))
    parts = [logs[first:end] for first, end in pairwise(ends)]
    return Series(
        name,
        machine,
        kind,
        tuple(Moment(reading.label, reading.started, reading.value) for reading in readings),
        tuple(Stretch(first, end - 1, _level(logs[first:end], kind)) for first, end in pairwise(ends)),
        tuple(
            Change(place, _exp_sum([after, [-value for value in before]]))
            for place, (before, after) in zip(found.places, pairwise(parts), strict=True)
        ),
        None if refusal else found.p_value,
        refusal,
        notes=notes,
    )


def _chain(name: str, machine: str, readings: Sequence[Reading], notes: tuple[str, ...]) -> Series:
    """The product of ratios. A link is a change where its own pairs say so, for what is multiplied wanders."""
    levels = [1.0, *accumulate((reading.value for reading in readings), lambda level, ratio: level * ratio)]
    first = readings[0]
    moments = [Moment(first.base or f"before {first.label}", first.started, 1.0)]
    moments += [
        Moment(reading.label, reading.started, level) for reading, level in zip(readings, levels[1:], strict=True)
    ]
    p_values = [_link_p_value(reading) for reading in readings]
    places = [index + 1 for index, rejected in enumerate(holm(p_values, _CHAIN_ERROR)) if rejected]
    ends = (0, *places, len(moments))
    return Series(
        name,
        machine,
        "chain",
        tuple(moments),
        tuple(
            Stretch(start, end - 1, Estimate(math.exp(fmean(map(math.log, levels[start:end])))))
            for start, end in pairwise(ends)
        ),
        tuple(Change(place, _exp_sum([readings[place - 1].logs])) for place in places),
        min(1.0, len(p_values) * min(p_values)),
        whole=_exp_sum([reading.logs for reading in readings]),
        notes=(*notes, *_gaps(readings)),
    )


def _link_p_value(reading: Reading) -> float:
    """Of "slower or faster by no more than the tolerance"; corrected for both sides and for the gate's looks."""
    limit = math.log1p(reading.tolerance)
    sides = (reading.logs, [-log for log in reading.logs])
    return min(1.0, 2 * len(LOOKS) * min(p_at_most(logs, limit) for logs in sides))


def _gaps(readings: Sequence[Reading]) -> tuple[str, ...]:
    """That links of a chain are missing: what changed there is not in it."""
    gaps = [
        f"{before.head} and {after.base}"
        for before, after in pairwise(readings)
        if before.head and after.base and before.head != after.base
    ]
    if not gaps:
        return ()
    return (
        f"no gate links {' nor '.join(gaps[:3])}{' nor more' if len(gaps) > 3 else ''}: changes there are not seen",
    )


def _level(logs: Sequence[float], kind: Kind) -> Estimate:
    """The geometric mean with its interval."""
    unit = "s" if kind == "step" else "1"
    if len(logs) < 2:
        return Estimate(math.exp(fmean(logs)), unit=unit, reason="one value has no interval")
    return _exp_sum([logs]).scaled(1.0, unit)


def _exp_sum(groups: Sequence[Sequence[float]]) -> Estimate:
    """The exponential of the sum of the groups' means, with a t interval of 95 % (Welch 1947).

    It is a mean of one group, a ratio of two, a product of several.

    Args:
        groups: of logs, two in each at least.
    """
    total = math.fsum(map(fmean, groups))
    parts = [(variance(group) / len(group), len(group) - 1) for group in groups]
    square = math.fsum(part for part, _ in parts)
    if square == 0:
        return Estimate(math.exp(total), reason="all values are equal")
    freedom = square**2 / math.fsum(part**2 / degrees for part, degrees in parts)
    half = two_sided(freedom, _LEVEL) * math.sqrt(square)
    return Estimate(math.exp(total), math.exp(total - half), math.exp(total + half))


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"
