# SPDX-License-Identifier: Apache-2.0
"""Giving back exactly what was there, whatever the driver, in an order in which the kernel keeps it."""

import errno
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from serialprof.clock.pinning import pin, turn_turbo
from serialprof.clock.policies import policies
from serialprof.clock.restoring import Restoration, give_back, snapshot
from serialprof.clock.sysfs import Tree, valid
from serialprof.errors import CannotMeasureError
from serialprof.policyclock import Clock
from tests.clock import trees

MEGA = 1_000_000


def userspace(root: Path) -> Path:
    return trees.acpi(root, scaling_governor="userspace", scaling_setspeed=1_600_000, scaling_min_freq=1_600_000)


def tuned(root: Path) -> Path:
    trees.put(root, "cpufreq/ondemand/up_threshold", 60)
    trees.put(root, "cpufreq/ondemand/sampling_rate", 4000)
    return trees.acpi(root)


def boosted(root: Path) -> Path:
    trees.put(root, "cpufreq/boost", 1)
    return trees.acpi(root, (*trees.STATES, trees.STATES[-1] + 1000), scaling_max_freq=3_001_000)


TREES: dict[str, Callable[[Path], Path]] = {
    "acpi": trees.acpi,
    "acpi with turbo": boosted,
    "shared": trees.shared,
    "userspace with limits": userspace,
    "a tuned governor": tuned,
    "intel": trees.intel,
    "intel without turbo": lambda root: trees.intel(root, no_turbo=1),
    "intel within limits": lambda root: trees.intel(root, scaling_min_freq=800_000, scaling_max_freq=4_000_000),
    "hybrid": trees.hybrid,
    "amd passive": lambda root: trees.amd(root, "passive"),
    "amd guided": lambda root: trees.amd(root, "guided"),
    "amd active": lambda root: trees.amd(root, "active"),
}


@pytest.mark.parametrize("name", TREES)
def test_after_any_clocks_everything_is_as_it_was(tmp_path: Path, name: str) -> None:
    kernel = trees.Kernel(TREES[name](tmp_path))
    before, found = trees.contents(tmp_path), policies(kernel)
    kept = snapshot(kernel, found)
    assert all(valid(file, value) for file, value in kept.items())
    draw = random.Random(7)
    for _ in range(20):
        for policy in found:
            if policy.switch:
                turn_turbo(kernel, policy.switch, on=draw.random() < 0.5 and bool(policy.turbo))
            pin(kernel, policy, Clock(draw.randrange(policy.low, policy.high)))
        restoration = give_back(kernel, kept)
        assert restoration.failed == ()
        assert trees.contents(tmp_path) == before
    kernel.log.clear()
    assert give_back(kernel, kept) == Restoration()
    assert trees.contents(tmp_path) == before
    limits = {name for name, _ in kernel.log}
    assert all(name.endswith(("min_freq", "max_freq")) for name in limits)
    assert bool(limits) == (name.startswith("intel") or name in ("hybrid", "amd active"))


@pytest.mark.parametrize("name", TREES)
def test_a_limit_that_is_not_in_force_yet_is_given_back_too(tmp_path: Path, name: str, lag: float) -> None:
    """A run may be killed between its write and the moment at which it shows."""
    kernel = trees.Kernel(TREES[name](tmp_path))
    before, found = trees.contents(tmp_path), policies(kernel)
    kept = snapshot(kernel, found)
    kernel.lag = lag
    for policy in found:
        kernel.write(policy.file("scaling_max_freq"), str(policy.low // 1000))
    assert give_back(kernel, kept).failed == ()
    time.sleep(2 * lag)
    assert kernel.read("cpufreq/policy0/scaling_max_freq")  # and nothing comes later
    assert trees.contents(tmp_path) == before


def test_limits_that_turbo_is_about_to_reset_are_given_back_too(tmp_path: Path, lag: float) -> None:
    """The limit of before is that of the base: it reads right until turbo, which is on again, has reset it."""

    class Slow(trees.Kernel):
        def _turn(self, folders: Sequence[str], *, on: bool) -> None:
            super()._turn(folders, on=on)
            for folder in folders if on else ():
                trees.put(self.root, f"{folder}/scaling_max_freq", 3_000_000)  # in force for a moment longer
                self._later.append((time.monotonic() + lag, "scaling_max_freq", folder, "4500000"))

    kernel = Slow(trees.amd(tmp_path, "passive", scaling_max_freq=3_000_000))
    before = trees.contents(tmp_path)
    kept = snapshot(kernel, policies(kernel))
    for number in (0, 1):
        kernel.write(f"cpufreq/policy{number}/boost", "0")
    kernel.lag = lag
    assert give_back(kernel, kept).failed == ()
    time.sleep(2 * lag)
    assert kernel.read("cpufreq/policy0/scaling_max_freq") == "3000000"
    assert trees.contents(tmp_path) == before


def test_a_limit_that_is_asked_twice_and_passed_over_is_brought_into_force(tmp_path: Path) -> None:
    """After a CPU came back its limits are the driver's, and the kernel thinks that ours are known."""

    class Deaf(trees.Kernel):
        def write(self, name: str, value: str) -> None:
            folder, _, kind = name.rpartition("/")
            if kind == "scaling_max_freq" and value == "2600000":
                return
            super().write(name, value)
            if kind == "scaling_governor":
                self._scaling_max_freq(folder, "2600000")

    kernel = Deaf(trees.acpi(tmp_path, scaling_max_freq=2_600_000))
    kept = snapshot(kernel, policies(kernel))
    trees.put(tmp_path, "cpufreq/policy1/scaling_max_freq", 3_000_000)
    assert give_back(kernel, kept).failed == ()
    assert kernel.read("cpufreq/policy1/scaling_max_freq") == "2600000"


def test_a_limit_that_heat_imposes_does_not_become_a_setting(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path, scaling_max_freq=2_200_000))
    kept = snapshot(kernel, policies(kernel))
    pin(kernel, policies(kernel)[0], Clock(800 * MEGA))
    kernel.log.clear()
    give_back(kernel, kept)
    assert kernel.written() == ["policy0/scaling_governor ondemand"]


def test_governors_come_first_then_turbo_then_limits(tmp_path: Path) -> None:
    trees.put(tmp_path, "cpufreq/boost", 1)
    kernel = trees.Kernel(trees.intel(tmp_path))
    kept = snapshot(kernel, policies(kernel)[:1])
    for name, value in {
        "cpufreq/policy0/scaling_governor": "performance",
        "cpufreq/policy0/energy_performance_preference": "performance",
        "cpufreq/policy0/scaling_min_freq": "500000",
        "cpufreq/policy0/scaling_max_freq": "500000",
        "cpufreq/boost": "0",
        "intel_pstate/no_turbo": "1",
    }.items():
        trees.put(tmp_path, name, value)
    assert give_back(kernel, kept).failed == ()
    assert kernel.written() == [
        "policy0/scaling_governor powersave",
        "boost 1",
        "intel_pstate/no_turbo 0",
        "policy0/scaling_min_freq 400000",
        "policy0/scaling_max_freq 4200000",
        "policy0/energy_performance_preference balance_performance",
    ]


def test_what_is_refused_at_first_is_tried_again(tmp_path: Path) -> None:
    """The conservative governor wants its lower threshold below its upper one, which comes later."""
    trees.acpi(tmp_path, scaling_governor="conservative", scaling_available_governors="conservative")
    for file, value in {"down_threshold": 85, "up_threshold": 90}.items():
        trees.put(tmp_path, f"cpufreq/conservative/{file}", value)
    kernel = trees.Kernel(tmp_path)
    kept = snapshot(kernel, policies(kernel))
    trees.put(tmp_path, "cpufreq/conservative/down_threshold", 20)
    trees.put(tmp_path, "cpufreq/conservative/up_threshold", 80)
    assert give_back(kernel, kept).failed == ()
    assert kernel.read("cpufreq/conservative/down_threshold") == "85"


def test_a_speed_is_kept_only_where_it_was_set(tmp_path: Path) -> None:
    speed = "cpufreq/policy0/scaling_setspeed"
    kernel = trees.Kernel(trees.acpi(tmp_path / "a"))
    assert speed not in snapshot(kernel, policies(kernel))
    kernel = trees.Kernel(userspace(tmp_path / "b"))
    assert snapshot(kernel, policies(kernel))[speed] == "1600000"


def test_other_policies_are_neither_kept_nor_touched(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    kept = snapshot(kernel, policies(kernel)[1:])
    assert not any("policy0" in name for name in kept)
    trees.put(tmp_path, "cpufreq/policy0/scaling_governor", "performance")
    give_back(kernel, kept)
    assert kernel.read("cpufreq/policy0/scaling_governor") == "performance"


def test_what_the_kernel_refuses_is_told_with_its_reason(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    kept = snapshot(kernel, policies(kernel))
    pin(kernel, policies(kernel)[0], Clock(800 * MEGA))
    kernel.refuse["cpufreq/policy0/scaling_governor"] = errno.EPERM
    restoration = give_back(kernel, kept)
    assert restoration.changed == ()
    (sentence,) = restoration.failed
    assert sentence == (
        f"{tmp_path}/cpufreq/policy0/scaling_governor could not be set back to ondemand: it holds userspace "
        "(Operation not permitted)."
    )


def test_one_policy_that_has_gone_does_not_keep_the_others(tmp_path: Path) -> None:
    kernel = trees.Kernel(trees.acpi(tmp_path))
    kept = snapshot(kernel, policies(kernel))
    for policy in policies(kernel):
        pin(kernel, policy, Clock(800 * MEGA))
    for path in (tmp_path / "cpufreq/policy0").iterdir():
        path.unlink()
    restoration = give_back(kernel, kept)
    assert restoration.changed == ("cpufreq/policy1/scaling_governor",)
    assert len(restoration.failed) == 3  # governor and both limits
    assert all("policy0" in sentence and "cannot be read" in sentence for sentence in restoration.failed)


@pytest.mark.parametrize("kind", ["scaling_governor", "scaling_min_freq", "scaling_max_freq"])
def test_what_cannot_be_kept_is_not_set(tmp_path: Path, kind: str) -> None:
    tree = Tree(trees.acpi(tmp_path))
    found = policies(tree)
    (tmp_path / f"cpufreq/policy1/{kind}").unlink()
    with pytest.raises(CannotMeasureError, match=f"policy1/{kind} cannot be read, so it could not be given back"):
        snapshot(tree, found)
