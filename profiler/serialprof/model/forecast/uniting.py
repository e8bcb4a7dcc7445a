# SPDX-License-Identifier: Apache-2.0
"""Estimates put together: what holds whatever the case, what an estimate says of its inverse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from serialprof.estimate import Estimate

#: Cases, or forms, that differ by less than this share of the step agree.
AGREEMENT: Final = 0.01


def united(cases: Sequence[Estimate], within: float, reason: str, remedy: str) -> Estimate:
    """What holds in every case: the union of the intervals, and a value where it hardly depends on the case.

    Args:
        cases: estimates of the same quantity, at least one.
        within: how far their values may lie apart; below 0 there is no value at all.
        reason: why the cases differ, said where there is no value.
        remedy: what would tell which case it is.
    """
    values = [case.value for case in cases if case.value is not None]
    known = len(values) == len(cases) and max(values) - min(values) <= within
    return replace(
        cases[0],
        value=(min(values) + max(values)) / 2 if known else None,
        low=_end(cases, "low"),
        high=_end(cases, "high"),
        reason=joined([*(case.reason for case in cases), "" if known else reason]),
        remedy=joined([*(case.remedy for case in cases), "" if known else remedy], " and "),
    )


def inverse(estimate: Estimate) -> Estimate:
    """1 / estimate; an end at or below zero leaves its inverse unbounded."""
    value, low, high = (
        None if end is None or end <= 0 else 1 / end for end in (estimate.value, estimate.high, estimate.low)
    )
    return replace(estimate, value=value, low=low, high=high)


def clipped(estimate: Estimate, whole: Estimate, least: float | None, most: float | None) -> Estimate:
    """The estimate cut to what lies between the least and the most share of a whole.

    Args:
        estimate: in the unit of the whole; ends that it lacks stay missing.
        whole: what it is a share of.
        least: share, None where nothing bounds it.
        most: likewise.
    """
    low, high = _times(whole.low, least), _times(whole.high, most)
    ends = [None if end is None else _between(end, low, high) for end in (estimate.low, estimate.high)]
    value = estimate.value
    if value is not None:  # between its own ends, and where the whole has none, by its value
        value = _between(value, low or _times(whole.value, least), high or _times(whole.value, most))
        value = _between(value, *ends)
    return replace(estimate, value=value, low=ends[0], high=ends[1])


def portion(whole: Estimate, share: Estimate, like: Estimate) -> Estimate:
    """A share of a whole, its ends of theirs, with the reason and remedy of another estimate of it."""
    value, low, high = (
        None if first is None or second is None else first * second
        for first, second in (
            (whole.value, share.value),
            (whole.low, share.low),
            (whole.high, share.high),
        )
    )
    return replace(like, value=value, low=low, high=high)


def filled(estimate: Estimate, low: float, high: float) -> Estimate:
    """The estimate without a value, with these ends where it has none."""
    return replace(
        estimate,
        value=None,
        low=low if estimate.low is None else estimate.low,
        high=high if estimate.high is None else estimate.high,
    )


def joined(clauses: Iterable[str], between: str = "; ") -> str:
    """Clauses in order, each once, without empty ones."""
    return between.join(dict.fromkeys(clause for clause in clauses if clause))


def _times(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first * second


def _between(number: float, low: float | None, high: float | None) -> float:
    number = number if low is None else max(low, number)
    return number if high is None else min(high, number)


def _end(cases: Sequence[Estimate], name: str) -> float | None:
    """The outermost end over the cases, None where one of them has none."""
    ends: list[float | None] = [getattr(case, name) for case in cases]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return None
    return min(known) if name == "low" else max(known)
