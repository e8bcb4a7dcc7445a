# SPDX-License-Identifier: Apache-2.0
"""The shipped controller on real kernels: what it sets is in the hardware, what it refuses, what it gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.qemu.rig import Observations

pytestmark = [pytest.mark.qemu, pytest.mark.parametrize("machine", ["acpi", "shared", "amd", "boost"])]


#: In Hz, of "all": the states, or from the lowest to the nominal frequency.
ASKED = {
    "acpi": [800_000_000, 1_600_000_000, 2_200_000_000, 2_600_000_000, 3_000_000_000],
    "shared": [800_000_000, 1_600_000_000, 2_200_000_000, 2_600_000_000, 3_000_000_000],
    "amd": [400_000_000, 600_000_000, 900_000_000, 1_300_000_000, 2_000_000_000],
    "boost": [400_000_000, 500_000_000, 600_000_000, 800_000_000, 1_000_000_000],
}
POLICIES = {"acpi": ["policy0", "policy1"], "shared": ["policy0"], "amd": ["policy0", "policy1"]}
POLICIES["boost"] = POLICIES["amd"]
MODES = {"acpi": [""], "shared": [""], "amd": ["passive", "active", "guided"], "boost": [""]}


def test_policies_are_found(machine: str, seen: Observations) -> None:
    found = seen["what_is_found"]
    assert list(found) == MODES[machine]
    for mode, policies in found.items():
        assert [policy["name"] for policy in policies] == POLICIES[machine]
        assert sorted(cpu for policy in policies for cpu in policy["cpus"]) == [0, 1]
        assert {policy["mode"] for policy in policies} == {mode}
        assert {policy["base"] for policy in policies} == {ASKED[machine][-1]}
        assert {policy["turbo"] for policy in policies} == {{"amd": False, "boost": True}.get(machine)}


def test_every_clock_of_a_sweep_is_in_the_hardware(machine: str, seen: Observations) -> None:
    for mode, sweep in seen["sweep"].items():
        points = sweep["points"]
        asked = [(policy, hertz) for hertz in ASKED[machine] for policy in POLICIES[machine]]
        assert [(policy, requested) for policy, requested, *_ in points] == asked
        for policy, requested, back, note, registers in points:
            assert (back, note) == (requested, ""), (mode, policy)
            set_to = requested // (10_000_000 if machine in ("amd", "boost") else 100_000_000)
            in_hardware = registers[0][0:1] if mode != "active" else registers[0][1:]
            assert in_hardware == len(in_hardware) * [set_to], (mode, policy)


def test_after_a_sweep_all_is_as_before(seen: Observations) -> None:
    for sweep in seen["sweep"].values():
        assert sweep["failed"] == []
        assert sweep["left"] == {}


def test_a_clock_between_states_is_reported_as_what_the_kernel_made_it(machine: str, seen: Observations) -> None:
    made = [1_600_000_000, "the kernel made it 1.6 GHz"] if machine in ("acpi", "shared") else [950_500_000, ""]
    assert seen["between_states"] == [[950_500_000, *made]] * len(POLICIES[machine])


def test_what_cannot_be_asked(seen: Observations) -> None:
    refusals = seen["refused_requests"]
    kinds = {text: refusal[0] for text, refusal in refusals.items()}
    assert kinds == {
        "9GHz": "CannotMeasureError",
        "100MHz": "CannotMeasureError",
        "2400": "UsageError",
        "fast": "UsageError",
        "off,1GHz": "UsageError",
    }
    assert "range" in refusals["9GHz"][1]
    assert "unit" in refusals["2400"][1]


def test_turbo_by_name(machine: str, seen: Observations) -> None:
    asked, after = seen["turbo_by_name"]
    if machine == "boost":
        assert asked == [[1_659_000_000, 1_659_000_000, "1"]] * 2
    else:
        assert asked == ["CannotMeasureError"]
    assert after == {}


def test_a_second_run_is_told_of_the_first(seen: Observations) -> None:
    kind, message = seen["a_second_run"]
    assert kind == "CannotMeasureError"
    assert "is setting this machine's clocks" in message


def test_exceptions_and_signals_give_back(seen: Observations) -> None:
    for name, ended in seen["ended_by"].items():
        assert ended["changed"] > 0, name
        assert ended["left"] == {}, name
        assert not ended["journal"], name


def test_a_cpu_that_leaves_is_given_back_when_it_returns(machine: str, seen: Observations) -> None:
    observed = seen["cpu_goes_offline"]
    first, *rest = observed["points"]
    assert first == ["policy0", ASKED[machine][0], ""]
    if machine == "shared":
        assert not rest
        assert observed["failed"] == []
        assert not observed["journal"]
    else:
        ((policy, back, note),) = rest
        assert (policy, back) == ("policy1", None)
        assert "no CPU online" in note
        assert any("policy1" in sentence for sentence in observed["failed"])
        assert observed["journal"]
    assert observed["recovery failed"] == []
    assert observed["left"] == {}


def test_a_cpu_that_is_away_is_left_alone(machine: str, seen: Observations) -> None:
    observed = seen["cpu_is_offline"]
    assert observed == {"points": [["policy0", [0], ASKED[machine][0], ""]], "failed": [], "left": {}}


def test_a_cpu_that_returns_during_a_sweep(seen: Observations) -> None:
    assert seen["cpu_returns"] == {"failed": [], "left": {}}


def test_any_state_is_given_back_from_any_other(machine: str, seen: Observations) -> None:
    rounds = seen["given_back_from_anywhere"]
    assert list(rounds) == MODES[machine]
    for mode, differences in rounds.items():
        assert differences == [{}] * len(differences), mode


def test_limits_that_are_not_in_force_yet_are_given_back(machine: str, seen: Observations) -> None:
    assert seen["given_back_at_once"] == dict.fromkeys(MODES[machine], 0)


def test_a_forged_journal_writes_nothing(seen: Observations) -> None:
    *forged, honest = seen["forged_journal"].values()
    assert len(forged) == 3
    for kind, message, difference in forged:
        assert kind == "JournalError"
        assert "nothing was written" in message
        assert difference == {}
    (difference,) = honest
    assert {path.rpartition("/")[2] for path in difference} == {"scaling_min_freq", "scaling_max_freq"}


def test_no_check_left_anything_behind(seen: Observations) -> None:
    """The guest restores the state after boot before every check and says where it could not."""
    errors: dict[str, Any] = {name: said["error"] for name, said in seen.results.items() if "error" in said}
    assert errors == {}
