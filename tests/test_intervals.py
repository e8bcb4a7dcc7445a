# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.intervals import half_width, midmean, two_sided


def test_half_width_against_a_hand_calculation() -> None:
    # mean 3, s^2 = 2.5, n = 5: t(4, 0.975) = 2.776 by the printed tables, so 2.776 * sqrt(2.5 / 5) = 1.963
    assert half_width([1, 2, 3, 4, 5]) == pytest.approx(1.963, abs=5e-4)


def test_level_widens() -> None:
    # t(4, 0.995) = 4.604
    assert half_width([1, 2, 3, 4, 5], level=0.99) == pytest.approx(4.604 * 0.5**0.5, abs=5e-4)


def test_quantiles_against_the_printed_tables() -> None:
    assert two_sided(1) == pytest.approx(12.706, abs=5e-4)
    assert two_sided(10, 0.99) == pytest.approx(3.169, abs=5e-4)


def test_no_interval_below_five_units() -> None:
    assert half_width([1.0, 2.0, 3.0, 4.0]) is None


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([3.0], 3.0),
        ([1.0, 2.0], 1.5),
        ([3.0, 1.0, 2.3], (0.25 + 2.3 + 0.75) / 1.5),  # a quarter of both outer ones, the whole inner one
        ([9.0, 1.0, 1.6, 1.4], 1.5),
        ([1.0, 2.0, 3.0, 4.0, 500.0], (0.75 * 2 + 3 + 0.75 * 4) / 2.5),
        ([-1e9, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1e9], 3.5),
    ],
)
def test_midmean_by_hand(values: list[float], mean: float) -> None:
    assert midmean(values) == pytest.approx(mean)
