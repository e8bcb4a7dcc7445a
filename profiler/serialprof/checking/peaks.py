# SPDX-License-Identifier: Apache-2.0
"""What this machine can do at best, as far as declarations are held against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from serialprof.checking.evidence import Peaks, peaks_of
from serialprof.errors import CannotMeasureError
from serialprof.limitcache import recall
from serialprof.limits import PART_NAMES, Limits, Part
from serialprof.machine import Machine
from serialprof.measure.effort import Effort
from serialprof.measure.introspection import probe_device, probe_limits
from serialprof.setting import Setting

#: The parts of the limits that are needed, and how long they may take on a busy machine.
_EFFORT: Final = Effort(quick=True, bound=20.0, seconds={"chains": 0.2, "fma": 0.2, "stream": 1.2})
_PART_OF: Final[dict[str, Part]] = {"flops": "fma", "bandwidth": "stream", "far": "stream", "operation": "chains"}
_DEVICE_SECONDS: Final = 1.0


def find_peaks(
    machine: Machine, setting: Setting, footprint: float, tell: Callable[[str], None]
) -> tuple[Peaks, tuple[str, ...]]:
    """The peaks at a setting, remembered or measured in a few seconds; and what could not be had, and why.

    Args:
        machine: this computer.
        setting: names the device, and how many threads.
        footprint: declared, in bytes.
        tell: told in a few words what begins.
    """
    try:
        if setting.on_cuda:
            return _of_device(setting, footprint), ()
        peaks = peaks_of(_limits(machine, setting.threads, tell), setting, footprint)
    except CannotMeasureError as error:
        return Peaks(), (f"declared work: {error.message}",)
    lacking = [_PART_OF[name] for name, value in asdict(peaks).items() if value is None]
    gaps = [f"declared work beside the {PART_NAMES[part]}, which is not known here" for part in lacking]
    return peaks, tuple(dict.fromkeys(gaps))


def _limits(machine: Machine, threads: int, tell: Callable[[str], None]) -> Limits:
    """The limits that were measured here before, or those of a few seconds."""
    entry = recall(machine)
    if entry is not None and threads in entry.threads:
        return entry.limits
    return probe_limits(machine.cpus, {1, threads}, effort=_EFFORT, parts=("chains", "fma", "stream"), tell=tell)


def _of_device(setting: Setting, footprint: float) -> Peaks:
    limits = probe_device(setting.cpus, setting.device, (setting.dtype,), _DEVICE_SECONDS)
    return Peaks(
        flops=limits.flops.get(setting.dtype),
        bandwidth=max((rung.bandwidth for rung in limits.bandwidth), default=None),
        far=limits.bandwidth_at(footprint),
    )
