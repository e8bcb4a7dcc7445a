# SPDX-License-Identifier: Apache-2.0
"""What a real amd-pstate does with plain writes: three modes, energy preferences, the switch of boost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.qemu.rig import Observations

pytestmark = pytest.mark.qemu


def test_three_modes(amd: Observations) -> None:
    seen = amd["modes"]
    assert {mode: (said["taken"], said["scaling_driver"]) for mode, said in seen.items()} == {
        "passive": ("ok", "amd-pstate"),
        "active": ("ok", "amd-pstate-epp"),
        "guided": ("ok", "amd-pstate"),
    }
    for said in seen.values():
        assert (said["cpuinfo_min_freq"], said["cpuinfo_max_freq"]) == ("400000", "3000000")
    preferences = {mode: "energy_performance_preference" in said for mode, said in seen.items()}
    assert preferences == {"passive": False, "active": True, "guided": False}


def test_every_request_reaches_the_register_of_its_own_cpu_unrounded(amd: Observations) -> None:
    seen = amd["requests_reach_the_registers"]
    assert [(asked, back) for asked, back, *_ in seen] == [(asked, asked) for asked, *_ in seen]
    desired = [registers[index >= len(seen) // 2] for index, (_, _, *registers) in enumerate(seen)]
    assert desired == 2 * [40, 100, 123, 200]


def test_limits_are_not_rounded_but_clamped_silently(amd: Observations) -> None:
    assert amd["limits"] == {
        "max 1234567": ["ok", "400000", "1234567"],
        "min 1000001": ["ok", "1000001", "1234567"],
        "max 9000000": ["ok", "1000001", "3000000"],
        "min 1": ["ok", "400000", "3000000"],
        "max 700000": ["ok", "400000", "700000"],
    }


def test_energy_preferences_under_either_governor(amd: Observations) -> None:
    assert amd["energy_preference"] == {
        "powersave balance_power": ["ok", "balance_power", 191],
        "powersave power": ["ok", "power", 255],
        "powersave performance": ["ok", "performance", 0],
        "powersave nonsense": ["EINVAL", "performance", 0],
        "performance balance_power": ["EBUSY", "performance", 0],
        "performance power": ["EBUSY", "performance", 0],
        "performance performance": ["ok", "performance", 0],
        "performance nonsense": ["EINVAL", "performance", 0],
    }


def test_active_mode_takes_no_speed_and_is_pinned_by_equal_limits(amd: Observations) -> None:
    assert amd["pinned_in_active_mode"] == [
        ["setspeed", "EINVAL"],
        ["1000000", "1000000", "1000000", 0, 100, 100],
        ["1600000", "1600000", "1600000", 0, 160, 160],
    ]


def test_another_mode_and_back_resets_governor_and_limits(amd: Observations) -> None:
    policy = "/sys/devices/system/cpu/cpufreq/policy0"
    seen = amd["leaving_a_mode"]
    assert seen[f"{policy}/scaling_governor"] == ["ondemand", "schedutil"]
    assert seen[f"{policy}/scaling_max_freq"] == ["1500000", "3000000"]


def test_the_switch_of_boost_moves_the_range_and_the_maximum(boost: Observations) -> None:
    names = ("taken", "boost", "boost of the policy", "cpuinfo_max_freq", "scaling_max_freq")
    seen = [dict(zip(names, values, strict=True)) for values in boost["boost"].values()]
    assert [(said["taken"], said["boost"]) for said in seen] == [("ok", "0"), ("ok", "1"), ("EINVAL", "1")]
    assert [said["cpuinfo_max_freq"] for said in seen] == ["1000000", "1659000", "1659000"]
    assert [said["scaling_max_freq"] for said in seen] == ["1000000", "1659000", "1659000"]


def test_the_switch_of_boost_hides_a_lower_maximum_until_another_is_written(boost: Observations) -> None:
    """A fault of this kernel: the request is kept, what is read is not that, and repeating it changes nothing."""
    assert boost["boost_and_a_lower_maximum"] == {
        "set": ["ok", "700000"],
        "boost 0": ["1000000"],
        "boost 1": ["1659000"],
        "written again": ["ok", "1659000"],
        "written after another": ["ok", "700000"],
    }
