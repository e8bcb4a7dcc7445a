# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from serialprof.machine import Cache
from serialprof.machine.quota import cpu_quota
from serialprof.machine.reading import read_machine
from serialprof.machine.topology import caches, merge_groups, parse_cpu_list, placement_order, sibling_groups


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """Two nodes of two cores with two hardware threads each: CPUs n and n + 4 are siblings, node 1 has 2, 3, 6, 7."""
    for cpu in range(8):
        write(tmp_path / f"cpu/cpu{cpu}/topology/thread_siblings_list", f"{cpu % 4},{cpu % 4 + 4}")
    write(tmp_path / "node/node0/cpulist", "0-1,4-5")
    write(tmp_path / "node/node1/cpulist", "2-3,6-7")
    for index, (level, kind, size, shared) in enumerate([(1, "Data", "48K", "0,4"), (2, "Unified", "2M", "0,4")]):
        for name, text in {"level": str(level), "type": kind, "size": size, "shared_cpu_list": shared}.items():
            write(tmp_path / f"cpu/cpu0/cache/index{index}/{name}", text)
    return tmp_path


def test_cpu_lists() -> None:
    assert parse_cpu_list("0-2,8\n") == (0, 1, 2, 8)
    assert parse_cpu_list("") == ()


def test_cores_first_then_siblings_then_the_next_node(sysfs: Path) -> None:
    groups = sibling_groups(range(8), sysfs)
    assert groups == ((0, 4), (1, 5), (2, 6), (3, 7))
    assert placement_order(groups, sysfs) == (0, 1, 4, 5, 2, 3, 6, 7)


def test_only_usable_cpus_are_placed(sysfs: Path) -> None:
    groups = sibling_groups((4, 5, 1), sysfs)
    assert groups == ((1, 5), (4,))
    assert placement_order(groups, sysfs) == (1, 4, 5)


def test_a_silent_sysfs_is_one_core_a_cpu(tmp_path: Path) -> None:
    assert sibling_groups((3, 1), tmp_path) == ((1,), (3,))
    assert caches(tmp_path) == ()


@pytest.mark.parametrize(
    ("groups", "pairs", "merged"),
    [
        (((0,), (1,), (2,), (3,)), (), ((0,), (1,), (2,), (3,))),
        (((0,), (1,), (2,), (3,)), ((2, 0), (1, 3)), ((0, 2), (1, 3))),
        (((0, 4), (1, 5)), ((0, 4),), ((0, 4), (1, 5))),
        (((0, 4), (1, 5)), ((4, 5),), ((0, 1, 4, 5),)),
        (((0,), (1,), (2,)), ((0, 1), (1, 2)), ((0, 1, 2),)),
        (((1,), (3,)), ((0, 1), (2, 3)), ((1,), (3,))),
        ((), ((0, 1),), ()),
    ],
)
def test_hidden_siblings_join_their_groups(
    groups: tuple[tuple[int, ...], ...], pairs: tuple[tuple[int, int], ...], merged: tuple[tuple[int, ...], ...]
) -> None:
    assert merge_groups(groups, pairs) == merged


def test_joined_groups_are_placed_cores_first(sysfs: Path) -> None:
    groups = merge_groups(((0,), (1,), (4,), (5,)), ((0, 1), (4, 5)))
    assert placement_order(groups, sysfs) == (0, 4, 1, 5)


def test_caches(sysfs: Path) -> None:
    assert caches(sysfs) == (Cache(1, "Data", 48 << 10, 2), Cache(2, "Unified", 2 << 20, 2))


@pytest.mark.parametrize(
    ("files", "own", "quota"),
    [
        ({"a/cpu.max": "150000 100000", "cpu.max": "max 100000"}, "0::/a/b", 1.5),
        ({"a/cpu.max": "300000 100000", "a/b/cpu.max": "50000 100000"}, "0::/a/b", 0.5),
        ({"cpu.max": "max 100000"}, "0::/", None),
        ({"cpu/x/cpu.cfs_quota_us": "200000", "cpu/x/cpu.cfs_period_us": "100000"}, "4:cpu,cpuacct:/x", 2.0),
        ({"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"}, "4:cpu,cpuacct:/x", None),
        ({}, "0::/gone", None),
    ],
)
def test_quota(tmp_path: Path, files: dict[str, str], own: str, quota: float | None) -> None:
    for name, text in files.items():
        write(tmp_path / "fs" / name, text)
    write(tmp_path / "own", own)
    assert cpu_quota(tmp_path / "fs", tmp_path / "own") == quota
    assert cpu_quota(tmp_path / "fs", tmp_path / "absent") is None


def test_this_machine_can_be_read() -> None:
    machine = read_machine()
    assert 1 <= machine.usable <= len(machine.cpus)
    assert machine.memory > 1 << 28
    assert machine.instruction_set in ("baseline", "avx2", "avx512")
    assert "serialprof" in machine.packages
