# SPDX-License-Identifier: Apache-2.0
"""What was measured and found of one family, as tables of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serialprof.model.results import CAUSES, SERIAL, UNATTRIBUTED
from serialprof.units import format_count, format_percent, format_seconds, format_si
from serialprof_reports import devices, limitshares, standins, wording
from serialprof_reports.pageparts import Facts, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from serialprof.estimate import Estimate
    from serialprof.model.results import Attribution, FamilyAnalysis, Fit, PointSummary, Tradeoff


def points(family: FamilyAnalysis) -> Table:
    """Every point: what was measured, on how much, and what became of it."""
    columns = (
        wording.axis(family), "threads", "form", "time per step", "95 % interval", "lanes per second", "blocks",
        "samples", "disturbed", "cycles", "of its limit", "which limit", "status",
    )  # fmt: skip
    rows = tuple(_point_row(family, item) for item in family.points)
    return Table(f"All {len(rows)} points", columns, rows, ends_in_words=True)


def tradeoffs(family: FamilyAnalysis) -> Table:
    """Clock against cores, width by width."""
    columns = (
        wording.axis(family), "threads", "step time before", "after", "gain by cores", "gain by +10 % clock",
        "serial share", "unattributed", "gains more",
    )  # fmt: skip
    rows = tuple(_tradeoff_row(family, item) for item in family.tradeoffs)
    return Table("Clock against cores, width by width", columns, rows, ends_in_words=True)


def attributions(family: FamilyAnalysis) -> tuple[Table, ...]:
    """Where a step's time goes: the fit's shares, or the parts measured on a device and what would help there."""
    if family.device is not None:
        return tuple(Table(*parts, ends_in_words=parts[0] != devices.PARTS) for parts in devices.tables(family))
    if not family.attributions:
        return ()
    columns = (wording.axis(family), "threads", "time per step", *CAUSES)
    return (Table("Shares of a step", columns, tuple(map(_share_row, family.attributions))),)


def stand_ins(family: FamilyAnalysis) -> tuple[Table, ...]:
    """Stand-ins for another clock, of what there is."""
    found = standins.tables(family.stand_ins, wording.axis(family))
    return tuple(Table(*parts, ends_in_words=True) for parts in found)


def fit(found: Fit | None) -> Facts:
    """The fit's form and parameters; empty where there is no fit."""
    return () if found is None else tuple(_fit(found))


def _fit(found: Fit) -> Iterator[tuple[str, str]]:
    residuals = ", ".join(f"{form} {format_percent(residual, 1)}" for form, residual in found.residual.items())
    yield "form", f"{found.form} (relative residuals: {residuals})"
    yield "serial latency", _told(found.latency, format_seconds, "per step")
    yield "width compute", _told(found.compute, format_seconds, "per declared operation")
    yield "width memory", _told(found.memory, wording.times, "the ladder's time beyond L2")
    for count, estimate in found.synchronisation.items():
        yield f"synchronisation, {count} threads", _told(estimate, format_seconds, "per step")
    yield "blocks", str(found.units)


def _told(estimate: Estimate, form: Callable[[float], str], what: str) -> str:
    """A number of the fit with what it is of, or why there is none."""
    if estimate.value is None and estimate.low is None and estimate.high is None:
        return f"unknown: {estimate.reason}"
    return f"{wording.with_interval(estimate, form)} {what}"


def _tradeoff_row(family: FamilyAnalysis, item: Tradeoff) -> tuple[str, ...]:
    before, after = (wording.step_of(family, item.width, count) for count in (item.threads, item.more_threads))
    there = wording.attribution_of(family, item.width, item.threads)
    return (
        format_count(item.width),
        f"{item.threads} to {item.more_threads}",
        wording.compact_step(before),
        wording.compact_step(after),
        wording.compact_percent(item.cores_gain, "+"),
        wording.compact_percent(item.clock_gain, "+"),
        _share(there, SERIAL),
        _share(there, UNATTRIBUTED),
        wording.winner(item),
    )


def _share(there: Attribution | None, cause: str) -> str:
    return wording.MISSING if there is None else wording.compact_percent(there.part(cause).share)


def _share_row(item: Attribution) -> tuple[str, ...]:
    place = (format_count(item.width), str(item.threads), wording.compact_step(item.step))
    return *place, *(wording.compact_percent(part.share) for part in item.parts)


def _point_row(family: FamilyAnalysis, item: PointSummary) -> tuple[str, ...]:
    setting, step = item.point.setting, item.step.value
    there = limitshares.of_point(family, item.point)
    return (
        format_count(setting.width),
        str(setting.threads),
        setting.form,
        wording.MISSING if step is None else format_seconds(step),
        _ends(item.step),
        format_si(setting.width / step, "") if step else wording.MISSING,
        str(item.units),
        str(item.samples),
        str(item.disturbed),
        wording.MISSING if item.cycles.value is None else format_si(item.cycles.value, ""),
        wording.MISSING if there is None else limitshares.percent(there),
        wording.MISSING if there is None else limitshares.NAMES[there.binding],
        _status(item),
    )


def _status(item: PointSummary) -> str:
    """What became of a point, in words."""
    if item.failed:
        return f"failed: {item.failed}"
    if item.ended:
        return f"ended: {item.ended}"
    if item.step.value is None:
        return item.step.reason
    return devices.remarks([item]) or "ok"


def _ends(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return wording.MISSING
    return f"{format_seconds(estimate.low)} to {format_seconds(estimate.high)}"
