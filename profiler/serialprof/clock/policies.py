# SPDX-License-Identifier: Apache-2.0
"""cpufreq's policies: which CPUs share a clock, who sets it, and within which range. Read only.

On the standard library alone, so that it runs where nothing is installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from serialprof.clock.sysfs import BOOST, GOVERNOR, NO_TURBO, POLICY_BOOST, Tree

#: Drivers that choose the clock themselves between two limits, and take no speed.
AUTONOMOUS: Final = frozenset(("intel_pstate", "amd-pstate-epp"))
#: acpi-cpufreq's top state stands for all of turbo: it is that of the base, plus this.
_TURBO_STEP: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy, as it was when it was read. Frequencies are in Hz.

    Attributes:
        name: of its folder, "policy0".
        cpus: CPUs that it rules and that are online.
        related: CPUs that it rules, online or not.
        driver: such as "acpi-cpufreq", "intel_pstate", "intel_cpufreq", "amd-pstate", "amd-pstate-epp".
        mode: "active", "passive" or "guided" where the driver knows modes, else empty.
        governor: in charge now.
        governors: that can be chosen now; the kernel may load further ones when asked.
        low: lowest frequency.
        high: highest frequency now, turbo included where it is on.
        base: highest without turbo, None where neither the driver nor the firmware tells.
        states: that the driver offers, ascending; empty where it takes any frequency.
        switch: the file that turns turbo on and off, empty where there is none.
        turbo: whether turbo is on, None where there is no switch.
    """

    name: str
    cpus: tuple[int, ...]
    related: tuple[int, ...]
    driver: str
    mode: str
    governor: str
    governors: tuple[str, ...]
    low: int
    high: int
    base: int | None
    states: tuple[int, ...] = ()
    switch: str = ""
    turbo: bool | None = None

    @property
    def ceiling(self) -> int:
        """Highest frequency without turbo, as far as it is known, in Hz."""
        return self.high if self.base is None else min(self.base, self.high)

    @property
    def takes_speed(self) -> bool:
        """Whether the userspace governor can set a speed; elsewhere both limits are set to the same frequency."""
        return self.driver not in AUTONOMOUS

    def file(self, kind: str) -> str:
        """Name of one of the policy's files, relative to the root."""
        return f"cpufreq/{self.name}/{kind}"


def policies(tree: Tree | None = None) -> tuple[Policy, ...]:
    """Every policy with a CPU that is online, by number; empty without cpufreq (other systems, most virtual machines).

    A policy whose files vanish while they are read, as when its last CPU goes offline, is left out.
    """
    tree = Tree() if tree is None else tree
    return tuple(policy for name in tree.policies() if (policy := _policy(tree, name)) is not None)


def covering(policies: Iterable[Policy], cpus: Iterable[int], tree: Tree | None = None) -> tuple[Policy, ...]:
    """The policies that decide the clock of these CPUs: theirs, and those of their siblings on the same cores.

    A core runs at the highest clock that any of its hardware threads asks for.
    """
    tree = Tree() if tree is None else tree
    wanted = set(cpus)
    for cpu in tuple(wanted):
        wanted.update(_cpu_list(tree.read(f"cpu{cpu}/topology/thread_siblings_list")))
    return tuple(policy for policy in policies if wanted & set(policy.cpus))


def bystanders(policies: Iterable[Policy], cpus: Iterable[int]) -> tuple[int, ...]:
    """CPUs whose clock changes with these policies though they are none of `cpus`: others may be using them."""
    return tuple(sorted({cpu for policy in policies for cpu in policy.cpus} - set(cpus)))


def format_hertz(hertz: float) -> str:
    """A frequency for people, not rounded: 2.4 GHz, 800 MHz, 3.001 GHz."""
    return f"{hertz / 1e9:.9g} GHz" if hertz >= 1e9 else f"{hertz / 1e6:.9g} MHz"


def _policy(tree: Tree, name: str) -> Policy | None:
    def text(kind: str) -> str:
        return tree.read(f"cpufreq/{name}/{kind}") or ""

    cpus, low, high = (
        _numbers(text("affected_cpus")),
        _hertz(text("cpuinfo_min_freq")),
        _hertz(text("cpuinfo_max_freq")),
    )
    driver, governor = text("scaling_driver"), text(GOVERNOR)
    if not (cpus and low and high and driver and governor):
        return None
    states = tuple(sorted({1000 * state for state in _numbers(text("scaling_available_frequencies"))}))
    switch, turbo = _switch(tree, name, driver)
    base = _base(tree, name, cpus[0], states, high, turbo)
    return Policy(
        name=name,
        cpus=cpus,
        related=_numbers(text("related_cpus")) or cpus,
        driver=driver,
        mode=_mode(tree, driver),
        governor=governor,
        governors=tuple(text("scaling_available_governors").split()),
        low=low,
        high=high,
        base=base,
        states=states,
        switch=switch,
        turbo=turbo,
    )


def _mode(tree: Tree, driver: str) -> str:
    folder = {"intel": "intel_pstate", "amd-p": "amd_pstate"}.get(driver[:5], "")
    return (tree.read(f"{folder}/status") or "") if folder else ""


def _switch(tree: Tree, name: str, driver: str) -> tuple[str, bool | None]:
    """The switch of turbo that concerns this policy, the nearest first, and whether it stands on."""
    own = f"cpufreq/{name}/{POLICY_BOOST}"
    for file, on in ((NO_TURBO, "0"), (own, "1"), (BOOST, "1")):
        if file == NO_TURBO and not driver.startswith("intel"):
            continue
        state = tree.read(file)
        if state in ("0", "1"):
            return file, state == on
    return "", None


def _base(tree: Tree, name: str, cpu: int, states: Sequence[int], high: int, turbo: bool | None) -> int | None:
    """The highest frequency without turbo, in Hz: from the driver, the states, the firmware, or turbo being off."""
    told = _hertz(tree.read(f"cpufreq/{name}/base_frequency") or "")
    if told:
        return told
    if states:
        below_turbo = [
            lower for lower, upper in pairwise(states) if upper - lower == _TURBO_STEP and upper == states[-1]
        ]
        return below_turbo[0] if below_turbo else states[-1]
    nominal = _numbers(tree.read(f"cpu{cpu}/acpi_cppc/nominal_freq") or "")  # MHz; 0 where the firmware does not say
    if nominal and nominal[0]:
        return nominal[0] * 1_000_000
    return high if turbo is False else None


def _hertz(text: str) -> int:
    """Hz from a file in kHz, 0 where it holds no number."""
    numbers = _numbers(text)
    return 1000 * numbers[0] if numbers else 0


def _numbers(text: str) -> tuple[int, ...]:
    """The whole numbers of a file of words."""
    return tuple(int(word) for word in text.split() if word.isascii() and word.isdigit())


def _cpu_list(text: str | None) -> tuple[int, ...]:
    """CPU numbers from the kernel's list format: "0-2,8" is (0, 1, 2, 8)."""
    cpus: list[int] = []
    for part in (text or "").split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit():
            cpus.extend(range(int(first), int(last if last.isdigit() else first) + 1))
    return tuple(cpus)
