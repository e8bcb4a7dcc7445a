# SPDX-License-Identifier: Apache-2.0
"""What the kernel does with plain writes, under acpi-cpufreq: the ground that the controller stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.qemu.guest import hardware
from tests.qemu.guest.cpufreq import CPUS, ROOT, online, policies, read, settle, state, write

POLICY = ROOT / "policy0"


def limits() -> list[str]:
    settle()
    return [read(POLICY / "scaling_min_freq"), read(POLICY / "scaling_max_freq")]


def policy_files() -> dict[str, dict[str, str]]:
    """Every policy with what it says of itself."""
    names = ("scaling_driver", "affected_cpus", "scaling_available_frequencies", "scaling_available_governors")
    return {policy.name: {name: read(policy / name) for name in names} for policy in policies()}


def requests_reach_the_latch() -> list[list[Any]]:
    """Per frequency and policy: requested, then read back, then the state in every CPU's latch."""
    seen = []
    for policy in policies():
        write(policy / "scaling_governor", "userspace")
        for frequency in read(policy / "scaling_available_frequencies").split():
            write(policy / "scaling_setspeed", frequency)
            seen.append([policy.name, int(frequency), int(read(policy / "scaling_setspeed")), *latches()])
    return seen


def latches() -> list[int]:
    return [hardware.latch(cpu) for cpu in (0, 1)]


def rounding_of_setspeed() -> list[list[int]]:
    """Requested, what setspeed repeats, what is set: in Hz / 1000, Hz / 1000 and 100 MHz."""
    write(POLICY / "scaling_governor", "userspace")
    seen = []
    for frequency in (1600001, 1599999, 900000, 2900000, 100, 9000000):
        write(POLICY / "scaling_setspeed", str(frequency))
        seen.append([frequency, int(read(POLICY / "scaling_setspeed")), hardware.latch(0)])
    return seen


def rounding_of_limits() -> dict[str, list[str]]:
    seen = {}
    write(POLICY / "scaling_max_freq", "2000000")
    seen["max 2000000"] = limits()
    write(POLICY / "scaling_min_freq", "1000000")
    seen["min 1000000"] = limits()
    return seen


def silent_clamp() -> dict[str, list[str]]:
    return {
        "max 5000000": [write(POLICY / "scaling_max_freq", "5000000"), *limits()],
        "min 100": [write(POLICY / "scaling_min_freq", "100"), *limits()],
    }


def max_below_min() -> dict[str, list[str]]:
    """A maximum below the minimum, then the minimum's own request, which is not forgotten."""
    write(POLICY / "scaling_min_freq", "2200000")
    seen = {"max below min": [write(POLICY / "scaling_max_freq", "1600000"), *limits()]}
    write(POLICY / "scaling_max_freq", "3000000")
    seen["max raised again"] = limits()
    write(POLICY / "scaling_max_freq", "1600000")
    seen["min above max"] = [write(POLICY / "scaling_min_freq", "2600000"), *limits()]
    return seen


def refusals() -> dict[str, str]:
    seen = {
        "unknown governor": write(POLICY / "scaling_governor", "nonsense"),
        "text as max": write(POLICY / "scaling_max_freq", "fast"),
        "text as min": write(POLICY / "scaling_min_freq", "slow"),
        "setspeed under schedutil": write(POLICY / "scaling_setspeed", "800000"),
        "read under schedutil": read(POLICY / "scaling_setspeed"),
    }
    write(POLICY / "scaling_governor", "userspace")
    seen["text as setspeed"] = write(POLICY / "scaling_setspeed", "fast")
    return seen


def leaving_a_governor() -> dict[str, str]:
    """The governor's own tunable after another governor has been in its place in every policy."""
    tunable = ROOT / "schedutil" / "rate_limit_us"
    write(tunable, "12345")
    before = read(tunable)
    for governor in ("userspace", "schedutil"):
        for policy in policies():
            write(policy / "scaling_governor", governor)
    return {"before": before, "after": read(tunable)}


def offline_and_back() -> dict[str, dict[str, str]]:
    """CPU 1's policy while that CPU is away and after it has come back."""
    policy = (CPUS / "cpu1" / "cpufreq").resolve()
    write(policy / "scaling_governor", "userspace")
    write(policy / "scaling_max_freq", "2200000")
    settle()
    write(policy / "scaling_setspeed", "1600000")
    seen = {"before": _policy(policy)}
    online(1, yes=False)
    seen["away"] = _policy(policy)
    if policy.exists():
        seen["away"]["write"] = write(policy / "scaling_max_freq", "1600000")
    online(1, yes=True)
    seen["back"] = _policy(policy)
    return seen


def _policy(policy: Path) -> dict[str, str]:
    settle()
    names = ("affected_cpus", "scaling_governor", "scaling_min_freq", "scaling_max_freq", "scaling_setspeed")
    return {"exists": str(policy.exists())} | {name: read(policy / name) for name in names}


def writable_files() -> list[str]:
    return list(state())


CHECKS = (
    policy_files,
    writable_files,
    requests_reach_the_latch,
    rounding_of_setspeed,
    rounding_of_limits,
    silent_clamp,
    max_below_min,
    refusals,
    leaving_a_governor,
    offline_and_back,
)
