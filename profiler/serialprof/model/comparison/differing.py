# SPDX-License-Identifier: Apache-2.0
"""Whether two runs can be compared: in what they differ beside their machines, and what else is to be known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from serialprof.model.comparison.pairing import Measured
from serialprof.model.comparison.records import Mismatch, Place
from serialprof.model.wording import listed
from serialprof.store import StoredRun
from serialprof.units import format_si

#: Disturbed samples beyond this share are told.
_DISTURBED: Final = 0.2
_ABSENT: Final = "none"
_HASH: Final = 12


def mismatches(
    first: StoredRun, second: StoredRun, ours: Mapping[Place, Measured], theirs: Mapping[Place, Measured]
) -> tuple[Mismatch, ...]:
    """In what two runs differ that is no matter of their machines.

    Args:
        first: a run.
        second: another one.
        ours: the shared points as the first measured them.
        theirs: as the second did.
    """
    rows = (*_code_rows(first, second, ours), *_effort_rows(first, second), *_clock_rows(first, second))
    found = [Mismatch(what, one, other, matters) for what, one, other, matters in rows if one != other]
    return (*found, *_work_rows(ours, theirs))


def warnings(first: StoredRun, second: StoredRun, labels: tuple[str, str]) -> list[str]:
    """What else stands between the ratios of two runs and their machines, each a clause with the label of the run."""
    found = []
    if first.run_id == second.run_id:
        found.append(f"{labels[0]} and {labels[1]} are the same run, so all ratios are 1")
    for label, run in zip(labels, (first, second), strict=True):
        found += [f"{label} {text}" for text in _warnings(run)]
    return found


def _code_rows(
    first: StoredRun, second: StoredRun, ours: Mapping[Place, Measured]
) -> Iterator[tuple[str, str, str, str]]:
    yield "serialprof", first.version, second.version, "what is measured, and how, may have changed"
    yield "code", first.code[:_HASH], second.code[:_HASH], "native kernels and workloads are not the same program"
    packages = ["numpy"] + ["torch"] * any(place.family.workload.startswith("torch") for place in ours)
    for name in packages:
        versions = [run.machine.packages.get(name, _ABSENT) for run in (first, second)]
        yield name, versions[0], versions[1], "frameworks change from version to version"
    levels = [run.machine.instruction_set for run in (first, second)]
    yield "instruction set", levels[0], levels[1], "hot loops run on another path, which is part of the ratios"


def _effort_rows(first: StoredRun, second: StoredRun) -> Iterator[tuple[str, str, str, str]]:
    quick = [_form(run.plan.quick) for run in (first, second)]
    yield "run", quick[0], quick[1], "the quick form keeps its processes from block to block"
    limits = [_form(run.limits.quick) for run in (first, second)]
    yield "limits", limits[0], limits[1], "the quick form of the limits is coarser"


def _clock_rows(first: StoredRun, second: StoredRun) -> Iterator[tuple[str, str, str, str]]:
    asked = [_clocks(run) for run in (first, second)]
    yield "clocks", asked[0], asked[1], "one may have been held below what it does by itself"
    governors = [run.machine.clock_governor or _ABSENT for run in (first, second)]
    yield "governor", governors[0], governors[1], "governors raise the clock at different times"
    gpus = [listed([format_si(each.requested, "Hz") for each in run.gpu_clocks]) for run in (first, second)]
    yield "GPU clock", gpus[0] or "left alone", gpus[1] or "left alone", "one may have been held below the other"


def _work_rows(ours: Mapping[Place, Measured], theirs: Mapping[Place, Measured]) -> Iterator[Mismatch]:
    """Workloads whose declared work differs at shared points."""
    names = [place.family.workload for place in ours if ours[place].point.work != theirs[place].point.work]
    for name in dict.fromkeys(names):
        count = names.count(name)
        where = f"at {count} shared point{'s' if count > 1 else ''}"
        yield Mismatch("declared work", f"{name}, {where}", "another", "a step may not be the same work")


def _warnings(run: StoredRun) -> Iterator[str]:
    if run.status != "complete":
        yield f"is {run.status}"
    if run.plan.quick:
        yield "is a quick run: its intervals hold within its processes, and do not cover what a fresh start changes"
    reasons = [reason for visit in run.visits for reason in visit.samples.disturbed]
    disturbed = sum(map(bool, reasons))
    if disturbed > _DISTURBED * len(reasons):
        yield f"had {round(100 * disturbed / len(reasons))} % of its samples disturbed"


def _form(quick: bool) -> str:
    return "quick" if quick else "full"


def _clocks(run: StoredRun) -> str:
    """Which clock step times are compared at: what was asked for, with turbo or without."""
    if not run.plan.clocks:
        return "left alone"
    highest = max(run.plan.clocks, key=lambda clock: clock.hertz)
    return f"set, up to {format_si(highest.hertz, 'Hz')}{', turbo on' if highest.turbo else ''}"
