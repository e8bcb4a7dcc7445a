# SPDX-License-Identifier: Apache-2.0
import math
import random

import pytest

from serialprof.errors import UsageError
from serialprof.measure.budget import (
    SHORTEST_VISIT,
    WANTED_SAMPLE,
    affordable_blocks,
    allocate,
    least_seconds,
    runs_per_sample,
)


def test_visits_are_equal_where_nothing_is_long() -> None:
    assert allocate({0: 1e-6, 1: 1e-5}, 0.2, {}) == {0: pytest.approx(0.1), 1: pytest.approx(0.1)}


def test_a_long_point_takes_from_the_others() -> None:
    # run(D) of 1 s needs 3 s; 4 s of the block leave 0.5 s for each of the two others
    shares = allocate({0: 1.0, 1: 1e-6, 2: 1e-6}, 4.0, {})
    assert shares == {0: 3.0, 1: pytest.approx(0.5), 2: pytest.approx(0.5)}


def test_nobody_gets_less_than_the_shortest_visit() -> None:
    assert allocate({0: 1.0, 1: 1e-6}, 1.0, {}) == {0: 3.0, 1: SHORTEST_VISIT}
    assert allocate({0: 1.0, 1: 1e-6}, -1.0, {}) == {0: 3.0, 1: SHORTEST_VISIT}
    assert allocate({}, 1.0, {}) == {}


def test_seconds_go_by_weight() -> None:
    assert allocate({0: 1e-6, 1: 1e-6}, 0.2, {0: 3.0}) == {0: pytest.approx(0.15), 1: pytest.approx(0.05)}


def test_a_weight_raises_a_long_point_above_its_shortest() -> None:
    # 8 s by 4 : 1 : 1 would be 5.3 s of the first, more than its 3 s
    assert allocate({0: 1.0, 1: 1e-6, 2: 1e-6}, 6.0, {0: 4.0}) == pytest.approx({0: 4.0, 1: 1.0, 2: 1.0})


def test_what_a_long_point_leaves_is_shared_by_weight() -> None:
    assert allocate({0: 1.0, 1: 1e-6, 2: 1e-6}, 4.0, {1: 4.0}) == pytest.approx({0: 3.0, 1: 0.8, 2: 0.2})


def test_who_is_short_by_weight_is_served_first() -> None:
    # 0.3 s is less than 0.6 s, but of a share of a quarter it is the one that does not reach
    run_seconds, weights = {0: 0.1, 1: 0.2}, {0: 0.25, 1: 4.0}
    assert allocate(run_seconds, 2.0, weights) == pytest.approx({0: 0.3, 1: 1.7})


def test_water_filling_on_any_block() -> None:
    """All of the seconds are given; whoever has more than its shortest has as much per weight as any other."""
    draw = random.Random(3)
    for _ in range(300):
        points = range(draw.randint(1, 9))
        run_seconds = {point: 10 ** draw.uniform(-6, 0) for point in points}
        weights = {point: draw.choice((0.25, 0.5, 1.0, 2.0, 4.0)) for point in points}
        least = {point: least_seconds(seconds) for point, seconds in run_seconds.items()}
        seconds = sum(least.values()) * draw.uniform(1.0, 5.0)
        shares = allocate(run_seconds, seconds, weights)
        assert math.fsum(shares.values()) == pytest.approx(seconds)
        level = max(shares[point] / weights[point] for point in points if shares[point] > least[point] * (1 + 1e-9))
        for point in points:
            assert shares[point] == pytest.approx(max(least[point], level * weights[point]))


def test_blocks_that_fit() -> None:
    assert affordable_blocks({0: 1.0}, budget=10.0, wanted=8) == 3
    assert affordable_blocks({0: 1e-6}, budget=10.0, wanted=8) == 8
    assert affordable_blocks({0: 5.0}, budget=10.0, wanted=8) == 1
    assert affordable_blocks({}, budget=10.0, wanted=8) == 8


def test_blocks_become_fewer_where_starting_workers_would_take_much_of_the_budget() -> None:
    assert affordable_blocks({0: 1e-6}, budget=40.0, wanted=10, start=1.0) == 10, "a quarter of the budget"
    assert affordable_blocks({0: 1e-6}, budget=40.0, wanted=10, start=1.3) == 7
    assert affordable_blocks({0: 1e-6}, budget=40.0, wanted=10, start=5.0) == 5, "not below what an interval needs"
    assert affordable_blocks({0: 1e-6}, budget=40.0, wanted=10, start=15.0) == 2, "but no more than fit"
    assert affordable_blocks({0: 1e-6}, budget=40.0, wanted=10, start=99.0) == 1


def test_a_budget_for_less_than_half_a_block_is_refused_with_the_one_that_is_needed() -> None:
    assert affordable_blocks({0: 1.0, 1: 2.0}, budget=4.5, wanted=8) == 1
    with pytest.raises(UsageError) as refusal:
        affordable_blocks({0: 1.0, 1: 2.0}, budget=4.4, wanted=8)
    assert refusal.value.message == (
        "--budget leaves 4.40 s for sampling, which is too short: one visit of each of the 2 points takes 9.00 s"
    )
    assert refusal.value.remedy == "allow --budget 65s at least, which gives intervals, or fewer points"


def test_runs_per_sample() -> None:
    assert runs_per_sample(WANTED_SAMPLE / 3.5, 1e-3) == 4
    assert runs_per_sample(0.5, 1.5) == 1
    assert runs_per_sample(1e-3, 0.641) == 5
    assert runs_per_sample(0.0, 1.0) > 1
    assert least_seconds(1.0) == 3.0
    assert least_seconds(1e-6) == SHORTEST_VISIT
