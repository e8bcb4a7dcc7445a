# SPDX-License-Identifier: Apache-2.0
"""How much CPU time a cgroup grants."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


def cpu_quota(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float | None:
    """CPUs' worth of time granted to this process: the least along its cgroup's ancestors; None where unlimited.

    Reads cgroup v2 (`cpu.max`) and v1 (`cpu.cfs_quota_us` over `cpu.cfs_period_us`).
    """
    grants = [grant for folder in _folders(root, own) if (grant := _grant(folder)) is not None]
    return min(grants, default=None)


def _folders(root: Path, own: Path) -> list[Path]:
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "cpu" if controllers else root
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
