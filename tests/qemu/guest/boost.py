# SPDX-License-Identifier: Apache-2.0
"""What the kernel does with plain writes to the switch of boost, under amd-pstate."""

from __future__ import annotations

from tests.qemu.guest.cpufreq import ROOT, read, write

POLICY = ROOT / "policy0"


def boost() -> dict[str, list[str]]:
    """The driver's switch moves the top of the range, and with it a maximum that was at the top."""
    seen: dict[str, list[str]] = {}
    for value in ("0", "1", "yes"):
        taken = write(ROOT / "boost", value)
        names = ("boost", "cpuinfo_max_freq", "scaling_max_freq")
        seen[f"{len(seen)}: {value}"] = [taken, read(ROOT / "boost"), *(read(POLICY / name) for name in names)]
    return seen


def boost_and_a_lower_maximum() -> dict[str, list[str]]:
    """What a round of the switch does to a maximum below its range, and what brings that back."""
    maximum = POLICY / "scaling_max_freq"
    write(maximum, "700000")
    seen = {"set": [read(maximum)]}
    for value in ("0", "1"):
        write(ROOT / "boost", value)
        seen[f"boost {value}"] = [read(maximum)]
    seen["written again"] = [write(maximum, "700000"), read(maximum)]
    write(maximum, "700001")
    seen["written after another"] = [write(maximum, "700000"), read(maximum)]
    return seen


CHECKS = (boost, boost_and_a_lower_maximum)
