# SPDX-License-Identifier: Apache-2.0
"""Plants programs on this machine, measures them as any run is measured, and compares."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from serialprof.errors import ExitCode, InterruptedRunError, StoreError, UsageError
from serialprof.interruption import ended_like_ctrl_c
from serialprof.limits import Limits, Part
from serialprof.machine import Machine
from serialprof.machine.activity import read_activity
from serialprof.measure.effort import BRIEF, QUICK
from serialprof.measure.introspection import probe_limits
from serialprof.planning import Family, Point, Request
from serialprof.preparation import Prepared, look_at_machine, prepare
from serialprof.session import Report, Stage, measure
from serialprof.store import SUFFIX
from serialprof.units import format_seconds
from serialprof.validation.comparing import EXIT_CODES, Check, Conditions, Outcome, judge, noise, outcome
from serialprof.validation.programs import PROGRAM, Planting, Program, claims, plantings
from serialprof.view import Run

#: Seconds that everything together may take, and the least that it needs.
DEFAULT_BUDGET: Final = 110.0
LEAST_BUDGET: Final = 45.0
#: From here on the limits are measured in their brief form, below in their quick one.
_FULL_BUDGET: Final = 90.0
#: What the analysis of planted programs uses of the limits, and what their loads are counted by.
_PARTS: Final[tuple[Part, ...]] = ("chains", "chase", "barriers")
#: Share of what is left after the limits that goes into sampling; the rest is for calibrating, and for a last block
#: under way.
_SAMPLED: Final = 0.85
#: Relative half-width of the step times at which sampling ends early.
_PRECISION: Final = 0.002


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes:
        machine: where.
        checks: truths against estimates.
        skipped: why a check was not made here, by check.
        conditions: what it was like on the machine meanwhile.
        noise: why it is too noisy to be believed, each a clause; empty where it is not.
        failed: why points failed, each a sentence; empty where none did.
        seconds: of everything.
    """

    machine: Machine
    checks: tuple[Check, ...]
    skipped: Mapping[str, str]
    conditions: Conditions
    noise: tuple[str, ...]
    failed: tuple[str, ...]
    seconds: float

    @property
    def outcome(self) -> Outcome:
        """What all checks come to."""
        return outcome(self.checks, self.noise)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that it deserves: failures outrank verdicts."""
        return ExitCode.USAGE if self.failed else EXIT_CODES[self.outcome]


def validate(
    budget: float = DEFAULT_BUDGET,
    report: Report = lambda progress: None,
    stage: Stage = lambda text: None,
    seed: int = 0,
) -> Validation:
    """Measures programs whose truth is known on this machine, and compares it with what the analysis says.

    Args:
        budget: seconds of everything together, the machine's limits included.
        report: told what comes next, between visits.
        stage: told in a few words what begins.
        seed: of the drawn order.

    Raises:
        UsageError: the budget is too short.
        CannotMeasureError: the machine's limits cannot be measured.
        StoreError: the temporary folder takes no more.
        InterruptedRunError: Ctrl-C, SIGTERM or SIGHUP; nothing is left behind.
    """
    if budget < LEAST_BUDGET:
        raise UsageError(
            f"--budget {format_seconds(budget)} is too short for limits, calibration and five blocks",
            f"allow --budget {LEAST_BUDGET:g}s at least",
        )
    try:
        with ended_like_ctrl_c(), _temporary_folder() as folder:
            return _validated(folder, budget, report, stage, seed)
    except (InterruptedRunError, KeyboardInterrupt):
        raise InterruptedRunError("interrupted", "nothing was left behind") from None


def _validated(folder: Path, budget: float, report: Report, stage: Stage, seed: int) -> Validation:
    began = time.monotonic()
    machine = look_at_machine()
    foreign = _foreign(machine.cpus[: min(2, machine.usable)])
    effort = BRIEF if budget >= _FULL_BUDGET else QUICK
    counts = range(1, min(2, machine.usable) + 1)
    limits = probe_limits(machine.cpus, counts, effort=effort, parts=_PARTS, tell=stage)
    planted, skipped = plantings(machine, limits)
    stage("preparing the planted programs")
    parts = {name: _prepared(planting, machine, seed) for name, planting in planted.items()}
    prepared, families = merged(parts, _SAMPLED * (budget - (time.monotonic() - began)))
    run = _measured(prepared, folder, limits, report, stage, budget)
    taken = foreign()
    programs = {name: _program(run, family) for name, family in families.items()}
    checks = judge(claims(programs))
    conditions = Conditions(_disturbed(run), taken, min(program.units for program in programs.values()))
    return Validation(
        machine, checks, skipped, conditions, noise(conditions, checks), run.failed, time.monotonic() - began
    )


def merged(parts: Mapping[str, Prepared], sampling: float) -> tuple[Prepared, dict[str, Family]]:
    """Several requests as one run, so that all of them meet the same weather, and the family of each by its name.

    Args:
        parts: prepared requests of one workload that differ in parameters; their serial form is kept.
        sampling: seconds of sampling.
    """
    points: list[Point] = []
    families = {}
    for name, part in parts.items():
        serial = [point for point in part.plan.points if point.setting.form == "serial"]
        families[name] = serial[0].family
        points += [replace(point, id=len(points) + number) for number, point in enumerate(serial)]
    first = next(iter(parts.values()))
    plan = replace(first.plan, points=tuple(points), budget=sampling, precision=_PRECISION)
    return replace(first, plan=plan), families


def _prepared(planting: Planting, machine: Machine, seed: int) -> Prepared:
    request = Request(
        (PROGRAM,), widths=planting.widths, threads=planting.threads, parameters=planting.parameters, seed=seed
    )
    return prepare(request, machine)


def _measured(prepared: Prepared, folder: Path, limits: Limits, report: Report, stage: Stage, budget: float) -> Run:
    try:
        return measure(prepared, folder / f"validate{SUFFIX}", report, stage, limits=limits)
    except StoreError as error:
        raise StoreError(error.message, _ELSEWHERE) from None
    except UsageError as error:
        raise UsageError(f"--budget {format_seconds(budget)} is too short: {error.message}", "allow more") from None


def _program(run: Run, family: Family) -> Program:
    analysis = next(item for item in run.analysis.families if item.family == family)
    return Program.of(run.stored, analysis)


def _disturbed(run: Run) -> float:
    """Share of a run's samples that were disturbed; 1 where there are none."""
    samples = [sample for visit in run.stored.visits for sample in visit.samples]
    return sum(bool(sample.disturbed) for sample in samples) / len(samples) if samples else 1.0


def _foreign(cpus: Sequence[int]) -> Callable[[], float | None]:
    """Starts to watch CPUs; the function returned tells which share of their time other processes took since then."""
    before, own, began = read_activity(cpus).busy, _own_seconds(), time.monotonic()

    def taken() -> float | None:
        after, used = read_activity(cpus).busy, _own_seconds() - own
        if before is None or after is None:
            return None
        return max(0.0, after - before - used) / (len(cpus) * (time.monotonic() - began))

    return taken


def _own_seconds() -> float:
    """CPU time of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


_ELSEWHERE: Final = "make room in the temporary folder, or set TMPDIR to another one"


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="serialprof-")
    except OSError as error:
        raise StoreError(f"no temporary folder can be made: {error.strerror}", _ELSEWHERE) from None
    with folder:
        yield Path(folder.name)
