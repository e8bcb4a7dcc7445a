# SPDX-License-Identifier: Apache-2.0
"""Before anything is measured: a request checked against this machine, or an interrupted run against both."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from serialprof.catalog import Description
from serialprof.clock.gpucontrol import GpuSetup, check_gpus
from serialprof.clocksetup import (
    ClockFiles,
    ClockSetup,
    Warn,
    check_again,
    check_clocks,
    give_back_first,
    kernel_files,
    to_stderr,
)
from serialprof.errors import CannotMeasureError, StoreError, UsageError, WorkloadError
from serialprof.loading import check_name
from serialprof.machine import Machine
from serialprof.machine.topology import merge_groups, placement_order
from serialprof.measure.budget import check_clock_budget
from serialprof.measure.introspection import Introspector, probe_pairs, see_device
from serialprof.measure.pairs import hidden_siblings
from serialprof.measure.process import IN_WORKER
from serialprof.measure.standins import check_dilation
from serialprof.planning import Plan, Point, Request, make_plan
from serialprof.setting import on_cuda
from serialprof.store import StoredRun
from serialprof.sweep import check_parameters, check_size, fits, settings_of, thread_counts

#: What a machine may change while a run is interrupted without becoming another one.
_VOLATILE: Final = frozenset({"memory"})
_MOST_SHOWN: Final = 60  # characters of a value in a message


@dataclass(frozen=True)
class Prepared:
    """A request checked against this machine, ready to be measured.

    Attributes:
        machine: this computer.
        plan: what would be measured.
        code: hash of the native extension and the workloads' sources.
        skipped: why a workload that was asked for is left out, by name.
        clocks: that are set, and how; None where clocks are left alone.
        gpus: whose clocks are locked, and at what; None where they are left alone.
    """

    machine: Machine
    plan: Plan
    code: str
    skipped: dict[str, str]
    clocks: ClockSetup | None = None
    gpus: GpuSetup | None = None


def look_at_machine(hidden: Sequence[tuple[int, int]] | None = None) -> Machine:
    """This computer, with the siblings that a guest's topology hides, so that threads go to cores of their own first.

    Args:
        hidden: these siblings, where they are known; probed otherwise.

    Raises:
        CannotMeasureError: the pair probe failed.
    """
    from serialprof.machine.reading import read_machine  # a report needs nothing that reads hardware

    machine = read_machine()
    if not machine.hypervisor or len(machine.cpus) < 2:  # on bare metal the kernel knows
        return machine
    found = hidden_siblings(probe_pairs(machine.cpus)) if hidden is None else hidden
    new = tuple(pair for pair in found if not any(set(pair) <= set(group) for group in machine.siblings))
    groups = merge_groups(machine.siblings, new)
    return replace(machine, siblings=groups, cpus=placement_order(groups), hidden_siblings=new)


def prepare(
    request: Request,
    machine: Machine | None = None,
    *,
    warn: Warn = to_stderr,
    dry_run: bool = False,
    files: ClockFiles | None = None,
) -> Prepared:
    """Checks a request and draws its plan; measures nothing.

    Args:
        request: what the user asked for.
        machine: this computer, where it has been looked at already.
        warn: told what is to be known about clocks, where some are asked for.
        dry_run: whether nothing will be measured: then clocks that a killed run left are not given back either.
        files: where clocks are set; by default those of this machine.

    Raises:
        CannotMeasureError: clocks or a device that this machine does not give, or not to this process.
        UsageError: a setting that this machine or the workload does not have.
        WorkloadError: a workload that is unknown or does not load.
    """
    if os.environ.get(IN_WORKER):
        raise UsageError(
            "a profile was started while a worker imported this file",
            'put the call under `if __name__ == "__main__":`',
        )
    files = files or kernel_files()
    if request.sets_clocks:
        give_back_first(files, warn, write=not dry_run)
    gpus = None if request.gpu_clock is None else check_gpus(request.gpu_clock, files.nvml, files.folder)
    machine = machine or look_at_machine()
    setup = _clocks(request, machine, files, warn)
    clocks = setup.clocks if setup else ()
    with ExitStack() as stack:
        workers = list(_introspectors(stack, request.workloads, machine))
        described = [worker.describe() for worker in workers]
        descriptions = told_apart([description for description, _ in described])
        check_parameters(request, descriptions)
        skipped: dict[str, str] = {}
        points: list[Point] = []
        for worker, description in zip(workers, descriptions, strict=True):
            settings = [] if description.missing else settings_of(request, description, machine, clocks)
            if not settings:
                skipped[description.name] = description.missing or _too_few_cores(description, machine)
            for setting, work in zip(settings, worker.declare(settings), strict=True):
                point = Point(len(points), worker.reference, setting, work)
                if _ends_before(point, description, request, machine):
                    continue
                check_size(point, machine)
                points.append(point)
    _check_device(request.device, points, machine)
    if not points:
        reasons = "; ".join(f"{name} {reason}" for name, reason in skipped.items())
        raise WorkloadError(f"nothing to measure: {reasons}", "see serialprof list")
    kept = [description for description in descriptions if description.name not in skipped]
    plan = make_plan(request, kept, points, clocks)
    if clocks:
        check_clock_budget(len(points), len(clocks), plan.budget)
    check_dilation(plan)
    return Prepared(machine, plan, _code_hash([code for _, code in described]), skipped, setup, gpus)


def told_apart(descriptions: Sequence[Description]) -> list[Description]:
    """The descriptions with a name of each one's own: where several have the same, their references are their names."""
    names = Counter(description.name for description in descriptions)
    return [replace(item, name=item.reference) if names[item.name] > 1 else item for item in descriptions]


def _ends_before(point: Point, description: Description, request: Request, machine: Machine) -> bool:
    """Whether a sweep that ends by itself does so before a point that nobody asked for; its narrowest never does."""
    if not description.open_ended or request.widths:
        return False
    narrowest = min(description.quick_widths if request.quick else description.widths)
    return point.setting.width > narrowest and not fits(point, machine)


def _check_device(device: str, points: Sequence[Point], machine: Machine) -> None:
    """Raises a CannotMeasureError where a CUDA device is not there, or lacks an element type of the points."""
    if not on_cuda(device):
        return
    seen = see_device(machine.cpus[:1], device)
    lacking = sorted({point.setting.dtype for point in points} - set(seen.dtypes))
    if lacking:
        raise CannotMeasureError(
            f"{seen.limits.name} ({device}) does not compute in {' or '.join(lacking)}",
            f"choose from {', '.join(seen.dtypes)}",
        )


def _clocks(request: Request, machine: Machine, files: ClockFiles, warn: Warn) -> ClockSetup | None:
    """The clocks that are asked for, on the CPUs that this run will use."""
    if request.clocks is None or not request.sets_clocks:
        return None
    cpus = machine.cpus[: max(thread_counts(request, machine))]
    return check_clocks(request.clocks, cpus, files, warn, turbo=request.turbo)


def prepare_again(run: StoredRun, path: Path, *, warn: Warn = to_stderr, files: ClockFiles | None = None) -> Prepared:
    """An interrupted run, ready to go on with its own plan, and what this machine and this code are now.

    Args:
        run: as it was stored.
        path: its file.
        warn: told what is to be known about clocks, where it sets some.
        files: where clocks are set; by default those of this machine.

    Raises:
        CannotMeasureError: it sets clocks, and this process may not; or its device is gone.
        StoreError: the run is complete.
        WorkloadError: one of its workloads no longer loads.
    """
    check_incomplete(run, path)
    files = files or kernel_files()
    if run.plan.clocks:
        give_back_first(files, warn)
    setup = check_again(run.plan, files, warn)
    gpus = check_gpus(f"{run.gpu_clocks[0].requested}Hz", files.nvml, files.folder) if run.gpu_clocks else None
    machine = look_at_machine((run.resumptions[-1] if run.resumptions else run).machine.hidden_siblings)
    with ExitStack() as stack:
        references = [description.reference for description in run.plan.descriptions]
        codes = [worker.describe()[1] for worker in _introspectors(stack, references, machine)]
    for device in dict.fromkeys(point.setting.device for point in run.plan.points):
        _check_device(device, run.plan.points, machine)
    return Prepared(machine, run.plan, _code_hash(codes), {}, setup, gpus)


def check_incomplete(run: StoredRun, path: Path) -> None:
    """Raises a StoreError where a run is complete."""
    if run.status == "complete":
        raise StoreError(f"{path} is complete", f"there is nothing to resume; serialprof report {path} shows it")


def differences(run: StoredRun, prepared: Prepared) -> tuple[str, ...]:
    """What has changed since a run was begun (or last resumed), each a clause; empty where it can simply go on."""
    last = run.resumptions[-1] if run.resumptions else run
    before, now = asdict(last.machine), asdict(prepared.machine)
    rows = [
        f"{name} was {_shown(before[name])}, is {_shown(now[name])}"
        for name in before
        if name not in _VOLATILE and before[name] != now[name]
    ]
    if last.version != (current := version("serialprof")):
        rows.append(f"serialprof was {last.version}, is {current}")
    elif last.code != prepared.code:
        rows.append("the code of serialprof or of a workload has changed")
    return tuple(rows)


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def _introspectors(stack: ExitStack, references: Sequence[str], machine: Machine) -> Iterator[Introspector]:
    """A short-lived worker per workload, each named once."""
    for reference in references:
        check_name(reference)
    for reference in dict.fromkeys(references):
        yield stack.enter_context(closing(Introspector(reference, machine.cpus[0])))


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
