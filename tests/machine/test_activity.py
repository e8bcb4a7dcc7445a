# SPDX-License-Identifier: Apache-2.0
import os
import sys
from pathlib import Path

import pytest

from serialprof.machine.activity import Activity, read_activity

SECOND = os.sysconf("SC_CLK_TCK")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    # user nice system idle iowait irq softirq steal: work is 1 + 2 + 3 + 4 + 5 seconds, of which nobody stole any.
    times = " ".join(str(seconds * SECOND) for seconds in (1, 2, 3, 1000, 1000, 4, 5, 1000))
    write(tmp_path / "stat", f"cpu  {times}\ncpu0 {times}\ncpu1 {times}\ncpu2 {times}\nintr 9")
    for process, name, user, system in ((7, "make (old)", 2, 1), (8, "idle", 0, 0)):
        fields = f"S 1 1 1 0 -1 0 0 0 0 0 {user * SECOND} {system * SECOND} 99999 99999 20 0"
        write(tmp_path / f"{process}/stat", f"{process} ({name}) {fields}")
    write(tmp_path / "9/stat", "half a line")
    write(tmp_path / "vmstat", "pgfault 5\npswpin 30\npswpout 12")
    return tmp_path


def test_what_was_counted_so_far(proc: Path) -> None:
    assert read_activity([0, 2], proc) == Activity(30.0, {7: (3.0, "make (old)"), 8: (0.0, "idle")}, 42)


def test_what_cannot_be_read_is_missing(tmp_path: Path) -> None:
    assert read_activity([0], tmp_path) == Activity(None, {}, None)


def test_the_busiest_between_two_looks() -> None:
    before = Activity(0.0, {1: (100.0, "old"), 2: (5.0, "mine"), 4: (1.0, "gone")})
    after = Activity(0.0, {1: (100.5, "old"), 2: (9.0, "mine"), 3: (0.7, "new")})
    assert after.busiest_since(before) == ("mine", 2, 4.0)
    assert after.busiest_since(before, besides=[2]) == ("new", 3, 0.7)
    assert after.busiest_since(after) is None
    assert Activity(None).busiest_since(before) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's files are Linux's")
def test_this_machine_tells() -> None:
    found = read_activity(os.sched_getaffinity(0))
    assert found.busy is not None
    assert found.busy > 0
    assert os.getpid() in found.processes
