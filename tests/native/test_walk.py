# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from serialprof import _native


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("footprint", [4096, 100_000, 2**20])
def test_as_many_loads_as_lines_lead_back_and_no_fewer(threads: int, footprint: int) -> None:
    walk = _native.Walk(_native.Team([0] * threads), footprint, seed=5)
    assert walk.lines == footprint // 64 // threads
    assert walk.cursors() == [0] * threads
    walk.seconds(walk.lines - 1)
    assert 0 not in walk.cursors()
    walk.seconds(1)
    assert walk.cursors() == [0] * threads


def test_a_walk_goes_on_where_it_ended() -> None:
    pieces, whole = (_native.Walk(_native.Team([0]), 2**16, seed=1) for _ in range(2))
    for loads in (1, 2, 30):
        pieces.seconds(loads)
    whole.seconds(33)
    assert pieces.cursors() == whole.cursors()


def test_every_thread_has_an_order_of_its_own() -> None:
    walk = _native.Walk(_native.Team([0, 0]), 2**17)
    walk.seconds(17)
    first, second = walk.cursors()
    assert first != second


def test_the_seconds_are_those_of_one_thread() -> None:
    walk = _native.Walk(_native.Team([0]), 2**15)
    seconds = walk.seconds(100_000)
    assert math.isfinite(seconds)
    assert 1e-5 < seconds < 1.0  # a load takes more than 0.1 ns


@pytest.mark.parametrize(
    ("footprint", "threads", "message"),
    [
        (1023, 1, "footprint_bytes = 1023 lies outside"),
        (2047, 2, "= 2047 lies outside"),
        (10**12, 1, "= 1000000000000 needs"),
    ],
)
def test_refuses_before_allocating(footprint: int, threads: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Walk(_native.Team([0] * threads), footprint)


def test_refuses_no_loads() -> None:
    with pytest.raises(ValueError, match="loads = 0 lies outside"):
        _native.Walk(_native.Team([0]), 4096).seconds(0)
