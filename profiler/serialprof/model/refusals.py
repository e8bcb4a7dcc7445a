# SPDX-License-Identifier: Apache-2.0
"""What a family's data do not tell, why, and what would: every missing value, and what is missing as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.model.answers import Refusal
from serialprof.model.dissected import ON_DEVICE
from serialprof.model.evidence import MUCH_DISTURBED
from serialprof.model.fitting.curves import MINIMUM_VALUES, UNMOVED
from serialprof.model.forecast.conditions import MORE_BLOCKS
from serialprof.model.results import FamilyAnalysis, PointSummary
from serialprof.model.span import WIDEST, needed_ratio, non_scaling_share
from serialprof.model.statistics import quantile
from serialprof.model.sweep import distinct_clocks, reached_clocks
from serialprof.model.verdict import TOO_DISTURBED
from serialprof.units import format_bytes, format_percent

#: A barrier that was measured at grains so many times off the step's own says nothing of it.
_GRAIN: Final = 4.0

_Place = tuple[int, int]


def refusals(family: FamilyAnalysis, limits: Limits) -> tuple[Refusal, ...]:
    """The refusals of a family, those about the whole of it first; equal ones at several points are one."""
    found: dict[tuple[str, str, str], list[_Place]] = {}
    for what, estimate, *places in _estimates(family):
        if not estimate.identified:
            found.setdefault((what, estimate.reason, estimate.remedy), []).extend(places)
    return (
        *_whole(family, limits),
        *(Refusal(*key, tuple(dict.fromkeys(places))) for key, places in found.items()),
    )


def _estimates(family: FamilyAnalysis) -> Iterator[tuple[str, Estimate, *tuple[_Place, ...]]]:
    """Every estimate of a family that may lack a value, with what it is and where."""
    for summary in family.points:
        place = (summary.point.setting.width, summary.point.setting.threads)
        if summary.point.setting.form == "serial" and not summary.failed and not summary.ended:
            yield "step time", summary.step, place
    for item in family.attributions:
        place = (item.width, item.threads)
        for part in (*item.parts, *item.finer):
            yield f"share of {part.cause}", part.share, place
    for sensitivity in family.frontier.sensitivities:
        place = (sensitivity.width, sensitivity.threads)
        yield "clock elasticity", sensitivity.clock, place
        yield "thread elasticity", sensitivity.cores, place
        if not sensitivity.never:
            yield "threads that equal +10 % clock", sensitivity.equal, place
    yield from _turns(family)
    yield from _on_device(family)
    for cost in family.depth_costs:
        yield "depth cost", cost.ratio, (cost.width, cost.threads)


def _on_device(family: FamilyAnalysis) -> Iterator[tuple[str, Estimate, *tuple[_Place, ...]]]:
    """What of steps on a device may lack a value."""
    if (found := family.device) is None:
        return
    yield "knee over batch", found.sweep.knee
    for step in found.steps:
        for part in step.parts:
            yield f"share of {part.cause}", part.share, (step.width, found.threads)
        if step.apart and not step.as_sampled:
            yield "parts of the step as sampled", Estimate.unknown(step.apart), (step.width, found.threads)
    for move in found.moves:
        yield f"gain by {move.name}", move.gain, (move.width, found.threads)
    for gap in found.missing:
        yield "parts of a step on its device", Estimate.unknown(gap.reason), (gap.width, found.threads)


def _turns(family: FamilyAnalysis) -> Iterator[tuple[str, Estimate]]:
    """The widths at which something turns."""
    for threads, knee in (family.fit.knees if family.fit and family.device is None else {}).items():
        yield f"knee on {threads} thread{'s' if threads > 1 else ''}", knee
    for crossover in family.crossovers:
        yield f"crossover from {crossover.threads} to {crossover.more_threads} threads", crossover.width
    for tie in family.frontier.ties:
        if not tie.width.bounded:
            yield f"tie line from {tie.threads} to {tie.more_threads} threads", tie.width


def _whole(family: FamilyAnalysis, limits: Limits) -> Iterator[Refusal]:
    """What is missing as a whole."""
    if family.device is not None:
        yield Refusal("shares of a step and knee by the fit over widths", ON_DEVICE, "")
    if family.refusal:
        yield Refusal("step-time model", family.refusal, family.verdict.next_step)
    settings = [item.point.setting for item in family.points if item.units and item.point.setting.form == "serial"]
    if settings and not settings[0].on_cuda and len({setting.threads for setting in settings}) == 1:
        threads = settings[0].threads
        reason = "only one thread count was measured, so there is no gain by cores to compare"
        varied = any(item.point.setting.threads != threads for item in family.points)
        yield Refusal("clock against cores", reason, MORE_BLOCKS if varied else f"--threads {threads},{2 * threads}")
    if settings and len({setting.width for setting in settings}) == 1:
        yield Refusal("serial depth against width", "only one width was measured", f"{MINIMUM_VALUES} widths or more")
    yield from _disturbed(family.points)
    yield from _hygiene(family.points)
    yield from _grains(family, limits)
    yield from _clocks(family.points)


def disturbed_share(points: Sequence[PointSummary]) -> float:
    """Share of the samples that were disturbed and left out, 0 where there are none."""
    disturbed = sum(item.disturbed for item in points)
    return disturbed / (disturbed + sum(item.samples for item in points)) if disturbed else 0.0


def _disturbed(points: Sequence[PointSummary]) -> Iterator[Refusal]:
    share = disturbed_share(points)
    if share > MUCH_DISTURBED:
        what = "what gains more" if share > TOO_DISTURBED else "intervals at their full level"
        reason = (
            f"{format_percent(share)} of the samples were disturbed and left out; what is left may be no fair choice"
        )
        yield Refusal(what, reason, "a quieter machine: see serialprof doctor")


def _hygiene(points: Sequence[PointSummary]) -> Iterator[Refusal]:
    """Points whose device was held down, or whose steps keep memory: their times are true, but not those of a rest."""
    for reason in dict.fromkeys(reason for item in points for reason in item.held):
        places = tuple(_place(item) for item in points if reason in item.held)
        what = f"the device's clock was held down ({reason})"
        yield Refusal("unthrottled step time", what, "a cooler device, or one with more power", places)
    leaking = [item for item in points if item.leaked]
    if leaking:
        worst = max(item.leaked or 0.0 for item in leaking)
        what = f"every step keeps up to {format_bytes(worst)} of memory, so later steps may take longer"
        yield Refusal("steady steps", what, "free what a step allocates", tuple(map(_place, leaking)))


def _place(item: PointSummary) -> _Place:
    return item.point.setting.width, item.point.setting.threads


def _grains(family: FamilyAnalysis, limits: Limits) -> Iterator[Refusal]:
    """Serial against barrier where one and two threads alone cannot tell, and no barrier was measured at that grain."""
    threads = {item.threads for item in family.attributions}
    if not threads or not threads <= {1, 2} or max(threads) < 2 or not family.fit:
        return
    grains = [rung.grain for rung in limits.barriers if rung.threads == 2]
    assumed = any("measured barrier" in note for note in family.fit.notes)
    if not assumed or not grains:
        return
    places = []
    for item in family.points:
        setting, work = item.point.setting, item.point.work
        if setting.threads == 2 and setting.form == "serial" and item.step.value and work and work.barriers:
            grain = item.step.value / work.barriers
            if not min(grains) / _GRAIN <= grain <= max(grains) * _GRAIN:
                places.append((setting.width, setting.threads))
    if places:
        reason = "with 1 and 2 threads alone a barrier looks like serial time, and none was measured at this grain"
        yield Refusal(
            "serial share against barrier", reason, "more thread counts, or limits at this grain", tuple(places)
        )


def _clocks(points: Sequence[PointSummary]) -> Iterator[Refusal]:
    """Clocks that were asked for but were not reached, or lie too close together for their noise."""
    timed = [item for item in points if item.point.setting.clock and item.step.value and item.step.half_width]
    clocks = distinct_clocks(timed)
    if len(reached_clocks(points)) > 1 and len(distinct_clocks(points)) < 2:
        yield Refusal(
            "clock split", UNMOVED, "clocks that this machine runs at (serialprof doctor says what it offers)"
        )
    if len(clocks) < 2:
        return
    units = min(item.units for item in timed)
    ratio = clocks[-1] / clocks[0]
    noise = max(_noise(item) for item in timed)
    low, high = non_scaling_share(ratio, noise, units)
    if high - low > WIDEST:
        reason = (
            f"clocks that span {ratio:.2f}x, at {format_percent(noise, 1)} noise and {units} blocks, leave the share "
            f"that does not scale anywhere in [{low:.2f}, {high:.2f}] where all of it scales"
        )
        yield Refusal("clock split", reason, f"clocks {needed_ratio(noise, units):.2f}x apart, or more blocks")


def _noise(item: PointSummary) -> float:
    """Relative standard deviation of one block's step time, from the t interval of their mean."""
    half, value = item.step.half_width, item.step.value
    if not half or not value or item.units < 2:
        return 0.0
    return half / value / quantile(item.units - 1) * math.sqrt(item.units)
