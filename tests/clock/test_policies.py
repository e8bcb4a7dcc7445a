# SPDX-License-Identifier: Apache-2.0
"""What is read of cpufreq's policies, on trees that stand in for the drivers."""

from pathlib import Path

import pytest

from serialprof.clock.policies import bystanders, covering, format_hertz, policies
from serialprof.clock.sysfs import Tree
from tests.clock import trees

GIGA = 1_000_000_000


def test_acpi_cpufreq_with_two_policies(tmp_path: Path) -> None:
    first, second = policies(Tree(trees.acpi(tmp_path)))
    assert (first.name, first.cpus, second.name, second.cpus) == ("policy0", (0,), "policy1", (1,))
    assert (first.driver, first.mode, first.governor) == ("acpi-cpufreq", "", "ondemand")
    assert first.governors == ("ondemand", "userspace", "performance")
    assert first.states == tuple(1000 * state for state in trees.STATES)
    assert (first.low, first.high, first.base, first.ceiling) == (GIGA * 8 // 10, 3 * GIGA, 3 * GIGA, 3 * GIGA)
    assert (first.switch, first.turbo) == ("", None)
    assert first.takes_speed


def test_the_top_state_of_acpi_cpufreq_that_means_turbo_is_not_its_base(tmp_path: Path) -> None:
    trees.acpi(tmp_path, (*trees.STATES, trees.STATES[-1] + 1000))
    trees.put(tmp_path, "cpufreq/boost", 1)
    trees.put(tmp_path, "intel_pstate/no_turbo", 0)  # another driver's
    first = policies(Tree(tmp_path))[0]
    assert (first.base, first.high) == (3 * GIGA, 3 * GIGA + 1_000_000)
    assert (first.switch, first.turbo) == ("cpufreq/boost", True)


def test_a_shared_policy(tmp_path: Path) -> None:
    (only,) = policies(Tree(trees.shared(tmp_path)))
    assert (only.cpus, only.related) == ((0, 1), (0, 1))
    assert bystanders([only], [1]) == (0,)
    assert bystanders([only], [0, 1]) == ()


def test_a_cpu_that_is_offline_is_related_and_not_ruled(tmp_path: Path) -> None:
    trees.shared(tmp_path)
    trees.put(tmp_path, "cpufreq/policy0/affected_cpus", "1")
    (only,) = policies(Tree(tmp_path))
    assert (only.cpus, only.related) == ((1,), (0, 1))


def test_a_policy_whose_cpus_are_all_offline_is_left_out(tmp_path: Path) -> None:
    trees.acpi(tmp_path)
    trees.put(tmp_path, "cpufreq/policy1/affected_cpus", "")
    assert [policy.name for policy in policies(Tree(tmp_path))] == ["policy0"]


@pytest.mark.parametrize("file", ["affected_cpus", "cpuinfo_min_freq", "cpuinfo_max_freq", "scaling_driver"])
def test_a_policy_whose_files_vanish_while_they_are_read_is_left_out(tmp_path: Path, file: str) -> None:
    class Vanishing(Tree):
        def read(self, name: str) -> str | None:
            if name == f"cpufreq/policy0/{file}":
                for path in (self.root / "cpufreq/policy0").iterdir():
                    path.unlink()
            return super().read(name)

    assert [policy.name for policy in policies(Vanishing(trees.acpi(tmp_path)))] == ["policy1"]


def test_intel_pstate(tmp_path: Path) -> None:
    first, second = policies(Tree(trees.hybrid(tmp_path)))
    assert (first.driver, first.mode, first.takes_speed) == ("intel_pstate", "active", False)
    assert (first.base, first.high, second.base, second.high) == tuple(
        GIGA * tenths // 10 for tenths in (24, 42, 18, 32)
    )
    assert (first.switch, first.turbo, first.states) == ("intel_pstate/no_turbo", True, ())


def test_intel_pstate_with_turbo_off(tmp_path: Path) -> None:
    first = policies(Tree(trees.intel(tmp_path, no_turbo=1)))[0]
    assert (first.turbo, first.ceiling, first.high) == (False, GIGA * 24 // 10, GIGA * 24 // 10)


def test_intel_cpufreq_takes_a_speed(tmp_path: Path) -> None:
    trees.intel(tmp_path, scaling_driver="intel_cpufreq", scaling_available_governors="userspace schedutil")
    trees.put(tmp_path, "intel_pstate/status", "passive")
    first = policies(Tree(tmp_path))[0]
    assert (first.takes_speed, first.mode, first.switch) == (True, "passive", "intel_pstate/no_turbo")


@pytest.mark.parametrize(("mode", "speed"), [("passive", True), ("guided", True), ("active", False)])
def test_amd_pstate(tmp_path: Path, mode: str, speed: bool) -> None:
    first = policies(Tree(trees.amd(tmp_path, mode)))[0]
    assert (first.mode, first.takes_speed) == (mode, speed)
    assert (first.base, first.high) == (3 * GIGA, GIGA * 45 // 10)
    assert (first.switch, first.turbo) == ("cpufreq/policy0/boost", True)


def test_a_base_that_nothing_tells(tmp_path: Path) -> None:
    trees.amd(tmp_path, "passive")
    for number in (0, 1):
        trees.put(tmp_path, f"cpu{number}/acpi_cppc/nominal_freq", 0)
    first = policies(Tree(tmp_path))[0]
    assert (first.base, first.ceiling) == (None, first.high)


def test_policies_come_by_number(tmp_path: Path) -> None:
    for number in (10, 2, 0):
        trees.policy(tmp_path, number)
    (tmp_path / "cpufreq/policyx").mkdir()
    assert [policy.name for policy in policies(Tree(tmp_path))] == ["policy0", "policy2", "policy10"]


def test_without_cpufreq_there_is_no_policy(tmp_path: Path) -> None:
    assert policies(Tree(tmp_path)) == ()
    assert policies(Tree(tmp_path / "absent")) == ()
    (tmp_path / "cpufreq").mkdir()
    assert policies(Tree(tmp_path)) == ()


def test_siblings_on_the_same_core_are_covered(tmp_path: Path) -> None:
    for number in range(4):
        trees.policy(tmp_path, number)
        trees.put(tmp_path, f"cpu{number}/topology/thread_siblings_list", f"{number % 2},{number % 2 + 2}")
    tree = Tree(tmp_path)
    assert [policy.name for policy in covering(policies(tree), [1], tree)] == ["policy1", "policy3"]
    trees.put(tmp_path, "cpu1/topology/thread_siblings_list", "0-1")
    assert [policy.name for policy in covering(policies(tree), [1], tree)] == ["policy0", "policy1"]


@pytest.mark.parametrize(
    ("hertz", "said"), [(2_400_000_000, "2.4 GHz"), (800_000_000, "800 MHz"), (3_001_000_000, "3.001 GHz")]
)
def test_frequencies_are_not_rounded(hertz: int, said: str) -> None:
    assert format_hertz(hertz) == said
