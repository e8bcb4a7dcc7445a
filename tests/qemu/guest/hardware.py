# SPDX-License-Identifier: Apache-2.0
"""What reached the emulated hardware: the registers that the firmware's tables name, read behind the kernel's back."""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass

#: asl/acpi-cpufreq.asl: one byte per CPU, MHz / 100.
PORTS = 0xE0
#: asl/amd-pstate.asl: one bank per CPU; performance 10 is 100 MHz.
BANKS = 0xFF000000
BANK = 0x100
ENERGY = 0x426


@dataclass(frozen=True)
class Performance:
    """Three of one CPU's registers."""

    desired: int
    minimum: int
    maximum: int


def latch(cpu: int) -> int:
    """The state requested of a CPU by acpi-cpufreq, in units of 100 MHz."""
    ports = os.open("/dev/port", os.O_RDONLY)
    try:
        return os.pread(ports, 1, PORTS + cpu)[0]
    finally:
        os.close(ports)


def performance(cpu: int) -> Performance:
    """What amd-pstate requested of a CPU."""
    memory = os.open("/dev/mem", os.O_RDONLY | os.O_SYNC)
    try:
        with mmap.mmap(memory, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ, offset=BANKS) as registers:
            return Performance(*struct.unpack_from("<3I", registers, BANK * cpu))
    finally:
        os.close(memory)


def energy(cpu: int) -> int:
    """The energy preference requested of a CPU, 0 (performance) to 255 (power)."""
    registers = os.open(f"/dev/cpu/{cpu}/msr", os.O_RDONLY)
    try:
        return os.pread(registers, 8, ENERGY)[0]
    finally:
        os.close(registers)
