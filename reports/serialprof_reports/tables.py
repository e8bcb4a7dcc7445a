# SPDX-License-Identifier: Apache-2.0
"""Exports for other programs: the analysis as one JSON object, the samples as CSV."""

from __future__ import annotations

from csv import writer
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from serialprof.model.doctor import findings
from serialprof.model.plain import as_plain, machine_as_plain
from serialprof.model.reached import clock_of, reached
from serialprof.units import format_json
from serialprof_reports.wording import failures, parameters, sample_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.model.results import FamilyAnalysis
    from serialprof.planning import Plan
    from serialprof.store import Sample, StoredRun, Visit
    from serialprof.view import Run

#: Name and version of the JSON object; the version rises when a key changes its meaning or disappears. The types are in
#: schema.py, the schema that is made of them in docs/schema/.
SCHEMA: Final = {"name": "serialprof.analysis", "version": 1}

COLUMNS: Final = (
    "run", "workload", "parameters", "mode", "device", "dtype", "form", "width", "depth", "threads", "cpus",
    "block", "turn", "process", "runs", "seconds", "step_seconds", "cpu_seconds", "involuntary", "disturbed",
    "cpu", "clock_before", "clock_after", "cycles", "instructions", "stalls", "visit_steal", "visit_temperature",
    "visit_throttles", "clock_requested", "clock_read_back", "clock_measured",
    "gpu_sm_clock", "gpu_memory_clock", "gpu_power", "gpu_temperature", "gpu_held_by", "leaked",
)  # fmt: skip


def json(run: Run) -> str:
    """The analysis as one JSON object, in SI base units.

    Keys: `schema` (name, version), `run` (id, started in seconds since the epoch, version, code, command, status,
    gpu_clocks requested and read back, and resumptions), `machine`, `limits`, `devices` (limits of those that a
    framework drove), `plan` (knobs and workloads), `clocks` (of runs that set some: one record of
    `serialprof.model.reached.ReachedClock` for each point and policy, with what was requested, read_back and measured
    in Hz, the share `off`, and in `flag` what is wrong with it), `doctor` (records of
    `serialprof.machine.finding.Finding`: what spoilt or limited the run), `samples` (taken, disturbed), `failures`
    (point, reason) and `families`. A family holds the records of `serialprof.model.results.FamilyAnalysis` by their
    attributes' names, `refusals`, `contradictions` and `device` among them.
    Each estimate is {value, low, high, unit, level, identified, reason, what_would_identify_it}; whatever is unknown,
    or no finite number, is null.
    """
    stored = run.stored
    taken, disturbed = sample_counts(stored)
    document = {
        "schema": SCHEMA,
        "run": {
            "id": stored.run_id,
            "started": stored.started,
            "version": stored.version,
            "code": stored.code,
            "command": stored.command,
            "status": stored.status,
            "gpu_clocks": [as_plain(item) for item in stored.gpu_clocks],
            "resumptions": [as_plain(item) for item in stored.resumptions],
        },
        "machine": machine_as_plain(stored.machine),
        "limits": as_plain(stored.limits),
        "devices": [as_plain(item) for item in stored.devices],
        "plan": _plan(stored.plan),
        "clocks": [as_plain(clock) for clock in reached(stored)],
        "doctor": [as_plain(finding) for finding in findings(stored)],
        "samples": {"taken": taken, "disturbed": disturbed},
        "failures": [{"point": point, "reason": reason} for point, reason in failures(run.analysis)],
        "families": [_family(family) for family in run.analysis.families],
    }
    return format_json(document) + "\n"


def csv(run: Run) -> str:
    """One row per sample, disturbed ones included, in SI base units; a header row, CRLF line ends (RFC 4180).

    `step_seconds` is seconds / (runs * depth). A text cell that a spreadsheet would take for a formula is prefixed with
    a single quote. The columns from `clock_requested` on are the clock of the visit in Hz, empty where clocks were left
    alone; those from `gpu_sm_clock` on the GPU's state after it, and the bytes that every step kept.
    """
    text = StringIO()
    table = writer(text)
    table.writerow(COLUMNS)
    table.writerows([_harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows(run.stored))
    return text.getvalue()


def rows(run: StoredRun) -> Iterator[tuple[object, ...]]:
    """The cells of every sample, in the order of COLUMNS; what is not known is None."""
    for visit in run.visits:
        yield from (_row(run, visit, sample) for sample in visit.samples)


def _row(run: StoredRun, visit: Visit, sample: Sample) -> tuple[object, ...]:
    point = run.point(visit.point)
    setting = point.setting
    return (
        run.run_id, point.workload, parameters(setting), setting.mode, setting.device, setting.dtype, setting.form,
        setting.width, setting.depth, setting.threads, " ".join(map(str, setting.cpus)),
        visit.block, visit.turn, visit.process, visit.runs, sample.seconds,
        sample.seconds / (visit.runs * setting.depth), sample.cpu_seconds, sample.involuntary, sample.disturbed,
        sample.cpu, sample.clock_before, sample.clock_after, sample.cycles, sample.instructions, sample.stalls,
        visit.readings.steal, visit.readings.temperature, visit.readings.throttles,
        *clock_of(setting.cpus, (visit,)), *_gpu(visit), visit.readings.leaked,
    )  # fmt: skip


def _gpu(visit: Visit) -> tuple[object, ...]:
    """Clocks in Hz, power in W, temperature in C and why its clock was what it was, after the samples of a visit."""
    if not visit.readings.gpu:
        return (None,) * 5
    state = visit.readings.gpu[-1]
    return state.sm_clock, state.memory_clock, state.power, state.temperature, ", ".join(state.reasons or ())


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _plan(plan: Plan) -> dict[str, Any]:
    built: dict[str, Any] = as_plain(plan)
    return built | {"points": len(plan.points)}


def _family(family: FamilyAnalysis) -> dict[str, Any]:
    built: dict[str, Any] = as_plain(family)
    if family.declared is not None:
        built["declared"]["ratio"] = family.declared.ratio
    return built
