# SPDX-License-Identifier: Apache-2.0
"""The hardware's own counters of cycles, instructions and memory stalls, where kernel and hypervisor give them."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serialprof._native import Counters
from serialprof.machine.stalls import stall_event

#: PERF_TYPE_HARDWARE of <linux/perf_event.h> with its configs PERF_COUNT_HW_CPU_CYCLES and _INSTRUCTIONS.
_BASIC: Final = [(0, 0), (0, 1)]
_PARANOID: Final = Path("/proc/sys/kernel/perf_event_paranoid")
#: Up to this level of kernel.perf_event_paranoid an ordinary user may count what happens in user mode.
_PARANOID_ENOUGH: Final = 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there are no counters: one clause, and the command that mends it (empty where none does)."""

    reason: str
    remedy: str = ""


def open_counters() -> Counters | None:
    """Cycles and instructions in user mode, of the calling thread and the threads that it starts later.

    `read()` gives them in this order, and as the third the cycles in which `machine.stalls.stall_event` says that they
    waited for memory, where it can be counted. None where cycles are refused; `counters_denied` then says why.
    """
    opened = _attempt()
    if not isinstance(opened, Counters):
        return None
    event = stall_event()
    if event is None:
        return opened
    try:
        three = Counters([*_BASIC, (event.kind, event.config)])
    except OSError:
        return opened
    opened.close()
    return three


def refusal(paranoid: Path = _PARANOID) -> Refusal | None:
    """Why `open_counters` gives None, None where it gives counters.

    Args:
        paranoid: the kernel's file that holds how much an ordinary user may count.
    """
    opened = _attempt()
    if not isinstance(opened, Counters):
        return explain(opened, _level(paranoid))
    opened.close()
    return None


def counters_denied(paranoid: Path = _PARANOID) -> str:
    """One clause that says why there are no counters, with the remedy; empty where there are some."""
    refused = refusal(paranoid)
    if refused is None:
        return ""
    return f"{refused.reason}; {refused.remedy}" if refused.remedy else refused.reason


def explain(code: int, paranoid: int | None) -> Refusal:
    """What a refusal of the kernel means; pure.

    Args:
        code: the errno of perf_event_open, 0 where it opened but counted nothing.
        paranoid: kernel.perf_event_paranoid, None where it cannot be read.
    """
    if code in (errno.EACCES, errno.EPERM):
        if paranoid is None or paranoid > _PARANOID_ENOUGH:
            level = "" if paranoid is None else f" ({paranoid})"
            return Refusal(
                f"/proc/sys/kernel/perf_event_paranoid{level} keeps counters from this user",
                f"sudo sysctl kernel.perf_event_paranoid={_PARANOID_ENOUGH}",
            )
        return Refusal(
            f"perf_event_open is refused though kernel.perf_event_paranoid is {paranoid}, as by a container's filter",
            "docker run --cap-add=PERFMON",
        )
    if code in (errno.ENOENT, errno.EOPNOTSUPP, errno.ENODEV):
        return Refusal("this machine (or its hypervisor) offers none")
    if code == 0:
        return Refusal("this machine's counters open but count nothing")
    if code == errno.ENOSYS:
        return Refusal("this system has no perf_event_open")
    return Refusal(f"perf_event_open fails: {os.strerror(code)}")


def _attempt() -> Counters | int:
    """The counters, or the errno of their refusal; 0 where they open but stand still, as under some hypervisors."""
    try:
        counters = Counters(_BASIC)
    except OSError as error:
        return error.errno or errno.EIO
    if all(counters.read()):  # the interpreter's way from there to here takes thousands of each
        return counters
    counters.close()
    return 0


def _level(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
