# SPDX-License-Identifier: Apache-2.0
"""The knee of a step time over injected delays, against answers worked out by hand."""

import numpy as np
import pytest

from serialprof.model.knee import NOISY, Knee, fit_knee

DELAYS = np.array([0.0, 2.5, 5.0, 10.0, 20.0])


def fitted(*units: list[float], delays: np.ndarray = DELAYS) -> Knee:
    return fit_knee(np.tile(delays, (len(units), 1)), np.array(units, dtype=float))


def curve(step: float, slope: float, slack: float, delays: np.ndarray = DELAYS) -> list[float]:
    return list(step + slope * np.maximum(0.0, delays - slack))


@pytest.mark.parametrize("slack", [0.0, 0.1, 2.5, 3.0, 5.0, 7.0, 9.9])
@pytest.mark.parametrize("slope", [0.5, 1.0, 1.7])
def test_an_exact_curve_is_found_exactly(slope: float, slack: float) -> None:
    found = fitted(*[curve(10.0, slope, slack)] * 5)
    assert found.slope.value == pytest.approx(slope)
    assert found.slack.value == pytest.approx(slack, abs=1e-9)
    assert (found.slope.low, found.slope.high) == (pytest.approx(slope), pytest.approx(slope))
    assert found.step.value == pytest.approx(10)
    assert found.residual == pytest.approx(0, abs=1e-9)


def test_the_interval_is_students_t_over_the_units_own_slopes_and_slacks() -> None:
    """Slopes 0.9, 1, 1, 1, 1.1 have a standard deviation of 0.0707 = 0.1 / sqrt(2); t(4, 97.5 %) = 2.776445."""
    units = [curve(10.0, slope, 5.0) for slope in (0.9, 1.0, 1.0, 1.0, 1.1)]
    found = fitted(*units)
    half = 2.776445 * 0.1 / np.sqrt(2) / np.sqrt(5)
    assert found.slope.value == pytest.approx(1.0)
    assert found.slope.half_width == pytest.approx(half, rel=1e-6)
    slacks = fitted(*[curve(10.0, 1.0, slack) for slack in (3.9, 4.0, 4.0, 4.0, 4.1)]).slack
    assert slacks.value == pytest.approx(4.0)
    assert slacks.half_width == pytest.approx(half, rel=1e-6)


def test_noise_about_no_slack_leaves_zero_inside() -> None:
    """The level part stands on one point; units above and below the line average out, and no end is negative."""
    found = fitted(*[[10 + nudge, 12.5, 15, 20, 30] for nudge in (-0.2, -0.1, 0.0, 0.1, 0.2)])
    assert found.slack.low == 0.0
    assert found.slack.value == pytest.approx(0, abs=1e-9)
    # the units' own slacks are the nudges: standard deviation sqrt(0.1 / 4), t(4) = 2.776445
    assert found.slack.high == pytest.approx(2.776445 * np.sqrt(0.025 / 5), rel=1e-6)
    assert found.slope.value == pytest.approx(1.0)


def test_relative_errors_count_alike() -> None:
    """Of one straight line through (0, 1), (1, 2) and (2, 4): weights 1, 1/4, 1/16 over the square of the times."""
    found = fitted([1.0, 2.0, 4.0], delays=np.array([0.0, 1.0, 2.0]))
    assert found.slope.value == pytest.approx(2.0), "the two longest delays alone, the slack between the first two"
    assert found.slack.value == pytest.approx(0.5)
    bent = fitted([1.0, 2.2, 2.8], delays=np.array([0.0, 1.0, 2.0]))
    assert bent.slack.value == 0.0
    # Minimum of (T0 + s d - T)^2 / T^2: normal equations with weights 1, 1 / 4.84, 1 / 7.84 on the points above.
    weights = np.array([1.0, 1 / 4.84, 1 / 7.84])
    matrix = np.array([[weights.sum(), weights @ [0, 1, 2]], [weights @ [0, 1, 2], weights @ [0, 1, 4]]])
    wanted = np.linalg.solve(matrix, [weights @ [1.0, 2.2, 2.8], weights @ [0, 2.2, 5.6]])
    left = (wanted[0] + wanted[1] * np.array([0, 1, 2])) / [1.0, 2.2, 2.8] - 1
    assert bent.residual == pytest.approx(np.sqrt(np.mean(left**2)))


def test_delays_that_never_exceeded_the_slack_tell_no_slope() -> None:
    found = fitted(*[[10 + nudge, 10.1, 9.9, 10.0, 10.0] for nudge in (-0.1, 0.0, 0.1, 0.0, 0.0)])
    assert (found.slope.value, found.slope.reason) == (None, "the delays never exceeded the slack")
    assert found.slack.value is None
    assert found.slack.high is None
    # The step surely grew by less than t(4) x 0.0707 / sqrt(5) = 0.0878, which at a slope of 1 is beyond the slack.
    assert found.slack.low == pytest.approx(20 - 2.776445 * np.sqrt(0.005) / np.sqrt(5), rel=1e-6)


def test_noise_is_no_slack() -> None:
    """Rises of 0 +- 11.1 over delays to 20: nothing is known but that 8.9 of slack are sure at a slope of 1."""
    found = fitted(*[[10.0, 10.0, 10.0, 10.0, 10.0 + nudge] for nudge in (-8.0, -4.0, 0.0, 4.0, 8.0)])
    assert found.slope.reason == NOISY
    # the rises' standard deviation is sqrt(160 / 4), t(4) = 2.776445
    assert found.slack.low == pytest.approx(20 - 2.776445 * np.sqrt(40 / 5), rel=1e-6)
    wild = fitted(*[[10.0, 10.0, 10.0, 10.0, 10.0 + nudge] for nudge in (-9.0, -9.0, 0.0, 9.0, 29.0)])
    assert (wild.slope.reason, wild.slack.low, wild.slack.high) == (NOISY, 0.0, None)


@pytest.mark.parametrize("last", [10.0, 15.0])
def test_below_five_units_nothing_is_said_of_a_slack_without_a_value(last: float) -> None:
    found = fitted(*[[10.0, 10.0, 10.0, 10.0, last]] * 4)
    for estimate in (found.slope, found.slack):
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert "needs 5 independent units" in estimate.reason


def test_a_step_time_has_no_negative_end() -> None:
    found = fitted(*[[first, 10.0, 10.0, 10.0, 10.0] for first in (1.0, 1.0, 1.0, 1.0, 46.0)])
    assert found.step.low == 0.0
    assert found.step.value == pytest.approx(10)


def test_a_slope_of_some_thousandths_is_no_knee() -> None:
    assert not fitted(*[curve(10.0, 0.004, 0.0)] * 5).slope.identified


def test_one_delay_beyond_the_knee_brackets_it() -> None:
    found = fitted(*[[10.0, 10.0, 10.0, 10.0, 15.0]] * 5)
    assert (found.slope.value, found.slope.reason) == (None, "only one delay lay beyond the knee")
    assert (found.slack.value, found.slack.low, found.slack.high) == (None, 10.0, 20.0)
    rising = fitted(*[[10.0, 10.0, 10.0, 10.0 + nudge, 15.0] for nudge in (-0.8, -0.6, -0.2, 0.2, 0.4)])
    # 10 less the upper end of the growth there: mean -0.2, standard deviation sqrt(1.04 / 4), t(4) = 2.776445
    assert rising.slack.low == pytest.approx(10 + 0.2 - 2.776445 * np.sqrt(0.26 / 5), rel=1e-6)
    assert rising.slack.high == 20.0


def test_below_five_units_there_are_values_without_ends() -> None:
    found = fitted(curve(10.0, 1.0, 4.0), curve(10.2, 1.0, 4.0))
    assert found.slack.value == pytest.approx(4.0, rel=0.03)
    assert (found.slack.low, found.slope.high) == (None, None)
    assert "needs 5 independent units" in found.slope.reason


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1e3])
def test_the_unit_of_time_does_not_matter(scale: float) -> None:
    units = scale * np.array([curve(10.0, 1.0, 7.0 + nudge) for nudge in (-1, 0, 1, 0, 0)])
    found = fit_knee(np.tile(scale * DELAYS, (5, 1)), units)
    assert found.slack.value == pytest.approx(7 * scale)
    assert found.slope.value == pytest.approx(1.0)
