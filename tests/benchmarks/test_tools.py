# SPDX-License-Identifier: Apache-2.0
"""Tools that need nothing installed, on times without noise; trials repeat."""

import numpy as np
import pytest

from benchmarks.attribution_tools.instrument import without_overhead
from benchmarks.attribution_tools.laws import Cell, DepthWidth, Threads
from benchmarks.attribution_tools.peers import KarpFlatt, NonnegativeLeastSquares
from benchmarks.attribution_tools.problems import REPETITIONS, SETS, WIDTHS, Problem, Question, threads_up_to
from benchmarks.attribution_tools.running import Task, perform

LEAST_SQUARES = (NonnegativeLeastSquares("plain", relative=False), NonnegativeLeastSquares("relative", relative=True))


def exact(problem: Problem) -> np.ndarray:
    """Times without noise."""
    return np.tile(problem.law.seconds(problem.question.cells), (REPETITIONS, 1))


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("tool", LEAST_SQUARES, ids=lambda tool: tool.name)
def test_least_squares_finds_the_law_of_threads(tool: NonnegativeLeastSquares, given: bool) -> None:
    question = Question(threads_up_to(8), Cell(threads=64), Cell(), 1e-3 if given else None)
    problem = Problem("", Threads(0.3, 1e-3), question)
    found = tool.answer(question, exact(problem))
    assert found.share and found.share.value == pytest.approx(problem.share)
    assert found.seconds and found.seconds.value == pytest.approx(problem.seconds)


@pytest.mark.parametrize("tool", LEAST_SQUARES, ids=lambda tool: tool.name)
def test_least_squares_finds_the_law_of_widths(tool: NonnegativeLeastSquares) -> None:
    problem = next(item for item in SETS if item.name == "sum-inside").problems[1]
    found = tool.answer(problem.question, exact(problem))
    assert found.share and found.share.value == pytest.approx(problem.share)
    assert found.seconds and found.seconds.value == pytest.approx(problem.seconds)


def test_karp_flatt_is_right_where_threads_cost_nothing_or_the_cost_is_known() -> None:
    for cost, given in ((0.0, None), (1e-3, 1e-3)):
        question = Question(threads_up_to(8), Cell(threads=64), Cell(), given)
        problem = Problem("", Threads(0.3, cost), question)
        found = KarpFlatt().answer(question, exact(problem))
        assert found.share and found.share.value == pytest.approx(problem.share)
        assert found.seconds and found.seconds.value == pytest.approx(problem.seconds)


def test_karp_flatt_takes_a_cost_per_thread_for_serial_time() -> None:
    # e = (a + c (p + 1)) / T1, from T(p) = a + b / p + c p
    question = Question(threads_up_to(8), Cell(threads=8), Cell())
    found = KarpFlatt().answer(question, exact(Problem("", Threads(0.3, 0.01), question)))
    assert found.share and found.share.value == pytest.approx((0.3 + 0.01 * 9) / 1.01)


def test_the_overhead_is_told_from_the_steps() -> None:
    problem = next(item for item in SETS if item.name == "max-inside").problems[0]
    overhead, steps = without_overhead(problem.question, exact(problem), WIDTHS)
    assert isinstance(problem.law, DepthWidth)
    assert overhead == pytest.approx(problem.law.overhead)
    expected = [max(problem.law.latency, problem.law.parameters[2] * width) for width in WIDTHS]
    assert steps == pytest.approx(np.tile(expected, (REPETITIONS, 1)))


def test_the_same_trials_give_the_same_answers_however_they_are_cut() -> None:
    whole, first, second = (perform(Task("threads", "drift", 3, *ends)) for ends in ((0, 4), (0, 2), (2, 4)))
    for name in ("serialprof", "NNLS", "Karp-Flatt"):
        answers = [trial.answer for trial in whole[name]]
        assert answers == [trial.answer for part in (first, second) for trial in part[name]]
        assert len({answer.share.value for answer in answers if answer and answer.share}) == 4
