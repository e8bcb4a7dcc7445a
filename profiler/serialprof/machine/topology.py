# SPDX-License-Identifier: Apache-2.0
"""CPUs, their siblings, nodes and caches, as Linux tells them under sysfs."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from serialprof.machine.description import Cache

SYSFS = Path("/sys/devices/system")
_SIZES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def parse_cpu_list(text: str) -> tuple[int, ...]:
    """CPU numbers from the kernel's list format: "0-2,8" is (0, 1, 2, 8)."""
    cpus: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return tuple(cpus)


def allowed_cpus() -> tuple[int, ...]:
    """CPUs that this process's affinity allows, ascending; every CPU where the system has no affinity."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def sibling_groups(cpus: Iterable[int], sysfs: Path = SYSFS) -> tuple[tuple[int, ...], ...]:
    """The given CPUs grouped by physical core, groups ascending by their first CPU.

    A guest's topology may hide siblings; a CPU that sysfs says nothing of is a core of its own.
    """
    wanted = set(cpus)
    groups = set()
    for cpu in wanted:
        listed = _read(sysfs / f"cpu/cpu{cpu}/topology/thread_siblings_list")
        groups.add(tuple(other for other in parse_cpu_list(listed) if other in wanted) or (cpu,))
    return tuple(sorted(groups))


def merge_groups(groups: Iterable[tuple[int, ...]], pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Sibling groups joined wherever a pair of hidden siblings links two of them, in the order of `sibling_groups`.

    Args:
        groups: as the kernel tells them.
        pairs: CPUs that a probe found on one physical core (`measure.pairs`); a pair with a CPU that is in no group,
            since it may not be used, is left out.
    """
    group_of = {cpu: group for group in groups for cpu in group}
    for first, second in pairs:
        if first in group_of and second in group_of:
            joined = tuple(sorted({*group_of[first], *group_of[second]}))
            group_of.update(dict.fromkeys(joined, joined))
    return tuple(sorted(set(group_of.values())))


def placement_order(groups: Iterable[tuple[int, ...]], sysfs: Path = SYSFS) -> tuple[int, ...]:
    """The order in which threads are placed: a node's physical cores, then their siblings, then the next node."""
    node_of = _nodes(sysfs)
    ranked = [(node_of[cpu], sibling, cpu) for group in groups for sibling, cpu in enumerate(group)]
    return tuple(cpu for _, _, cpu in sorted(ranked))


def caches(sysfs: Path = SYSFS) -> tuple[Cache, ...]:
    """The caches of the first CPU; empty where sysfs has none."""
    found = []
    for index in sorted((sysfs / "cpu/cpu0/cache").glob("index*")):
        size = re.fullmatch(r"(\d+)([KMG]?)", _read(index / "size"))
        level = _read(index / "level")
        if size and level.isdigit():
            shared = parse_cpu_list(_read(index / "shared_cpu_list"))
            found.append(Cache(int(level), _read(index / "type"), int(size[1]) * _SIZES[size[2]], max(1, len(shared))))
    return tuple(found)


def _nodes(sysfs: Path) -> defaultdict[int, int]:
    node_of: defaultdict[int, int] = defaultdict(int)
    for folder in (sysfs / "node").glob("node[0-9]*"):
        for cpu in parse_cpu_list(_read(folder / "cpulist")):
            node_of[cpu] = int(folder.name.removeprefix("node"))
    return node_of


def _read(path: Path) -> str:
    """The text of a sysfs file, empty where it is not there or may not be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
