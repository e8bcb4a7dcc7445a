# SPDX-License-Identifier: Apache-2.0
"""What the kernel does with plain writes, under amd-pstate in its three modes."""

from __future__ import annotations

from dataclasses import astuple

from tests.qemu.guest import hardware
from tests.qemu.guest.cpufreq import CPUS, ROOT, difference, policies, read, settle, state, write

POLICY = ROOT / "policy0"
STATUS = CPUS / "amd_pstate" / "status"
MODES = ("passive", "active", "guided")


def modes() -> dict[str, dict[str, str]]:
    """Per mode, whether it is taken, and what the first policy says of itself."""
    seen = {}
    for mode in MODES:
        taken = write(STATUS, mode)
        seen[mode] = {"taken": taken} | {path.name: read(path) for path in sorted(POLICY.iterdir()) if path.is_file()}
    return seen


def requests_reach_the_registers() -> list[list[int]]:
    """Passive: requested in kHz, read back in kHz, then what is desired of either CPU."""
    seen = []
    for policy in policies():
        write(policy / "scaling_governor", "userspace")
        for frequency in (400000, 1000000, 1234567, 2000000):
            write(policy / "scaling_setspeed", str(frequency))
            back = int(read(policy / "scaling_setspeed"))
            seen.append([frequency, back, *(hardware.performance(cpu).desired for cpu in (0, 1))])
    return seen


def limits() -> dict[str, list[str]]:
    """Passive: the limits are taken as they are, there being no table of states, and clamped silently."""
    seen = {}
    for name, value in (("max", "1234567"), ("min", "1000001"), ("max", "9000000"), ("min", "1"), ("max", "700000")):
        taken = write(POLICY / f"scaling_{name}_freq", value)
        settle()
        seen[f"{name} {value}"] = [taken, read(POLICY / "scaling_min_freq"), read(POLICY / "scaling_max_freq")]
    return seen


def energy_preference() -> dict[str, list[object]]:
    """Active: what is taken under either governor, read back, and in CPU 0's register."""
    write(STATUS, "active")
    preference = POLICY / "energy_performance_preference"
    seen: dict[str, list[object]] = {}
    for governor in ("powersave", "performance"):
        write(POLICY / "scaling_governor", governor)
        for wanted in ("balance_power", "power", "performance", "nonsense"):
            taken = write(preference, wanted)
            seen[f"{governor} {wanted}"] = [taken, read(preference), hardware.energy(0)]
    return seen


def pinned_in_active_mode() -> list[list[object]]:
    """Active: no setspeed; equal limits reach the registers of minimum and maximum."""
    write(STATUS, "active")
    seen: list[list[object]] = [["setspeed", write(POLICY / "scaling_setspeed", "1000000")]]
    for frequency in ("1000000", "1600000"):
        for name in ("max", "min", "max"):
            write(POLICY / f"scaling_{name}_freq", frequency)
        settle()
        back = [read(POLICY / f"scaling_{name}_freq") for name in ("min", "max")]
        seen.append([frequency, *back, *astuple(hardware.performance(0))])
    return seen


def leaving_a_mode() -> dict[str, list[str]]:
    """What a round over the modes changes of what was set."""
    write(POLICY / "scaling_max_freq", "1500000")
    write(POLICY / "scaling_governor", "ondemand")
    before = state()
    for mode in ("active", "passive"):
        write(STATUS, mode)
    return difference(before, state())


CHECKS = (
    modes,
    requests_reach_the_registers,
    limits,
    energy_preference,
    pinned_in_active_mode,
    leaving_a_mode,
)
