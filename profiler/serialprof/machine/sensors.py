# SPDX-License-Identifier: Apache-2.0
"""Temperature, throttling and steal of some CPUs, read often: the files are found and opened once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

#: Drivers under /sys/class/hwmon that give the processor's own temperature.
_CHIPS: Final = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
#: Kinds of thermal zone that do; the board's (acpitz) is another temperature.
_ZONES: Final = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "cpu")
_THROTTLES: Final = ("core_throttle_count", "package_throttle_count")
_STEAL_FIELD: Final = 7  # after the CPU's name: user nice system idle iowait irq softirq steal
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class SensorReading:
    """One look at the sensors; a value that this machine does not give is None.

    Attributes:
        temperature: of the hottest of the processor's sensors, in degrees Celsius.
        throttles: throttling events counted so far for the CPUs and their packages; only its growth means something.
        steal: seconds since the start of the system that the hypervisor ran something else while one of the CPUs had
            work, summed over them; the kernel counts it in steps of 10 ms.
    """

    temperature: float | None
    throttles: int | None
    steal: float | None


class Sensors:
    """The readable sensors of some CPUs; close it after use.

    Args:
        cpus: CPU numbers.
        sysfs: where sysfs is mounted.
        proc: where procfs is mounted.
    """

    def __init__(self, cpus: Iterable[int], sysfs: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        wanted = tuple(sorted(set(cpus)))
        self._cpus = {f"cpu{cpu}".encode() for cpu in wanted}
        self._second = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
        self._temperatures = _opened(_temperature_files(sysfs))
        self._throttles = _opened(
            sysfs / f"devices/system/cpu/cpu{cpu}/thermal_throttle" / name for cpu in wanted for name in _THROTTLES
        )
        self._times = _opened([proc / "stat"])

    def read(self) -> SensorReading:
        """What the sensors say now; raises nothing."""
        degrees = [value / 1000 for value in _numbers(self._temperatures)]  # sysfs gives thousandths
        throttles = _numbers(self._throttles)
        return SensorReading(max(degrees, default=None), sum(throttles) if throttles else None, self._steal())

    def _steal(self) -> float | None:
        stolen = []
        for file in self._times:
            with suppress(OSError, ValueError, IndexError):
                for line in _cpu_lines(file):
                    name, *fields = line.split()
                    if name in self._cpus:
                        stolen.append(int(fields[_STEAL_FIELD]) / self._second)
        return sum(stolen) if stolen else None

    def close(self) -> None:
        """Closes the files; a later `read` finds nothing."""
        for file in (*self._temperatures, *self._throttles, *self._times):
            os.close(file)
        self._temperatures = self._throttles = self._times = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _temperature_files(sysfs: Path) -> list[Path]:
    """The files that hold the processor's temperature, in thousandths of a degree Celsius."""
    zones = [
        zone / "temp" for zone in sorted(sysfs.glob("class/thermal/thermal_zone*")) if _text(zone / "type") in _ZONES
    ]
    chips = [chip for chip in sorted(sysfs.glob("class/hwmon/hwmon*")) if _text(chip / "name") in _CHIPS]
    return zones + [file for chip in chips for file in _of_chip(chip)]


def _of_chip(chip: Path) -> list[Path]:
    """A chip's whole-package or die sensor where it names one, else all of its sensors.

    k10temp's Tctl carries an offset on some processors; Tdie, where it is given, is the temperature.
    """
    inputs = sorted(chip.glob("temp*_input"))
    labels = {file: _text(file.with_name(file.name.replace("_input", "_label"))) for file in inputs}
    for pattern in ("Package id.*", "Tdie", "Tctl"):
        named = [file for file in inputs if re.fullmatch(pattern, labels[file])]
        if named:
            return named
    return inputs


def _opened(files: Iterable[Path]) -> tuple[int, ...]:
    found = []
    for file in files:
        with suppress(OSError):
            found.append(os.open(file, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)))
    return tuple(found)


def _numbers(files: Sequence[int]) -> list[int]:
    """The numbers in some files, without those that cannot be read now."""
    values = []
    for file in files:
        with suppress(OSError, ValueError):
            values.append(int(os.pread(file, 64, 0)))
    return values


def _cpu_lines(file: int) -> list[bytes]:
    """The lines of /proc/stat that tell of CPUs; they come first, and reading the others costs as much again."""
    text = b""
    while b"\nintr" not in text and (part := os.pread(file, _CHUNK, len(text))):
        text += part
    return [line for line in text.splitlines() if line.startswith(b"cpu")]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
