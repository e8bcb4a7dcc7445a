# SPDX-License-Identifier: Apache-2.0
"""Tables of what was found: fits, knees, attributions, trade-offs, shares of limits, verdicts, and what is not told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serialprof.model.limitshares import LIMITS
from serialprof.tables.frames import FAMILY, cells, frame, of_family, three

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from serialprof.estimate import Estimate
    from serialprof.model import Analysis
    from serialprof.model.answers import Part
    from serialprof.model.results import FamilyAnalysis


def fits(analysis: Analysis) -> pd.DataFrame:
    """One row per family."""
    columns = (
        *FAMILY, "form", "residual", "units", *three("latency_seconds"), *three("compute_seconds"),
        *three("memory_multiple"), "refusal",
    )  # fmt: skip
    return frame(map(_fit, analysis.families), columns)


def _fit(family: FamilyAnalysis) -> dict[str, Any]:
    row: dict[str, Any] = {**_family(family), "refusal": family.refusal}
    if (fit := family.fit) is None:
        return row
    row |= {"form": fit.form, "residual": fit.residual.get(fit.form), "units": fit.units}
    estimates = {"latency_seconds": fit.latency, "compute_seconds": fit.compute, "memory_multiple": fit.memory}
    for name, estimate in estimates.items():
        row |= cells(name, estimate)
    return row


def knees(analysis: Analysis) -> pd.DataFrame:
    """One row per family and thread count."""
    rows = (
        {**_family(family), "threads": threads, **cells("width", knee), "reason": knee.reason}
        for family in analysis.families
        for threads, knee in _knees(family)
    )
    return frame(rows, (*FAMILY, "threads", *three("width"), "reason"))


def _knees(family: FamilyAnalysis) -> Iterable[tuple[int, Estimate]]:
    """By thread count; of steps on a device, the one over batch."""
    if family.device is not None:
        return ((family.device.threads, family.device.sweep.knee),)
    return family.fit.knees.items() if family.fit is not None else ()


def attributions(analysis: Analysis) -> pd.DataFrame:
    """One row per family, operating point and cause."""
    rows = (
        {
            **_family(family), "width": width, "threads": threads, "cause": part.cause, "finer": finer,
            **cells("seconds", part.seconds), **cells("share", part.share), "reason": part.share.reason,
        }
        for family in analysis.families
        for width, threads, part, finer in _parts(family)
    )  # fmt: skip
    columns = (*FAMILY, "width", "threads", "cause", "finer", *three("seconds"), *three("share"), "reason")
    return frame(rows, columns)


def _parts(family: FamilyAnalysis) -> Iterator[tuple[int, int, Part, bool]]:
    """(width, threads, part, whether it is part of another one); of steps on a device, the parts measured there."""
    for item in family.attributions:
        yield from ((item.width, item.threads, part, False) for part in item.parts)
        yield from ((item.width, item.threads, part, True) for part in item.finer)
    if (device := family.device) is not None:
        yield from ((step.width, device.threads, part, False) for step in device.steps for part in step.parts)


def tradeoffs(analysis: Analysis) -> pd.DataFrame:
    """One row per family and width."""
    names = ("clock", "cores", "clock_gain", "cores_gain", "busy")
    rows = []
    for family in analysis.families:
        for item in family.tradeoffs:
            row: dict[str, Any] = {**_family(family), "width": item.width, "threads": item.threads}
            row |= {"more_threads": item.more_threads, "winner": item.winner, "futile": item.futile}
            for name in names:
                row |= cells(name, getattr(item, name))
            rows.append(row)
    estimates = [column for name in names for column in three(name)]
    return frame(rows, (*FAMILY, "width", "threads", "more_threads", *estimates, "winner", "futile"))


def limit_shares(analysis: Analysis) -> pd.DataFrame:
    """One row per family and operating point of the serial form that declares work; a floor per limit in seconds."""
    rows = (
        {
            **_family(family), "width": item.width, "threads": item.threads, "limit": item.binding,
            **cells("share", item.share), **{f"{floor.limit}_seconds": floor.seconds for floor in item.floors},
        }
        for family in analysis.families
        for item in family.limit_shares
    )  # fmt: skip
    floors = tuple(f"{limit}_seconds" for limit in LIMITS)
    return frame(rows, (*FAMILY, "width", "threads", "limit", *three("share"), *floors))


def verdicts(analysis: Analysis) -> pd.DataFrame:
    """One row per family."""
    names = ("sentence", "grade", "grade_reason", "hatch", "next_step")
    rows = (_family(family) | {name: getattr(family.verdict, name) for name in names} for family in analysis.families)
    return frame(rows, (*FAMILY, *names))


def refusals(analysis: Analysis) -> pd.DataFrame:
    """One row per family and quantity."""
    names = ("what", "reason", "remedy", "points")
    rows = (
        _family(family) | {name: getattr(refusal, name) for name in names}
        for family in analysis.families
        for refusal in family.refusals
    )
    return frame(rows, (*FAMILY, *names))


def _family(family: FamilyAnalysis) -> dict[str, str]:
    return of_family(family.description.name, family.family)
