# SPDX-License-Identifier: Apache-2.0
"""The kernel's files of CPU clocks: the only place that opens them, and the list of those that may be written.

Names are relative to /sys/devices/system/cpu, such as "cpufreq/policy0/scaling_max_freq". Frequencies are in kHz here,
as the kernel writes them, and in Hz everywhere else.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path("/sys/devices/system/cpu")

GOVERNOR: Final = "scaling_governor"
LOW: Final = "scaling_min_freq"
HIGH: Final = "scaling_max_freq"
SPEED: Final = "scaling_setspeed"
PREFERENCE: Final = "energy_performance_preference"
POLICY_BOOST: Final = "boost"
BOOST: Final = "cpufreq/boost"
NO_TURBO: Final = "intel_pstate/no_turbo"

_POLICY_FILE: Final = re.compile(r"cpufreq/policy(0|[1-9][0-9]{0,4})/([a-z_]+)")
#: What governors can be tuned by, for all policies or for each; it is lost when the governor changes.
TUNABLES: Final = {
    "conservative": (
        "down_threshold",
        "freq_step",
        "ignore_nice_load",
        "sampling_down_factor",
        "sampling_rate",
        "up_threshold",
    ),
    "ondemand": (
        "ignore_nice_load",
        "io_is_busy",
        "powersave_bias",
        "sampling_down_factor",
        "sampling_rate",
        "up_threshold",
    ),
    "schedutil": ("rate_limit_us",),
}
_TUNABLE: Final = re.compile(r"cpufreq/(?:policy(?:0|[1-9][0-9]{0,4})/)?([a-z]+)/([a-z_]+)")
_POLICY: Final = re.compile(r"policy(0|[1-9][0-9]{0,4})")
_GOVERNORS: Final = re.compile(r"[a-z][a-z0-9_]{0,14}")  # CPUFREQ_NAME_LEN of the kernel is 16 with its end
_PREFERENCES: Final = frozenset(("default", "performance", "balance_performance", "balance_power", "power"))
_KILOHERTZ: Final = range(10_000, 20_000_001)  # 10 MHz to 20 GHz
_MOST_BYTES: Final = 65_536


def valid(name: str, value: str) -> bool:
    """Whether this file is one that may be written, and the value one that it may hold; pure."""
    if name in (BOOST, NO_TURBO):
        return value in ("0", "1")
    if is_tunable(name):
        return _whole(value)
    match = _POLICY_FILE.fullmatch(name)
    kind = match[2] if match else ""
    if kind == GOVERNOR:
        return _GOVERNORS.fullmatch(value) is not None
    if kind in (LOW, HIGH, SPEED):
        return _whole(value) and int(value) in _KILOHERTZ
    if kind == PREFERENCE:
        return value in _PREFERENCES or (_whole(value) and int(value) <= 255)
    return kind == POLICY_BOOST and value in ("0", "1")


def is_tunable(name: str) -> bool:
    """Whether the file tunes a governor; pure."""
    match = _TUNABLE.fullmatch(name)
    return match is not None and match[2] in TUNABLES.get(match[1], ())


def _whole(value: str) -> bool:
    return re.fullmatch(r"0|[1-9][0-9]{0,8}", value) is not None


class Tree:
    """The files below one root, read and written without following a symbolic link.

    Args:
        root: another place than the kernel's, for tests.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root.absolute()

    def read(self, name: str) -> str | None:
        """A file's text without the blanks around it; None where it is not there or cannot be read.

        Files vanish while they are read, and those of a policy without a CPU that is online give EBUSY.
        """
        try:
            with self._opened(name, os.O_RDONLY) as file:
                return os.read(file, _MOST_BYTES).decode("ascii", "replace").strip()
        except OSError:
            return None

    def write(self, name: str, value: str) -> None:
        """Writes one value into one file.

        Raises:
            ValueError: it is none of the files that may be written, or no value for it.
            OSError: the kernel refuses it, or a symbolic link is in the way (ELOOP, ENOTDIR).
        """
        if not valid(name, value):
            raise ValueError(f"{value!r} is not written to {name!r}")
        with self._opened(name, os.O_WRONLY | os.O_TRUNC) as file:
            os.write(file, f"{value}\n".encode())

    def writable(self, name: str) -> bool:
        """Whether this process may write the file: it is there, has a bit for writing, and the system lets us.

        Root passes every permission; so a file without any bit for writing, which the kernel gives to those that take
        nothing, counts as read-only for root too.
        """
        path = self.root / name
        try:
            mode = path.lstat().st_mode
        except OSError:
            return False
        effective = os.access in os.supports_effective_ids
        return stat.S_ISREG(mode) and bool(mode & 0o222) and os.access(path, os.W_OK, effective_ids=effective)

    def exists(self, name: str) -> bool:
        """Whether there is such a file, be it readable or not."""
        return os.path.lexists(self.root / name)

    def policies(self) -> tuple[str, ...]:
        """Names of the policies' folders, by number: ("policy0", "policy4"); none where there is no cpufreq."""
        try:
            entries = os.listdir(self.root / "cpufreq")  # noqa: PTH208 - names are wanted
        except OSError:
            return ()
        numbers = (int(match[1]) for entry in entries if (match := _POLICY.fullmatch(entry)))
        return tuple(f"policy{number}" for number in sorted(numbers))

    def lock(self) -> int | None:
        """A descriptor that holds this tree for one run, whoever runs it; None where another process holds it.

        The lock (flock on the folder of cpufreq) is given back by the system once the descriptor, and every copy of
        it that another process inherited, is closed: so it never goes stale.

        Raises:
            OSError: the folder is not there.
        """
        import fcntl  # lazily: it exists on POSIX alone

        folder = os.open(self.root / "cpufreq", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(folder)
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return None
            raise
        return folder

    @contextmanager
    def _opened(self, name: str, flags: int) -> Iterator[int]:
        """A regular file below the root; each part of its name is opened from the one before, links are refused."""
        *folders, last = name.split("/")
        if not all(re.fullmatch(r"[A-Za-z0-9_]+", part) for part in (*folders, last)):
            raise OSError(errno.EINVAL, "no name of a file below the root", name)
        folder_flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        # Each descriptor is closed in one place, once: where Ctrl-C comes between closing and forgetting one, closing
        # it again would turn the interrupt into an OSError, which readers take for a file that is not there.
        opened: list[int] = []
        try:
            opened.append(os.open(self.root, folder_flags))
            for folder in folders:
                opened.append(os.open(folder, folder_flags | os.O_NOFOLLOW, dir_fd=opened[-1]))
            # Not blocking: a pipe that stands in a file's place must not stop us.
            opened.append(os.open(last, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=opened[-1]))
            if not stat.S_ISREG(os.fstat(opened[-1]).st_mode):
                raise OSError(errno.EINVAL, "no regular file", name)
            yield opened[-1]
        finally:
            for file in opened:
                os.close(file)
