# SPDX-License-Identifier: Apache-2.0
"""The kernel's files as they are, without the controller: what a check compares the controller with."""

from __future__ import annotations

import errno
import os
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
ROOT = CPUS / "cpufreq"
WRITABLE = 0o200
#: What a driver without the userspace governor answers.
UNSUPPORTED = "<unsupported>"


def policies() -> list[Path]:
    return sorted(ROOT.glob("policy*"))


def read(path: Path) -> str:
    """The text, or the name of the error, as "EBUSY" of an offline policy."""
    try:
        return path.read_text().strip()
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def write(path: Path, text: str) -> str:
    """Write as one system call; "ok" or the name of the error."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    finally:
        os.close(descriptor)
    return "ok"


def online(cpu: int, *, yes: bool) -> str:
    return write(CPUS / f"cpu{cpu}" / "online", str(int(yes)))


def state() -> dict[str, str]:
    """Everything that may be written: of the policies, of the driver, of the governors in use."""
    paths = [*ROOT.glob("*"), *ROOT.glob("*/*"), *CPUS.glob("amd_pstate/*")]
    return {str(path): read(path) for path in sorted(paths) if path.is_file() and path.stat().st_mode & WRITABLE}


def restore(wanted: dict[str, str]) -> None:
    """Write a state back the plain way: the driver's files, governors, wide limits, then the limits, then the rest."""
    for cpu in (1,):
        online(cpu, yes=True)
    names = ("status", "boost", "scaling_governor", "scaling_max_freq", "scaling_min_freq", "scaling_max_freq")
    for name in names:
        for path, value in wanted.items():
            if Path(path).name == name and read(Path(path)) != value:
                write(Path(path), value)
    for path, value in wanted.items():
        if read(Path(path)) != value:
            write(Path(path), value)
    differing = {path: (value, read(Path(path))) for path, value in wanted.items() if read(Path(path)) != value}
    if differing:
        raise AssertionError(f"the check before left behind {differing}")
