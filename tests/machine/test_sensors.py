# SPDX-License-Identifier: Apache-2.0
"""The sensors on trees of files that stand in for sysfs and procfs, and on this machine."""

import os
import sys
from pathlib import Path

import pytest

from serialprof.machine.sensors import SensorReading, Sensors

SECOND = os.sysconf("SC_CLK_TCK")
STAT = """cpu  10 0 10 100 0 0 0 {all} 0 0
cpu0 5 0 5 50 0 0 0 {first} 0 0
cpu1 5 0 5 50 0 0 0 {second} 0 0
cpu10 5 0 5 50 0 0 0 999999 0 0
intr 12 0 cpu1 7
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def write_stat(root: Path, first: float, second: float) -> None:
    write(root / "stat", STAT.format(all=7, first=int(first * SECOND), second=int(second * SECOND)))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    sys_ = tmp_path / "sys"
    write(sys_ / "class/thermal/thermal_zone0/type", "acpitz")
    write(sys_ / "class/thermal/thermal_zone0/temp", "99000")
    write(sys_ / "class/thermal/thermal_zone1/type", "x86_pkg_temp")
    write(sys_ / "class/thermal/thermal_zone1/temp", "51000")
    write(sys_ / "class/hwmon/hwmon0/name", "nvme")
    write(sys_ / "class/hwmon/hwmon0/temp1_input", "88000")
    for cpu, core, package in ((0, 3, 10), (1, 4, 10), (2, 100, 100)):
        folder = sys_ / f"devices/system/cpu/cpu{cpu}/thermal_throttle"
        write(folder / "core_throttle_count", str(core))
        write(folder / "package_throttle_count", str(package))
    write_stat(tmp_path / "proc", 1.5, 0.25)
    return tmp_path


def chip(tree: Path, name: str, **sensors: str) -> None:
    folder = tree / "sys/class/hwmon/hwmon1"
    write(folder / "name", name)
    for sensor, text in sensors.items():
        write(folder / sensor, text)


def reading(tree: Path, *cpus: int) -> SensorReading:
    with Sensors(cpus, tree / "sys", tree / "proc") as sensors:
        return sensors.read()


def test_what_concerns_the_given_cpus_is_read(tree: Path) -> None:
    assert reading(tree, 0, 1) == SensorReading(temperature=51.0, throttles=27, steal=1.75)
    assert reading(tree, 1) == SensorReading(temperature=51.0, throttles=14, steal=0.25)


def test_every_look_is_a_new_one(tree: Path) -> None:
    with Sensors([0, 1], tree / "sys", tree / "proc") as sensors:
        sensors.read()
        write(tree / "sys/class/thermal/thermal_zone1/temp", "72500")
        write(tree / "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "5")
        write_stat(tree / "proc", 2.5, 0.25)
        assert sensors.read() == SensorReading(temperature=72.5, throttles=29, steal=2.75)


@pytest.mark.parametrize(
    ("name", "sensors", "hottest"),
    [
        ("coretemp", {"temp1_input": "60000", "temp1_label": "Package id 0", "temp2_input": "70000"}, 60.0),
        (
            "k10temp",
            {"temp1_input": "81000", "temp1_label": "Tctl", "temp2_input": "61000", "temp2_label": "Tdie"},
            61.0,
        ),
        (
            "k10temp",
            {"temp1_input": "81000", "temp1_label": "Tctl", "temp3_input": "90000", "temp3_label": "Tccd1"},
            81.0,
        ),
        ("zenpower", {"temp1_input": "55000", "temp2_input": "66000"}, 66.0),
        ("nct6775", {"temp1_input": "99000"}, 51.0),
    ],
)
def test_the_processors_own_sensor_is_chosen(tree: Path, name: str, sensors: dict[str, str], hottest: float) -> None:
    chip(tree, name, **sensors)
    assert reading(tree, 0).temperature == hottest


def test_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert reading(tmp_path, 0) == SensorReading(None, None, None)


def test_what_makes_no_sense_is_none(tree: Path) -> None:
    write(tree / "sys/class/thermal/thermal_zone1/temp", "hot")
    write(tree / "proc/stat", "cpu0 5 0 5\nintr 1")  # a kernel before steal was told
    found = reading(tree, 0)
    assert found.temperature is None
    assert found.steal is None


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0


def test_closed_sensors_find_nothing(tree: Path) -> None:
    sensors = Sensors([0, 1], tree / "sys", tree / "proc")
    opened = open_files()
    sensors.close()
    sensors.close()
    assert sensors.read() == SensorReading(None, None, None)
    assert open_files() == opened - (6 if sys.platform == "linux" else 0)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's files are Linux's")
def test_this_machines_steal_is_read() -> None:
    cpu = min(os.sched_getaffinity(0))
    with Sensors([cpu]) as sensors:
        found = sensors.read()
        assert found.steal is not None
        assert found.steal >= 0
        assert sensors.read().steal >= found.steal  # type: ignore[operator]
