# SPDX-License-Identifier: Apache-2.0
"""Intervals against published table values and hand-derived answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from serialprof.model.statistics import f_quantile, half_widths, interval, log_interval, moderated, quantile


@pytest.mark.parametrize(("freedom", "value"), [(1, 12.706), (4, 2.776), (7, 2.365), (30, 2.042)])
def test_quantiles_are_those_of_the_table(freedom: int, value: float) -> None:
    assert quantile(freedom) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize(("numerator", "denominator", "value"), [(1, 4, 7.709), (4, 28, 2.714), (1, 120, 3.920)])
def test_f_quantiles_are_those_of_the_table(numerator: int, denominator: int, value: float) -> None:
    assert f_quantile(numerator, denominator) == pytest.approx(value, abs=1e-3)


def test_variances_that_differ_by_chance_alone_are_made_one() -> None:
    draw = np.random.default_rng(2)
    variances = draw.chisquare(4, size=40) / 4
    assert moderated(variances, 4) == pytest.approx(np.full(40, variances.mean()))


def test_variances_known_well_are_left_as_they_are() -> None:
    variances = np.array([1.0, 4.0, 9.0, 16.0])
    assert moderated(variances, 1e6) == pytest.approx(variances, rel=1e-4)


def test_variances_from_a_common_prior_are_shrunk_as_that_prior_says() -> None:
    # Truths are scaled inverse chi-square with 6 degrees of freedom about 1; the posterior mean is (6 + 4 s^2) / 10.
    draw = np.random.default_rng(3)
    variances = (6 / draw.chisquare(6, size=4000)) * draw.chisquare(4, size=4000) / 4
    assert moderated(variances, 4) == pytest.approx((6 + 4 * variances) / 10, rel=0.1)


def test_half_width_by_hand() -> None:
    # 1..5: variance 2.5, t(4) = 2.776, so 2.776 * sqrt(2.5 / 5) = 1.963
    assert half_widths(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]))[0] == pytest.approx(1.963, abs=1e-3)


def test_interval_is_symmetric_about_the_mean() -> None:
    estimate = interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), "s")
    assert (estimate.value, estimate.unit) == (3.0, "s")
    assert estimate.low == pytest.approx(3 - 1.963, abs=1e-3)
    assert estimate.high == pytest.approx(3 + 1.963, abs=1e-3)


def test_log_interval_is_a_geometric_mean_with_factors() -> None:
    estimate = log_interval(np.log([1.0, math.e, math.e**2, math.e**3, math.e**4]))
    assert estimate.value == pytest.approx(math.e**2)
    assert estimate.high == pytest.approx(math.exp(2 + 1.963), rel=1e-3)
    assert estimate.low == pytest.approx(math.exp(2 - 1.963), rel=1e-3)


@pytest.mark.parametrize("function", [interval, log_interval])
def test_four_units_give_no_ends_and_the_reason(function: type) -> None:
    estimate = function(np.zeros(4))
    assert estimate.value is not None
    assert (estimate.low, estimate.high) == (None, None)
    assert "5 independent units" in estimate.reason and "has 4" in estimate.reason


@pytest.mark.parametrize("function", [interval, log_interval])
def test_nothing_gives_an_unknown_estimate(function: type) -> None:
    assert function(np.empty(0)).value is None
