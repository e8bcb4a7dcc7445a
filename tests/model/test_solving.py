# SPDX-License-Identifier: Apache-2.0
"""The forms by hand: how chain and width work combine, what shows of each, and what was measured apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from serialprof.model.fitting.solving import MAX, SUM, Design, Form, Problem

#: Seconds of the chain and, per lane, of the width work, at widths 1 to 256.
WIDTHS = np.array([2.0**power for power in range(9)])
#: The first term is of the chain, the second is computing, nothing is traffic.
SIDES = (np.array([True, False]), np.array([False, True]), np.array([False, False]))
ALONE = (np.array([True]), np.array([False]), np.array([False]))
FREE = np.array([math.inf, math.inf])
QUIET = np.full(9, 1e-4)


def design(given: np.ndarray = FREE) -> Design:  # type: ignore[type-arg]
    matrix = np.column_stack([np.ones_like(WIDTHS), WIDTHS])
    return Design(matrix, *SIDES, given)


def test_what_shows_of_a_three_four_five_triangle() -> None:
    # Chain 3 and width work 4 make 5 under q = 2: of a small change of the chain 3/5 show, of the width work 4/5.
    triangle = Design(np.array([[3.0, 4.0]]), *SIDES, FREE)
    both = np.array([1.0, 1.0])
    assert triangle.weights(Form(2.0), both) == pytest.approx(np.array([[0.6, 0.8]]))
    assert triangle.seconds(Form(2.0), both) == pytest.approx(np.array([[1.8, 3.2]]))
    assert triangle.seconds(Form(), both) == pytest.approx(np.array([[3.0, 4.0]]))
    assert triangle.seconds(Form(MAX), both) == pytest.approx(np.array([[0.0, 4.0]]))
    assert triangle.weights(Form(2.0), np.zeros(2)) == pytest.approx(np.array([[0.0, 0.0]])), (
        "of nothing, nothing shows"
    )


@pytest.mark.parametrize("exponent", [SUM, 1.5, 2.0, 4.0, MAX])
def test_every_form_gets_its_parameters_back(exponent: float) -> None:
    parameters = np.array([1e-6, 3e-8])
    start = [] if exponent in (SUM, MAX) else [np.array([1e-6, 1e-8])]
    times = design().seconds(Form(exponent), parameters).sum(axis=1)
    assert times[0] == pytest.approx(1e-6, rel=0.05) and times[-1] == pytest.approx(7.7e-6, rel=0.15)
    solution = Problem(design(), times, QUIET).solve(Form(exponent), *start)
    assert solution.parameters == pytest.approx(parameters, rel=1e-4)
    assert solution.residual < 1e-4


def test_a_form_is_told_from_its_neighbours() -> None:
    times = design().seconds(Form(2.0), np.array([1e-6, 3e-8])).sum(axis=1)
    start = np.array([1e-6, 1e-8])
    residual = {
        exponent: Problem(design(), times, QUIET).solve(Form(exponent), start).residual for exponent in (1.5, 2.0, 4.0)
    }
    assert residual[2.0] < 1e-4 < 0.01 < min(residual[1.5], residual[4.0])


def test_what_was_measured_apart_pulls_where_the_times_do_not_tell() -> None:
    # Two columns alike: the times fix their sum at 3, the second is given as 1 within 1 %.
    alike = Design(np.ones((4, 2)), *SIDES, np.array([math.inf, 0.01]))
    solution = Problem(alike, np.full(4, 3.0), np.full(4, 0.02)).solve(Form())
    assert solution.parameters == pytest.approx([2.0, 1.0], rel=1e-6)


def test_what_was_measured_apart_gives_way_to_times_that_know_better() -> None:
    # One parameter, n = 4 times say 1.2 within 1 %; given 1 within 10 %. By hand, relative to 1.2: the least of
    # 4 (x / 1.2 - 1)^2 + (0.01 (x - 1) / 0.1)^2 is x = (4 / 1.2 + 0.01) / (4 / 1.44 + 0.01).
    one = Design(np.ones((4, 1)), *ALONE, np.array([0.1]))
    solution = Problem(one, np.full(4, 1.2), np.full(4, 0.01)).solve(Form())
    assert solution.parameters[0] == pytest.approx((4 / 1.2 + 0.01) / (4 / 1.44 + 0.01))


def test_times_count_by_how_well_they_are_known() -> None:
    # The times say 1 within 1 % and 2 within 10 %. By hand, the least of ((x - 1) / 0.01)^2 + ((x / 2 - 1) / 0.1)^2.
    one = Design(np.ones((2, 1)), *ALONE, np.array([math.inf]))
    solution = Problem(one, np.array([1.0, 2.0]), np.array([0.01, 0.1])).solve(Form())
    assert solution.parameters[0] == pytest.approx((1e4 + 50) / (1e4 + 25))


def test_forms_have_names() -> None:
    assert [Form(exponent).name for exponent in (SUM, 1.5, 2.0, MAX)] == ["sum", "norm 1.5", "norm 2", "max"]
    assert [Form(MAX, MAX).name, Form(SUM, 2.0).name] == ["max, traffic hidden", "sum, traffic hidden in part"]


def test_chain_computing_and_traffic_blend_inside_out() -> None:
    # Computing 3 and traffic 4 make 5 under q = 2; a chain of 12 and that make 13.
    nested = Design(np.array([[12.0, 3.0, 4.0, 1.0]]), *np.eye(3, 4, dtype=bool), np.full(4, math.inf))
    form, every = Form(2.0, 2.0), np.ones(4)
    assert nested.seconds(form, every).sum() == pytest.approx(13 + 1), "synchronisation is added"
    assert nested.weights(form, every)[0] == pytest.approx([12 / 13, 5 / 13 * 3 / 5, 5 / 13 * 4 / 5, 1])
    assert nested.sides(form, every) == (pytest.approx([12]), pytest.approx([5]))
    assert nested.weights(Form(SUM, MAX), every)[0] == pytest.approx([1, 0, 1, 1])


def test_weights_streamed_behind_the_operations_are_found() -> None:
    # 23 us to stream, 10 us a lane to compute: the larger of them.
    matrix = np.column_stack([np.ones_like(WIDTHS), WIDTHS, np.ones_like(WIDTHS)])
    times = np.maximum(23e-6, 10e-6 * WIDTHS) + 1e-6
    apart = Design(matrix, *np.eye(3, dtype=bool), np.full(3, math.inf))
    solution = Problem(apart, times, QUIET).solve(Form(SUM, MAX))
    assert solution.parameters == pytest.approx([1e-6, 10e-6, 23e-6], rel=1e-3)


def test_what_was_measured_apart_counts_as_data() -> None:
    times = design().seconds(Form(), np.array([1e-6, 3e-8])).sum(axis=1)
    assert Problem(design(), times, QUIET).solve(Form()).freedom == 9 - 2
    assert Problem(design(np.array([0.2, math.inf])), times, QUIET).solve(Form()).freedom == 9 + 1 - 2


@pytest.mark.parametrize("form", [Form(), Form(2.0), Form(MAX)])
def test_units_are_refitted_all_at_once(form: Form) -> None:
    truths = np.array([[1e-6, 3e-8], [1.1e-6, 2.9e-8], [0.9e-6, 3.2e-8]])
    times = design().step(form, truths)
    refitted = Problem(design(), times[0], QUIET).refit(form, truths[0], times)
    assert refitted == pytest.approx(truths, rel=1e-4)
