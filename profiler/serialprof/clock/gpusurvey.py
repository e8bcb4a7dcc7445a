# SPDX-License-Identifier: Apache-2.0
"""What `serialprof doctor` says of each GPU's clocks: what they are, what holds them down, and what can be locked."""

from __future__ import annotations

from serialprof.clock.gpu import HARMLESS, GpuReading, look
from serialprof.clock.nvml import LIBRARY, Nvml, NvmlError
from serialprof.clock.policies import format_hertz
from serialprof.machine.finding import Finding

_MEGA = 1_000_000


def gpu_clocks(library: str = LIBRARY) -> tuple[Finding, ...]:
    """One finding for each GPU; none where there is no NVML.

    Args:
        library: file of NVML; another one for tests.
    """
    try:
        with Nvml(library) as nvml:
            return tuple(_finding(nvml, index) for index in range(nvml.count()))
    except (OSError, NvmlError):
        return ()


def _finding(nvml: Nvml, index: int) -> Finding:
    name = f"GPU {index} clock"
    try:
        reading = look(nvml, index)
        offered = nvml.clocks(index)
    except NvmlError as error:
        return Finding(name, "unknown", f"NVML does not tell: {error}.")
    what = f"{reading.name}: {_described(reading)}"
    if offered:
        low, high = (format_hertz(end * _MEGA) for end in (offered[0], offered[-1]))
        what += f"; root may lock it at {low} to {high} (--gpu-clock)"
    held = [reason for reason in reading.reasons or () if reason not in HARMLESS]
    if held:
        return Finding(name, "costs", f"{what}. Its clock is held down by {' and '.join(held)}.")
    return Finding(name, "good", f"{what}.")


def _described(reading: GpuReading) -> str:
    """What is known of a reading."""
    parts = [
        f"{words} {format_hertz(clock)}"
        for words, clock in (("core", reading.sm_clock), ("memory", reading.memory_clock))
        if clock is not None
    ]
    if reading.power is not None:
        parts.append(f"{reading.power:.0f} W")
    if reading.temperature is not None:
        parts.append(f"{reading.temperature:.0f} degrees Celsius")
    if "idle" in (reading.reasons or ()):
        parts.append("idle")
    return ", ".join(parts) or "NVML tells neither its clocks nor its power"
