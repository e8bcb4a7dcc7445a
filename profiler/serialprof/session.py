# SPDX-License-Identifier: Apache-2.0
"""A run from request to result: puts planning, measuring, store and model together."""

from __future__ import annotations

import platform
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from serialprof.clocksetup import ClockFiles, Warn, held, held_gpus, to_stderr
from serialprof.errors import UsageError
from serialprof.interruption import ended_like_ctrl_c, interrupted
from serialprof.limitcache import recall, remember
from serialprof.limits import PER_THREADS, Limits
from serialprof.machine import Machine
from serialprof.measure.devices import limits_of_devices
from serialprof.measure.dissections import reserved_dissections, take_dissections
from serialprof.measure.effort import BRIEF, QUICK
from serialprof.measure.engine import Engine
from serialprof.measure.introspection import probe_limits
from serialprof.measure.pool import Pool
from serialprof.measure.roles import Progress
from serialprof.measure.standins import reserved, take_stand_ins
from serialprof.measure.touching import know_footprints
from serialprof.measure.tuning import Clocks
from serialprof.preparation import Prepared, differences, prepare_again
from serialprof.store import SUFFIX, Resumption, Store, StoredRun
from serialprof.view import Run, load

Report: TypeAlias = Callable[[Progress], None]
Stage: TypeAlias = Callable[[str], None]


def measure(
    prepared: Prepared,
    path: Path,
    report: Report = lambda progress: None,
    stage: Stage = lambda text: None,
    command: Sequence[str] = (),
    limits: Limits | None = None,
    warn: Warn = to_stderr,
) -> Run:
    """Measures a prepared request into a new run file.

    Args:
        prepared: from `prepare`.
        path: the run file to create.
        report: told what comes next, between visits.
        stage: told in a few words what begins.
        command: the command line, for the record.
        limits: this machine's limits where they are known already; measured otherwise.
        warn: told what is to be known about the clocks that are set, such as what could not be given back.

    Raises:
        StoreError: the file exists or cannot be written; nothing is measured then.
        CannotMeasureError: the limits cannot be measured; or another run is setting clocks, and no file is written.
        UsageError: the budget is too short for the points.
        InterruptedRunError: Ctrl-C, SIGTERM or SIGHUP; the file holds what was measured.

    Where nothing was measured, no file is left.
    """
    run = StoredRun(
        run_id=secrets.token_hex(8),
        started=time.time(),
        version=version("serialprof"),
        code=prepared.code,
        command=tuple(command),
        status="running",
        machine=prepared.machine,
        limits=limits or Limits(),
        plan=prepared.plan,
        visits=(),
    )
    with (
        held(prepared.clocks, warn) as clocks,
        held_gpus(prepared.gpus, warn) as locked,
        Store(path, replace(run, gpu_clocks=locked)) as store,
    ):
        _carry_out(store, run, prepared, report, stage, clocks)
    return load(path)


def resume(
    path: Path,
    report: Report = lambda progress: None,
    stage: Stage = lambda text: None,
    command: Sequence[str] = (),
    *,
    force: bool = False,
    warn: Warn = to_stderr,
    files: ClockFiles | None = None,
) -> Run:
    """Goes on with a run that was interrupted or killed, exactly where it stopped: same plan, seed and drawn order.

    Args:
        path: its run file.
        report: told what comes next, between visits.
        stage: told in a few words what begins.
        command: the command line, for the record.
        force: go on even on another machine or with other code; both are recorded in any case.
        warn: as in `measure`.
        files: where clocks are set; by default those of this machine.

    Raises:
        StoreError: the file is no run file, is complete, or another run is writing to it.
        UsageError: the machine or the code has changed, and `force` was not given.
        InterruptedRunError: as in `measure`.
    """
    store, run = Store.reopen(path)
    with store:
        prepared = prepare_again(run, path, warn=warn, files=files)
        changes = differences(run, prepared)
        if changes and not force:
            raise UsageError(
                f"{path} was begun under other conditions: {'; '.join(changes)}",
                "resume it where it began, or add --force, which records both",
            )
        now = Resumption(time.time(), tuple(command), prepared.machine, version("serialprof"), prepared.code)
        with held(prepared.clocks, warn) as clocks, held_gpus(prepared.gpus, warn):
            store.resumed(now, run.resumptions)
            _carry_out(store, run, prepared, report, stage, clocks)
    return load(path)


def _carry_out(
    store: Store, run: StoredRun, prepared: Prepared, report: Report, stage: Stage, clocks: Clocks | None
) -> None:
    """Measures what a run lacks, and records how that ended."""
    with ended_like_ctrl_c():
        try:
            if run.limits == Limits():
                threads = {point.setting.threads for point in run.plan.points}
                store.set_limits(limits_of(prepared.machine, threads, quick=run.plan.quick, stage=stage))
            if not run.devices:
                store.set_devices(limits_of_devices(run.plan, stage))
            with Pool(meter=run.plan.meter) as pool:
                _measure_points(store, run, pool, report, stage, clocks)
            store.finish("complete")
        except KeyboardInterrupt:
            store.abandon("interrupted")
            raise interrupted(store.path, store.visits) from None
        except BaseException:
            store.abandon("failed")
            raise


def _measure_points(
    store: Store, run: StoredRun, pool: Pool, report: Report, stage: Stage, clocks: Clocks | None
) -> None:
    """Samples every point, then takes stand-ins and dissections of those that were reached."""
    plan = run.plan
    for_stand_ins, for_dissections = reserved(plan), reserved_dissections(plan)
    sampling = replace(plan, budget=plan.budget - for_stand_ins - for_dissections)
    engine = Engine(sampling, pool, store, report=report, past=run, clocks=clocks)
    engine.run()
    reached = replace(plan, points=engine.reached)
    if not run.footprints:
        know_footprints(reached, engine.run_seconds, pool, store)
    if for_stand_ins:
        stage("stand-ins for another clock")
    if plan.stand_ins:  # where none can be taken, why is stored
        take_stand_ins(reached, engine.run_seconds, pool, store, run.stand_ins)
    if for_dissections:
        stage("parts of a step")
        take_dissections(reached, engine.run_seconds, pool, store, run.dissections)


def limits_of(
    machine: Machine, threads: Iterable[int], *, quick: bool = False, stage: Stage = lambda text: None
) -> Limits:
    """This machine's limits: remembered ones, unless only their quick form is and more is wanted; else measured now.

    What is measured is remembered for the next time.

    Args:
        machine: this computer.
        threads: thread counts; those that are not remembered are measured.
        quick: whether the form of ten seconds will do; else it is that of half a minute.
        stage: told what is measured, or how old it is.

    Raises:
        CannotMeasureError: nothing could be measured.
    """
    effort, wanted, entry = QUICK if quick else BRIEF, {1, *threads}, recall(machine)
    if entry is None or (entry.limits.quick and not quick):
        stage("measuring this machine's limits")
        limits = probe_limits(machine.cpus, wanted, effort=effort)
        remember(machine, wanted, limits)
        return limits
    known = f"those measured {_age(entry.limits)} ago{' in the quick form' if entry.limits.quick else ''}"
    missing = wanted - set(entry.threads)
    if not missing:
        stage(f"this machine's limits are {known}")
        return entry.limits
    counts = ", ".join(map(str, sorted(missing)))
    stage(f"measuring this machine's limits for {counts} threads, beside {known}")
    limits = entry.limits.joined(probe_limits(machine.cpus, missing, effort=effort, parts=PER_THREADS))
    if quick == entry.limits.quick:
        remember(machine, wanted | set(entry.threads), limits)
    return limits


def _age(limits: Limits) -> str:
    seconds = max(0.0, time.time() - (limits.measured or 0.0))
    unit, name = next((pair for pair in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= pair[0]), (1, "s"))
    return f"{seconds / unit:.0f} {name}"


def default_path() -> Path:
    """A run file in the working folder, named after host and time."""
    return Path(f"serialprof-{platform.node() or 'host'}-{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")
