# SPDX-License-Identifier: Apache-2.0
"""What on this computer spoils or limits measurements, as far as it can be read without measuring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from serialprof.machine.finding import Finding, counted, cpu_list
from serialprof.machine.quota import available_memory, cpu_quota, memory_limit, tightest_quota
from serialprof.machine.topology import parse_cpu_list
from serialprof.units import format_bytes, format_percent

#: Share of the memory that should be available, and share of a GPU's time that others may take.
_ENOUGH_MEMORY: Final = 0.25
_IDLE_GPU: Final = 0.05


def affinity(cpus: Sequence[int], sysfs: Path = Path("/sys")) -> Finding:
    """Whether this process may use every CPU that is online."""
    listed = _text(sysfs / "devices/system/cpu/online")
    online = parse_cpu_list(listed)
    if not online:
        return Finding("affinity", "unknown", "The system does not tell which CPUs are online.")
    if set(online) <= set(cpus):
        return Finding("affinity", "good", f"Every CPU that is online may be used ({cpu_list(online)}).")
    return Finding(
        "affinity",
        "costs",
        f"Only these of the CPUs {cpu_list(online)} may be used: {cpu_list(cpus)}.",
        remedy=f"taskset -pc {listed} $$",
    )


def clock_control(cpus: Sequence[int], sysfs: Path = Path("/sys")) -> tuple[Finding, ...]:
    """Whether the kernel offers clock control; where it does, which governor sets the clock, and whether turbo is on.

    Who may set it is told by `clock.survey`.
    """
    base = sysfs / "devices/system/cpu"
    if not any(_text(base / f"cpu{cpu}/cpufreq/scaling_driver") for cpu in cpus):
        return (
            Finding(
                "clock control", "costs", "This kernel offers no clock control (no cpufreq): clocks cannot be set."
            ),
        )
    return (_governor(cpus, base), _turbo(base))


def _governor(cpus: Sequence[int], base: Path) -> Finding:
    governors = {governor for cpu in cpus if (governor := _text(base / f"cpu{cpu}/cpufreq/scaling_governor"))}
    if not governors:
        return Finding("governor", "unknown", "The kernel does not tell the governor.")
    if governors <= {"performance", "userspace"}:
        return Finding("governor", "good", f"The governor is {' or '.join(sorted(governors))}.")
    return Finding(
        "governor",
        "costs",
        f"The governor is {' or '.join(sorted(governors))}: the clock may follow the load.",
        remedy=f"echo performance | sudo tee {base}/cpu*/cpufreq/scaling_governor",
    )


def _turbo(base: Path) -> Finding:
    for name, on, off in (("intel_pstate/no_turbo", "0", "1"), ("cpufreq/boost", "1", "0")):
        state = _text(base / name)
        if state == on:
            return Finding(
                "turbo",
                "costs",
                "Turbo is on: the clock may move with heat and with the number of busy cores.",
                remedy=f"echo {off} | sudo tee {base / name}",
            )
        if state == off:
            return Finding("turbo", "good", "Turbo is off.")
    return Finding("turbo", "unknown", "The kernel does not tell whether turbo is on.")


def quota(
    cpus: Sequence[int],
    cost: str = "",
    root: Path = Path("/sys/fs/cgroup"),
    own: Path = Path("/proc/self/cgroup"),
) -> Finding:
    """Whether a cgroup grants less CPU time than the CPUs could give; `cost` says how much it was seen to take."""
    granted = cpu_quota(root, own)
    if granted is None:
        return Finding("quota", "good", "No cgroup limits the CPU time of this process.")
    if granted >= len(cpus):
        return Finding("quota", "good", f"A cgroup grants the time of {granted:g} CPUs; {len(cpus)} may be used.", cost)
    file = tightest_quota(root, own)
    unlimited = "max" if file is not None and file.name == "cpu.max" else "-1"
    return Finding(
        "quota",
        "costs",
        f"A cgroup grants the time of {granted:g} of {counted(len(cpus), 'CPU')}.",
        cost,
        f"echo {unlimited} | sudo tee {file}",
    )


def memory(
    root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup"), proc: Path = Path("/proc")
) -> Finding:
    """Whether a cgroup or others leave too little memory."""
    total = _meminfo(proc, "MemTotal")
    available = available_memory(root, own, proc / "meminfo")
    if not total or available is None:
        return Finding("memory", "unknown", "The system does not tell how much memory there is.")
    limit = memory_limit(root, own)
    if limit is not None and limit[0] < total:
        unlimited = "max" if limit[1].name == "memory.max" else "-1"
        return Finding(
            "memory",
            "costs",
            f"A cgroup limits this process to {format_bytes(limit[0])} of {format_bytes(total)}; "
            f"{format_bytes(available)} are available.",
            remedy=f"echo {unlimited} | sudo tee {limit[1]}",
        )
    what = f"{format_bytes(available)} of {format_bytes(total)} are available."
    return Finding("memory", "good" if available >= _ENOUGH_MEMORY * total else "costs", what)


def smt_switch(sysfs: Path = Path("/sys")) -> str:
    """The file that turns SMT off, empty where it is off, or where this machine has no such switch."""
    switch = sysfs / "devices/system/cpu/smt/control"
    return str(switch) if _text(switch) == "on" else ""


def swap_used(proc: Path = Path("/proc")) -> int | None:
    """Bytes of swap in use, None where there is no swap."""
    total, free = _meminfo(proc, "SwapTotal"), _meminfo(proc, "SwapFree")
    return None if not total or free is None else total - free


def gpus() -> tuple[Finding, ...]:
    """Whether others use the GPUs, by NVML; nothing where there is no NVML or no GPU."""
    import pynvml  # lazily: the command line's --help must not pay for it

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        return tuple(_gpu(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def _gpu(nvml: Any, index: int) -> Finding:
    name = f"GPU {index}"
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        model = str(nvml.nvmlDeviceGetName(handle))
        busy = nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
        processes = len(nvml.nvmlDeviceGetComputeRunningProcesses(handle))
    except nvml.NVMLError as error:
        return Finding(name, "unknown", f"NVML does not tell how busy it is: {error}.")
    users = f"{counted(processes, 'process', 'processes')} on it"
    if busy > _IDLE_GPU:
        return Finding(name, "costs", f"{model} is busy, with {users}.", f"{format_percent(busy)} of its time")
    return Finding(name, "good", f"{model} is idle, with {users}.")


def _meminfo(proc: Path, key: str) -> int | None:
    """Bytes of one line of /proc/meminfo, None where it is not there."""
    for line in _text(proc / "meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == key and value.split()[:1]:
            return int(value.split()[0]) * 1024
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
