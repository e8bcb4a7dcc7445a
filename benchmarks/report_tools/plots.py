# SPDX-License-Identifier: Apache-2.0
"""The numbers of the page's figures as plain series, for a page of the same plots by another library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model import Analysis, FamilyAnalysis
from serialprof.model.latency import seconds_of
from serialprof.model.results import CAUSES, PointSummary
from serialprof.store import StoredRun
from serialprof.view import load

#: {title, bars, logx, logy, series}, or where both are False linear axes; of lines or of stacked bars.
Figure: TypeAlias = dict[str, Any]
#: {name, x, y, low, high}: the ends of intervals are as long as y, or empty.
Series: TypeAlias = dict[str, Any]

#: Shares at which the curve of a tail is drawn; the page has as many.
_SHARES = [float(share) for share in (*np.linspace(0, 0.9, 46), *(1 - np.geomspace(0.1, 1e-5, 60)))]


def figures(store: Path) -> list[Figure]:
    """The series of every figure of a run's page, in its order, by the run's analysis."""
    run = load(store)
    families = run.analysis.families
    found = [_map(run.analysis)]
    for section in (_speed_ups, _widths, _shares, _elasticities):
        found += [section(family) for family in families]
    found += [_tails(run.stored, family) for family in families]
    return [*found, _over_time(run.stored)]


def _figure(title: str, series: Sequence[Series], logx: bool = False, logy: bool = False, bars: bool = False) -> Figure:
    return {"title": title, "bars": bars, "logx": logx, "logy": logy, "series": list(series)}


def _series(name: str, x: Sequence[Any], estimates: Sequence[Estimate]) -> Series:
    ends = [[getattr(item, end) for item in estimates] for end in ("value", "low", "high")]
    return {"name": name, "x": list(x), "y": ends[0], "low": ends[1], "high": ends[2]}


def _line(name: str, x: Sequence[float], y: Sequence[float | None]) -> Series:
    return {"name": name, "x": list(x), "y": list(y), "low": [], "high": []}


def _map(analysis: Analysis) -> Figure:
    """Every width of the serial form on its fastest threads."""
    series = []
    for family in analysis.families:
        rates: dict[float, float] = {}
        for item in family.points:
            if item.point.work is not None and item.point.setting.form == "serial" and item.step.value:
                flops = item.point.work.flops.at(item.point.setting.width)
                ratio = flops / item.point.work.serial_ops
                rates[ratio] = max(rates.get(ratio, 0.0), flops / item.step.value)
        series.append(_line(family.description.name, sorted(rates), [rates[ratio] for ratio in sorted(rates)]))
    return _figure("Work per unit of depth against operations per second", series, logx=True, logy=True)


def _lines(family: FamilyAnalysis) -> Iterator[tuple[str, int, list[PointSummary]]]:
    """The measured points of a form and a thread count, ascending in width."""
    keys = sorted({(item.point.setting.form, item.point.setting.threads) for item in family.points})
    for form, threads in keys:
        items = [
            item
            for item in family.points
            if (item.point.setting.form, item.point.setting.threads) == (form, threads) and item.step.value
        ]
        yield form, threads, sorted(items, key=lambda item: item.point.setting.width)


def _speed_ups(family: FamilyAnalysis) -> Figure:
    steps = {
        (item.point.setting.width, threads): item.step.value
        for form, threads, items in _lines(family)
        for item in items
        if form == "serial"
    }
    counts = sorted({threads for _, threads in steps})
    series = [
        _line(
            f"{width}", counts, [_ratio(steps.get((width, counts[0])), steps.get((width, count))) for count in counts]
        )
        for width in sorted({width for width, _ in steps})
    ]
    return _figure(f"Speed-up by more threads, {family.description.name}", series)


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above and below else None


def _widths(family: FamilyAnalysis) -> Figure:
    series = [
        _series(f"{form}, {threads}", [item.point.setting.width for item in items], [item.step for item in items])
        for form, threads, items in _lines(family)
    ]
    curves = family.fit.curves if family.fit is not None else ()
    series += [_series(f"fit, {curve.threads}", curve.widths, curve.steps) for curve in curves]
    return _figure(f"Time per step, {family.description.name}", series, logx=True, logy=True)


def _shares(family: FamilyAnalysis) -> Figure:
    places = [f"{item.width} on {item.threads}" for item in family.attributions]
    series = [
        _series(cause, places, [item.part(cause).seconds for item in family.attributions])
        for cause in (CAUSES if places else ())
    ]
    return _figure(f"Where the time of a step goes, {family.description.name}", series, bars=True)


def _elasticities(family: FamilyAnalysis) -> Figure:
    cores = [item.cores.value for item in family.tradeoffs]
    series = [_series("widths", cores, [item.clock for item in family.tradeoffs])]
    return _figure(f"Elasticity of clock and of cores, {family.description.name}", series)


def _tails(run: StoredRun, family: FamilyAnalysis) -> Figure:
    """Of the fewest threads: the first, the middle and the last width."""
    items = next(items for form, _, items in _lines(family) if form == "serial")
    series = []
    for item in (items[0], items[len(items) // 2], items[-1]):
        ticks = [visit.readings.ticks for visit in run.visits if visit.point == item.point.id and visit.readings.ticks]
        steps = np.concatenate([seconds_of(each) for each in ticks]) if ticks else np.array([item.step.value])
        curve = np.quantile(steps / np.median(steps), _SHARES)
        series.append(_line(f"{item.point.setting.width}", [float(ratio) for ratio in curve], _SHARES))
    return _figure(f"Times of single steps, {family.description.name}", series)


def _over_time(run: StoredRun) -> Figure:
    clocks = [(visit.started, visit.clock) for visit in run.visits if visit.clock is not None]
    return _figure("Clock over the run", [_line("core clock", *zip(*clocks, strict=True))] if clocks else [])
