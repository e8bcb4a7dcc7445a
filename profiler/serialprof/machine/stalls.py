# SPDX-License-Identifier: Apache-2.0
"""Which hardware event counts the cycles in which this machine's cores wait for memory.

Best are those that begin where the core's clock ends: what lies beyond L2 does not follow the clock, the rest does.

- Intel: CYCLE_ACTIVITY.STALLS_L2_MISS, event 0xA3, umask 5, cmask 5 (Ivy Bridge to Ice Lake), and from Sapphire Rapids
  on MEMORY_ACTIVITY.STALLS_L2_MISS, event 0x47, umask 5, cmask 5: nothing is executed while a demand load that missed
  L2 is outstanding. Intel's event lists, as in Linux, tools/perf/pmu-events/arch/x86. The kernel names the core in
  caps/pmu_name (arch/x86/events/intel/core.c).
- Arm: STALL_BACKEND_MEM, event 0x4005: no operation is issued while there is a miss in the last level of cache within
  the core's clock domain. Arm Architecture Reference Manual DDI 0487; the kernel lists it in events/ where the core has
  it (drivers/perf/arm_pmuv3.c).
- AMD, Zen 4 on: ex_no_retire.load_not_complete, event 0xD6, umask 0xA2: nothing is retired since the oldest operation
  waits for load data, be it from L1. PPR for family 19h model 11h; Linux, tools/perf/pmu-events/arch/x86/amdzen4.
- Elsewhere the kernel's own stalled-cycles-backend, where it has one. It counts waits for execution units and for near
  caches as well. From Zen 2 on there is no such event; kernels before 6.9 count something else by that name (Linux,
  "perf/x86/amd/core: Update and fix stalled-cycles-* events for Zen 2 and later", 2024), so it is not used there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_DEVICES: Final = Path("/sys/bus/event_source/devices")
_CPUINFO: Final = Path("/proc/cpuinfo")

_GENERIC_TYPE: Final = 0  # PERF_TYPE_HARDWARE of <linux/perf_event.h>
_RAW_TYPE: Final = 4  # PERF_TYPE_RAW


@dataclass(frozen=True, slots=True)
class StallEvent:
    """An event of perf_event_open.

    Attributes:
        name: as its vendor calls it.
        kind, config: type and config of perf_event_attr.
        beyond: whether it counts only waits for what lies beyond the core's clock domain.
    """

    name: str
    kind: int
    config: int
    beyond: bool


A3: Final = StallEvent("cycle_activity.stalls_l2_miss", _RAW_TYPE, 0x05_00_05_A3, beyond=True)
MEMORY_ACTIVITY: Final = StallEvent("memory_activity.stalls_l2_miss", _RAW_TYPE, 0x05_00_05_47, beyond=True)
LOAD_NOT_COMPLETE: Final = StallEvent("ex_no_retire.load_not_complete", _RAW_TYPE, 0xA2_D6, beyond=False)
GENERIC: Final = StallEvent("stalled-cycles-backend", _GENERIC_TYPE, 8, beyond=False)
_ARM: Final = "stall_backend_mem"
_ARM_CONFIG: Final = 0x4005

_INTEL: Final = {
    **dict.fromkeys(("ivybridge", "haswell", "broadwell", "skylake", "icelake"), A3),
    **dict.fromkeys(("sapphire_rapids", "granite_rapids"), MEMORY_ACTIVITY),
}
#: Family of Zen 3 and 4, and its models that are Zen 3: those of one digit, 2xh, 4xh and 5xh, as in perf's mapfile.csv.
_ZEN34: Final = 0x19
_ZEN3: Final = re.compile(r"[245]?[0-9a-f]")
#: Family of Zen 1 and 2, and the first model of Zen 2.
_ZEN12: Final = 0x17
_FIRST_ZEN2: Final = 0x30


def stall_event(devices: Path = _DEVICES, cpuinfo: Path = _CPUINFO) -> StallEvent | None:
    """The event to count on this machine; None where none is known to count that.

    Whether the kernel lets it be counted shows when it is opened.

    Args:
        devices: the kernel's folder of event sources.
        cpuinfo: its list of CPUs.
    """
    intel = _INTEL.get(_text(devices / "cpu/caps/pmu_name"))
    if intel is not None:
        return intel
    if (devices / "cpu_core").exists():  # a hybrid processor, whose two kinds of cores count by different events
        return None
    for source in sorted(devices.glob("armv8_*")):
        kind = _text(source / "type")
        if (source / "events" / _ARM).exists() and kind.isdigit():
            return StallEvent(_ARM, int(kind), _ARM_CONFIG, beyond=True)
    return _of_amd(_text(cpuinfo))


def counts_beyond(name: str) -> bool:
    """Whether the event of this name counts only waits beyond the core's clock domain."""
    return name in (A3.name, MEMORY_ACTIVITY.name, _ARM)


def _of_amd(cpuinfo: str) -> StallEvent | None:
    """That of an AMD processor by its family and model; the generic one of any other vendor."""
    if _field(cpuinfo, "vendor_id") not in ("AuthenticAMD", "HygonGenuine"):
        return GENERIC
    family, model = (int(_field(cpuinfo, key) or 0) for key in ("cpu family", "model"))
    if family > _ZEN34 or (family == _ZEN34 and not _ZEN3.fullmatch(f"{model:x}")):
        return LOAD_NOT_COMPLETE
    return None if family == _ZEN34 or (family == _ZEN12 and model >= _FIRST_ZEN2) else GENERIC


def _field(cpuinfo: str, key: str) -> str:
    found = re.search(rf"^{re.escape(key)}\s*:\s*(\S+)", cpuinfo, re.MULTILINE)
    return found[1] if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
