# SPDX-License-Identifier: Apache-2.0
"""A run from request to result: puts planning, measuring, store and model together."""

from __future__ import annotations

import hashlib
import platform
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from serialprof.catalog import Description, Workload, check_name
from serialprof.errors import InterruptedRunError, WorkloadError
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.measure.engine import Engine, Progress
from serialprof.measure.introspection import Introspector, probe_limits
from serialprof.measure.pool import Pool
from serialprof.planning import DEFAULT_WORKLOADS, Plan, Point, Request, check_memory, make_plan, settings_of
from serialprof.setting import ParameterValue
from serialprof.store import SUFFIX, Store, StoredRun, read_run
from serialprof.view import Run


@dataclass(frozen=True)
class Prepared:
    """A request checked against this machine, ready to be measured.

    Attributes:
        machine: this computer.
        plan: what would be measured.
        code: hash of the native extension and the workloads' sources.
        skipped: why a workload that was asked for is left out, by name.
    """

    machine: Machine
    plan: Plan
    code: str
    skipped: dict[str, str]


def prepare(request: Request) -> Prepared:
    """Checks a request and draws its plan; measures nothing.

    Raises:
        UsageError: a setting that this machine or the workload does not have.
        WorkloadError: a workload that is unknown or does not load.
    """
    from serialprof.machine.reading import read_machine  # a report needs nothing that reads hardware

    for reference in request.workloads:
        check_name(reference)
    machine = read_machine()
    descriptions: list[Description] = []
    points: list[Point] = []
    skipped: dict[str, str] = {}
    code = hashlib.sha256(_native_bytes())
    for reference in dict.fromkeys(request.workloads):
        with closing(Introspector(reference, machine.cpus[0])) as introspector:
            description, source = introspector.describe()
            code.update(source.encode())
            settings = [] if description.missing else settings_of(request, description, machine)
            if not settings:
                few = f"needs {description.min_threads} threads, this machine has {machine.usable} usable cores"
                skipped[description.name] = description.missing or few
                continue
            descriptions.append(description)
            for setting, work in zip(settings, introspector.declare(settings), strict=True):
                points.append(Point(len(points), reference, setting, work))
                check_memory(points[-1], machine)
    if not points:
        reasons = "; ".join(f"{name} {reason}" for name, reason in skipped.items())
        raise WorkloadError(f"nothing to measure: {reasons}", "see serialprof list")
    return Prepared(machine, make_plan(request, descriptions, points), code.hexdigest(), skipped)


def measure(
    prepared: Prepared,
    path: Path,
    report: Callable[[Progress], None] = lambda progress: None,
    stage: Callable[[str], None] = lambda text: None,
    command: Sequence[str] = (),
    limits: Limits | None = None,
) -> Run:
    """Measures a prepared request into a new run file.

    Args:
        prepared: from `prepare`.
        path: the run file to create.
        report: told what comes next, between visits.
        stage: told in a few words what begins.
        command: the command line, for the record.
        limits: this machine's limits where they are known already; measured otherwise.

    Raises:
        StoreError: the file exists or cannot be written; nothing is measured then.
        CannotMeasureError: the limits cannot be measured.
        InterruptedRunError: Ctrl-C; the file holds what was measured.
    """
    run = StoredRun(
        run_id=secrets.token_hex(8),
        started=time.time(),
        version=version("serialprof"),
        code=prepared.code,
        command=tuple(command),
        status="running",
        machine=prepared.machine,
        limits=Limits(),
        plan=prepared.plan,
        visits=(),
    )
    with Store(path, run) as store:
        try:
            if limits is None:
                stage("measuring this machine's limits")
                limits = probe_limits(prepared.machine.cpus[: prepared.machine.usable], prepared.plan.quick)
            store.set_limits(limits)
            with Pool() as pool:
                Engine(prepared.plan, pool, store, report=report).run()
        except KeyboardInterrupt:
            store.finish("interrupted")
            raise InterruptedRunError(
                f"interrupted; what was measured is kept in {path}", f"serialprof report {path} shows it"
            ) from None
        store.finish("complete")
    return load(path)


def load(path: str | Path) -> Run:
    """Reads a run file.

    Raises:
        StoreError: it is absent, damaged, foreign, or of a newer schema.
    """
    return Run(read_run(Path(path)), Path(path))


def run(
    workloads: Sequence[str | Workload] | str | Workload = DEFAULT_WORKLOADS,
    *,
    widths: Sequence[int] | None = None,
    threads: Sequence[int] | None = None,
    modes: Sequence[str] | None = None,
    depth: int | None = None,
    parameters: dict[str, ParameterValue] | None = None,
    budget: float | None = None,
    precision: float = 0.02,
    seed: int = 0,
    quick: bool = False,
    output: str | Path | None = None,
) -> Run:
    """Profiles workloads on this machine, as `serialprof run` does.

    Args:
        workloads: names, FILE.py:NAME references, or decorated functions that stand in a file.
        widths: independent lanes per step; None leaves a knob to the workload and the machine.
        threads: thread counts.
        modes: execution modes.
        depth: dependent steps in one run.
        parameters: workload parameters, for every workload that has them.
        budget: seconds of sampling.
        precision: relative half-width of the step time at which sampling stops early.
        seed: of the drawn order.
        quick: the short form.
        output: the run file to create; by default a new one in the working folder.

    Raises:
        SerialprofError: as `prepare` and `measure` say.
    """
    chosen = [workloads] if isinstance(workloads, str | Workload) else workloads
    request = Request(
        workloads=tuple(_reference(item) for item in chosen),
        widths=None if widths is None else tuple(widths),
        threads=None if threads is None else tuple(threads),
        modes=None if modes is None else tuple(modes),
        depth=depth,
        parameters=dict(parameters or {}),
        budget=budget,
        precision=precision,
        seed=seed,
        quick=quick,
    )
    path = default_path() if output is None else Path(output)
    return measure(prepare(request), path, command=("serialprof.run",))


def default_path() -> Path:
    """A run file in the working folder, named after host and time."""
    return Path(f"serialprof-{platform.node() or 'host'}-{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")


def _reference(item: str | Workload) -> str:
    """A workload as a worker can load it: by file and name."""
    if isinstance(item, str):
        return item
    module = sys.modules.get(item.build.__module__)
    names = [name for name, value in vars(module).items() if value is item] if module else []
    file = getattr(module, "__file__", None)
    if not names or not file:
        raise WorkloadError(f"workload {item.name!r} stands in no file", "write it to a file and pass FILE.py:NAME")
    return f"{file}:{names[0]}"


def _native_bytes() -> bytes:
    from serialprof import _native

    return Path(_native.__file__).read_bytes()
