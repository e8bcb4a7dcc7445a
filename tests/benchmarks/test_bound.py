# SPDX-License-Identifier: Apache-2.0
"""The Cramer-Rao bound against what is derived by hand where as many configurations as parameters are timed."""

from dataclasses import replace
from math import inf, sqrt

import numpy as np
import pytest

from benchmarks.attribution_tools.bound import bound, information
from benchmarks.attribution_tools.laws import Cell, DepthWidth, Threads
from benchmarks.attribution_tools.noise import DRIFT, INDEPENDENT
from benchmarks.attribution_tools.problems import REPETITIONS, SETS, Problem, Question

#: Relative standard error of the mean of one configuration.
ERROR = INDEPENDENT.scatter / sqrt(REPETITIONS)


def two_counts(serial: float, cost: float) -> Problem:
    """One and two threads, the cost per thread given: two unknowns."""
    cells = (Cell(threads=1), Cell(threads=2))
    return Problem("", Threads(serial, cost), Question(cells, Cell(threads=4), Cell(), cost))


def test_the_share_from_two_thread_counts() -> None:
    # s = 2 T2 / T1 - 1 without a cost: both relative errors come in with weight 2 T2 / T1
    found = bound(two_counts(0.2, 0.0), INDEPENDENT)
    assert found.share == pytest.approx(2 * 0.6 * sqrt(2) * ERROR)


def test_the_share_where_the_cost_is_given() -> None:
    # fixed seconds on one thread are a + c = 2 (T2 - 2 c) - (T1 - c) + c, over T1
    found = bound(two_counts(0.2, 0.01), INDEPENDENT)
    first, second = 1.01, 0.62
    assert found.share == pytest.approx(ERROR * sqrt((2 * second / first) ** 2 + ((2 * second - 0.02) / first) ** 2))


def test_the_prediction_from_two_thread_counts() -> None:
    # T4 = a + b / 4 = 1.5 T2 - 0.5 T1
    found = bound(two_counts(0.2, 0.0), INDEPENDENT)
    assert found.seconds == pytest.approx(ERROR * sqrt((1.5 * 0.6) ** 2 + 0.5**2))


def test_what_is_free_costs_precision() -> None:
    given = two_counts(0.2, 0.01)
    wider = replace(given.question, cells=(*given.question.cells, Cell(threads=4), Cell(threads=8)))
    with_cost, without = (
        bound(replace(given, question=replace(wider, cost=cost)), INDEPENDENT) for cost in (0.01, None)
    )
    assert with_cost.share is not None and without.share is not None
    assert with_cost.share < without.share


def test_two_unknowns_of_two_times_leave_nothing_for_a_third() -> None:
    problem = two_counts(0.2, 0.01)
    free = replace(problem, question=replace(problem.question, cost=None))
    assert bound(free, INDEPENDENT).share == inf


def test_a_knee_that_no_time_shows_has_no_bound() -> None:
    cells = tuple(Cell(depth, width) for depth in (16, 64) for width in (1, 4, 16))
    flat = Problem("", DepthWidth(0.02, 1e-3, 100.0, hides=True), Question(cells, Cell(64, 32)))
    found = bound(flat, INDEPENDENT)
    assert found.knee == inf
    assert found.share is None
    assert 0 < found.seconds < 0.02 * flat.seconds


def test_a_centred_drift_leaves_the_mean_of_one_configuration_alone() -> None:
    # 1 is in the null space of the centred drift, so 1' C^-1 1 = n / sigma^2
    one = Problem("", Threads(0.2, 0.0), Question((Cell(threads=1),), Cell()))
    for noise in (INDEPENDENT, DRIFT):
        along = information(one, noise)[0, 0] * one.seconds**2
        assert along == pytest.approx(REPETITIONS / noise.scatter**2)


def test_drift_costs_precision_where_configurations_are_compared() -> None:
    for item in SETS:
        for problem in item.problems:
            quiet, drifting = (bound(problem, noise) for noise in (INDEPENDENT, DRIFT))
            if quiet.share is not None and drifting.share is not None:
                assert drifting.share > quiet.share


def test_least_squares_on_means_reaches_the_bound() -> None:
    problem = two_counts(0.2, 0.0)
    generator = np.random.default_rng(0)
    means = np.array([problem.times(INDEPENDENT, generator).mean(axis=0) for _ in range(4000)])
    shares = 2 * means[:, 1] / means[:, 0] - 1
    assert np.std(shares) == pytest.approx(bound(problem, INDEPENDENT).share, rel=0.05)
