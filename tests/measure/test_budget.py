# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof.measure.budget import (
    SHORTEST_VISIT,
    WANTED_SAMPLE,
    affordable_blocks,
    allocate,
    least_seconds,
    runs_per_sample,
)


def test_visits_are_equal_where_nothing_is_long() -> None:
    assert allocate({0: 1e-6, 1: 1e-5}, 0.2) == {0: pytest.approx(0.1), 1: pytest.approx(0.1)}


def test_a_long_point_takes_from_the_others() -> None:
    # run(D) of 1 s needs 3 s; 4 s of the block leave 0.5 s for each of the two others
    assert allocate({0: 1.0, 1: 1e-6, 2: 1e-6}, 4.0) == {0: 3.0, 1: pytest.approx(0.5), 2: pytest.approx(0.5)}


def test_nobody_gets_less_than_the_shortest_visit() -> None:
    assert allocate({0: 1.0, 1: 1e-6}, 1.0) == {0: 3.0, 1: SHORTEST_VISIT}
    assert allocate({}, 1.0) == {}


def test_blocks_that_fit() -> None:
    assert affordable_blocks({0: 1.0}, budget=10.0, wanted=8) == 3
    assert affordable_blocks({0: 1e-6}, budget=10.0, wanted=8) == 8
    assert affordable_blocks({0: 100.0}, budget=10.0, wanted=8) == 1


def test_runs_per_sample() -> None:
    assert runs_per_sample(WANTED_SAMPLE / 3.5, 1e-3) == 4
    assert runs_per_sample(0.5, 1.5) == 1
    assert runs_per_sample(1e-3, 0.641) == 10
    assert least_seconds(1.0) == 3.0
