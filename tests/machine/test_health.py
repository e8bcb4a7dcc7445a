# SPDX-License-Identifier: Apache-2.0
"""What is read of the machine's health, on trees of files that stand in for sysfs, procfs and cgroups."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from serialprof.machine import health
from serialprof.machine.finding import Finding, counted, cpu_list
from serialprof.machine.quota import cpu_throttled, memory_limit, tightest_quota

MEMINFO = "MemTotal: 8388608 kB\nMemAvailable: {available} kB\nSwapTotal: {swap} kB\nSwapFree: 1024 kB"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def cpufreq(root: Path, driver: str, governor: str) -> Path:
    base = root / "devices/system/cpu"
    for cpu in (0, 1):
        write(base / f"cpu{cpu}/cpufreq/scaling_driver", driver)
        write(base / f"cpu{cpu}/cpufreq/scaling_governor", governor)
        write(base / f"cpu{cpu}/cpufreq/scaling_max_freq", "3000000")
    return base


@pytest.mark.parametrize(
    ("online", "cpus", "state", "said", "remedy"),
    [
        ("0-3", (0, 1, 2, 3), "good", "(0-3)", ""),
        ("0-3", (1, 3), "costs", "of the CPUs 0-3 may be used: 1,3.", "taskset -pc 0-3 $$"),
        ("", (0,), "unknown", "does not tell", ""),
    ],
)
def test_affinity(tmp_path: Path, online: str, cpus: tuple[int, ...], state: str, said: str, remedy: str) -> None:
    write(tmp_path / "devices/system/cpu/online", online)
    found = health.affinity(cpus, tmp_path)
    assert (found.state, found.remedy) == (state, remedy)
    assert said in found.what


def test_a_kernel_without_cpufreq_is_one_finding(tmp_path: Path) -> None:
    (found,) = health.clock_control((0, 1), tmp_path)
    assert found.state == "costs"
    assert "no cpufreq" in found.what


def test_a_machine_made_ready(tmp_path: Path) -> None:
    base = cpufreq(tmp_path, "acpi-cpufreq", "performance")
    write(base / "cpufreq/boost", "0")
    assert [finding.state for finding in health.clock_control((0, 1), tmp_path)] == ["good"] * 2


def test_a_moving_clock_and_its_remedies(tmp_path: Path) -> None:
    base = cpufreq(tmp_path, "intel_pstate", "powersave")
    write(base / "intel_pstate/no_turbo", "0")
    governor, turbo = health.clock_control((0, 1), tmp_path)
    assert (governor.state, turbo.state) == ("costs", "costs")
    assert governor.remedy == f"echo performance | sudo tee {base}/cpu*/cpufreq/scaling_governor"
    assert turbo.remedy == f"echo 1 | sudo tee {base}/intel_pstate/no_turbo"


def test_boost_is_turned_off_the_other_way_round(tmp_path: Path) -> None:
    base = cpufreq(tmp_path, "amd-pstate", "schedutil")
    write(base / "cpufreq/boost", "1")
    assert health.clock_control((0,), tmp_path)[1].remedy == f"echo 0 | sudo tee {base}/cpufreq/boost"


def test_turbo_that_the_kernel_does_not_tell(tmp_path: Path) -> None:
    cpufreq(tmp_path, "acpi-cpufreq", "performance")
    assert health.clock_control((0,), tmp_path)[1].state == "unknown"


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    """A version 2 tree: the process is in /a/b, and /a is the tightest in CPU time, /a/b in memory."""
    write(tmp_path / "own", "0::/a/b")
    write(tmp_path / "fs/a/cpu.max", "150000 100000")
    write(tmp_path / "fs/a/cpu.stat", "usage_usec 900\nnr_throttled 3\nthrottled_usec 250000")
    write(tmp_path / "fs/a/b/cpu.max", "max 100000")
    write(tmp_path / "fs/a/b/cpu.stat", "throttled_usec 1")
    write(tmp_path / "fs/a/memory.max", "max")
    write(tmp_path / "fs/a/b/memory.max", str(2 << 30))
    write(tmp_path / "fs/a/b/memory.current", str(1 << 30))
    return tmp_path


def test_a_quota_below_the_cpus_costs(cgroup: Path) -> None:
    found = health.quota((0, 1), "kept off", cgroup / "fs", cgroup / "own")
    assert found == Finding(
        "quota",
        "costs",
        "A cgroup grants the time of 1.5 of 2 CPUs.",
        "kept off",
        f"echo max | sudo tee {cgroup}/fs/a/cpu.max",
    )
    assert cpu_throttled(cgroup / "fs", cgroup / "own") == pytest.approx(0.25)


def test_a_quota_that_covers_the_cpus_is_good(cgroup: Path) -> None:
    assert health.quota((0,), "", cgroup / "fs", cgroup / "own").state == "good"


def test_no_quota_is_good(tmp_path: Path) -> None:
    assert health.quota((0, 1), "", tmp_path, tmp_path / "own").state == "good"
    assert tightest_quota(tmp_path, tmp_path / "own") is None
    assert cpu_throttled(tmp_path, tmp_path / "own") is None


def test_the_first_version_of_cgroups(tmp_path: Path) -> None:
    write(tmp_path / "own", "4:cpu,cpuacct:/x\n3:memory:/y")
    write(tmp_path / "fs/cpu/x/cpu.cfs_quota_us", "50000")
    write(tmp_path / "fs/cpu/x/cpu.cfs_period_us", "100000")
    write(tmp_path / "fs/cpu/x/cpu.stat", "nr_periods 9\nnr_throttled 2\nthrottled_time 1500000000")
    write(tmp_path / "fs/memory/y/memory.limit_in_bytes", str(1 << 30))
    write(tmp_path / "fs/memory/memory.limit_in_bytes", "9223372036854771712")  # none, in its words
    found = health.quota((0, 1), "", tmp_path / "fs", tmp_path / "own")
    assert found.remedy == f"echo -1 | sudo tee {tmp_path}/fs/cpu/x/cpu.cfs_quota_us"
    assert cpu_throttled(tmp_path / "fs", tmp_path / "own") == pytest.approx(1.5)
    assert memory_limit(tmp_path / "fs", tmp_path / "own") == (1 << 30, tmp_path / "fs/memory/y/memory.limit_in_bytes")
    (tmp_path / "fs/memory/y/memory.limit_in_bytes").unlink()
    assert memory_limit(tmp_path / "fs", tmp_path / "own") is None


def test_a_memory_limit_costs(cgroup: Path) -> None:
    write(cgroup / "proc/meminfo", MEMINFO.format(available=6 << 20, swap=0))
    found = health.memory(cgroup / "fs", cgroup / "own", cgroup / "proc")
    assert found.state == "costs"
    assert "2 GiB of 8 GiB; 1 GiB are available" in found.what
    assert found.remedy == f"echo max | sudo tee {cgroup}/fs/a/b/memory.max"


@pytest.mark.parametrize(("available", "state"), [(6 << 20, "good"), (1 << 20, "costs")])
def test_memory_that_others_took(tmp_path: Path, available: int, state: str) -> None:
    write(tmp_path / "meminfo", MEMINFO.format(available=available, swap=0))
    assert health.memory(tmp_path, tmp_path / "own", tmp_path).state == state
    assert health.memory(tmp_path, tmp_path / "own", tmp_path / "absent").state == "unknown"


def test_swap_in_use(tmp_path: Path) -> None:
    write(tmp_path / "meminfo", MEMINFO.format(available=1, swap=3072))
    assert health.swap_used(tmp_path) == 2 << 20
    write(tmp_path / "meminfo", MEMINFO.format(available=1, swap=0))
    assert health.swap_used(tmp_path) is None


@pytest.mark.parametrize(("text", "usable"), [("on", True), ("off", False), ("notsupported", False), ("", False)])
def test_the_switch_of_smt(tmp_path: Path, text: str, usable: bool) -> None:
    switch = tmp_path / "devices/system/cpu/smt/control"
    write(switch, text)
    assert health.smt_switch(tmp_path) == (str(switch) if usable else "")


class MadeNvml(SimpleNamespace):
    """Three devices: a busy one, an idle one, and one that does not tell."""

    class NVMLError(Exception):
        pass

    opened = 0

    def nvmlInit(self) -> None:  # noqa: N802
        self.opened += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.opened -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 3

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return f"GPU of kind {handle}"

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802
        if handle == 2:
            raise self.NVMLError("Not Supported")
        return SimpleNamespace(gpu=(37, 0)[handle])

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[int]:  # noqa: N802
        return [1] * (2 - handle)


def test_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = MadeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)  # type: ignore[arg-type]
    assert health.gpus() == (
        Finding("GPU 0", "costs", "GPU of kind 0 is busy, with 2 processes on it.", "37 % of its time"),
        Finding("GPU 1", "good", "GPU of kind 1 is idle, with 1 process on it."),
        Finding("GPU 2", "unknown", "NVML does not tell how busy it is: Not Supported."),
    )
    assert nvml.opened == 0


def test_a_machine_without_nvml_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent(MadeNvml):
        def nvmlInit(self) -> None:  # noqa: N802
            raise self.NVMLError("library not found")

    monkeypatch.setitem(sys.modules, "pynvml", Absent())  # type: ignore[arg-type]
    assert health.gpus() == ()


def test_words() -> None:
    assert cpu_list((8, 0, 2, 1)) == "0-2,8"
    assert cpu_list(()) == ""
    assert (counted(1, "CPU"), counted(2, "process", "processes")) == ("1 CPU", "2 processes")
