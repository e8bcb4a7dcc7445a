# SPDX-License-Identifier: Apache-2.0
"""How much CPU time and memory a cgroup grants."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath


def cpu_quota(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float | None:
    """CPUs' worth of time granted to this process: the least along its cgroup's ancestors; None where unlimited.

    Reads cgroup v2 (`cpu.max`) and v1 (`cpu.cfs_quota_us` over `cpu.cfs_period_us`).
    """
    grants = [grant for folder in _folders(root, own, "cpu") if (grant := _grant(folder)) is not None]
    return min(grants, default=None)


def tightest_quota(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> Path | None:
    """The file that holds the least grant of `cpu_quota`, None where CPU time is unlimited."""
    grants = {folder: grant for folder in _folders(root, own, "cpu") if (grant := _grant(folder)) is not None}
    if not grants:
        return None
    folder = min(grants, key=lambda place: grants[place])
    return next(file for name in ("cpu.max", "cpu.cfs_quota_us") if (file := folder / name).exists())


def cpu_throttled(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float | None:
    """Seconds that the cgroup with the least grant has been kept from the CPU so far, None where none is limited."""
    file = tightest_quota(root, own)
    if file is None:
        return None
    try:
        counts = dict(line.split() for line in file.with_name("cpu.stat").read_text().splitlines())
        return int(counts["throttled_usec"]) * 1e-6 if file.name == "cpu.max" else int(counts["throttled_time"]) * 1e-9
    except (OSError, ValueError, KeyError):
        return None


def memory_limit(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> tuple[int, Path] | None:
    """The least limit of memory along this process's cgroups, in bytes, and the file that holds it.

    None where there is none; a version 1 cgroup without a limit says one of 8 EiB, which is none either.
    """
    limits = []
    for folder in _folders(root, own, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):  # "max" is no number
                limits.append((int((folder / name).read_text()), folder / name))
    least = min(limits, default=None)
    return None if least is None or least[0] >= 1 << 62 else least


def _folders(root: Path, own: Path, controller: str) -> list[Path]:
    """The cgroup of this process and its ancestors, as far as they hold a controller."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = root / controller if controllers else root
        relative = PurePosixPath(path.lstrip("/"))
        folders += [base / parent for parent in (relative, *relative.parents)]
    return folders


def _grant(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        return int(quota) / int(period) if quota not in ("max", "-1") else None
    except (OSError, ValueError):
        return None


def available_memory(
    root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup"), info: Path = Path("/proc/meminfo")
) -> int | None:
    """Bytes that this process can still take: what the kernel calls available, or less where its cgroups grant less."""
    try:
        fields = dict(line.split(":", 1) for line in info.read_text().splitlines())
        free = [int(fields["MemAvailable"].split()[0]) * 1024]
    except (OSError, ValueError, KeyError, IndexError):
        return None
    for folder in _folders(root, own, "memory"):
        for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            with suppress(OSError, ValueError):  # "max" is no number
                free.append(int((folder / limit).read_text()) - int((folder / used).read_text()))
    return max(0, min(free))
