# SPDX-License-Identifier: Apache-2.0
"""What a history takes from a file: the step times of a stored run, or the ratios of a gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serialprof.errors import StoreError
from serialprof.gating.reading import read_report
from serialprof.gating.records import GateReport
from serialprof.machine import Machine
from serialprof.planning import Point
from serialprof.setting import CPU
from serialprof.store import StoredRun, read_run
from serialprof.units import format_count

#: How a database of SQLite begins.
_DATABASE: Final = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one benchmark in one file.

    Attributes:
        name: of the benchmark, with its setting where it comes from a stored run.
        machine: what tells machines apart, in words.
        started: seconds since the epoch.
        label: the commit of the head, or the file's name.
        value: seconds per step of a run, head over base of a gate.
        logs: log ratio per pair of a gate, empty for a run.
        tolerance: of a gate, as a share.
        base, head: commits of a gate, empty where they are not known.
    """

    name: str
    machine: str
    started: float
    label: str
    value: float
    logs: tuple[float, ...] = ()
    tolerance: float = 0.0
    base: str = ""
    head: str = ""

    @property
    def is_gate(self) -> bool:
        """Whether it is a ratio."""
        return bool(self.logs)


def read_file(path: Path) -> tuple[Reading, ...]:
    """What a run file or a gate's JSON says of every benchmark; those that failed are left out.

    Raises:
        StoreError: it is neither, or damaged.
    """
    try:
        with path.open("rb") as file:
            begins = file.read(len(_DATABASE))
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    if begins == _DATABASE:
        return of_run(read_run(path), path.name)
    return of_gate(read_report(path), path.name)


def of_run(run: StoredRun, label: str) -> tuple[Reading, ...]:
    """Seconds per step of every point of the serial form that was measured."""
    from serialprof.model.steptimes import collect

    names = {description.reference: description.name for description in run.plan.descriptions}
    machine = machine_words(run.machine)
    return tuple(
        Reading(_name(item.point, names), machine, run.started, label, item.step.value)
        for times in collect(run)
        for item in times.summaries
        if item.point.setting.form == "serial" and item.step.value is not None and item.step.value > 0
    )


def of_gate(report: GateReport, label: str) -> tuple[Reading, ...]:
    """Head over base of every benchmark that pairs were taken of."""
    machine, head = machine_words(report.machine), _short(report.head.commit)
    return tuple(
        Reading(
            outcome.benchmark.name,
            machine,
            report.started,
            head or label,
            outcome.judgement.ratio.value,
            outcome.judgement.logs,
            outcome.judgement.tolerance,
            _short(report.base.commit),
            head,
        )
        for outcome in report.outcomes
        if outcome.pairs
        and outcome.judgement is not None
        and outcome.judgement.ratio.value is not None
        and len(outcome.judgement.logs) > 1
    )


def machine_words(machine: Machine) -> str:
    """What tells machines apart whose times are not comparable; hosts that are alike in all of it are one."""
    parts = [
        machine.processor or machine.architecture,
        f"{machine.usable} core{'s' if machine.usable > 1 else ''}",
        f"{round(machine.memory / 2**30)} GiB",
        machine.hypervisor,
        machine.instruction_set,
        *(gpu.name for gpu in machine.gpus),
    ]
    return ", ".join(filter(None, parts))


def _name(point: Point, names: dict[str, str]) -> str:
    """A point in words that are the same in every run: "lstm hidden=256, W = 64, 2 threads"."""
    setting = point.setting
    parameters = " ".join(f"{name}={value}" for name, value in sorted(setting.parameters.items()))
    parts = [
        f"{names.get(point.workload, point.workload)} {parameters}".strip(),
        f"W = {format_count(setting.width)}",
        f"{setting.threads} thread{'s' if setting.threads > 1 else ''}",
        setting.mode if setting.mode != "native" else "",
        setting.device if setting.device != CPU else "",
        setting.dtype if setting.dtype != "fp32" else "",
        f"{setting.clock / 1e9:g} GHz" if setting.clock else "",
    ]
    return ", ".join(filter(None, parts))


def _short(commit: str) -> str:
    return commit[:12]
