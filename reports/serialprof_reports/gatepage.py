# SPDX-License-Identifier: Apache-2.0
"""One self-contained page of a gate: verdicts, the forest of all benchmarks, and the pairs of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from serialprof.gating.records import METRIC_NAMES
from serialprof.setting import CPU
from serialprof.units import format_bytes, format_count, format_seconds
from serialprof_reports import gatefigures, wording
from serialprof_reports import gatewording as told
from serialprof_reports.gate import json
from serialprof_reports.gatedocument import gate_document
from serialprof_reports.pageparts import Panel, Section, Table
from serialprof_reports.reproduction import packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serialprof.gating.records import GateReport, Judgement, Outcome
    from serialprof.machine import Machine
    from serialprof_reports.pageparts import Facts

#: Benchmarks whose pairs are drawn, the gravest verdicts first; the tables have all.
_MOST_FIGURES: Final = 40
_FOREST: Final = (
    "Head over base with the interval that the verdict rests on; hollow and grey, the base against itself, measured in "
    "the same pairs. It can fail only where the interval lies right of the tolerance, and passes where it ends left of "
    "the MDE."
)
_PAIRS: Final = (
    "Every mark is one pair of fresh processes, by medians over its blocks. What moves the hollow marks as well is "
    "the machine, not the code."
)


@dataclass(frozen=True, slots=True)
class _Card:
    """What is said of one benchmark."""

    name: str
    verdict: str
    sentence: str
    facts: Facts


def html(report: GateReport) -> str:
    """The page as one HTML document, under the same Content-Security-Policy as that of a run."""
    return gate_document(
        "gate.html.j2",
        headline=told.headline(report),
        overall=told.overall(report),
        title=_title(report),
        sides=told.sides(report),
        where=told.where(report),
        cards=tuple(_card(report, outcome) for outcome in report.outcomes),
        remarks=(*told.remarks(report), *told.remedies(report)),
        sections=tuple(_sections(report)),
        machine=tuple(_machine(report.machine)),
        command=told.command(report),
        data=f"data:application/gzip;base64,{packed(json(report))}",
    )


def _title(report: GateReport) -> str:
    """The commits alone, where both are known: "6f5e4d3 against 1a2b3c4"."""
    head, base = report.head.commit[:7], report.base.commit[:7]
    return f"{head} against {base}" if head and base else "Head against base"


def _card(report: GateReport, outcome: Outcome) -> _Card:
    return _Card(outcome.benchmark.name, told.word(outcome), told.explained(report, outcome), tuple(_facts(outcome)))


def _facts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    benchmark, judgement, times = outcome.benchmark, outcome.judgement, told.step_times(outcome)
    if benchmark.reference != benchmark.name:
        yield "workload", benchmark.reference
    if judgement is not None:
        yield "change", told.change(judgement.ratio)
        if judgement.null.identified:
            yield "base against itself", told.change(judgement.null)
    if times is not None:
        base, head = map(format_seconds, times)
        yield "time per step", f"base {base}, head {head}"
    if outcome.setting is not None:
        setting = outcome.setting
        place = "CPU" if setting.device == CPU else setting.device
        knobs = f"W = {format_count(setting.width)}, {wording.threads(setting.threads)}"
        yield "a sample", f"{knobs}, {setting.depth * outcome.runs} steps on {place}"
    for metric, other in outcome.others.items():
        yield METRIC_NAMES[metric], f"{told.change(other.ratio)}: {other.verdict}"
    if outcome.seconds:
        yield "took", format_seconds(outcome.seconds)


def _sections(report: GateReport) -> Iterator[Section]:
    judged = [(item, item.judgement) for item in report.outcomes if item.judgement and item.judgement.logs]
    if not judged:
        return
    outcomes = [outcome for outcome, _ in judged]
    plot = gatefigures.forest(outcomes[:_MOST_FIGURES], "forest")
    yield Section("changes", "Changes", _FOREST, (Panel("All benchmarks", plot, (_table(judged),)),))
    gravest = sorted(judged, key=lambda item: told.GRAVEST.index(told.word(item[0])))[:_MOST_FIGURES]
    panels = tuple(
        Panel(outcome.benchmark.name, gatefigures.pairs(outcome, judgement, f"pairs-{index}"), (_pairs(judgement),))
        for index, (outcome, judgement) in enumerate(gravest)
    )
    left = len(judged) - len(panels)
    yield Section("pairs", "Pair by pair", f"{_PAIRS} {left} more are in the data below." if left else _PAIRS, panels)


def _table(judged: Sequence[tuple[Outcome, Judgement]]) -> Table:
    rows = tuple(
        (
            wording.shorten(outcome.benchmark.name, 60),
            told.change(judgement.ratio),
            told.change(judgement.null),
            f"{100 * judgement.tolerance:.3g} %",
            f"{100 * judgement.mde:.3g} %",
            f"{judgement.p_value:.2g}",
            str(len(judgement.logs)),
            told.word(outcome),
        )
        for outcome, judgement in judged
    )
    columns = ("benchmark", "change", "base against itself", "tolerance", "MDE", "p", "pairs or processes", "verdict")
    return Table("Changes of time", columns, rows)


def _pairs(judgement: Judgement) -> Table:
    rows = tuple(
        (str(place), _signed(log), _signed(null))
        for place, (log, null) in enumerate(zip_longest(judgement.logs, judgement.null_logs), start=1)
    )
    return Table(
        "Change in per cent, one by one", ("pair or process", "head against base", "base against itself"), rows
    )


def _signed(log: float | None) -> str:
    return wording.MISSING if log is None else f"{100 * math.expm1(log):+.2f}"


def _machine(machine: Machine) -> Iterator[tuple[str, str]]:
    yield "host", machine.host
    yield "processor", machine.processor
    yield "usable cores", str(machine.usable)
    yield "hypervisor", machine.hypervisor or "none known"
    yield "memory", format_bytes(machine.memory)
    yield from (("GPU", gpu.name) for gpu in machine.gpus)
    yield "system", f"{machine.system} {machine.kernel}"
    yield "clock governor", machine.clock_governor or "not told"
    yield "packages", ", ".join(f"{name} {version}" for name, version in sorted(machine.packages.items()))
