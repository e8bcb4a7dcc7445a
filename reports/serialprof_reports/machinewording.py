# SPDX-License-Identifier: Apache-2.0
"""How the machine of a run is worded: in a line, and as facts; pure functions of the stored run."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from serialprof.units import format_bytes, format_si

if TYPE_CHECKING:
    from serialprof.machine.description import Machine
    from serialprof.store import StoredRun


def machine_line(run: StoredRun) -> str:
    """The machine in a line: "AMD EPYC, 2 usable cores, 3.69 GHz by meter, in virtual machine, avx512"."""
    machine, clock = run.machine, clock_reading(run)
    parts = [
        machine.processor or machine.architecture,
        f"{machine.usable} usable core{'s' if machine.usable > 1 else ''}",
        "clock not readable" if clock is None else f"{format_si(clock, 'Hz')} by meter",
        f"in {machine.hypervisor}" if machine.hypervisor else "no hypervisor known",
        machine.instruction_set,
    ]
    return ", ".join(parts)


def machine_facts(run: StoredRun) -> list[tuple[str, str]]:
    """What the machine is, as (name, text) pairs."""
    machine = run.machine
    clock = clock_reading(run)
    facts = [
        ("processor", machine.processor or machine.architecture),
        ("usable cores", _usable(machine)),
        ("clock by meter", "not readable" if clock is None else format_si(clock, "Hz")),
        ("clock control", _control(machine)),
        ("hypervisor", machine.hypervisor or "none known"),
        ("instruction set", machine.instruction_set),
        ("caches", ", ".join(f"L{level} {format_bytes(size)}" for level, size in _caches(machine)) or "unknown"),
        ("memory", format_bytes(machine.memory)),
        ("system", f"{machine.system}, kernel {machine.kernel}"),
    ]
    facts += [("GPU clock", text) for text in [gpu_clocks(run)] if text]
    return facts + [("GPU", f"{gpu.name}, {format_bytes(gpu.memory)}, driver {gpu.driver}") for gpu in machine.gpus]


def gpu_clocks(run: StoredRun) -> str:
    """What GPUs were locked at, as asked for and as read back; empty where they were left alone."""
    told = []
    for each in run.gpu_clocks:
        back = "not read back" if each.read_back is None else f"read back {format_si(each.read_back, 'Hz')}"
        told.append(f"{each.policy} asked for {format_si(each.requested, 'Hz')}, {back}")
    return "; ".join(told)


def clock_reading(run: StoredRun) -> float | None:
    """The core clock in hertz: the median meter reading beside the visits, else that of the limits."""
    readings = [clock for visit in run.visits if (clock := visit.clock) is not None]
    return median(readings) if readings else run.limits.clock


def _usable(machine: Machine) -> str:
    quota = "" if machine.quota is None else f", cgroup quota {machine.quota:g} CPUs"
    source = "the pair probe found" if machine.hidden_siblings else "the kernel tells"
    return f"{machine.usable} ({len(machine.cpus)} CPUs on {machine.cores} cores as {source}{quota})"


def _control(machine: Machine) -> str:
    if not machine.clock_driver:
        return "none (the kernel offers no cpufreq)"
    access = "writable" if machine.clock_writable else "not writable by this user"
    return f"{machine.clock_driver}, governor {machine.clock_governor or 'unknown'}, {access}"


def _caches(machine: Machine) -> list[tuple[int, int]]:
    levels = sorted({cache.level for cache in machine.caches if cache.kind != "Instruction"})
    return [(level, machine.cache_bytes(level) or 0) for level in levels]
