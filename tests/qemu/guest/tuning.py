# SPDX-License-Identifier: Apache-2.0
"""States that somebody may have put a machine into before the controller came: drawn at random, set by plain writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.qemu.guest.cpufreq import CPUS, ROOT, policies, read, settle, widen, write

STATUS = CPUS / "amd_pstate" / "status"
MODES = ("passive", "active", "guided")
BOOST = ROOT / "boost"
#: A tunable per governor that has some, and values that are not its default.
TUNABLES = {
    "schedutil": ("rate_limit_us", ("2345", "34567")),
    "ondemand": ("up_threshold", ("60", "85")),
    "conservative": ("freq_step", ("7", "20")),
}
PREFERENCES = ("performance", "balance_performance", "balance_power", "power")


def tune(random: Random, modes: Sequence[str] = MODES) -> None:
    """Mode, boost, governors, tunables, limits, speeds and preferences, each as the machine has it."""
    mode = random.choice(modes)
    if STATUS.exists() and read(STATUS) != mode:
        write(STATUS, mode)
    if BOOST.exists():
        write(BOOST, random.choice(("0", "1")))
    for policy in policies():
        _set_limits(policy, random)
    settle()
    for policy in policies():
        _choose(policy, random)


def _set_limits(policy: Path, random: Random) -> None:
    widen(policy)
    low, high = sorted(_frequency(policy, random) for _ in range(2))
    write(policy / "scaling_max_freq", str(high))
    write(policy / "scaling_min_freq", str(low))


def _choose(policy: Path, random: Random) -> None:
    """Governor, its tunable, speed (which the userspace governor alone takes) and preference."""
    governor = random.choice(read(policy / "scaling_available_governors").split())
    write(policy / "scaling_governor", governor)
    low, high = (int(read(policy / f"scaling_{end}_freq")) for end in ("min", "max"))
    write(policy / "scaling_setspeed", str(random.randint(low, high)))
    write_if_there(policy / "energy_performance_preference", random.choice(PREFERENCES))
    if governor in TUNABLES:
        name, values = TUNABLES[governor]
        write_if_there(ROOT / governor / name, random.choice(values))


def _frequency(policy: Path, random: Random) -> int:
    """One of the driver's states, so that what is read is what was requested; where it has none, any in its range."""
    states = policy / "scaling_available_frequencies"
    if states.exists():
        return int(random.choice(read(states).split()))
    return random.randint(int(read(policy / "cpuinfo_min_freq")), int(read(policy / "cpuinfo_max_freq")))


def write_if_there(path: Path, text: str) -> None:
    if path.exists():
        write(path, text)
