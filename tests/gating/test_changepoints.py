# SPDX-License-Identifier: Apache-2.0
"""Change points: planted steps are found where they are, noise has none; seeded studies of both."""

import sys
from math import log

import numpy as np
import pytest

from serialprof.errors import UsageError

pytest.importorskip("ruptures")

from serialprof.gating.changepoints import ERROR, MINIMUM, SEGMENT, _critical_penalties, change_points

STEP = log(1.1)


def noise(draw: np.random.Generator, count: int, kind: str = "normal") -> np.ndarray:
    values = draw.standard_t(3, count) if kind == "heavy" else draw.normal(size=count)
    return 0.03 * np.asarray(values)


def stepped(draw: np.random.Generator, count: int, place: int) -> np.ndarray:
    values = noise(draw, count)
    values[place:] += STEP
    return values


def test_a_planted_step_is_found_where_it_is() -> None:
    found = change_points(stepped(np.random.default_rng(1), 30, 18))
    assert found.places == (18,)
    assert found.p_value == 1 / 200


def test_a_bump_is_two_changes() -> None:
    values = noise(np.random.default_rng(2), 40)
    values[12:24] += STEP
    assert change_points(values).places == (12, 24)


def test_the_same_series_gives_the_same_answer() -> None:
    values = noise(np.random.default_rng(3), 25)
    assert change_points(values) == change_points(values)


@pytest.mark.parametrize("values", [[1.0] * 12, [0.0] * 12, [1e-7 + 1e-24 * index for index in range(12)]])
def test_equal_values_do_not_change(values: list[float]) -> None:
    assert change_points(values).places == ()


def test_a_single_outlier_is_no_change() -> None:
    values = noise(np.random.default_rng(4), 30)
    values[15] += 1.0
    assert change_points(values).places == ()


def test_what_the_shuffles_do_not_exceed_is_no_change_where_changes_just_pay() -> None:
    """The 11th strongest of 200 (p = 0.055) asks for as many changes as its penalty just allows."""
    found = change_points(np.random.default_rng(336).normal(size=24))
    assert (found.places, found.p_value) == ((), 0.055)


def test_critical_penalties_are_those_of_the_library() -> None:
    """Just below it one change or two pay, just above it neither."""
    from ruptures import KernelCPD

    draw = np.random.default_rng(5)
    rows = np.array([row - row.mean() for row in draw.normal(size=(20, 16))])
    for row, critical in zip(rows, _critical_penalties(rows), strict=True):
        fitted = KernelCPD(kernel="linear", min_size=SEGMENT).fit(row[:, None])
        gains = []
        for count in (1, 2):
            parts = np.split(row, fitted.predict(n_bkps=count)[:-1])
            gains.append((row @ row - sum(len(part) * part.var() for part in parts)) / count)
        assert critical == pytest.approx(max(gains))


def test_without_the_library_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(UsageError, match=r"ruptures, which is not installed; pip install 'serialprof\[history\]'"):
        change_points([1.0, 2.0] * 5)


@pytest.mark.study
@pytest.mark.parametrize("kind", ["normal", "heavy"])
@pytest.mark.parametrize("count", [MINIMUM, 12, 30, 60])
def test_noise_shows_a_change_in_five_per_cent_at_most(kind: str, count: int) -> None:
    """400 series each: 5 % of them are 20; of a rate of 5 % not more than 32 are seen in 99.5 % of studies."""
    draw = np.random.default_rng(6)
    shown = sum(bool(change_points(noise(draw, count, kind), seed).places) for seed in range(400))
    assert shown <= 32, f"{shown} of 400 at an error of {ERROR:.0%}"


@pytest.mark.study
def test_a_step_of_ten_per_cent_in_three_per_cent_of_noise_is_found_within_one() -> None:
    draw = np.random.default_rng(7)
    found = 0
    for seed in range(200):
        place = int(draw.integers(5, 16))
        places = change_points(stepped(draw, 20, place), seed).places
        found += len(places) == 1 and abs(places[0] - place) <= 1
    assert found >= 180
