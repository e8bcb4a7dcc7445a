# SPDX-License-Identifier: Apache-2.0
"""Which points more time goes to."""

import math

import pytest

from serialprof.intervals import half_width
from serialprof.measure.urgency import LEAST, MOST, UNDECIDED, weights
from serialprof.planning import Point
from tests import made

PAIR = made.points(widths=(4,), threads=(1, 2))
#: Five values of mean 0 whose t interval is +-0.0196.
FIVE = (-0.02, -0.01, 0.0, 0.01, 0.02)
WIDTH = half_width(FIVE)


def logs(scale: float = 1.0, mean: float = 0.0, values: tuple[float, ...] = FIVE) -> dict[int, float]:
    return {block: mean + scale * value for block, value in enumerate(values)}


def one(found: dict[int, float], precision: float) -> float:
    return weights(PAIR[:1], {0: found}, precision)[0]


def test_the_weight_is_the_square_of_the_width_in_precisions() -> None:
    assert pytest.approx(0.0196, abs=1e-4) == WIDTH
    assert WIDTH is not None
    assert one(logs(), precision=WIDTH) == pytest.approx(1.0)
    assert one(logs(), precision=WIDTH / 1.5) == pytest.approx(2.25)
    assert one(logs(), precision=WIDTH * 1.25) == pytest.approx(0.64)


def test_it_is_bounded() -> None:
    assert one(logs(100.0), precision=0.02) == MOST
    assert one(logs(0.0), precision=0.02) == LEAST


def test_without_intervals_all_are_equal() -> None:
    four = logs(100.0, values=FIVE[:4])
    assert weights(PAIR, {0: four, 1: four}, 0.02) == {0: 1.0, 1: 1.0}
    assert weights(PAIR, {}, 0.02) == {0: 1.0, 1: 1.0}


def compared(mean: float, points: tuple[Point, ...] = PAIR, wide: float = 1.0) -> dict[int, float]:
    """Weights where the second point is faster by `mean` in the logarithm, give or take `wide` times 0.0196."""
    fewer = logs(0.0)
    return weights(points, {0: fewer, 1: logs(wide, -mean)}, 1.0)


@pytest.mark.parametrize(
    ("mean", "undecided"),
    [
        (0.0, True),
        (0.018, True),
        (-0.018, True),
        (0.021, False),
        (-0.021, False),
        (math.log(1.1), True),
        (math.log(1.1) + 0.018, True),
        (math.log(1.1) - 0.021, False),
        (math.log(1.1) + 0.021, False),
        (math.log(2), False),
        (-1.0, False),
    ],
)
def test_it_is_doubled_while_a_comparison_is_not_decided(mean: float, undecided: bool) -> None:
    """More threads neither win nor lose, or win as much as +10 % clock can."""
    weight = UNDECIDED * LEAST if undecided else LEAST
    assert compared(mean) == {0: weight, 1: weight}


def test_doubling_keeps_to_the_bound() -> None:
    assert weights(PAIR, {0: logs(100.0), 1: logs(100.0, values=FIVE[::-1])}, 0.02) == {0: MOST, 1: MOST}


def test_what_hits_both_in_a_block_decides_nothing() -> None:
    shaken = {block: 10 * value for block, value in enumerate(FIVE)}
    faster = {block: value - math.log(2) for block, value in shaken.items()}
    assert weights(PAIR, {0: shaken, 1: faster}, 0.196) == pytest.approx({0: 1.0, 1: 1.0}, rel=0.01)


def test_only_common_blocks_count() -> None:
    other = {block + 4: value for block, value in logs().items()}
    assert weights(PAIR, {0: logs(0.0), 1: other}, 1.0) == {0: LEAST, 1: LEAST}


def test_neighbours_in_thread_count_are_compared_and_no_others() -> None:
    cells = made.points(widths=(4,), threads=(1, 2, 4))
    level = {0: logs(0.0), 1: logs(1.0, -1.0), 2: logs(0.5)}  # 1 and 4 threads are equal, 2 are faster than both
    assert weights(cells, level, 1.0) == {0: LEAST, 1: LEAST, 2: LEAST}
    level[2] = logs(0.5, -1.0)
    assert weights(cells, level, 1.0) == {0: LEAST, 1: 2 * LEAST, 2: 2 * LEAST}


def test_neither_widths_nor_forms_are_compared() -> None:
    for cells in (made.points(widths=(1, 4)), made.points(widths=(4,), forms=("serial", "wide"))):
        assert compared(0.0, cells) == {0: LEAST, 1: LEAST}
