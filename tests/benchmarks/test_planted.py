# SPDX-License-Identifier: Apache-2.0
"""Truths and tables of the planted benchmark; nothing here is timed."""

import pytest

from benchmarks.planted import CONTAINED, depth_of, judged, meets, most_on_two, row
from serialprof.estimate import Estimate
from serialprof_workloads.planted import Plan

PLAN = Plan(serial_ops=1600, lane_ops=25, lane_loads=0, lane_time=25.0)  # as much serial as in 64 lanes


def test_a_run_is_about_as_long_whatever_a_step_takes() -> None:
    assert [depth_of(step) for step in (10e-3, 2e-3, 0.2e-3, 40e-6)] == [1, 1, 10, 50]


def test_two_threads_take_half_of_the_lanes_and_two_barriers() -> None:
    assert PLAN.share == 0.5
    assert most_on_two(PLAN, barrier=0.0, multiply=1e-9) == pytest.approx(2 / 3)
    assert most_on_two(PLAN, barrier=400e-9, multiply=1e-9) == pytest.approx(0.5)
    assert most_on_two(PLAN, barrier=800e-9, multiply=2e-9) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("estimate", "contained"),
    [
        (Estimate(0.52, 0.49, 0.55), True),
        (Estimate(0.52, 0.5, 0.54), True),
        (Estimate(0.52, 0.51, 0.53), False),
        (Estimate(0.47, 0.45, 0.49), False),
        (Estimate.bracket(0.1, 0.9, "confused"), True),
        (Estimate(0.5), False),
        (Estimate(0.5, low=0.4), False),
    ],
)
def test_a_truth_is_contained_between_both_ends(estimate: Estimate, contained: bool) -> None:
    assert judged(estimate, 0.5)["contained"] is contained


def result(value: float, half: float, **more: object) -> dict[str, object]:
    return {**judged(Estimate(value, value - half, value + half), 0.5), "disturbed": 3, "samples": 10, **more}


def test_a_row_sums_up_runs() -> None:
    results = [
        result(0.51, 0.02, on_two={"value": 0.6}, most_on_two=0.65),
        result(0.52, 0.01, on_two={"value": 0.62}, most_on_two=0.65),
        result(0.50, 0.03, on_two={"value": None}, most_on_two=0.65),
        {**judged(Estimate(0.51), 0.5), "disturbed": 3, "samples": 10},
        {"truth": 0.5, "contained": False, "error": "no fit"},
    ]
    found = row(2e-3, 0.5, results)
    assert (found["contained"], found["runs"], found["without_interval"]) == (2, 5, 2)
    assert found["median_half_width"] == pytest.approx(0.02)
    assert found["median_error"] == pytest.approx(0.01)
    assert found["disturbed"] == pytest.approx(0.3)
    assert (found["on_two"], found["most_on_two"]) == (pytest.approx(0.61), 0.65)


def test_on_one_thread_nothing_is_said_of_two() -> None:
    found = row(40e-6, 0.5, [result(0.5, 0.01)])
    assert (found["on_two"], found["most_on_two"]) == (None, None)


@pytest.mark.parametrize(
    ("step", "half", "contained", "met"),
    [
        (2e-3, 0.03, 34, True),
        (2e-3, 0.031, 34, False),
        (2e-3, 0.03, 33, False),
        (0.2e-3, 0.05, 34, True),
        (0.2e-3, 0.051, 40, False),
        (40e-6, 0.9, 34, True),
        (2e-3, None, 40, False),
    ],
)
def test_goals(step: float, half: float | None, contained: int, met: bool) -> None:
    assert CONTAINED * 40 == 34
    assert meets({"step": step, "runs": 40, "contained": contained, "median_half_width": half}) is met
