# SPDX-License-Identifier: Apache-2.0
"""The drawn order of a block: what stands in it, and what cancels in it."""

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from serialprof.measure.schedule import MOST_TURNS, WANTED_STAY, WANTED_VISIT, calibration_order, schedule
from serialprof.planning import Plan, Point
from serialprof.records import Stop
from tests import made

CELLS = made.points(widths=(1, 4, 16), threads=(1, 2), forms=("serial", "wide"))
PLAN = made.plan(CELLS)
LEAST = dict.fromkeys(range(len(CELLS)), 0.003)
TWO = made.points(widths=(1, 4)) + tuple(
    replace(point, id=point.id + 2, workload="other") for point in made.points(widths=(1, 4))
)


def drawn(seconds: float | Mapping[int, float], block: int = 0, plan: Plan = PLAN) -> tuple[Stop, ...]:
    """A block in which every point gets `seconds`, or its own."""
    each = seconds if isinstance(seconds, Mapping) else {point.id: seconds for point in plan.points}
    return schedule(plan, block, each, dict.fromkeys(each, 0.003))


def width(stop: Stop) -> int:
    return CELLS[stop.point].setting.width


def passes(stops: tuple[Stop, ...]) -> list[list[int]]:
    """The points of every turn, in order."""
    return [[stop.point for stop in turn] for _, turn in itertools.groupby(stops, key=lambda stop: stop.turn)]


def test_a_block_can_be_redrawn() -> None:
    for block in range(6):
        assert drawn(0.4, block) == drawn(0.4, block)


def test_seed_and_block_decide_the_order() -> None:
    assert drawn(0.4, 0) != drawn(0.4, 2)
    assert drawn(0.4, 0) != drawn(0.4, 0, replace(PLAN, seed=2))


@pytest.mark.parametrize("seconds", [0.001, 0.003, 0.0059, 0.01, 0.2, 0.5, 3.0, 100.0])
def test_every_point_is_in_every_block_and_gets_its_seconds(seconds: float) -> None:
    for block in range(4):
        total: defaultdict[int, float] = defaultdict(float)
        for stop in drawn(seconds, block):
            total[stop.point] += stop.seconds
        assert total == pytest.approx(dict.fromkeys(range(len(CELLS)), seconds))


def test_points_without_time_are_left_out() -> None:
    assert {stop.point for stop in drawn({0: 0.4, 5: 0.4})} == {0, 5}
    assert drawn({}) == ()


@pytest.mark.parametrize("seconds", [0.006, 0.05, 0.4, 5.0])
def test_every_turn_is_a_palindrome(seconds: float) -> None:
    for block in range(4):
        for turn in passes(drawn(seconds, block)):
            assert turn == turn[::-1]
            assert Counter(turn) == dict.fromkeys(range(len(CELLS)), 2)


@pytest.mark.parametrize("seconds", [0.006, 0.4, 5.0])
def test_a_linear_drift_cancels_from_what_is_compared(seconds: float) -> None:
    """Of equally long visits, the midpoints of every point lie at the same mean time, in every turn."""
    time = 0.0
    midpoints: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for stop in drawn(seconds):
        midpoints[stop.turn, stop.point].append(time + stop.seconds / 2)
        time += stop.seconds
    for _, group in itertools.groupby(sorted(midpoints.items()), key=lambda item: item[0][0]):
        means = [sum(moments) / len(moments) for _, moments in group]
        assert means == pytest.approx([means[0]] * len(CELLS))


def test_a_linear_drift_cancels_from_unequal_visits_too() -> None:
    seconds = {point.id: 0.4 * (1 + point.id / 7) for point in CELLS}
    time = 0.0
    moments: defaultdict[int, list[float]] = defaultdict(list)
    for stop in drawn(seconds):
        if stop.turn == 0:
            moments[stop.point].append(time + stop.seconds / 2)
        time += stop.seconds
    means = [sum(pair) / 2 for pair in moments.values()]
    assert means == pytest.approx([means[0]] * len(CELLS))


def test_points_of_a_width_stand_together_in_every_pass() -> None:
    for block in range(4):
        for turn in passes(drawn(0.4, block)):
            forward = turn[: len(turn) // 2]
            widths = [CELLS[point].setting.width for point in forward]
            assert len(list(itertools.groupby(widths))) == 3


def test_the_order_of_widths_and_within_a_width_is_drawn() -> None:
    firsts = [drawn(0.4, block)[0] for block in range(0, 80, 2)]
    assert {CELLS[stop.point].setting.width for stop in firsts} == {1, 4, 16}
    assert {CELLS[stop.point].setting.form for stop in firsts} == {"serial", "wide"}
    assert {CELLS[stop.point].setting.threads for stop in firsts} == {1, 2}


def test_workloads_are_not_interleaved() -> None:
    plan = made.plan(TWO)
    orders = set()
    for block in range(0, 40, 2):
        workloads = [key for key, _ in itertools.groupby(TWO[stop.point].workload for stop in drawn(1.0, block, plan))]
        assert sorted(workloads) == ["other", "toy"]
        orders.add(tuple(workloads))
    assert len(orders) == 2, "which of them comes first is drawn"


@pytest.mark.parametrize(
    ("seconds", "turns"),
    [
        (2 * WANTED_VISIT, 1),
        (3.9 * WANTED_VISIT, 1),
        (4 * WANTED_VISIT, 2),
        (7.9 * WANTED_VISIT, 2),
        (8 * WANTED_VISIT, 4),
        (16 * WANTED_VISIT, 8),
        (1000 * WANTED_VISIT, MOST_TURNS),
    ],
)
def test_turns_are_a_power_of_two_that_visits_are_long_enough_for(seconds: float, turns: int) -> None:
    stops = drawn(seconds)
    assert {stop.turn for stop in stops} == set(range(turns))
    assert [stop.seconds for stop in stops] == pytest.approx([seconds / (2 * turns)] * len(stops))


def test_a_slow_point_is_visited_once_and_in_the_reverse_order_of_the_block_before() -> None:
    first, second = (schedule(PLAN, block, dict.fromkeys(LEAST, 0.5), dict.fromkeys(LEAST, 0.3)) for block in (0, 1))
    assert [stop.point for stop in second] == [stop.point for stop in first][::-1]
    assert Counter(stop.point for stop in first) == dict.fromkeys(range(len(CELLS)), 1)
    assert {(stop.turn, stop.seconds) for stop in first} == {(0, 0.5)}


def test_a_point_that_is_too_slow_makes_its_width_single() -> None:
    seconds = dict.fromkeys(range(len(CELLS)), 0.4)
    least = {**LEAST, 0: 0.3}
    stops = schedule(PLAN, 0, seconds, least)
    visits = Counter(stop.point for stop in stops)
    assert {CELLS[point].setting.width: count for point, count in visits.items()} == {1: 1, 4: 8, 16: 8}
    assert {count for point, count in visits.items() if CELLS[point].setting.width == 1} == {1}


def test_a_width_with_fewer_turns_sits_out_some_of_the_others() -> None:
    seconds = {point.id: {1: 0.4, 4: 0.2, 16: 0.1}[point.setting.width] for point in CELLS}
    stops = drawn(seconds)
    taken: defaultdict[int, set[int]] = defaultdict(set)
    for stop in stops:
        taken[width(stop)].add(stop.turn)
    assert taken == {1: {0, 1, 2, 3}, 4: {0, 2}, 16: {0}}
    for turn in passes(stops):
        assert turn == turn[::-1]


def test_the_point_with_the_fewest_seconds_decides_for_its_width() -> None:
    """What is compared takes part in the same turns."""
    seconds = {point.id: 0.4 if point.id == 0 else 0.2 for point in CELLS}
    stops = drawn(seconds)
    assert {stop.turn for stop in stops} == {0, 1}
    assert [stop.seconds for stop in stops if stop.point == 0] == pytest.approx([0.1] * 4)


def test_the_least_seconds_of_a_slow_point_bound_its_turns() -> None:
    seconds, least = dict.fromkeys(LEAST, 2.0), dict.fromkeys(LEAST, 0.5)
    assert {(stop.turn, stop.seconds) for stop in schedule(PLAN, 0, seconds, least)} == {(0, 0.5), (1, 0.5)}


def test_calibration_goes_once_over_all_points_in_a_drawn_order() -> None:
    order = calibration_order(PLAN)
    assert sorted(point.id for point in order) == list(range(len(CELLS)))
    assert order == calibration_order(PLAN)
    assert order != calibration_order(replace(PLAN, seed=2))
    assert [point.setting.width for point in order] == [key for key in dict.fromkeys(
        point.setting.width for point in order) for _ in range(4)]  # fmt: skip


def test_points_are_told_apart_by_all_that_makes_a_family() -> None:
    eager: tuple[Point, ...] = tuple(
        replace(point, id=point.id + len(CELLS), setting=replace(point.setting, mode="eager")) for point in CELLS
    )
    plan = made.plan((*CELLS, *eager))
    modes = [plan.points[stop.point].setting.mode for stop in drawn(0.4, 0, plan)]
    assert len(list(itertools.groupby(modes))) == 2


def midpoints(stops: tuple[Stop, ...], start: float = 0.0) -> dict[int, tuple[float, int]]:
    """The sum of the midpoints of every point's visits, and their number."""
    found: dict[int, tuple[float, int]] = {}
    for stop in stops:
        total, count = found.get(stop.point, (0.0, 0))
        found[stop.point] = total + start + stop.seconds / 2, count + 1
        start += stop.seconds
    return found


@pytest.mark.parametrize("seed", range(60))
def test_a_linear_drift_cancels_within_a_width_whatever_the_others_are(seed: int) -> None:
    """Of any two points of one width; widths with many turns, with few and of single visits being mixed."""
    draw = random.Random(seed)
    plan = replace(PLAN, seed=seed)
    least = {point.id: 0.003 for point in CELLS}
    seconds = {point.id: 10 ** draw.uniform(-2.2, 0.5) for point in CELLS}
    slow = draw.choice((1, 4, 16))
    for point in CELLS:
        if point.setting.width == slow:
            least[point.id], seconds[point.id] = 0.4, draw.uniform(0.4, 0.79)
    first, second = (schedule(plan, block, seconds, least) for block in (0, 1))
    pair = midpoints(first + second)
    for wide in (1, 4, 16):
        members = [point.id for point in CELLS if point.setting.width == wide]
        # Single visits are balanced by the next block, which is the reverse.
        found = [pair[point] for point in members]
        assert len({count for _, count in found}) == 1
        assert [total for total, _ in found] == pytest.approx([found[0][0]] * len(found))
        if wide != slow:
            alone = midpoints(first)
            assert [alone[point][0] for point in members] == pytest.approx([alone[members[0]][0]] * len(members))
            turns = alone[members[0]][1] // 2
            assert turns in (1, 2, 4, 8) and alone[members[0]][1] == 2 * turns
        else:
            assert {count for _, count in found} == {2}


CLOCKS = (1e9, 2e9, 3e9)
AT_CLOCKS = made.plan(made.points(widths=(1, 4), threads=(1, 2), clocks=CLOCKS))


def clocks_of(stops: Sequence[Stop], plan: Plan = AT_CLOCKS) -> list[float | None]:
    """The clocks in force one after the other."""
    return [clock for clock, _ in itertools.groupby(plan.points[stop.point].setting.clock for stop in stops)]


@pytest.mark.parametrize("seconds", [0.006, 0.4, 5.0])
def test_every_turn_goes_forward_and_backward_over_the_clocks(seconds: float) -> None:
    for block in range(4):
        stops = drawn(seconds, block, AT_CLOCKS)
        for _, turn in itertools.groupby(stops, key=lambda stop: stop.turn):
            there, back = (found := clocks_of(list(turn)))[:3], found[2:]
            assert sorted(there, key=float) == list(CLOCKS)
            assert back == there[::-1]


def test_a_linear_drift_cancels_between_clocks() -> None:
    for seed in range(10):
        found = midpoints(drawn(0.4, 0, replace(AT_CLOCKS, seed=seed)))
        moments = [total / count for total, count in found.values()]
        assert moments == pytest.approx([moments[0]] * len(AT_CLOCKS.points))


def test_the_order_of_clocks_is_drawn() -> None:
    assert {clocks_of(drawn(0.4, block, AT_CLOCKS))[0] for block in range(0, 40, 2)} == set(CLOCKS)


@pytest.mark.parametrize(
    ("stay", "turns"), [(0.1, 1), (1.9, 1), (2.0, 2), (3.9, 2), (4.0, 4), (8.0, MOST_TURNS), (100.0, MOST_TURNS)]
)
def test_turns_are_so_few_that_a_family_stays_at_a_clock(stay: float, turns: int) -> None:
    """`stay` is in multiples of WANTED_STAY, for the four points of a clock in one pass of a single turn."""
    stops = drawn(2 * stay * WANTED_STAY / 4, 0, AT_CLOCKS)
    assert {stop.turn for stop in stops} == set(range(turns))
    assert len(clocks_of(stops)) == 1 + turns * 2 * (len(CLOCKS) - 1)


def test_the_clock_with_the_shortest_stay_decides() -> None:
    each = {point.id: 0.2 if point.setting.clock == 1e9 else 2.0 for point in AT_CLOCKS.points}
    assert {stop.turn for stop in drawn(each, 0, AT_CLOCKS)} == {0}


def test_one_clock_is_no_sweep_and_keeps_its_turns() -> None:
    plan = made.plan(made.points(widths=(1, 4), clocks=(1e9,)))
    assert {stop.turn for stop in drawn(16 * WANTED_VISIT, 0, plan)} == set(range(MOST_TURNS))


def test_calibration_sets_every_clock_once() -> None:
    points = calibration_order(AT_CLOCKS)
    clocks = [clock for clock, _ in itertools.groupby(point.setting.clock for point in points)]
    assert sorted(clocks, key=float) == list(CLOCKS)
