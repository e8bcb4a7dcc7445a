# SPDX-License-Identifier: Apache-2.0
"""What doctor says of each kind of policy."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from serialprof.clock import permission
from serialprof.clock.policies import policies
from serialprof.clock.survey import clock_control
from serialprof.clock.sysfs import Tree
from serialprof.machine.finding import Finding
from tests.clock import trees


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission, "_user", lambda number: "root")
    monkeypatch.setattr(permission, "_group", lambda number: "clocks")


def found(tree: Tree) -> tuple[Finding, ...]:
    return clock_control(policies(tree), tree)


def test_policies_that_differ_in_their_cpus_alone_are_one_line(tmp_path: Path) -> None:
    assert found(Tree(trees.acpi(tmp_path))) == (
        Finding(
            "clock control",
            "good",
            "Policies 0-1 (CPUs 0-1): acpi-cpufreq, 800 MHz to 3 GHz in 5 states, base 3 GHz, governor ondemand (or "
            "userspace, performance). root may write governor, speed and limits. So this user may set it.",
        ),
    )


def test_hybrid_parts_are_two_lines(tmp_path: Path) -> None:
    first, second = found(Tree(trees.hybrid(tmp_path)))
    assert first.what.startswith(
        "Policy 0 (CPU 0): intel_pstate (active), 400 MHz to 4.2 GHz, base 2.4 GHz, turbo on, governor powersave (or "
        "performance). root may write limits and turbo."
    )
    assert second.what.startswith("Policy 1 (CPU 1): intel_pstate (active), 400 MHz to 3.2 GHz, base 1.8 GHz")


def test_a_switch_of_each_policy_is_no_difference(tmp_path: Path) -> None:
    (only,) = found(Tree(trees.amd(tmp_path, "guided")))
    assert only.what.startswith("Policies 0-1 (CPUs 0-1): amd-pstate (guided)")
    assert "root may write governor, speed, limits and turbo." in only.what


def test_who_may_write_what(tmp_path: Path) -> None:
    trees.acpi(tmp_path)
    for number in (0, 1):
        (tmp_path / f"cpufreq/policy{number}/scaling_governor").chmod(0o664)
        (tmp_path / f"cpufreq/policy{number}/scaling_setspeed").chmod(0o666)
    (only,) = found(Tree(tmp_path))
    assert "root and group clocks may write governor; everyone may write speed; root may write limits." in only.what


def test_a_user_without_permission_gets_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tree, "writable", lambda self, name: "policy" in name)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (only,) = found(Tree(trees.intel(tmp_path)))
    assert only.state == "costs"
    assert only.what.endswith("So this user may not set it.")
    assert only.remedy == (
        f"sudo chmod o+w {tmp_path}/cpufreq/policy*/scaling_min_freq {tmp_path}/cpufreq/policy*/scaling_max_freq "
        f"{tmp_path}/intel_pstate/no_turbo"
    )


def test_a_container_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tree, "writable", lambda self, name: False)
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))
    (only,) = found(Tree(trees.intel(tmp_path)))
    assert (only.state, only.remedy) == ("costs", "")
    assert "It cannot be set here: /sys is mounted read-only" in only.what


def test_without_cpufreq_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert found(Tree(tmp_path)) == ()
