# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.intervals import half_width


def test_half_width_against_a_hand_calculation() -> None:
    # mean 3, s^2 = 2.5, n = 5: t(4, 0.975) = 2.776 by the printed tables, so 2.776 * sqrt(2.5 / 5) = 1.963
    assert half_width([1, 2, 3, 4, 5]) == pytest.approx(1.963, abs=5e-4)


def test_level_widens() -> None:
    # t(4, 0.995) = 4.604
    assert half_width([1, 2, 3, 4, 5], level=0.99) == pytest.approx(4.604 * 0.5**0.5, abs=5e-4)


def test_no_interval_below_five_units() -> None:
    assert half_width([1.0, 2.0, 3.0, 4.0]) is None
