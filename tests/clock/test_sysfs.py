# SPDX-License-Identifier: Apache-2.0
"""Reading and writing the kernel's files, one at a time."""

import os
from pathlib import Path

import pytest

from serialprof.clock.sysfs import BOOST, NO_TURBO, Tree, valid
from tests.clock import trees

HIGH = "cpufreq/policy0/scaling_max_freq"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(trees.acpi(tmp_path))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cpufreq/policy0/scaling_governor", "schedutil"),
        ("cpufreq/policy127/scaling_governor", "userspace"),
        (HIGH, "10000"),
        (HIGH, "20000000"),
        ("cpufreq/policy0/energy_performance_preference", "balance_performance"),
        ("cpufreq/policy0/energy_performance_preference", "255"),
        ("cpufreq/policy0/boost", "0"),
        (BOOST, "1"),
        (NO_TURBO, "0"),
        ("cpufreq/ondemand/up_threshold", "95"),
        ("cpufreq/policy3/schedutil/rate_limit_us", "0"),
    ],
)
def test_what_may_be_written(name: str, value: str) -> None:
    assert valid(name, value)


def test_a_shorter_value_leaves_nothing_of_a_longer_one(tree: Tree) -> None:
    tree.write(HIGH, "800000")
    assert (tree.root / HIGH).read_text() == "800000\n"


def test_a_file_is_never_created(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        tree.write("cpufreq/policy0/boost", "1")
    assert not tree.exists("cpufreq/policy0/boost")


def test_what_cannot_be_read_is_none(tree: Tree) -> None:
    assert tree.read("cpufreq/policy0/absent") is None
    assert tree.read("cpufreq/policy9/scaling_governor") is None
    assert tree.read("cpufreq/policy0") is None
    assert tree.read("../secret") is None
    os.mkfifo(tree.root / "pipe")
    assert tree.read("pipe") is None


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_ctrl_c_is_not_taken_for_a_file_that_is_not_there(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """It comes at the worst moment: when a descriptor was closed, and nobody has yet noted that."""
    left, close = count, os.close

    def interrupted(file: int) -> None:
        nonlocal left
        close(file)
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "close", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tree.read(HIGH)


def test_no_descriptor_is_left_open(tree: Tree) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    tree.read(HIGH)
    tree.read("cpufreq/policy0/absent")
    tree.read("cpufreq/absent/file")
    tree.write(HIGH, "800000")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_one_process_holds_a_tree(tree: Tree) -> None:
    first = tree.lock()
    assert first is not None
    assert tree.lock() is None
    os.close(first)
    again = tree.lock()
    assert again is not None
    os.close(again)
