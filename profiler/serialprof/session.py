# SPDX-License-Identifier: Apache-2.0
"""A run from request to result: puts planning, measuring, store and model together."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from serialprof.catalog import Description, Workload
from serialprof.errors import InterruptedRunError, UsageError, WorkloadError
from serialprof.limits import Limits
from serialprof.loading import check_name
from serialprof.machine import Machine
from serialprof.measure.engine import Engine, Progress
from serialprof.measure.introspection import Introspector, probe_limits
from serialprof.measure.pool import Pool
from serialprof.measure.process import IN_WORKER
from serialprof.planning import (
    DEFAULT_WORKLOADS,
    Plan,
    Point,
    Request,
    check_parameters,
    check_size,
    make_plan,
    settings_of,
)
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

    if os.environ.get(IN_WORKER):
        raise UsageError(
            "a profile was started while a worker imported this file",
            'put the call under `if __name__ == "__main__":`',
        )
    for reference in request.workloads:
        check_name(reference)
    machine = read_machine()
    with ExitStack() as stack:
        workers = [
            stack.enter_context(closing(Introspector(reference, machine.cpus[0])))
            for reference in dict.fromkeys(request.workloads)
        ]
        described = [worker.describe() for worker in workers]
        descriptions = [description for description, _ in described]
        check_parameters(request, descriptions)
        skipped: dict[str, str] = {}
        points: list[Point] = []
        for worker, description in zip(workers, descriptions, strict=True):
            settings = [] if description.missing else settings_of(request, description, machine)
            if not settings:
                skipped[description.name] = description.missing or _too_few_cores(description, machine)
            for setting, work in zip(settings, worker.declare(settings), strict=True):
                points.append(Point(len(points), worker.reference, setting, work))
                check_size(points[-1], machine)
    if not points:
        reasons = "; ".join(f"{name} {reason}" for name, reason in skipped.items())
        raise WorkloadError(f"nothing to measure: {reasons}", "see serialprof list")
    kept = [description for description in descriptions if description.name not in skipped]
    return Prepared(machine, make_plan(request, kept, points), _code_hash([code for _, code in described]), skipped)


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
        limits=Limits(),
        plan=prepared.plan,
        visits=(),
    )
    with Store(path, run) as store, _ended_like_ctrl_c():
        try:
            if limits is None:
                stage("measuring this machine's limits")
                threads = [point.setting.threads for point in prepared.plan.points]
                limits = probe_limits(prepared.machine.cpus, threads, prepared.plan.quick)
            store.set_limits(limits)
            with Pool() as pool:
                Engine(prepared.plan, pool, store, report=report).run()
            store.finish("complete")
        except KeyboardInterrupt:
            store.abandon("interrupted")
            raise _interrupted(path, store.visits) from None
        except BaseException:
            store.abandon("failed")
            raise
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


def _too_few_cores(description: Description, machine: Machine) -> str:
    cores = "1 usable core" if machine.usable == 1 else f"{machine.usable} usable cores"
    return f"needs {description.min_threads} threads, this run has at most {cores}"


def _code_hash(sources: Sequence[str]) -> str:
    """SHA-256 over the native extension and the hashes of the workloads' sources."""
    from serialprof import _native

    code = hashlib.sha256(Path(_native.__file__).read_bytes())
    for source in sources:
        code.update(source.encode())
    return code.hexdigest()


def _interrupted(path: Path, visits: int) -> InterruptedRunError:
    if not visits:
        return InterruptedRunError("interrupted before anything was measured", "no file was left")
    return InterruptedRunError(
        f"interrupted; what was measured is kept in {path}", f"serialprof report {path} shows it"
    )


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Has SIGTERM and SIGHUP end a run as Ctrl-C does, so that the run file is closed; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    former = {number: signal.signal(number, signal.default_int_handler) for number in heeded}  # nohup stays nohup
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
