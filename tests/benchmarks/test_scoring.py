# SPDX-License-Identifier: Apache-2.0
"""Scores of answers that are written down by hand."""

import numpy as np
import pytest
from scipy.special import ndtri

from benchmarks.attribution_tools.answers import Answer
from benchmarks.attribution_tools.goals import Goal, outcome
from benchmarks.attribution_tools.scoring import Trial, Truth, bound_score, contains, mixture_quantile, remedies, score
from serialprof.estimate import Estimate

#: A quantity of 1 that is identifiable with an error of 0.01, and one of 2 that is not.
KNOWN = [{"seconds": Truth(1.0, 0.01, 1.0, True)}, {"seconds": Truth(2.0, 1.0, 2.0, False)}]


def said(problem: int, seconds: Estimate | None, admits: bool | None = None) -> Trial:
    return Trial(problem, Answer(seconds=seconds, admits=admits), 0.0)


def test_a_score_counts_each_kind_of_answer_once() -> None:
    trials = [
        said(0, Estimate(1.02, 1.01, 1.03)),  # a verdict that misses
        said(0, Estimate(0.99, 0.97, 1.01), admits=True),  # one that holds
        said(0, Estimate.bracket(0.9, 1.1, "")),  # no number: no verdict
        Trial(0, None, 0.0, "failed"),  # no verdict either
        said(1, Estimate(2.2)),  # a bare number where none is due
        said(1, Estimate(None, low=1.0, reason="beyond")),  # a bound on one side
    ]
    found = score("seconds", trials, KNOWN)
    assert found is not None
    assert found.median_error == pytest.approx(0.02)  # of 0.02, 0.01 and 0.1
    assert found.excess == pytest.approx(1.0 / 0.67449)  # of 2, 1 and 0.2 standard errors
    assert found.coverage == pytest.approx(3 / 4)
    assert found.width == pytest.approx(0.02 / 1.96 / 0.01, rel=1e-4)  # of half-widths 0.01, 0.02 and 0.1
    assert found.verdicts == pytest.approx(2 / 4)
    assert found.identifiable == pytest.approx(4 / 6)
    assert found.bare == pytest.approx(1 / 2)
    assert found.honest == pytest.approx(3 / 6)


def test_a_tool_without_intervals_gives_verdicts_by_numbers() -> None:
    found = score("seconds", [said(0, Estimate(1.0)), said(1, Estimate(2.0))], KNOWN)
    assert found is not None
    assert (found.verdicts, found.bare, found.coverage, found.width, found.honest) == (1.0, 1.0, None, None, None)


def test_admitting_a_lack_of_fit_counts_where_the_interval_misses() -> None:
    found = score("seconds", [said(0, Estimate(1.5, 1.4, 1.6), admits=True)], KNOWN)
    assert found is not None and (found.coverage, found.honest) == (0.0, 1.0)


def test_what_is_never_spoken_of_has_no_score() -> None:
    assert score("seconds", [said(0, None)], KNOWN) is None
    assert score("knee", [said(0, Estimate(1.0))], KNOWN) is None


def test_an_end_that_is_missing_allows_everything() -> None:
    assert contains(Estimate(None, low=1.0), 5.0)
    assert not contains(Estimate(None, low=1.0), 0.5)
    assert contains(Estimate(None, high=1.0), 0.5)


def test_the_quantile_of_one_normal_error_and_of_a_mixture() -> None:
    assert mixture_quantile(np.array([2.0, 2.0]), 0.9) == pytest.approx(2 * ndtri(0.95))
    mixed = mixture_quantile(np.array([1.0, 3.0]), 0.5)
    draws = np.abs(np.random.default_rng(0).standard_normal(400_000) * np.tile([1.0, 3.0], 200_000))
    assert mixed == pytest.approx(np.median(draws), rel=0.01)
    assert mixture_quantile(np.array([1.0, np.inf]), 0.9) == np.inf


def test_the_bound_scores_itself() -> None:
    found = bound_score("seconds", [said(0, None)], KNOWN)
    assert found is not None
    assert found.median_error == pytest.approx(0.0067449, rel=1e-4)


def test_remedies_are_asked_of_answers_without_a_value() -> None:
    silent = Estimate.bracket(0.0, 1.0, "why", remedy="more threads")
    assert remedies([said(0, silent), said(0, Estimate.unknown("why")), said(0, Estimate(1.0))]) == 0.5
    assert remedies([said(0, Estimate(1.0))]) is None


def test_a_goal_in_multiples_of_the_bound() -> None:
    ideal = bound_score("seconds", [said(0, None)], KNOWN)
    goal = Goal("seconds", "median_error", 1.1, times_bound=True)
    assert outcome(goal, 0.0074, ideal).met
    assert outcome(goal, 0.0075, ideal).met is False
    assert outcome(goal, None, ideal).met is None
