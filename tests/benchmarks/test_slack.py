# SPDX-License-Identifier: Apache-2.0
import pytest

from benchmarks.slack import CASES, NO_SLACK, SLACK, SLOPE, row, slack_error, slope_error


def found(slack: float | None, slope: float | None, truth: float, step: float = 20e-6) -> dict[str, object]:
    return {
        "true_slack": truth,
        "step": {"value": step},
        "slack": {"value": slack},
        "slope": {"value": slope},
        "disturbed": 0.1,
        "made": 2,
    }


def test_errors_are_in_parts_of_what_is_allowed() -> None:
    assert slack_error(found(12e-6, 1.0, 10e-6)) == pytest.approx(0.2 / SLACK)
    assert slack_error(found(1e-6, 1.0, 0.0)) == pytest.approx(0.05 / NO_SLACK), "without slack, of the step"
    assert slope_error(found(0.0, 0.9, 0.0)) == pytest.approx(-0.1 / SLOPE)
    assert slack_error(found(None, None, 10e-6)) is slope_error({"true_slack": 0.0}) is None


def test_the_goal_is_met_by_the_medians_and_runs_without_a_value_do_not_count_as_met() -> None:
    good, bad, none = found(10.5e-6, 1.02, 10e-6), found(13e-6, 1.3, 10e-6), found(None, None, 10e-6)
    told = row(CASES[0], [good, good, bad, none])
    assert told["goal"]
    assert told["single"] == {"slack": 2, "slope": 2}
    assert (told["runs"], told["made"]) == (4, 8)
    assert not row(CASES[0], [good, bad, bad])["goal"]
    assert not row(CASES[0], [none])["goal"]


def test_the_cases_hold_slack_and_none() -> None:
    assert {case.device_ops > case.host_ops for case in CASES} == {True, False}
    assert all(case.device_ops % 16 == 0 for case in CASES)
