# SPDX-License-Identifier: Apache-2.0
"""The settings of a workload's sweep, checked against what was asked for and against this machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final

from serialprof.catalog import Description
from serialprof.errors import UsageError
from serialprof.machine import Machine
from serialprof.planning import Point, Request, check_count
from serialprof.policyclock import Clock
from serialprof.setting import CUDA_MODES, ParameterValue, Setting, on_cuda
from serialprof.units import format_bytes

#: Share of the machine's memory that one point may touch.
_MEMORY_SHARE: Final = 0.5
#: More declared operations than this in one run(D) take minutes on the fastest core, hours on one chain.
_MOST_OPERATIONS: Final = 1e13
#: The same on a CUDA device.
_MOST_CUDA_OPERATIONS: Final = 1e15


def thread_counts(request: Request, machine: Machine) -> tuple[int, ...]:
    """The thread counts of a run: as asked, else 1, 2, 4 .. usable cores (the quick form: 1, 2, usable cores).

    On a CUDA device it is 1: that of the thread which drives it.

    Raises:
        UsageError: more threads than usable cores were asked for.
    """
    usable = machine.usable
    if on_cuda(request.device):
        return (1,)
    if request.threads is not None:
        if max(request.threads) > usable:
            raise UsageError(
                f"--threads {max(request.threads)}: this process may use {usable} core{'s' if usable > 1 else ''}",
                f"ask for {usable} at most, or widen its affinity or cgroup quota",
            )
        return request.threads
    doubling = {1 << power for power in range(usable.bit_length())}
    chosen = {1, 2} if request.quick else doubling
    return tuple(sorted({count for count in chosen if count <= usable} | {usable}))


def settings_of(
    request: Request, description: Description, machine: Machine, clocks: Sequence[Clock] = ()
) -> list[Setting]:
    """Every setting of one workload's sweep; none where the machine has too few cores for it.

    Args:
        request: what was asked for.
        description: of the workload.
        machine: this computer.
        clocks: to be set in turn; without, clocks are left alone.

    Raises:
        UsageError: a mode, device or element type that the workload lacks, or a mode that the device lacks.
    """
    check_offered(request, description)
    parameters = _parameters(request, description)
    modes = tuple(dict.fromkeys(request.modes or _modes(request, description)))
    dtypes = tuple(dict.fromkeys(request.dtypes or description.dtypes[:1]))
    widths = request.widths or (description.quick_widths if request.quick else description.widths)
    counts = [count for count in thread_counts(request, machine) if count >= description.min_threads]
    depths = _depths(request.depth or description.depth, description)
    hertz: list[float | None] = [float(clock.hertz) for clock in clocks] or [None]
    swept = (modes, dtypes, widths, counts, description.forms, depths, hertz)
    check_count(math.prod(map(len, swept)))
    return [
        Setting(
            width=width,
            depth=depth,
            threads=threads,
            cpus=machine.cpus[:threads],
            device=request.device,
            mode=mode,
            form=form,
            clock=clock,
            dtype=dtype,
            seed=request.seed,
            parameters=parameters,
        )
        for mode, dtype, width, threads, form, depth, clock in product(*swept)
    ]


def check_offered(request: Request, description: Description) -> None:
    """Raises a UsageError for a device, mode or element type that a workload does not offer."""
    name, kind = description.name, request.device.partition(":")[0]
    if kind not in description.devices:
        raise UsageError(
            f"{name} does not run on device {request.device}", f"it runs on {_listed(description.devices)}"
        )
    for mode in request.modes or ():
        if mode not in description.modes:
            raise UsageError(f"{name} has no mode {mode!r}", f"choose from {', '.join(description.modes)}")
        if mode in CUDA_MODES and not on_cuda(request.device):
            raise UsageError(f"mode {mode} needs a CUDA device", "add --device cuda")
    for dtype in request.dtypes or ():
        if dtype not in description.dtypes:
            raise UsageError(f"{name} has no element type {dtype}", f"it offers {_listed(description.dtypes)}")


def _listed(words: Sequence[str]) -> str:
    return " and ".join(words)


def _modes(request: Request, description: Description) -> tuple[str, ...]:
    """The modes where none are asked for: the workload's first; on a CUDA device eager and graph where it has both."""
    if on_cuda(request.device) and {"eager", "graph"} <= set(description.modes):
        return ("eager", "graph")
    return description.modes[:1]


def _depths(depth: int, description: Description) -> tuple[int, ...]:
    """The depths of every point: one, or a quarter of it too where differencing is to take the start-up off."""
    if not description.startup:
        return (depth,)
    if depth < 2:
        raise UsageError(
            f"--depth {depth}: the start-up of {description.name} is taken off by differencing over depth",
            "ask for 2 at least, better for hundreds",
        )
    return (max(1, depth // 4), depth)


def fits(point: Point, machine: Machine) -> bool:
    """Whether a point's declared footprint and work are in proportion to this machine, as `check_size` says."""
    try:
        check_size(point, machine)
    except UsageError:
        return False
    return True


def check_size(point: Point, machine: Machine) -> None:
    """Raises a UsageError where a point's declared footprint or work is out of all proportion to this machine.

    What fits into the memory of a CUDA device is found out by its worker.
    """
    if point.work is None:
        return
    width, depth = point.setting.width, point.setting.depth
    footprint = point.work.footprint.at(width)
    if not point.setting.on_cuda and footprint > _MEMORY_SHARE * machine.memory:
        raise UsageError(
            f"{point.workload} at width {width} would touch {format_bytes(footprint)} of memory, "
            f"this machine has {format_bytes(machine.memory)}",
            "ask for a smaller width or smaller parameters",
        )
    operations = depth * max(point.work.flops.at(width), point.work.serial_ops)
    most = _MOST_CUDA_OPERATIONS if point.setting.on_cuda else _MOST_OPERATIONS
    if operations > most:
        raise UsageError(
            f"{point.workload} at width {width} and depth {depth} declares {operations:.1e} operations a run",
            f"ask for {most:.0e} at most: a smaller width, depth or smaller parameters",
        )


def check_parameters(request: Request, descriptions: Sequence[Description]) -> None:
    """Raises a UsageError for a parameter that none of the workloads has, or has with another type."""
    for name, value in request.parameters.items():
        having = [description for description in descriptions if name in description.parameters]
        if not having:
            names = " and ".join(description.name for description in descriptions)
            known = ", ".join(dict.fromkeys(key for item in descriptions for key in item.parameters)) or "none"
            raise UsageError(f"{names} has no parameter {name!r}", f"known parameters: {known}")
        for description in having:
            default = description.parameters[name]
            if isinstance(value, str) != isinstance(default, str):
                raise UsageError(f"--param {name}={value}: {description.name} takes a value like {default}")


def _parameters(request: Request, description: Description) -> dict[str, ParameterValue]:
    """A workload's parameters: its defaults, and what was asked for of those that it has."""
    asked = {name: value for name, value in request.parameters.items() if name in description.parameters}
    return {**description.parameters, **asked}
