# SPDX-License-Identifier: Apache-2.0
"""Setting one policy to one clock: which files, in which order, and what is read back."""

import errno
from pathlib import Path

import pytest

from serialprof.clock.pinning import pin, set_limits, turn_turbo
from serialprof.clock.policies import policies
from serialprof.clock.sysfs import NO_TURBO
from serialprof.errors import CannotMeasureError
from serialprof.policyclock import Clock
from tests.clock import trees

MEGA = 1_000_000


def test_a_speed_by_the_userspace_governor(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    policy = policies(kernel)[0]
    assert pin(kernel, policy, Clock(1600 * MEGA)).read_back == 1600 * MEGA
    assert kernel.written() == ["policy0/scaling_governor userspace", "policy0/scaling_setspeed 1600000"]
    pin(kernel, policy, Clock(800 * MEGA))
    assert kernel.written()[2:] == ["policy0/scaling_setspeed 800000"]


def test_what_the_kernel_rounds_is_read_back_and_noted(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    row = pin(kernel, policies(kernel)[0], Clock(2000 * MEGA))
    assert (row.requested, row.read_back, row.note) == (2000 * MEGA, 2200 * MEGA, "the kernel made it 2.2 GHz")


@pytest.mark.parametrize(("hertz", "widened"), [(3000, "scaling_max_freq 3000000"), (800, "scaling_min_freq 800000")])
def test_limits_that_would_clamp_a_speed_are_widened(tmp_path: Path, hertz: int, widened: str) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path, scaling_min_freq=1_600_000, scaling_max_freq=2_200_000))
    row = pin(kernel, policies(kernel)[0], Clock(hertz * MEGA))
    assert row.read_back == hertz * MEGA
    assert f"policy0/{widened}" in kernel.written()[1:3]
    assert kernel.written()[3] == f"policy0/scaling_setspeed {hertz * 1000}"


def test_without_the_userspace_governor_both_limits_are_set(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path, scaling_available_governors="ondemand performance"))
    row = pin(kernel, policies(kernel)[0], Clock(1600 * MEGA))
    assert row.read_back == 1600 * MEGA
    assert kernel.read("cpufreq/policy0/scaling_governor") == "ondemand"


@pytest.mark.parametrize("mode", ["passive", "guided"])
def test_amd_pstate_takes_a_speed(tmp_path: Path, mode: str) -> None:
    kernel = trees.Kernel(trees.amd(tmp_path, mode))
    assert pin(kernel, policies(kernel)[0], Clock(1234 * MEGA)).read_back == 1234 * MEGA
    assert kernel.read("cpufreq/policy0/scaling_governor") == "userspace"


@pytest.mark.parametrize("build", [trees.intel, lambda root: trees.amd(root, "active")])
def test_active_drivers_are_pinned_by_limits_and_keep_governor_and_preference(tmp_path: Path, build) -> None:
    kernel = trees.Kernel(build(tmp_path))
    policy = policies(kernel)[0]
    assert pin(kernel, policy, Clock(1500 * MEGA)).read_back == 1500 * MEGA
    assert kernel.written() == ["policy0/scaling_min_freq 1500000", "policy0/scaling_max_freq 1500000"]  # lowering
    kernel.log.clear()
    assert pin(kernel, policy, Clock(2000 * MEGA)).read_back == 2000 * MEGA
    assert kernel.written() == ["policy0/scaling_max_freq 2000000", "policy0/scaling_min_freq 2000000"]  # raising


def test_a_limit_is_waited_for(tmp_path: Path, lag: float) -> None:
    """The kernel applies limits in a work queue: a speed that is set before is clamped by those still in force."""
    kernel = trees.Kernel(trees.acpi(tmp_path / "acpi", scaling_max_freq=1_600_000))
    kernel.lag = lag
    assert pin(kernel, policies(kernel)[0], Clock(3000 * MEGA)).read_back == 3000 * MEGA
    kernel = trees.Kernel(trees.intel(tmp_path / "intel"))
    kernel.lag = lag
    for megahertz in (1000, 2000, 500):
        assert pin(kernel, policies(kernel)[0], Clock(megahertz * MEGA)).read_back == megahertz * MEGA


def test_limits_never_cross_on_the_way(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.intel(tmp_path))
    for low, high in ((2000, 2400), (400, 1000), (500, 600), (1000, 2000), (700, 1500), (400, 4200)):
        set_limits(kernel, "policy0", 1000 * low, 1000 * high)
        assert kernel.read("cpufreq/policy0/scaling_min_freq") == str(1000 * low)
        assert kernel.read("cpufreq/policy0/scaling_max_freq") == str(1000 * high)
    low, high = 400_000, 4_200_000
    for name, value in kernel.log:
        low, high = (int(value), high) if name.endswith("min_freq") else (low, int(value))
        assert low <= high


def test_a_range_that_remains_is_no_clock(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.intel(tmp_path))
    kernel.lies = {"cpufreq/policy0/scaling_min_freq": "400000"}
    row = pin(kernel, policies(kernel)[0], Clock(1500 * MEGA))
    assert row.read_back is None
    assert row.note == "the kernel keeps a range, 400 MHz to 1.5 GHz"


def test_a_policy_that_reads_back_other_than_asked(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    kernel.lies = {"cpufreq/policy0/scaling_setspeed": "3000000"}
    row = pin(kernel, policies(kernel)[0], Clock(800 * MEGA))
    assert (row.requested, row.read_back, row.note) == (800 * MEGA, 3000 * MEGA, "the kernel made it 3 GHz")


def test_a_read_back_that_is_no_number(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    kernel.lies = {"cpufreq/policy0/scaling_setspeed": "<unknown>"}
    row = pin(kernel, policies(kernel)[0], Clock(800 * MEGA))
    assert (row.read_back, row.note) == (None, "the kernel does not say what is set")


@pytest.mark.parametrize("code", [errno.EBUSY, errno.ENOENT, errno.ENODEV])
def test_a_policy_that_lost_its_cpus_is_noted(tmp_path: Path, code: int) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    policy = policies(kernel)[0]
    kernel.refuse["cpufreq/policy0/scaling_governor"] = code
    row = pin(kernel, policy, Clock(800 * MEGA))
    assert (row.read_back, row.note) == (None, "policy0 has no CPU online any more")


@pytest.mark.parametrize("kind", ["scaling_governor", "scaling_setspeed"])
def test_what_the_kernel_refuses_is_an_error(tmp_path: Path, kind: str) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    kernel.refuse[f"cpufreq/policy0/{kind}"] = errno.EPERM
    with pytest.raises(CannotMeasureError, match="the kernel refuses to set cpufreq/policy0: Operation not permitted"):
        pin(kernel, policies(kernel)[0], Clock(800 * MEGA))


def test_turbo_is_switched_once_and_the_right_way_round(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.intel(tmp_path / "intel"))
    for on in (True, False, False, True):
        turn_turbo(kernel, NO_TURBO, on=on)
    assert kernel.written() == ["intel_pstate/no_turbo 1", "intel_pstate/no_turbo 0"]
    kernel = trees.Kernel(trees.amd(tmp_path / "amd", "passive"))
    turn_turbo(kernel, "cpufreq/policy1/boost", on=False)
    assert kernel.written() == ["policy1/boost 0"]
    kernel.refuse["cpufreq/policy1/boost"] = errno.EBUSY  # its CPUs have gone
    turn_turbo(kernel, "cpufreq/policy1/boost", on=True)
    kernel.refuse["cpufreq/policy1/boost"] = errno.EPERM
    with pytest.raises(CannotMeasureError, match="refuses to set cpufreq/policy1/boost"):
        turn_turbo(kernel, "cpufreq/policy1/boost", on=True)
