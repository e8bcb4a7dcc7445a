# SPDX-License-Identifier: Apache-2.0
"""Declared, counted, measured and fitted accounts of the same steps, and where they contradict each other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.intervals import midmean
from serialprof.limits import Limits
from serialprof.model.answers import Contradiction
from serialprof.model.busy import TICK, busy
from serialprof.model.latency import seconds_of
from serialprof.model.results import COMPUTE, MEMORY, SERIAL, Attribution, PointSummary
from serialprof.model.statistics import log_interval
from serialprof.model.steptimes import FamilyTimes
from serialprof.model.traffic import Overdrawn, overdrawn
from serialprof.planning import Point
from serialprof.records import StoredRun, Visit
from serialprof.units import format_bytes, format_percent, format_seconds, format_si

#: By how much a floor must exceed a time: the clock wanders by a tenth between the limits and the run.
_WANDER: Final = 1.1
#: Threads' worth of CPU time that accounting and the work between samples may move.
_ACCOUNTING: Final = 0.1
#: Share of a step below which a chain that the fit does not show is no contradiction.
_NEGLIGIBLE: Final = 0.02

#: Element types that do no more operations a second than the fp32 peak.
_WIDE_TYPES: Final = frozenset({"fp32", "fp64", "float32", "float64"})

_DECLARATION: Final = "check what the workload declares"


@dataclass(frozen=True, slots=True)
class _Finding:
    """A contradiction at one point: by how many times the two accounts differ, and what it means there."""

    excess: float
    what: str
    sentence: str
    remedy: str
    certain: bool = True


def contradictions(
    run: StoredRun, times: FamilyTimes, attributions: Sequence[Attribution]
) -> tuple[Contradiction, ...]:
    """What cannot be true together in a family, each kind once: at the operating point where it is worst.

    The limits and CPU times are the host's, and the ticks of asynchronous steps are times of enqueueing: nothing here
    is said of steps on a CUDA device.

    Args:
        run: with the limits and the visits.
        times: of the family.
        attributions: of its fit, empty where there is none.
    """
    known = {(item.width, item.threads): item for item in attributions}
    visits: dict[int, list[Visit]] = defaultdict(list)
    for visit in run.visits:
        if visit.status == "ok":
            visits[visit.point].append(visit)
    found: dict[str, list[tuple[_Finding, Point]]] = defaultdict(list)
    for point, summary in zip(times.points, times.summaries, strict=True):
        setting = point.setting
        if setting.form != "serial" or setting.clock != times.reference or summary.step.value is None:
            continue
        if setting.on_cuda:
            continue
        attribution = known.get((setting.width, setting.threads))
        here = visits[point.id]
        for finding in (
            *_floors(point, summary, attribution, run.limits),
            *_bytes(overdrawn(run, point, summary.step)),
            *_threads(point, here, attribution),
            *_depth(summary, here),
        ):
            found[finding.what].append((finding, point))
    return tuple(_worst(items) for items in found.values())


def _worst(items: Sequence[tuple[_Finding, Point]]) -> Contradiction:
    finding, point = max(items, key=lambda item: (item[0].certain, item[0].excess))
    setting = point.setting
    threads = "1 thread" if setting.threads == 1 else f"{setting.threads} threads"
    elsewhere = f", and likewise at {len(items) - 1} other point{'s' if len(items) > 2 else ''}" if items[1:] else ""
    sentence = f"At W = {setting.width} on {threads} {finding.sentence}{elsewhere}."
    return Contradiction(finding.what, setting.width, setting.threads, sentence, finding.remedy, finding.certain)


def _floors(point: Point, summary: PointSummary, attribution: Attribution | None, limits: Limits) -> Iterator[_Finding]:
    """Declared work that this machine cannot do in the time that was measured, or that the fit attributes to it."""
    work, threads = point.work, point.setting.threads
    step = summary.step.value if summary.step.high is None else summary.step.high
    if work is None or step is None:
        return
    if add := limits.chains.get("add"):
        yield from _chain(work.serial_ops, add, step, attribution)
    if limits.fma:
        yield from _operations(point, max(limits.fma.values()) * threads, step)


def _bytes(found: Overdrawn | None) -> Iterator[_Finding]:
    """Declared bytes against the ladder: certain only above what even the nearest cache was seen to move."""
    if found is None:
        return
    if found.certain:
        above = f"{format_si(found.fastest, 'B/s')} that this machine moves at best"
        verdict = "the declaration cannot be right, and the shares of width memory are not to be trusted"
    else:
        above = f"{format_si(found.bandwidth, 'B/s')} that this machine moves at that footprint"
        verdict = "right only where part of it stays in a nearer cache"
    yield _Finding(
        found.rate / found.bandwidth,
        "bytes",
        f"a step declares {format_bytes(found.traffic)}, which in its {format_seconds(found.seconds)} would be "
        f"{format_si(found.rate, 'B/s')}, above the {above}: {verdict}",
        _DECLARATION,
        found.certain,
    )


def _operations(point: Point, peak: float, step: float) -> Iterator[_Finding]:
    """Declared operations against the peak of fp32, which wider types do not reach and narrower ones may exceed."""
    operations = 0.0 if point.work is None else point.work.flops.at(point.setting.width)
    if operations <= _WANDER * peak * step:
        return
    dtype = str(point.setting.parameters.get("dtype", point.setting.dtype))
    certain = dtype in _WIDE_TYPES
    verdict = (
        "the declaration cannot be right, and the shares of the width work are not to be trusted"
        if certain
        else f"right only for types narrower than fp32, as {dtype} may be"
    )
    yield _Finding(
        operations / (peak * step),
        "operations",
        f"a step declares {format_si(operations, 'operations')}, which in its {format_seconds(step)} would be "
        f"{format_si(operations / step, 'FLOP/s')}, above this machine's fp32 peak of {format_si(peak, 'FLOP/s')}: "
        f"{verdict}",
        _DECLARATION,
        certain,
    )


def _chain(operations: float, each: float, step: float, attribution: Attribution | None) -> Iterator[_Finding]:
    """The chain against the step, and against the serial part that the fit leaves it."""
    floor = operations * each
    told = f"a step declares a chain of {operations:g} operations, which takes {format_seconds(floor)} at least"
    if floor > _WANDER * step:
        sentence = f"{told}, and yet the whole step took {format_seconds(step)}: the declaration cannot be right"
        yield _Finding(floor / step, "chain", sentence, _DECLARATION)
        return
    serial = None if attribution is None else attribution.part(SERIAL).seconds
    if serial is None or serial.high is None or "hidden" in serial.reason:
        return
    if floor <= _WANDER * serial.high or floor - serial.high <= _NEGLIGIBLE * step:
        return
    left = f"at most {format_seconds(serial.high)}" if serial.high > 1e-12 else "nothing"
    sentence = f"{told}, but the fit leaves {left} to the serial part"
    yield _Finding(floor / max(serial.high, floor * 1e-6), "chain", sentence, f"{_DECLARATION}, or measure more widths")


def _threads(point: Point, visits: Sequence[Visit], attribution: Attribution | None) -> Iterator[_Finding]:
    """Threads that were busy, by CPU time over wall time, against those asked for and what the fit spreads."""
    threads = point.setting.threads
    least, most = busy(visits), busy(visits, TICK * (threads - 1))
    if least.low is None or most.high is None:
        return
    if least.low > threads + _ACCOUNTING:
        yield _Finding(
            least.low / threads,
            "threads",
            f"at least {least.low:.1f} threads were busy though the step was given {threads}: it starts threads of its "
            "own, so nothing that is said about thread counts holds",
            "bind the workload to setting.threads threads",
        )
    lanes = 1.0 if point.work is None else point.work.lanes.at(point.setting.width)  # undeclared, it need not spread
    spread = (
        0.0 if attribution is None else sum(attribution.part(cause).share.low or 0.0 for cause in (COMPUTE, MEMORY))
    )
    wanted = 1 + (max(1.0, min(threads, lanes)) - 1) * min(1.0, spread)
    if most.high < wanted - _ACCOUNTING:
        split = (
            f"the fit spreads {format_percent(spread)} of the step over {threads} threads"
            if wanted > 1
            else "it is one chain"
        )
        yield _Finding(
            wanted / max(most.high, 1e-3),
            "threads",
            f"at most {most.high:.2f} threads were busy where {wanted:.2f} are expected ({split}): for the rest of the "
            "time the step sleeps or waits, which neither clock nor cores shorten",
            "look for sleeping, locks, or input and output within the step",
        )


def _depth(summary: PointSummary, visits: Sequence[Visit]) -> Iterator[_Finding]:
    """The time of a step by its samples against that of the steps that were timed one by one."""
    step = summary.step.value

    def ratios(visit: Visit) -> list[float]:
        ticks = visit.readings.ticks
        sound = visit.sound.seconds
        single = seconds_of(ticks) if ticks is not None and sound else np.empty(0)
        if not single.size:
            return []
        depth = summary.point.setting.depth * visit.runs
        return [math.log(midmean([seconds / depth for seconds in sound]) / float(single.mean()))]

    counted = _per_unit(visits, ratios)
    if step is None or counted.low is None or counted.value is None or counted.low <= _WANDER:
        return
    depth = summary.point.setting.depth
    yield _Finding(
        counted.low,
        "depth",
        f"run({depth}) takes as long as {counted.value * depth:.4g} of the steps that were timed one by one: what it "
        "does besides (a start, a reset) is in its step time, and counts as serial",
        "a larger --depth, or a cheaper reset of the state",
    )


def _per_unit(visits: Sequence[Visit], values: Callable[[Visit], list[float]]) -> Estimate:
    """A ratio of visits from its logarithms: the midmean in every block, with the t interval over blocks."""
    units: dict[int, list[float]] = defaultdict(list)
    for visit in visits:
        units[visit.block] += [value for value in values(visit) if math.isfinite(value)]
    return log_interval(np.array([midmean(found) for found in units.values() if found]))
