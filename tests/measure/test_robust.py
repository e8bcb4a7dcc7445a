# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from serialprof.measure.robust import midmean, undisturbed, waited


def test_three_quarters_of_the_timings_may_be_disturbed() -> None:
    assert undisturbed([9.0, 1.0, 8.0, 7.0, 6.0, 1.1, 5.0, 4.0]) == 4.0
    assert undisturbed([9.0, 1.0, 8.0, 7.0, 6.0, 1.1, 1.2, 5.0]) == 1.2
    assert undisturbed([3.0]) == 3.0


def test_the_midmean_of_a_hand_computed_sample() -> None:
    # Middle half 2, 3, 4, 5; winsorised 2 2 2 3 4 5 5 5 has the variance 2; sqrt(2) / (sqrt(8) / 2) = 1.
    assert midmean([100.0, 0.0, 5.0, 2.0, 4.0, 1.0, 3.0, -50.0 + 56.0]) == (pytest.approx(3.5), pytest.approx(1.0))


def test_a_quarter_is_cut_off_on_either_side_rounded_down() -> None:
    assert midmean([7.0, 0.0, 0.0, 3.0, 1.0, 0.0, 90.0])[0] == pytest.approx(11 / 5)


def test_two_values_have_a_mean_and_an_error() -> None:
    assert midmean([1.0, 3.0]) == (pytest.approx(2.0), pytest.approx(1.0))


def test_waiting_is_summed_over_the_threads(tmp_path: Path) -> None:
    for thread, text in (("1", "900 1500000000 3"), ("2", "900 250000000 3")):
        (tmp_path / thread).mkdir()
        (tmp_path / thread / "schedstat").write_text(text)
    assert waited(tmp_path) == pytest.approx(1.75)
    (tmp_path / "2" / "schedstat").write_text("")
    assert waited(tmp_path) == 0.0
    assert waited(tmp_path / "absent") == 0.0
    assert waited() >= 0.0
