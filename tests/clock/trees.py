# SPDX-License-Identifier: Apache-2.0
"""Trees of files that stand in for cpufreq, and a kernel that answers writes as Linux does.

The rig under tests/qemu runs the same controller on a real kernel; here stand the drivers that do not bind there, and
the failures that cannot be brought about there.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from serialprof.clock.sysfs import Tree

STATES = (800_000, 1_600_000, 2_200_000, 2_600_000, 3_000_000)
GOVERNORS = "ondemand userspace performance"


def put(root: Path, name: str, value: object) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{value}\n")


def policy(root: Path, number: int, **files: object) -> None:
    """One policy's folder; by default one CPU under acpi-cpufreq and ondemand."""
    defaults: dict[str, object] = {
        "affected_cpus": number,
        "related_cpus": number,
        "scaling_driver": "acpi-cpufreq",
        "scaling_governor": "ondemand",
        "scaling_available_governors": GOVERNORS,
        "cpuinfo_min_freq": STATES[0],
        "cpuinfo_max_freq": STATES[-1],
        "scaling_min_freq": STATES[0],
        "scaling_max_freq": STATES[-1],
        "scaling_setspeed": "<unsupported>",
    }
    for name, value in (defaults | files).items():
        if value is not None:
            put(root, f"cpufreq/policy{number}/{name}", value)


def acpi(root: Path, states: Sequence[int] = STATES, **files: object) -> Path:
    """Two policies of one CPU each, with states."""
    listed = " ".join(map(str, reversed(states)))
    for number in (0, 1):
        policy(root, number, scaling_available_frequencies=listed, cpuinfo_max_freq=max(states), **files)
    return root


def shared(root: Path) -> Path:
    """One policy that rules two CPUs."""
    policy(root, 0, affected_cpus="0 1", related_cpus="0 1", scaling_available_frequencies=" ".join(map(str, STATES)))
    return root


def intel(root: Path, no_turbo: int = 0, **files: object) -> Path:
    """intel_pstate, active: two policies without states or speed, and turbo's switch for both."""
    put(root, "intel_pstate/status", "active")
    put(root, "intel_pstate/no_turbo", no_turbo)
    top = 2_400_000 if no_turbo else 4_200_000
    settings: dict[str, object] = {
        "scaling_driver": "intel_pstate",
        "scaling_governor": "powersave",
        "scaling_available_governors": "performance powersave",
        "cpuinfo_min_freq": 400_000,
        "cpuinfo_max_freq": top,
        "scaling_min_freq": 400_000,
        "scaling_max_freq": top,
        "base_frequency": 2_400_000,
        "energy_performance_preference": "balance_performance",
    }
    for number in (0, 1):
        policy(root, number, **(settings | files))
    return root


def hybrid(root: Path) -> Path:
    """A performance core (policy0) and an efficient one (policy1) of one processor."""
    intel(root)
    for name, value in {
        "cpuinfo_max_freq": 3_200_000,
        "scaling_max_freq": 3_200_000,
        "base_frequency": 1_800_000,
    }.items():
        put(root, f"cpufreq/policy1/{name}", value)
    return root


def amd(root: Path, mode: str, **files: object) -> Path:
    """amd-pstate in one of its modes: two policies, each with its own boost."""
    put(root, "amd_pstate/status", mode)
    put(root, "cpufreq/boost", 1)
    active = mode == "active"
    settings: dict[str, object] = {
        "scaling_driver": "amd-pstate-epp" if active else "amd-pstate",
        "scaling_governor": "powersave" if active else "schedutil",
        "scaling_available_governors": "performance powersave" if active else "schedutil userspace performance",
        "scaling_setspeed": None if active else "<unsupported>",
        "energy_performance_preference": "balance_power" if active else None,
        "cpuinfo_min_freq": 400_000,
        "cpuinfo_max_freq": 4_500_000,
        "scaling_min_freq": 400_000,
        "scaling_max_freq": 4_500_000,
        "boost": 1,
    }
    for number in (0, 1):
        policy(root, number, **(settings | files))
        put(root, f"cpu{number}/acpi_cppc/nominal_freq", 3_000)
    return root


def contents(root: Path) -> dict[str, str]:
    """Every file and what it holds."""
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


class Kernel(Tree):
    """Answers writes as Linux was seen to: rounding, clamping, dragging, refusing.

    `log` keeps every write that was tried, in order. `refuse` names files whose writing fails, with the errno; `lies`
    files that hold something else once they were written; `lag` is how long limits that were written are not yet in
    force, in seconds.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.log: list[tuple[str, str]] = []
        self.refuse: dict[str, int] = {}
        self.lies: Mapping[str, str] = {}
        self.lag = 0.0
        self._later: list[tuple[float, str, str, str]] = []
        self.limits_of_turbo = {
            name: super(Kernel, self).read(f"cpufreq/{name}/cpuinfo_max_freq") for name in self.policies()
        }

    def read(self, name: str) -> str | None:
        now = time.monotonic()
        due = [each for each in self._later if each[0] <= now]
        self._later = [each for each in self._later if each[0] > now]
        for _, kind, folder, value in due:
            getattr(self, f"_{kind}")(folder, value)
        return super().read(name)

    def write(self, name: str, value: str) -> None:
        self.log.append((name, value))
        if name in self.refuse:
            raise OSError(self.refuse[name], os.strerror(self.refuse[name]))
        folder, _, kind = name.rpartition("/")
        answer: Callable[[str, str], None] | None = getattr(self, f"_{kind}", None)
        if answer is None:
            super().write(name, value)
        else:
            super().write(name, self.read(name) or value)  # the checks of the real one
            if self.lag and kind in ("scaling_min_freq", "scaling_max_freq"):
                self._later.append((time.monotonic() + self.lag, kind, folder, value))
            else:
                answer(folder, value)
        if name in self.lies:
            put(self.root, name, self.lies[name])

    def written(self) -> list[str]:
        """What was written, as short lines: "policy0/scaling_max_freq 800000"."""
        return [f"{name.removeprefix('cpufreq/')} {value}" for name, value in self.log]

    def _number(self, name: str) -> int:
        return int(super().read(name) or 0)  # as things stand: a limit that comes into force must not overtake another

    def _states(self, folder: str) -> list[int]:
        return sorted(int(word) for word in (super().read(f"{folder}/scaling_available_frequencies") or "").split())

    def _scaling_governor(self, folder: str, value: str) -> None:
        if value not in (self.read(f"{folder}/scaling_available_governors") or "").split():
            raise OSError(errno.EINVAL, "Invalid argument")
        if self.read(f"{folder}/scaling_governor") == "ondemand" != value:
            for tunable in (self.root / "cpufreq/ondemand").glob("*"):
                put(self.root, f"cpufreq/ondemand/{tunable.name}", 95)  # its default, for when it comes back
        put(self.root, f"{folder}/scaling_governor", value)
        if self.exists(f"{folder}/scaling_setspeed"):
            speed = self.read(f"{folder}/scaling_max_freq") if value == "userspace" else "<unsupported>"
            put(self.root, f"{folder}/scaling_setspeed", speed)

    def _scaling_setspeed(self, folder: str, value: str) -> None:
        if self.read(f"{folder}/scaling_governor") != "userspace":
            raise OSError(errno.EINVAL, "Invalid argument")
        low, high = (self._number(f"{folder}/scaling_{end}_freq") for end in ("min", "max"))
        speed = min(max(int(value), low), high)
        states = [state for state in self._states(folder) if low <= state <= high]
        put(
            self.root,
            f"{folder}/scaling_setspeed",
            min((s for s in states if s >= speed), default=max(states, default=speed)),
        )

    def _scaling_max_freq(self, folder: str, value: str) -> None:
        high = min(int(value), self._number(f"{folder}/cpuinfo_max_freq"))
        high = max((state for state in self._states(folder) if state <= high), default=high)
        put(self.root, f"{folder}/scaling_max_freq", high)
        if self._number(f"{folder}/scaling_min_freq") > high:
            put(self.root, f"{folder}/scaling_min_freq", high)

    def _scaling_min_freq(self, folder: str, value: str) -> None:
        low = max(int(value), self._number(f"{folder}/cpuinfo_min_freq"))
        put(self.root, f"{folder}/scaling_min_freq", min(low, self._number(f"{folder}/scaling_max_freq")))

    def _energy_performance_preference(self, folder: str, value: str) -> None:
        if self.read(f"{folder}/scaling_governor") == "performance":
            raise OSError(errno.EBUSY, "Device or resource busy")
        put(self.root, f"{folder}/energy_performance_preference", value)

    def _no_turbo(self, folder: str, value: str) -> None:
        put(self.root, f"{folder}/no_turbo", value)
        self._turn([f"cpufreq/{name}" for name in self.policies()], on=value == "0")

    def _down_threshold(self, folder: str, value: str) -> None:
        if int(value) >= self._number(f"{folder}/up_threshold"):
            raise OSError(errno.EINVAL, "Invalid argument")
        put(self.root, f"{folder}/down_threshold", value)

    def _boost(self, folder: str, value: str) -> None:
        put(self.root, f"{folder}/boost", value)
        self._turn([folder] if folder != "cpufreq" else [], on=value == "1")

    def _turn(self, folders: Sequence[str], *, on: bool) -> None:
        """Turbo on resets the limits; off lowers the upper ones."""
        for folder in folders:
            name = folder.rpartition("/")[2]
            nominal = 1000 * self._number(f"cpu{name.removeprefix('policy')}/acpi_cppc/nominal_freq")
            base = self._number(f"{folder}/base_frequency") or nominal
            top = self.limits_of_turbo[name] if on else base
            put(self.root, f"{folder}/cpuinfo_max_freq", top)
            self._scaling_max_freq(folder, str(top))
