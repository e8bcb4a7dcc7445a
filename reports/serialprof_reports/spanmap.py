# SPDX-License-Identifier: Apache-2.0
"""The serial-parallel map: work per unit of depth against achieved operations per second, under two roofs.

With work w and depth d, no machine takes less than d times the latency of an operation (the span law; Brent 1974), nor
less than w over its peak. So w / T lies below (w / d) / latency, the clock roof, and below the peak, the throughput
roof.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from serialprof.estimate import Estimate
from serialprof.model.sweep import at_reference
from serialprof.setting import on_cuda
from serialprof.units import format_count, format_si
from serialprof_reports import wording
from serialprof_reports.cards import title
from serialprof_reports.frames import arrange, frame, logarithmic, new_axes
from serialprof_reports.pageparts import Panel, Table
from serialprof_reports.plotting import INK, MUTED, PAPER, SERIES, Plot, interval_points, number, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from serialprof.model.results import Analysis, FamilyAnalysis, PointSummary
    from serialprof.setting import Form
    from serialprof.store import StoredRun

_COLUMNS: Final = ("workload", "form", "width", "threads", "work/depth", "operations per second", "of the lower roof")


@dataclass(frozen=True, slots=True)
class Dot:
    """A workload at one width: work per unit of depth, and operations per second with their interval."""

    form: Form
    width: int
    threads: int
    ratio: float
    rate: Estimate


@dataclass(frozen=True, slots=True)
class Roof:
    """A roof: its name, what was measured for it, operations per second (of a clock roof: per unit of work/depth)."""

    name: str
    measured: str
    rate: float


@dataclass(frozen=True, slots=True)
class Roofs:
    """The clock roofs and the throughput roofs of a device, the highest of each last."""

    clock: tuple[Roof, ...]
    throughput: tuple[Roof, ...]

    def over(self, ratio: float) -> float | None:
        """The lower of the two highest roofs over a work/depth; None where neither is known."""
        heights = [ratio * roof.rate for roof in self.clock[-1:]] + [roof.rate for roof in self.throughput[-1:]]
        return min(heights, default=None)


def span_maps(run: StoredRun, analysis: Analysis, prefix: str) -> tuple[Panel, ...]:
    """A map per device, of the families that declare their work; none where no family does."""
    by_device: dict[str, list[tuple[FamilyAnalysis, list[Dot]]]] = defaultdict(list)
    for family in analysis.families:
        if dots := _dots(family):
            by_device[family.family.device].append((family, dots))
    return tuple(
        _panel(run, device, placed, _roofs(run, device, placed), f"{prefix}{index}")
        for index, (device, placed) in enumerate(by_device.items())
    )


def _panel(
    run: StoredRun, device: str, placed: Sequence[tuple[FamilyAnalysis, list[Dot]]], roofs: Roofs, prefix: str
) -> Panel:
    name = "This machine's cores" if device == "cpu" else f"{device}{_product(run, device)}"
    heading = "Work per unit of depth against operations per second"

    def draw(figure: Figure) -> None:
        (axes,) = new_axes(figure)
        axes.set_xscale("log")
        axes.set_yscale("log")
        for index, (family, dots) in enumerate(placed):
            _trail(axes, dots, index, _short(family))
        _draw_roofs(axes, [dot.ratio for _, dots in placed for dot in dots], roofs)
        across, up = logarithmic(axes.get_xlim(), ""), logarithmic(axes.get_ylim(), "")
        frame(axes, across, up, "work per unit of depth, operations", "operations per second")
        arrange(figure, 2.8, wide=5.4)

    rows = tuple(_row(title(family), dot, roofs) for family, dots in placed for dot in dots)
    caption = (
        "Filled: the serial form at its narrowest and widest, along a line through the widths between. Hollow: the "
        "wide form, the same work without dependence between steps. Each at the thread count that was fastest."
        + "".join(f" {roof.name.capitalize()}: {roof.measured}." for roof in (*roofs.clock, *roofs.throughput))
    )
    return Panel(name, Plot(heading, render(draw, prefix, f"{heading}, {name}"), "", caption), (_table(rows),))


def _product(run: StoredRun, device: str) -> str:
    """What a device is sold as, in parentheses; empty where it does not tell."""
    known = (limits.name for limits in run.devices if limits.device == device)
    name = next(known, "")
    return f" ({wording.shorten(name, 60)})" if name else ""


def _short(family: FamilyAnalysis) -> str:
    """A family's name without its device, which the map is of."""
    device = family.family.device
    return wording.shorten(title(family).replace(f", {device}", "").replace(f" {device}", ""), 28)


def _dots(family: FamilyAnalysis) -> list[Dot]:
    """The family's points with declared work, the serial form first, each at its fastest thread count."""
    fastest: dict[tuple[str, int], Dot] = {}
    for item in at_reference(family.points):
        dot = _dot(item, family.depth)
        if dot is None:
            continue
        known = fastest.setdefault((dot.form, dot.width), dot)
        if number(dot.rate.value) > number(known.rate.value):
            fastest[dot.form, dot.width] = dot
    return sorted(fastest.values(), key=lambda dot: (dot.form, dot.width))


def _dot(item: PointSummary, depth: int) -> Dot | None:
    """A point on the map; the wide form has the work of `depth` steps and the depth of one."""
    setting, work, step = item.point.setting, item.point.work, item.step
    if work is None or work.serial_ops <= 0 or work.flops.at(setting.width) <= 0 or not step.value:
        return None
    operations = work.flops.at(setting.width)
    value, low, high = (operations / end if end and end > 0 else None for end in (step.value, step.high, step.low))
    ratio = operations / work.serial_ops * (depth if setting.form == "wide" else 1)
    return Dot(setting.form, setting.width, setting.threads, ratio, Estimate(value, low, high, "1/s"))


def _roofs(run: StoredRun, device: str, placed: Sequence[tuple[FamilyAnalysis, list[Dot]]]) -> Roofs:
    if on_cuda(device):
        return Roofs(tuple(_device_clock(run, device)), tuple(_device_peaks(run, device)))
    threads = max(dot.threads for _, dots in placed for dot in dots)
    return Roofs(tuple(_chains(run)), tuple(_peaks(run, threads)))


def _chains(run: StoredRun) -> Iterator[Roof]:
    """Dependent multiply-adds, where these were measured, and the fastest dependent operation of all."""
    chains = {name: seconds for name, seconds in run.limits.chains.items() if seconds > 0}
    clock = run.limits.clock
    at = "" if clock is None else f" at {format_si(clock, 'Hz')}"
    for name in sorted({"fma", min(chains, key=lambda name: chains[name])} & set(chains) if chains else (),
                       key=lambda name: -chains[name]):  # fmt: skip
        yield Roof(f"clock roof, chain of {name}", f"{name} after {name}{at}", 1 / chains[name])


def _peaks(run: StoredRun, threads: int) -> Iterator[Roof]:
    """Multiply-adds that need not wait for one another, on one thread and on as many cores as were used."""
    peak = max(run.limits.fma.values(), default=None)
    if peak is None:
        return
    cores = min(threads, run.machine.cores)
    for count in sorted({1, cores}):
        where = f"{count} core{'' if count == 1 else 's'}"
        yield Roof(f"throughput roof, {where}", f"multiply-adds (fp32) on {where}", peak * count)


def _device_clock(run: StoredRun, device: str) -> Iterator[Roof]:
    """One operation per cycle of the clock that NVML told, which no chain exceeds."""
    told = [
        state.sm_clock
        for visit in run.visits
        if run.point(visit.point).setting.device == device
        for state in visit.readings.gpu
        if state.sm_clock
    ]
    if told:
        clock = median(told)
        yield Roof("clock roof", f"one operation per cycle, at {format_si(clock, 'Hz')}", clock)


def _device_peaks(run: StoredRun, device: str) -> Iterator[Roof]:
    known = next((limits.flops for limits in run.devices if limits.device == device), {})
    for name, rate in sorted(known.items(), key=lambda item: item[1]):
        yield Roof(f"throughput roof, {name}", f"products of {name} matrices", rate)


def _trail(axes: Axes, dots: Sequence[Dot], index: int, label: str) -> None:
    """The ends of a family's sweep in both forms, joined along the widths and from form to form."""
    colour = SERIES[index % len(SERIES)]
    serial = [dot for dot in dots if dot.form == "serial"]
    wide = {dot.width: dot for dot in dots if dot.form == "wide"}
    axes.plot([dot.ratio for dot in serial], [number(dot.rate.value) for dot in serial], color=colour, linewidth=0.9)
    ends = serial[:1] + serial[1:][-1:]
    interval_points(axes, [dot.ratio for dot in ends], [dot.rate for dot in ends], index, label=label)
    for dot in ends:
        if (twin := wide.get(dot.width)) is not None:
            rates = [number(dot.rate.value), number(twin.rate.value)]
            axes.plot([dot.ratio, twin.ratio], rates, ":", color=colour, linewidth=1.2)
            interval_points(
                axes, [twin.ratio], [twin.rate], index, markerfacecolor=PAPER, markeredgecolor=colour
            )  # fmt: skip


def _draw_roofs(axes: Axes, ratios: Sequence[float], roofs: Roofs) -> None:
    """The roofs over the range of the dots; a clock roof ends where it meets the highest throughput roof."""
    peak = roofs.throughput[-1].rate if roofs.throughput else None
    low, high = min(ratios) / 2, max(ratios) * 2
    for roof, line in zip(reversed(roofs.clock), ("-", "--"), strict=False):
        end = high if peak is None else min(high, peak / roof.rate)
        low = min(low, end / 10)
        axes.plot([low, end], [low * roof.rate, end * roof.rate], line, color=INK, linewidth=1.3, label=roof.name)
    for roof, line in zip(reversed(roofs.throughput), ("-", "--", ":", "-."), strict=False):
        start = low if not roofs.clock else max(low, roof.rate / roofs.clock[-1].rate)
        axes.plot([start, high], [roof.rate] * 2, line, color=MUTED, linewidth=1.8, label=roof.name)


def _table(rows: tuple[tuple[str, ...], ...]) -> Table:
    return Table("Operations per second", _COLUMNS, rows)


def _row(name: str, dot: Dot, roofs: Roofs) -> tuple[str, ...]:
    roof = roofs.over(dot.ratio)
    share = wording.MISSING if roof is None else f"{100 * number(dot.rate.value) / roof:.3g} %"
    return (
        name,
        dot.form,
        format_count(dot.width),
        str(dot.threads),
        format_si(dot.ratio, ""),
        wording.with_interval(dot.rate, lambda rate: format_si(rate, "")),
        share,
    )
