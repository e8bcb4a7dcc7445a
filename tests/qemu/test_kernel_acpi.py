# SPDX-License-Identifier: Apache-2.0
"""What a real acpi-cpufreq does with plain writes: rounding, clamping, refusing, CPUs that go and come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.qemu.rig import Observations

pytestmark = pytest.mark.qemu
BOTH = pytest.mark.parametrize("machine", ["acpi", "shared"])
#: kHz, in the driver's order.
STATES = (3000000, 2600000, 2200000, 1600000, 800000)


def test_two_policies_and_one(acpi: Observations, shared: Observations) -> None:
    separate, together = acpi["policy_files"], shared["policy_files"]
    assert {name: policy["affected_cpus"] for name, policy in separate.items()} == {"policy0": "0", "policy1": "1"}
    assert {name: policy["affected_cpus"] for name, policy in together.items()} == {"policy0": "0 1"}
    for policy in (*separate.values(), *together.values()):
        assert policy["scaling_driver"] == "acpi-cpufreq"
        assert tuple(map(int, policy["scaling_available_frequencies"].split())) == STATES
        assert {"userspace", "schedutil", "ondemand"} <= set(policy["scaling_available_governors"].split())


def test_every_request_reaches_the_latch_of_its_own_cpu(acpi: Observations) -> None:
    seen = acpi["requests_reach_the_latch"]
    assert len(seen) == 2 * len(STATES)
    for policy, requested, back, *latches in seen:
        assert back == requested
        assert latches[int(policy == "policy1")] == requested / 100000


def test_one_request_sets_a_shared_policy(shared: Observations) -> None:
    seen = shared["requests_reach_the_latch"]
    assert [(requested, back, latches[0]) for _, requested, back, *latches in seen] == [
        (state, state, state / 100000) for state in STATES
    ]


@BOTH
def test_setspeed_rounds_up_to_the_next_state(seen: Observations) -> None:
    assert seen["rounding_of_setspeed"] == [
        [1600001, 2200000, 22],
        [1599999, 1600000, 16],
        [900000, 1600000, 16],
        [2900000, 3000000, 30],
        [100, 800000, 8],
        [9000000, 3000000, 30],
    ]


@BOTH
def test_max_rounds_down_and_min_up(seen: Observations) -> None:
    assert seen["rounding_of_limits"] == {
        "max 2000000": ["800000", "1600000"],
        "min 1000000": ["1600000", "1600000"],
    }


@BOTH
def test_limits_outside_the_range_are_clamped_silently(seen: Observations) -> None:
    assert seen["silent_clamp"] == {
        "max 5000000": ["ok", "800000", "3000000"],
        "min 100": ["ok", "800000", "3000000"],
    }


@BOTH
def test_max_below_min_is_taken_and_the_request_for_min_not_forgotten(seen: Observations) -> None:
    assert seen["max_below_min"] == {
        "max below min": ["ok", "1600000", "1600000"],
        "max raised again": ["2200000", "3000000"],
        "min above max": ["ok", "1600000", "1600000"],
    }


@BOTH
def test_what_is_refused(seen: Observations) -> None:
    assert seen["refusals"] == {
        "unknown governor": "EINVAL",
        "text as max": "EINVAL",
        "text as min": "EINVAL",
        "setspeed under schedutil": "EINVAL",
        "read under schedutil": "<unsupported>",
        "text as setspeed": "EINVAL",
    }


@BOTH
def test_a_governor_that_is_left_forgets_its_tunables(seen: Observations) -> None:
    observed = seen["leaving_a_governor"]
    assert observed["before"] == "12345"
    assert observed["after"] != "12345"


def test_a_policy_whose_only_cpu_is_offline_is_busy_and_forgets_its_speed(acpi: Observations) -> None:
    seen = acpi["offline_and_back"]
    assert seen["away"] == {
        "exists": "True",
        "affected_cpus": "EBUSY",
        "scaling_governor": "EBUSY",
        "scaling_min_freq": "EBUSY",
        "scaling_max_freq": "EBUSY",
        "scaling_setspeed": "EBUSY",
        "write": "EBUSY",
    }
    assert seen["before"]["scaling_setspeed"] == "1600000"
    assert seen["back"] == seen["before"] | {"scaling_setspeed": "2200000"}


def test_a_shared_policy_outlives_one_of_its_cpus(shared: Observations) -> None:
    seen = shared["offline_and_back"]
    assert seen["away"] == seen["before"] | {"affected_cpus": "0", "scaling_max_freq": "2200000", "write": "ok"}
    assert seen["back"] == seen["before"] | {"scaling_max_freq": "1600000"}
