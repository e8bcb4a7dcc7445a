# SPDX-License-Identifier: Apache-2.0
"""How numbers and names of a run are worded: shared by all renderers, pure functions of stored records."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from serialprof.estimate import Estimate
from serialprof.model.sweep import at_reference
from serialprof.model.wording import ratio, share
from serialprof.setting import PROCESS_MODE
from serialprof.units import format_count, format_seconds, format_si

if TYPE_CHECKING:
    from collections.abc import Callable

    from serialprof.model.results import (
        Analysis,
        Attribution,
        Crossover,
        DeclaredWork,
        FamilyAnalysis,
        Tradeoff,
        Winner,
    )
    from serialprof.planning import Point
    from serialprof.setting import Setting
    from serialprof.store import StoredRun

#: How a missing number is printed.
MISSING: Final = "-"

#: The winner of a trade-off in a narrow column; "unknown" reads as the verdict does.
_WINNERS: Final[dict[Winner, str]] = {
    "clock": "clock",
    "cores": "cores",
    "neither": "neither",
    "unknown": "unclear",
}


#: That in place of "unclear" where more threads are surely of no use, and the clock may be.
NO_GAIN: Final = "no gain"


def winner(item: Tradeoff) -> str:
    """What gains more at a width, in a narrow column."""
    return NO_GAIN if item.futile else _WINNERS[item.winner]


def plain(text: str) -> str:
    """The text with each unprintable character replaced: no terminal escape, no character that XML or UTF-8 forbids."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def shorten(text: str, length: int) -> str:
    """At most `length` characters, the cut marked."""
    text = plain(text)
    return text if len(text) <= length else text[: length - 3] + "..."


def date(seconds: float) -> str:
    """Seconds since the epoch as a date and time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def command_line(run: StoredRun) -> str:
    """The command that made the run, quoted for a shell; or the call, where that was made from Python."""
    name, *rest = run.command or ("",)
    return f"{name}({', '.join(rest)})" if name == "serialprof.run" else shlex.join(run.command)


def label(family: FamilyAnalysis) -> str:
    """A family's name with whatever differs from the workload's defaults: "decode hidden=512, eager"."""
    description = family.description
    defaults = {name: str(value) for name, value in description.parameters.items()}
    extras = [f"{name}={value}" for name, value in family.family.parameters if defaults.get(name) != value]
    if family.family.mode not in description.modes[:1]:
        extras.append(family.family.mode)
    if family.family.device != "cpu":
        extras.append(family.family.device)
    if family.family.dtype != "fp32":
        extras.append(family.family.dtype)
    return " ".join([description.name, ", ".join(extras)]).strip()


def parameters(setting: Setting) -> str:
    """The workload's own knobs: "hidden=256;layers=4"."""
    return ";".join(f"{name}={value}" for name, value in sorted(setting.parameters.items()))


def axis(family: FamilyAnalysis) -> str:
    """What stands for the width: B, where it is the batch of steps that a framework drives."""
    return "W" if family.device is None else "B"


def place(point: Point, axis: str = "W") -> str:
    """Where a point stands in the sweep: "lstm, W = 256, 2 threads, wide"."""
    setting = point.setting
    clock = "" if setting.clock is None else f", {format_si(setting.clock, 'Hz')}"
    on = f", {setting.mode} on {setting.device}" if setting.on_cuda else f", {threads(setting.threads)}"
    return f"{point.workload}, {axis} = {format_count(setting.width)}{on}, {setting.form}{clock}"


def threads(count: int) -> str:
    """A thread count in words."""
    return "1 thread" if count == 1 else f"{count} threads"


def with_interval(estimate: Estimate, form: Callable[[float], str]) -> str:
    """Value and interval, a bracket, a one-sided bound, or the sign of a missing number."""
    low, high = (None if end is None else form(end) for end in (estimate.low, estimate.high))
    if estimate.value is not None:
        ends = f" ({low} to {high})" if estimate.bounded else ""
        return form(estimate.value) + ends
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else MISSING


def times(factor: float) -> str:
    """A ratio: "1.25 x"."""
    return f"{factor:.2f} x"


def compact_step(estimate: Estimate) -> str:
    """A step time for a narrow column: "12.3 us 2 %", the latter being half the interval."""
    return MISSING if estimate.value is None else format_seconds(estimate.value) + spread(estimate)


def spread(estimate: Estimate) -> str:
    """Half an interval beside its value: " ±2%"; empty where there is none."""
    if not estimate.half_width or not estimate.value or estimate.value <= 0:
        return ""
    return f" {_plus_minus(estimate.half_width / estimate.value)}%"


def compact_percent(estimate: Estimate, sign: str = "") -> str:
    """A share for a narrow column: "45 ±5 %", or "3..9 %" for a bracket or a lopsided interval.

    The sign "+" shows that of a gain.
    """

    def number(share: float) -> str:
        rounded = round(share * 100)
        return f"{rounded:{sign}d}" if rounded else "0"

    value, low, high, half = estimate.value, estimate.low, estimate.high, estimate.half_width
    if low is not None and high is not None and (value is None or not half or _lopsided(value, low, high)):
        return f"{number(low)} %" if number(low) == number(high) else f"{number(low)}..{number(high)} %"
    if value is not None:
        return number(value) + (f" {_plus_minus(half)} %" if half else " %")
    if low is not None:
        return f">={number(low)} %"
    return f"<={number(high)} %" if high is not None else MISSING


def crossover(item: Crossover, axis: str = "W") -> str:
    """From which width more threads win, in words."""
    change = f"from {threads(item.threads)} to {item.more_threads}"
    width = item.width
    if width.low is not None and width.high is not None:
        return f"{change}: between {axis} = {format_count(width.low)} and {format_count(width.high)}"
    return f"{change}: {width.reason or 'not found in this sweep'}"


def graded(family: FamilyAnalysis) -> bool:
    """Whether the verdict rests on anything that a grade could be given to: on at least one measured point."""
    return any(summary.units for summary in family.points)


def declared(work: DeclaredWork, axis: str = "W") -> str:
    """Declared work, depth and their ratio of one run."""
    return (
        f"work {_quantity(work.work)}, depth {_quantity(work.depth)}, work/depth {_quantity(work.ratio)} "
        f"(operations of one run at {axis} = {format_count(work.width)})"
    )


def _quantity(count: float) -> str:
    """A count with an SI prefix, whole where it needs none: "4.06 k", "96"."""
    return f"{count:.0f}" if count < 1000 and count == round(count) else format_si(count, "")


def depth_cost(family: FamilyAnalysis) -> str:
    """T_serial / T_wide on the fewest threads, per width."""
    fewest = min(item.threads for item in family.depth_costs)
    known = [item for item in family.depth_costs if item.threads == fewest and item.ratio.value is not None]
    if not known:
        return f"unknown: {family.depth_costs[0].ratio.reason}"
    ratios = [f"{ratio(item.ratio)} at {axis(family)} = {format_count(item.width)}" for item in known]
    return f"T_serial / T_wide on {threads(fewest)}: {', '.join(ratios)}"


def counted(family: FamilyAnalysis) -> str:
    """What hardware counters say of the clock, beside the fit, width by width; empty where no stalls were counted."""
    known = [item for item in family.counted if item.stalls.value is not None]
    places = [
        f"{_scaling(item.scaling)} (fit {_scaling(item.fitted)}) at W = {format_count(item.width)}" for item in known
    ]
    return f"of a step on 1 thread scale with the clock: {', '.join(places)}" if places else ""


def _scaling(estimate: Estimate) -> str:
    """A share, or its lower bound."""
    if estimate.value is None and estimate.low is not None and estimate.high in (None, 1.0):
        return f"at least {round(100 * estimate.low)} %"
    return share(estimate)


def step_of(family: FamilyAnalysis, width: int, count: int) -> Estimate:
    """Step time of the serial form at a width and thread count, at the reference clock; unknown if not measured."""
    for summary in at_reference(family.points):
        setting = summary.point.setting
        if (setting.form, setting.width, setting.threads) == ("serial", width, count):
            return summary.step
    return Estimate.unknown("not measured", "s")


def attribution_of(family: FamilyAnalysis, width: int, count: int) -> Attribution | None:
    """The attribution at a width and thread count, None where there is none."""
    there = (item for item in family.attributions if (item.width, item.threads) == (width, count))
    return next(there, None)


def failures(analysis: Analysis) -> list[tuple[str, str]]:
    """Failed points with their reasons, in the order of the plan."""
    return [
        (place(summary.point, axis(family)), summary.failed)
        for family in analysis.families
        for summary in family.points
        if summary.failed
    ]


def startup(family: FamilyAnalysis) -> str:
    """What a whole program takes before its steps, at its narrowest point; empty where that is not told apart."""
    known = [summary for summary in family.points if summary.startup is not None and not summary.failed]
    if known:
        first = known[0]
        assert first.startup is not None
        where = f"at {axis(family)} = {format_count(first.point.setting.width)}, {threads(first.point.setting.threads)}"
        return f"{with_interval(first.startup, format_seconds)} a run {where}; taken off by differencing over depth"
    if family.family.mode == PROCESS_MODE and not family.description.startup:
        return "part of every step: the command has no {depth} to take it off by"
    return ""


def tail(family: FamilyAnalysis) -> str:
    """Quantiles of single steps where p99 / p50 is largest; empty where no steps were told apart."""
    known = [(summary, summary.latency) for summary in family.points if summary.latency is not None]
    ranked = [item for item in known if item[1].p50.value and item[1].p99.value]
    if not ranked:
        return ""
    summary, latency = max(ranked, key=lambda item: (item[1].p99.value or 0.0) / (item[1].p50.value or 1.0))
    setting = summary.point.setting
    quantiles = ", ".join(
        f"{name} {compact_step(estimate)}"
        for name, estimate in (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99))
        if estimate.value is not None
    )
    where = f"at {axis(family)} = {format_count(setting.width)}, {threads(setting.threads)}"
    return f"{quantiles}, longest {format_seconds(latency.worst)} {where} ({latency.steps} steps)"


def sample_counts(run: StoredRun) -> tuple[int, int]:
    """How many samples were taken, and how many of them were disturbed."""
    reasons = [reason for visit in run.visits for reason in visit.samples.disturbed]
    return len(reasons), sum(map(bool, reasons))


def _lopsided(value: float, low: float, high: float) -> bool:
    """Whether "value ± half" would misstate the interval [low, high] by more than a quarter of its half."""
    return abs((low + high) / 2 - value) > max(0.005, (high - low) / 8)


def _plus_minus(half_width: float) -> str:
    """Half an interval in per cent; one that rounds to nothing is still there."""
    rounded = round(half_width * 100)
    return f"\N{PLUS-MINUS SIGN}{rounded or '<1'}"
