# SPDX-License-Identifier: Apache-2.0
"""Intervals against published table values and hand-derived answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from serialprof.model.statistics import half_widths, interval, log_interval, quantile


@pytest.mark.parametrize(("freedom", "value"), [(1, 12.706), (4, 2.776), (7, 2.365), (30, 2.042)])
def test_quantiles_are_those_of_the_table(freedom: int, value: float) -> None:
    assert quantile(freedom) == pytest.approx(value, abs=5e-4)


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
