# SPDX-License-Identifier: Apache-2.0
"""One self-contained page of a run: no network request, no inline style, readable offline, in print and on a phone."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from serialprof.limits import PART_NAMES
from serialprof.model.results import SERIAL, UNATTRIBUTED
from serialprof.units import format_bytes, format_count, format_percent, format_seconds, format_si
from serialprof_reports import clocktable, devices, standins, wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from serialprof.devicelimits import DeviceLimits
    from serialprof.estimate import Estimate
    from serialprof.limits import BarrierRung, Limits
    from serialprof.model.results import Analysis, Attribution, FamilyAnalysis, Fit, Latency, PointSummary, Tradeoff
    from serialprof.store import StoredRun
    from serialprof_reports.plotting import Plot

#: What each grade of evidence rests on.
GRADES: Final = {"A": "clock swept", "B": "counters or a partial sweep", "C": "model or stand-in"}

_Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page: the first column names the row, the others hold numbers, the last one words if so marked."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ends_in_words: bool = False


@dataclass(frozen=True, slots=True)
class OnDevice:
    """Where a step's time goes on a device, as the page shows it."""

    title: str
    facts: _Facts
    plots: tuple[Plot, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Everything that the page shows of one family."""

    anchor: str
    label: str
    summary: str
    sentence: str
    grade: str
    grade_means: str
    grade_reason: str
    facts: _Facts
    refusal: str
    fit: _Facts
    notes: tuple[str, ...]
    plots: tuple[Plot, ...]
    tradeoffs: Table | None
    latencies: Table | None
    points: Table
    stand_ins: tuple[Table, ...] = ()
    device: OnDevice | None = None


def html(run: StoredRun, analysis: Analysis) -> str:
    """The page as one HTML document.

    Its Content-Security-Policy allows nothing but its own style and script, by their hashes, and data: images.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from serialprof_reports.clockmap import clock_map

    folder = files("serialprof_reports") / "templates"
    style, script, page = ((folder / name).read_text("utf-8") for name in ("page.css", "page.js", "page.html.j2"))
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, finalize=_printable
    )
    taken, disturbed = wording.sample_counts(run)
    return environment.from_string(page).render(
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - the package's own file
        script=Markup(script),  # noqa: S704 - the package's own file
        host=run.machine.host,
        started=wording.date(run.started),
        status=run.status,
        quick=run.plan.quick,
        machine=wording.machine_facts(run),
        limits=[*_limit_tables(run.limits), *map(_device_limits, run.devices)],
        clocks=_clock_table(run),
        maps=clock_map(analysis.families, "map"),
        sections=[_section(family, number) for number, family in enumerate(analysis.families)],
        taken=taken,
        disturbed=disturbed,
        failures=wording.failures(analysis),
        command=wording.command_line(run),
        reproducibility=_reproducibility(run),
    )


def _printable(value: object) -> object:
    """Applied to every expression of the template: text of a run loses its control characters, markup stays."""
    return wording.plain(value) if type(value) is str else value


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _section(family: FamilyAnalysis, number: int) -> Section:
    from serialprof_reports import figures

    drawn = (draw(family, f"f{number}{draw.__name__[0]}") for draw in
             (figures.step_times, figures.threads, figures.attribution))  # fmt: skip
    verdict = family.verdict
    return Section(
        anchor=f"family-{number}",
        label=wording.shorten(wording.label(family), 80),
        summary=family.description.summary,
        sentence=verdict.sentence,
        grade=verdict.grade,
        grade_means=GRADES[verdict.grade],
        grade_reason=verdict.grade_reason,
        facts=list(_facts(family)),
        refusal=family.refusal,
        fit=[] if family.fit is None else list(_fit(family.fit)),
        notes=family.fit.notes if family.fit is not None else (),
        # What one thread on a device has no answer to is no gap in it.
        plots=tuple(plot for plot in drawn if plot.markup or family.device is None),
        tradeoffs=_tradeoff_table(family),
        latencies=_latency_table(family),
        points=_point_table(family),
        stand_ins=tuple(
            Table(*parts, ends_in_words=True) for parts in standins.tables(family.stand_ins, wording.axis(family))
        ),
        device=_on_device(family, number),
    )


def _on_device(family: FamilyAnalysis, number: int) -> OnDevice | None:
    from serialprof_reports import devicefigures

    if (found := family.device) is None:
        return None
    name = found.limits.name if found.limits is not None else ""
    threads = "" if found.device != "cpu" else f" on {wording.threads(found.threads)}"
    return OnDevice(
        title=f"Where a step's time goes on {found.device}{f' ({name})' if name else ''}{threads}",
        facts=[("knee", devices.place(found)), *devices.lines(family)],
        plots=(devicefigures.parts(family, found, f"f{number}p"), devicefigures.growth(family, found, f"f{number}g")),
        tables=tuple(Table(*parts, ends_in_words=parts[0] != devices.PARTS) for parts in devices.tables(family)),
    )


def _facts(family: FamilyAnalysis) -> Iterator[tuple[str, str]]:
    verdict = family.verdict
    for item in family.crossovers:
        yield "crossover", wording.crossover(item, wording.axis(family))
    if family.depth_costs:
        yield "depth cost", wording.depth_cost(family)
    if text := wording.startup(family):
        yield "start-up", text
    if text := wording.tail(family):
        yield "step tail", text
    if family.declared is not None:
        yield "declared", wording.declared(family.declared, wording.axis(family))
    hatch = f"known way round it: {verdict.hatch}" if verdict.hatch else "no way round it is known"
    yield "this implementation's chain", hatch
    yield "next step", verdict.next_step


def _fit(fit: Fit) -> Iterator[tuple[str, str]]:
    residuals = ", ".join(f"{form} {format_percent(residual, 1)}" for form, residual in fit.residual.items())
    yield "form", f"{fit.form} (relative residuals: {residuals})"
    yield "serial latency", _told(fit.latency, format_seconds, "per step")
    yield "width compute", _told(fit.compute, format_seconds, "per declared operation")
    yield "width memory", _told(fit.memory, wording.times, "the ladder's time beyond L2")
    for count, estimate in fit.synchronisation.items():
        yield f"synchronisation, {count} threads", _told(estimate, format_seconds, "per step")
    yield "blocks", str(fit.units)


def _told(estimate: Estimate, form: Callable[[float], str], what: str) -> str:
    """A number of the fit with what it is of, or why there is none."""
    if estimate.value is None and estimate.low is None and estimate.high is None:
        return f"unknown: {estimate.reason}"
    return f"{wording.with_interval(estimate, form)} {what}"


def _tradeoff_table(family: FamilyAnalysis) -> Table | None:
    if not family.tradeoffs:
        return None
    columns = (
        wording.axis(family), "threads", "step time before", "after", "gain by cores", "gain by +10 % clock",
        "serial share", "unattributed", "gains more",
    )  # fmt: skip
    rows = tuple(_tradeoff_row(family, item) for item in family.tradeoffs)
    return Table("Clock against cores, width by width", columns, rows, ends_in_words=True)


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
        wording.WINNERS[item.winner],
    )


def _share(there: Attribution | None, cause: str) -> str:
    return wording.MISSING if there is None else wording.compact_percent(there.part(cause).share)


def _latency_table(family: FamilyAnalysis) -> Table | None:
    rows = tuple(_latency_row(summary, summary.latency) for summary in family.points if summary.latency is not None)
    columns = (wording.axis(family), "threads", "steps", "p50", "p95", "p99", "longest")
    return Table("Single steps", columns, rows) if rows else None


def _latency_row(summary: PointSummary, latency: Latency) -> tuple[str, ...]:
    setting = summary.point.setting
    return (
        format_count(setting.width),
        str(setting.threads),
        str(latency.steps),
        *(wording.compact_step(estimate) for estimate in (latency.p50, latency.p95, latency.p99)),
        format_seconds(latency.worst),
    )


def _point_table(family: FamilyAnalysis) -> Table:
    columns = (
        wording.axis(family),
        "threads",
        "form",
        "time per step",
        "95 % interval",
        "blocks",
        "samples",
        "disturbed",
        "cycles",
        "status",
    )
    return Table("points", columns, tuple(_point_row(item) for item in family.points), ends_in_words=True)


def _point_row(item: PointSummary) -> tuple[str, ...]:
    setting = item.point.setting
    return (
        format_count(setting.width),
        str(setting.threads),
        setting.form,
        wording.MISSING if item.step.value is None else format_seconds(item.step.value),
        _ends(item.step),
        str(item.units),
        str(item.samples),
        str(item.disturbed),
        wording.MISSING if item.cycles.value is None else format_si(item.cycles.value, ""),
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


def _clock_table(run: StoredRun) -> Table | None:
    rows = clocktable.cells(run)
    return Table("Clocks", clocktable.COLUMNS, rows, ends_in_words=True) if rows else None


def _limit_tables(limits: Limits) -> Iterator[Table]:
    rows = [
        (f"dependent {name}", format_seconds(seconds), _cycles(limits.cycles(name)))
        for name, seconds in limits.chains.items()
    ]
    rows += [(f"fp32 FMA, {level}, 1 thread", format_si(rate, "FLOP/s"), "") for level, rate in limits.fma.items()]
    if limits.dispatch is not None:
        cycles = None if limits.clock is None else limits.dispatch * limits.clock
        rows.append(("eager torch operation", format_seconds(limits.dispatch), _cycles(cycles)))
    if rows:
        yield Table("Limits of this machine", ("operation", "measured", "cycles"), tuple(rows))
    if limits.barriers:
        yield Table(
            "Barriers",
            ("threads", "work of each in a step", "added by the barrier", "standard error"),
            tuple(_barrier_row(rung) for rung in limits.barriers),
        )
    footprints = sorted({rung.footprint for rung in limits.chase} | {rung.footprint for rung in limits.stream})
    if footprints:
        counts = sorted({rung.threads for rung in limits.chase} | {rung.threads for rung in limits.stream})
        names = [wording.threads(count) for count in counts]
        columns = ("footprint", *(f"dependent load, {name}" for name in names), *(f"read, {name}" for name in names))
        yield Table("Memory ladder", columns, tuple(_memory_row(limits, size, counts) for size in footprints))
    if limits.unmeasured:
        gaps = tuple((PART_NAMES.get(part, part), reason) for part, reason in limits.unmeasured.items())
        yield Table("Not measured", ("limit", "why"), gaps, ends_in_words=True)


def _device_limits(limits: DeviceLimits) -> Table:
    threads = f", {wording.threads(limits.threads)}" if limits.device == "cpu" else ""
    title = f"{limits.device}: {limits.name}{threads}, by {limits.framework or 'its framework'}"
    return Table(title, ("limit", "measured"), tuple(devices.limit_rows(limits)), ends_in_words=True)


def _memory_row(limits: Limits, footprint: int, counts: list[int]) -> tuple[str, ...]:
    loads = {rung.threads: rung.seconds for rung in limits.chase if rung.footprint == footprint}
    reads = {rung.threads: rung.bandwidth for rung in limits.stream if rung.footprint == footprint}
    return (
        format_bytes(footprint),
        *(format_seconds(loads[count]) if count in loads else wording.MISSING for count in counts),
        *(format_si(reads[count], "B/s") if count in reads else wording.MISSING for count in counts),
    )


def _barrier_row(rung: BarrierRung) -> tuple[str, ...]:
    return str(rung.threads), *(format_seconds(value) for value in (rung.grain, rung.seconds, rung.error))


def _cycles(count: float | None) -> str:
    return wording.MISSING if count is None else f"{count:.2f}" if count < 100 else f"{count:.0f}"


def _fresh(run: StoredRun) -> bool:
    """Whether every block had processes of its own; a short run may have kept those of the first, to afford enough."""
    blocks, processes = ({getattr(visit, name) for visit in run.visits} for name in ("block", "process"))
    return run.plan.blocks_per_process == 1 and (len(processes) > 1 or len(blocks) < 2)


def _reproducibility(run: StoredRun) -> _Facts:
    plan = run.plan
    resumed = "; ".join(f"{wording.date(item.started)} on {item.machine.host}" for item in run.resumptions)
    packages = ", ".join(f"{name} {version}" for name, version in sorted(run.machine.packages.items()))
    return [
        ("serialprof", run.version),
        ("code hash", run.code),
        ("run id", run.run_id),
        *([("resumed", resumed)] if resumed else []),
        ("seed", str(plan.seed)),
        (
            "plan",
            f"{len(plan.points)} points, {plan.blocks} blocks, "
            + ("fresh processes in every block" if _fresh(run) else "the same processes in all"),
        ),
        (
            "budget",
            f"{format_seconds(plan.budget)} of sampling, stopping early at {plan.precision:.3g} relative half-width",
        ),
        ("Python", run.machine.python),
        ("packages", packages or "none recorded"),
    ]
