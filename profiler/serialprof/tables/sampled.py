# SPDX-License-Identifier: Apache-2.0
"""Tables of what was measured: samples, visits, points, their tails and failures."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from serialprof.samples import Sample
from serialprof.tables.frames import POINT, cells, frame, of_family, of_setting, three, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from serialprof.model import Analysis
    from serialprof.model.results import FamilyAnalysis, PointSummary
    from serialprof.records import StoredRun, Visit

_VISIT: Final = ("block", "turn", "process")
_CLOCKS: Final = ("clock_requested_hertz", "clock_read_back_hertz", "clock_measured_hertz")
#: Attributes of a sample whose columns tell the unit.
_RENAMED: Final = {"clock_before": "clock_before_hertz", "clock_after": "clock_after_hertz"}
_SAMPLE: Final = tuple(_RENAMED.get(field.name, field.name) for field in fields(Sample))
_QUANTILES: Final = ("p50", "p95", "p99")


def samples(run: StoredRun) -> pd.DataFrame:
    """One row per sample."""
    import pandas as pd

    columns: dict[str, list[Any]] = {name: [] for name in (*POINT, *_VISIT, _CLOCKS[0], *_SAMPLE, "step_seconds")}
    where = _points(run)
    for visit in run.visits:
        setting, taken = run.point(visit.point).setting, visit.samples
        shared = {**where[visit.point], **_of_stay(visit), _CLOCKS[0]: setting.clock}
        for name, value in shared.items():
            columns[name] += [value] * len(taken)
        for name, column in zip(_SAMPLE, taken.columns, strict=True):
            columns[name] += column
        steps = visit.runs * setting.depth
        columns["step_seconds"] += [seconds / steps for seconds in taken.seconds]
    return typed(pd.DataFrame(columns))


def visits(run: StoredRun) -> pd.DataFrame:
    """One row per visit."""
    columns = (
        *POINT, *_VISIT, "status", "reason", "started_seconds", "runs", "samples", "disturbed", "warmup_seconds",
        "steady", "steal_seconds", "temperature_celsius", "throttles", "clock_hertz",
    )  # fmt: skip
    where = _points(run)
    return frame(
        (
            where[visit.point]
            | _of_stay(visit)
            | {
                "status": visit.status,
                "reason": visit.reason,
                "started_seconds": visit.started,
                "runs": visit.runs,
                "samples": len(visit.samples),
                "disturbed": len(visit.samples) - len(visit.sound),
                "warmup_seconds": visit.readings.warmup_seconds,
                "steady": visit.readings.steady,
                "steal_seconds": visit.readings.steal,
                "temperature_celsius": visit.readings.temperature,
                "throttles": visit.readings.throttles,
                "clock_hertz": visit.clock,
            }
            for visit in run.visits
        ),
        columns,
    )


def points(run: StoredRun, analysis: Analysis) -> pd.DataFrame:
    """One row per point."""
    from serialprof.model.reached import clock_of

    made: dict[int, list[Visit]] = defaultdict(list)
    for visit in run.visits:
        made[visit.point].append(visit)
    columns = (
        *POINT, *three("step_seconds"), "units", "samples", "disturbed", "failed", "ended", "startup_seconds",
        *(f"{name}_seconds" for name in _QUANTILES), "longest_seconds", *_CLOCKS,
    )  # fmt: skip
    return frame(
        (
            _of_summary(family, summary)
            | cells("step_seconds", summary.step)
            | {
                "units": summary.units,
                "samples": summary.samples,
                "disturbed": summary.disturbed,
                "failed": summary.failed,
                "ended": summary.ended,
                "startup_seconds": None if summary.startup is None else summary.startup.value,
                **_latency(summary),
                **dict(zip(_CLOCKS, clock_of(summary.point.setting.cpus, made[summary.point.id]), strict=True)),
            }
            for family, summary in _summaries(analysis)
        ),
        columns,
    )


def _latency(summary: PointSummary) -> dict[str, float | None]:
    """Quantiles of single steps, None where they were not told apart."""
    latency = summary.latency
    if latency is None:
        return {}
    found: dict[str, float | None] = {f"{name}_seconds": getattr(latency, name).value for name in _QUANTILES}
    return found | {"longest_seconds": latency.worst}


def tails(analysis: Analysis) -> pd.DataFrame:
    """One row per point whose single steps were told apart."""
    quantiles = [column for name in _QUANTILES for column in three(f"{name}_seconds")]
    rows = []
    for family, summary in _summaries(analysis):
        if (latency := summary.latency) is not None:
            row = _of_summary(family, summary) | {"steps": latency.steps, "longest_seconds": latency.worst}
            for name in _QUANTILES:
                row |= cells(f"{name}_seconds", getattr(latency, name))
            rows.append(row)
    return frame(rows, (*POINT, "steps", *quantiles, "longest_seconds"))


def failures(analysis: Analysis) -> pd.DataFrame:
    """One row per failed point."""
    rows = (
        _of_summary(family, summary) | {"reason": summary.failed}
        for family, summary in _summaries(analysis)
        if summary.failed
    )
    return frame(rows, (*POINT, "reason"))


def _summaries(analysis: Analysis) -> Iterator[tuple[FamilyAnalysis, PointSummary]]:
    return ((family, summary) for family in analysis.families for summary in family.points)


def _of_summary(family: FamilyAnalysis, summary: PointSummary) -> dict[str, Any]:
    return of_family(family.description.name, family.family) | of_setting(summary.point.setting)


def _points(run: StoredRun) -> dict[int, dict[str, Any]]:
    """By id, which point a row is about."""
    named = {item.reference: item.name for item in run.plan.descriptions}
    return {
        point.id: of_family(named.get(point.workload, point.workload), point.family) | of_setting(point.setting)
        for point in run.plan.points
    }


def _of_stay(visit: Visit) -> dict[str, Any]:
    return {"block": visit.block, "turn": visit.turn, "process": visit.process}
