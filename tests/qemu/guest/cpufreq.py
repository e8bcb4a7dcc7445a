# SPDX-License-Identifier: Apache-2.0
"""The kernel's files as they are, without the controller: what a check compares the controller with."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
ROOT = CPUS / "cpufreq"
WRITABLE = 0o200
#: Seconds after which the kernel has applied requested limits: it does so as soon as the writer leaves a CPU idle.
APPLIED = 0.02


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


def settle() -> None:
    """Wait until limits that were written are in force and in the files."""
    time.sleep(APPLIED)


def online(cpu: int, *, yes: bool) -> str:
    return write(CPUS / f"cpu{cpu}" / "online", str(int(yes)))


def state() -> dict[str, str]:
    """Everything that may be written, once it has settled: of the policies, of the driver, of the governors in use."""
    settle()
    paths = [*ROOT.glob("*"), *ROOT.glob("*/*"), *CPUS.glob("amd_pstate/*")]
    return {str(path): read(path) for path in sorted(paths) if path.is_file() and path.stat().st_mode & WRITABLE}


def difference(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    """Before and after of what is not the same, where a file that is not there holds an empty text."""
    names = sorted(before.keys() | after.keys())
    both = {name: [before.get(name, ""), after.get(name, "")] for name in names}
    return {name: values for name, values in both.items() if values[0] != values[1]}


def restore(wanted: dict[str, str]) -> None:
    """Write a state back the plain way, in an order that lets each file be written, and see that it came back."""
    online(1, yes=True)
    settle()
    for name in ("status", "scaling_governor"):
        for path in _named(wanted, name):
            if read(path) != wanted[str(path)]:
                write(path, wanted[str(path)])
    for path in _named(wanted, "boost"):
        for value in ("0", "1", wanted[str(path)]):  # Linux 6.1 forgets it for a CPU that was offline meanwhile
            write(path, value)
    for policy in policies():
        widen(policy)
    settle()
    for name, value in wanted.items():
        if read(Path(name)) != value:
            write(Path(name), value)
    if differing := difference(wanted, state()):
        raise AssertionError(f"the check before left behind {differing}")


def widen(policy: Path) -> None:
    """Set the limits to the ends of the range.

    Both are written twice, since the kernel forgets neither a request that it cannot fulfil now nor, where it shows
    another limit than was requested, that the request is the same as before.
    """
    for value in ("cpuinfo_min_freq", "cpuinfo_max_freq"):
        for name in ("scaling_max_freq", "scaling_min_freq"):
            write(policy / name, read(policy / value))
    write(policy / "scaling_min_freq", read(policy / "cpuinfo_min_freq"))


def _named(wanted: dict[str, str], name: str) -> list[Path]:
    return [path for path in map(Path, wanted) if path.name == name]
