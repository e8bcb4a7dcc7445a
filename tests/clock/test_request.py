# SPDX-License-Identifier: Apache-2.0
"""What a --clock asks for, and what is said where it cannot be had."""

from pathlib import Path

import pytest

from serialprof.clock.policies import Policy, policies
from serialprof.clock.request import available, parse_clocks
from serialprof.clock.sysfs import Tree
from serialprof.errors import ExitCode, SerialprofError, UsageError
from serialprof.policyclock import Clock
from tests.clock import trees

MEGA = 1_000_000


@pytest.fixture
def acpi(tmp_path: Path) -> tuple[Policy, ...]:
    return policies(Tree(trees.acpi(tmp_path)))


@pytest.fixture
def intel(tmp_path: Path) -> tuple[Policy, ...]:
    return policies(Tree(trees.intel(tmp_path)))


def refused(text: str, found: tuple[Policy, ...], *, turbo: bool = False) -> SerialprofError:
    with pytest.raises(SerialprofError) as caught:
        parse_clocks(text, found, turbo=turbo)
    return caught.value


@pytest.mark.parametrize(
    ("text", "megahertz"),
    [
        ("1.2GHz,2400MHz", [1200, 2400]),
        (" 2.4 ghz , 1.2Ghz,2400MHz", [1200, 2400]),
        ("1000000kHz", [1000]),
        ("3000000000Hz", [3000]),
        (".8GHz,3.GHz", [800, 3000]),
    ],
)
def test_frequencies_with_units(acpi: tuple[Policy, ...], text: str, megahertz: list[int]) -> None:
    assert parse_clocks(text, acpi) == tuple(Clock(each * MEGA) for each in megahertz)


def test_off_leaves_clocks_alone_also_where_there_are_none(acpi: tuple[Policy, ...]) -> None:
    assert parse_clocks("off", acpi) is None
    assert parse_clocks(" OFF ", ()) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2400", "'2400' in --clock '2400' has no unit; is it 2400MHz or 2400kHz?"),
        ("1.2GHz,2.4", "'2.4' in --clock '1.2GHz,2.4' has no unit; is it 2.4GHz or 2.4MHz?"),
        ("fast", "'fast' in --clock 'fast' is no frequency; write it like --clock 1.2GHz,2400MHz"),
        ("", "'' in --clock '' is no frequency"),
        ("1.2GHz,", "'' in --clock '1.2GHz,' is no frequency"),
        ("1.2THz", "'1.2thz' in --clock '1.2THz' is no frequency"),
        ("-1GHz", "'-1ghz' in --clock '-1GHz' is no frequency"),
        ("1e9Hz", "is no frequency"),
        ("nanGHz", "is no frequency"),
        ("9" * 400 + "GHz", "is no frequency of a processor"),
        ("off,1GHz", "asks for clocks and for none"),
    ],
)
def test_what_cannot_be_understood(acpi: tuple[Policy, ...], text: str, said: str) -> None:
    error = refused(text, acpi)
    assert isinstance(error, UsageError)
    assert said in str(error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("700MHz", "700 MHz is outside the range of policy0, 800 MHz to 3 GHz"),
        ("1GHz,5GHz", "5 GHz is outside the range of policy0, 800 MHz to 3 GHz"),
        ("0GHz", "0 MHz is outside"),
    ],
)
def test_what_is_out_of_range_is_named_with_the_range(acpi: tuple[Policy, ...], text: str, said: str) -> None:
    error = refused(text, acpi)
    assert error.exit_code == ExitCode.CANNOT_MEASURE
    assert said in str(error)


def test_all_are_the_states_up_to_the_base(acpi: tuple[Policy, ...], tmp_path: Path) -> None:
    states = tuple(1000 * state for state in trees.STATES)
    assert parse_clocks("all", acpi) == tuple(Clock(state) for state in states)
    trees.acpi(tmp_path / "turbo", (*trees.STATES, trees.STATES[-1] + 1000))
    assert available(policies(Tree(tmp_path / "turbo"))) == states


def test_all_without_states_are_five_evenly_spaced_in_their_logarithm(intel: tuple[Policy, ...]) -> None:
    assert [each // MEGA for each in available(intel)] == [400, 600, 1000, 1500, 2400]


def test_all_on_a_narrow_range(tmp_path: Path) -> None:
    trees.intel(tmp_path, cpuinfo_min_freq=2_350_000)
    assert [each // MEGA for each in available(policies(Tree(tmp_path)))] == [2350, 2400]
    trees.intel(tmp_path, cpuinfo_min_freq=2_400_000)
    assert [each // MEGA for each in available(policies(Tree(tmp_path)))] == [2400]


def test_hybrid_parts_share_what_all_of_them_reach(tmp_path: Path) -> None:
    found = policies(Tree(trees.hybrid(tmp_path)))
    assert [each // MEGA for each in available(found)] == [400, 600, 800, 1200, 1800]
    trees.put(tmp_path, "cpufreq/policy1/cpuinfo_min_freq", 800_000)
    assert available(policies(Tree(tmp_path)))[0] == 800 * MEGA
    assert "2 GHz is turbo, above the base of policy1, 1.8 GHz" in str(refused("2GHz", found))
    assert "3.5 GHz is outside the range of policy1, 400 MHz to 3.2 GHz" in str(refused("3.5GHz", found, turbo=True))
    assert parse_clocks("2GHz", found[:1]) == (Clock(2000 * MEGA),)


def test_states_that_only_some_policies_have_are_not_among_all(acpi: tuple[Policy, ...], tmp_path: Path) -> None:
    trees.put(tmp_path, "cpufreq/policy1/scaling_available_frequencies", "2600000 1600000 1500000")
    assert available(policies(Tree(tmp_path))) == (1600 * MEGA, 2600 * MEGA)


def test_turbo_only_by_name(intel: tuple[Policy, ...]) -> None:
    error = refused("3GHz", intel)
    assert error.exit_code == ExitCode.CANNOT_MEASURE
    assert "3 GHz is turbo, above the base of policy0, 2.4 GHz; ask for it by name: --turbo" in str(error)
    assert parse_clocks("2.4GHz,3GHz", intel, turbo=True) == (Clock(2400 * MEGA), Clock(3000 * MEGA, turbo=True))
    assert parse_clocks("turbo,1GHz", intel) == (Clock(1000 * MEGA), Clock(4200 * MEGA, turbo=True))
    assert parse_clocks("all,turbo", intel) == (*(Clock(each) for each in available(intel)), Clock(4200 * MEGA, True))


def test_the_top_state_that_means_turbo_is_turbo(tmp_path: Path) -> None:
    found = policies(Tree(trees.acpi(tmp_path, (*trees.STATES, trees.STATES[-1] + 1000))))
    assert "3.001 GHz is turbo, above the base of policy0, 3 GHz" in str(refused("3.001GHz", found))
    assert parse_clocks("turbo", found) == (Clock(3001 * MEGA, turbo=True),)


def test_turbo_that_is_switched_off_is_said(tmp_path: Path) -> None:
    found = policies(Tree(trees.intel(tmp_path, no_turbo=1)))
    assert "turbo was asked for and is switched off (intel_pstate/no_turbo)" in str(refused("turbo", found))
    assert "400 MHz to 2.4 GHz (turbo is switched off)" in str(refused("3GHz", found, turbo=True))


def test_turbo_that_a_machine_has_not(acpi: tuple[Policy, ...]) -> None:
    assert "policy0 has none above 3 GHz" in str(refused("turbo", acpi))


def test_without_cpufreq_clocks_cannot_be_set() -> None:
    error = refused("1GHz", ())
    assert error.exit_code == ExitCode.CANNOT_MEASURE
    assert "no cpufreq" in str(error)
    assert isinstance(refused("2400", ()), UsageError)  # what cannot be understood is told first
