# SPDX-License-Identifier: Apache-2.0
"""What the kernel does with plain writes to the switch of boost, under amd-pstate."""

from __future__ import annotations

from pathlib import Path

from tests.qemu.guest.cpufreq import ROOT, read, settle, write

POLICY = ROOT / "policy0"


def boost() -> dict[str, list[str]]:
    """The driver's switch moves the top of the range, and with it a maximum that was at the top."""
    seen: dict[str, list[str]] = {}
    for value in ("0", "1", "yes"):
        taken = write(ROOT / "boost", value)
        settle()
        names = ("boost", "cpuinfo_max_freq", "scaling_max_freq")
        seen[f"{len(seen)}: {value}"] = [taken, read(ROOT / "boost"), *(read(POLICY / name) for name in names)]
    return seen


def boost_and_a_lower_maximum() -> dict[str, list[str]]:
    """What a round of the switch does to a maximum below its range, and what brings that back."""
    maximum = POLICY / "scaling_max_freq"
    seen = {"set": _written(maximum, "700000")}
    for value in ("0", "1"):
        write(ROOT / "boost", value)
        settle()
        seen[f"boost {value}"] = [read(maximum)]
    seen["written again"] = _written(maximum, "700000")
    write(maximum, "700001")
    seen["written after another"] = _written(maximum, "700000")
    return seen


def _written(path: Path, value: str) -> list[str]:
    taken = write(path, value)
    settle()
    return [taken, read(path)]


CHECKS = (boost, boost_and_a_lower_maximum)
