# SPDX-License-Identifier: Apache-2.0
"""Puts the description of this computer together."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psutil

from serialprof import _native
from serialprof.machine import topology
from serialprof.machine.description import Machine
from serialprof.machine.gpu import read_gpus
from serialprof.machine.quota import cpu_quota
from serialprof.machine.stalls import stall_event

_PACKAGES: Final = ("serialprof", "numpy", "scipy", "torch")


def read_machine() -> Machine:
    """What this computer is. Reads files and versions; changes nothing and times nothing."""
    groups = topology.sibling_groups(topology.allowed_cpus())
    policy, event = Path("/sys/devices/system/cpu/cpu0/cpufreq"), stall_event()
    return Machine(
        host=platform.node(),
        system=platform.system(),
        kernel=platform.release(),
        architecture=platform.machine(),
        processor=_cpuinfo("model name") or platform.processor() or platform.machine(),
        hypervisor=_hypervisor(),
        cpus=topology.placement_order(groups),
        siblings=groups,
        quota=cpu_quota(),
        caches=topology.caches(),
        memory=psutil.virtual_memory().total,
        clock_driver=_text(policy / "scaling_driver"),
        clock_governor=_text(policy / "scaling_governor"),
        clock_writable=os.access(policy / "scaling_max_freq", os.W_OK),
        instruction_set=_native.instruction_set(),
        gpus=read_gpus(),
        python=platform.python_version(),
        packages=_versions(),
        stall_event=event.name if event else "",
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _hypervisor() -> str:
    """What this guest runs on: the kernel's own word, else the board's vendor; empty on bare metal."""
    if "hypervisor" not in _cpuinfo("flags").split():
        return ""
    vendor = _text(Path("/sys/class/dmi/id/sys_vendor"))
    return _text(Path("/sys/hypervisor/type")) or (f"virtual machine ({vendor})" if vendor else "virtual machine")


def _cpuinfo(key: str) -> str:
    """The first value of a key in /proc/cpuinfo, empty where there is none."""
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
