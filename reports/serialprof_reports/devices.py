# SPDX-License-Identifier: Apache-2.0
"""Where a step's time goes on a device, in words and tables: knee, parts, what would help, what was not told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from serialprof.model.device.telling import best, knee, price, speed_up
from serialprof.model.dissected import DEVICE_CAUSES
from serialprof.model.wording import ratio
from serialprof.units import format_bytes, format_count, format_percent, format_seconds, format_si
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from serialprof.devicelimits import DeviceLimits
    from serialprof.estimate import Estimate
    from serialprof.model.dissected import DeviceAnalysis, DeviceStep, Move
    from serialprof.model.results import FamilyAnalysis, PointSummary

#: The name of the line that answers for a device whether clocks would help, or what else.
HELP: Final = "would help"
#: Title, columns and rows of a table.
Rows: TypeAlias = tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]

#: The causes in a narrow column, in the order of DEVICE_CAUSES.
SHORT: Final = ("host", "gaps", "floor", "bandw.", "FLOP", "below", "sync", "rest")
#: Title of the table of parts.
PARTS: Final = "Parts of a step"
#: Marks a batch at which the device's clock was held down.
HELD: Final = "*"
#: Of a profiled step: what the profiler may add before the kernels' times are less sure.
_MUCH_ADDED: Final = 0.5


def legend(families: Sequence[FamilyAnalysis]) -> str:
    """What the narrow tables' columns mean; empty where there are none."""
    shown = [family for family in families if family.device is not None and family.device.sweep.throughput]
    if not shown:
        return ""
    used = {name for family in shown for name in short_table(family)[0]} & set(SHORT)
    if not used:
        return ""
    names = ", ".join(
        f"{short} = {cause}"
        for short, cause in zip(SHORT, DEVICE_CAUSES, strict=True)
        if short != cause and short in used
    )
    held = f"; {HELD} = its clock was held down" if any(item.held for each in shown for item in each.points) else ""
    left_out = "" if used >= set(SHORT) else "; a part that rounds to 0 wherever it is known is left out"
    return f"parts in % of a step: {names}{held}{left_out}"


def short_table(family: FamilyAnalysis) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Columns and rows: batch, step, lanes per second and the parts in %, for every batch on the dissected threads.

    Parts that are 0 wherever they are known are left out.
    """
    found = family.device
    assert found is not None
    steps = {step.width: step for step in found.steps}
    parts = [_short_parts(steps.get(item.width)) for item in found.sweep.throughput]
    kept = [index for index in range(len(SHORT)) if {row[index] for row in parts} - {"0", wording.MISSING}]
    rows = tuple(
        (
            f"{format_count(item.width)}{_mark(family, item.width)}",
            wording.compact_step(wording.step_of(family, item.width, found.threads)),
            _rate(item.rate),
            *(row[index] for index in kept),
        )
        for item, row in zip(found.sweep.throughput, parts, strict=True)
    )
    return ("B", "step", "lanes", *(SHORT[index] for index in kept)), rows


def lines(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    """(name, text) pairs for a terminal and the page's facts, of what there is."""
    if (found := family.device) is None:
        return
    if found.sweep.ended:
        yield "sweep ended", found.sweep.ended
    if found.moves:
        yield HELP, would_help(found)
        # What is refused for good stands in the page's table.
        for item in found.moves:
            if item.evidence == "refused" and item.remedy:
                yield "not told", f"{item.name}: {item.reason}; told by {item.remedy}"
    if found.steps:
        yield "profiled", _profiled(found)
    if apart := [step for step in found.steps if step.apart]:
        yield (
            "taken apart",
            f"at B = {format_count(apart[0].width)} {apart[0].apart}",
        )
    yield from (("no parts", text) for text in _missing(found))


def would_help(found: DeviceAnalysis) -> str:
    """What other clocks, batches and ways to launch would give at the narrowest batch; there are moves."""
    gains = "; ".join(
        f"{item.name}: {_gain(item)} ({item.evidence})" for item in found.moves if item.evidence != "refused"
    )
    return f"at B = {format_count(found.moves[0].width)}: {gains}" if gains else best(found)


def place(found: DeviceAnalysis) -> str:
    """The knee in words: a fact for the page, where the verdict stands elsewhere."""
    return knee(found.sweep)


def ended(family: FamilyAnalysis) -> list[tuple[str, str]]:
    """(where, why) of the planned ends of a family's sweeps: each branch once, at its narrowest."""
    branches: dict[tuple[object, ...], PointSummary] = {}
    for item in sorted(family.points, key=lambda item: item.point.setting.width):
        setting = item.point.setting
        if item.ended:
            branches.setdefault((setting.threads, setting.form, setting.clock, item.ended), item)
    return [(wording.place(item.point, wording.axis(family)), f"ended: {item.ended}") for item in branches.values()]


def tables(family: FamilyAnalysis) -> Iterator[Rows]:
    """The tables of the page."""
    if (found := family.device) is None:
        return
    if found.steps:
        columns = ("batch", "step", *DEVICE_CAUSES, "kernels", "profiler added", "blocks")
        yield PARTS, columns, tuple(_part_row(family, step) for step in found.steps)
    heads = ("batch", "step", "lanes per second", "device")
    rows = tuple(
        (
            format_count(item.width),
            wording.compact_step(wording.step_of(family, item.width, found.threads)),
            wording.with_interval(item.rate, lambda rate: format_si(rate, "")),
            remarks(_summaries(family, item.width)) or "ok",
        )
        for item in found.sweep.throughput
    )
    yield "Throughput", heads, rows
    if found.moves:
        title = f"What would help at B = {format_count(found.moves[0].width)}"
        yield title, ("move", "gain", "a step takes", "by", "why"), tuple(map(_move_row, found.moves))


def _short_parts(step: DeviceStep | None) -> tuple[str, ...]:
    """The shares in whole per cent; a bracket by its ends, those with half an interval without it."""
    if step is None:
        return (wording.MISSING,) * len(DEVICE_CAUSES)
    return tuple(_short_share(step.part(cause).share) for cause in DEVICE_CAUSES)


def _short_share(share: Estimate) -> str:
    if share.value is not None:
        return f"{round(100 * share.value) + 0}"
    if share.low is not None and share.high is not None:
        return f"{round(100 * share.low)}..{round(100 * share.high)}"
    return wording.MISSING


def _rate(rate: Estimate) -> str:
    return wording.MISSING if rate.value is None else format_si(rate.value, "/s")


def _summaries(family: FamilyAnalysis, width: int) -> list[PointSummary]:
    """The points of the dissected threads at a batch, in the serial form."""
    threads = family.device.threads if family.device is not None else 1
    return [
        item
        for item in family.points
        if (item.point.setting.width, item.point.setting.threads, item.point.setting.form) == (width, threads, "serial")
    ]


def _mark(family: FamilyAnalysis, width: int) -> str:
    return HELD if any(item.held for item in _summaries(family, width)) else ""


def remarks(summaries: Sequence[PointSummary]) -> str:
    """What is to be said of the visits of points besides their times; empty where nothing is."""
    found = []
    for item in summaries:
        found += [f"held down by {reason}" for reason in item.held]
        found += [f"a step keeps {format_bytes(item.leaked)}"] if item.leaked else []
    return "; ".join(dict.fromkeys(found))


def _gain(item: Move) -> str:
    return f"{speed_up(item.gain)}{' lanes per second' if item.batch else ''}"


def _profiled(found: DeviceAnalysis) -> str:
    counts = sorted(step.kernels.value or 0.0 for step in found.steps)
    what = "kernels" if found.device != "cpu" else "operations"
    added = sorted(step.overhead.value or 0.0 for step in found.steps)
    less_sure = f": beyond {format_percent(_MUCH_ADDED)} the times of {what} are less sure"
    return (
        f"{_span(counts, lambda count: f'{count:.3g}')} {what} a step; the profiler added {_added(added)}"
        f"{less_sure if added[-1] > _MUCH_ADDED else ''}"
    )


def _added(shares: list[float]) -> str:
    """What the profiler added to profiled steps, ascending; below nothing there is noise alone."""
    if shares[-1] <= 0:
        return "nothing that shows"
    if shares[0] <= 0:
        return f"at most {format_percent(shares[-1])}"
    return _span(shares, format_percent)


def _span(values: list[float], form: Callable[[float], str]) -> str:
    first, last = form(values[0]), form(values[-1])
    return first if first == last else f"{first} to {last}"


def _missing(found: DeviceAnalysis) -> Iterator[str]:
    """Which batches have no parts, and why: in full for the first reason, where there are several."""
    reasons: dict[str, list[int]] = {}
    for item in found.missing:
        reasons.setdefault(item.reason, []).append(item.width)
    if not reasons:
        return
    first, *others = reasons.items()
    yield f"at B = {_widths(first[1])}: {first[0]}"
    if others:
        yield f"at B = {_widths([width for _, own in others for width in own])}: likewise; the JSON has the reasons"


def _widths(widths: Sequence[int]) -> str:
    return ", ".join(map(format_count, sorted(widths)))


def limits(known: DeviceLimits) -> str:
    """What a device can do at best, in one line: what most steps meet."""
    most = replace(known, bandwidth=known.bandwidth[-1:], gap=None, replay=None, synchronise=None, read_back=None)
    rows = [f"{name} {text}" for name, text in limit_rows(replace(most, unmeasured={}))]
    on = f" on {wording.threads(known.threads)}" if known.device == "cpu" else ""
    return f"{known.device}{on}: {', '.join([known.name, *rows])}"


def limit_rows(known: DeviceLimits) -> Iterator[tuple[str, str]]:
    """(what, measured) of a device's limits."""
    for name, seconds in (
        ("eager operation", known.launch),
        ("shortest kernel" if known.device != "cpu" else "shortest operation", known.floor),
        ("gap in a graph", known.gap),
        ("replay of a graph", known.replay),
        ("waiting", known.synchronise),
        ("reading a number back", known.read_back),
    ):
        if seconds is not None:
            yield name, format_seconds(seconds) if seconds > 0 else "below what can be resolved"
    for rung in known.bandwidth:
        yield f"reading {format_bytes(rung.footprint)}", format_si(rung.bandwidth, "B/s")
    for dtype, rate in known.flops.items():
        yield f"{dtype} products", format_si(rate, "FLOP/s")
    for name, reason in known.unmeasured.items():
        yield name, f"not measured: {reason}"


def _part_row(family: FamilyAnalysis, step: DeviceStep) -> tuple[str, ...]:
    shares = (f"{_seconds(part.seconds)}, {wording.compact_percent(part.share)}" for part in step.parts)
    return (
        f"{format_count(step.width)}{_mark(family, step.width)}",
        wording.compact_step(step.step),
        *shares,
        wording.MISSING if step.kernels.value is None else f"{step.kernels.value:.3g}",
        wording.MISSING if step.overhead.value is None else format_percent(step.overhead.value),
        str(step.units),
    )


def _seconds(seconds: Estimate) -> str:
    return wording.MISSING if seconds.value is None else format_seconds(seconds.value)


def _move_row(item: Move) -> tuple[str, ...]:
    gain = wording.MISSING if item.evidence == "refused" else _gain(item)
    longer = price(item)
    takes = wording.MISSING if longer is None else f"{ratio(longer)} as long"
    return item.name, gain, takes, item.evidence, "; ".join(filter(None, (item.reason, item.remedy)))
