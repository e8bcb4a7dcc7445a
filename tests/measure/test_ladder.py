# SPDX-License-Identifier: Apache-2.0
"""Which footprints the ladder has, on made-up machines."""

from itertools import pairwise

import pytest

from serialprof.machine import Cache
from serialprof.measure import ladder
from serialprof.measure.ladder import Moved, footprints, least, reach

KI, MI, GI = 1 << 10, 1 << 20, 1 << 30
CACHES = (
    Cache(1, "Data", 32 * KI, 1),
    Cache(1, "Instruction", 64 * MI, 1),
    Cache(2, "Unified", MI, 1),
    Cache(3, "Unified", 32 * MI, 2),
)


def test_the_quick_ladder_has_a_rung_in_every_level_and_reaches_dram() -> None:
    expected = [32 * KI, 128 * KI, 512 * KI, 2 * MI, 8 * MI, 32 * MI, 128 * MI]
    assert footprints(CACHES, 1, None, 4) == (expected, "")


def test_every_order_comes_where_a_pass_is_long() -> None:
    assert set(ladder._FAR_ORDERS[: ladder._TURNS[True]]) == set(ladder._ORDERS)


def test_the_full_ladder_doubles() -> None:
    sizes, reason = footprints(CACHES, 2, 8 * GI, 2)
    assert (sizes[0], sizes[-1], reason) == (16 * KI, 128 * MI, "")
    assert all(after == 2 * before for before, after in pairwise(sizes))


@pytest.mark.parametrize(("threads", "expected"), [(1, 32 * MI), (2, 32 * MI), (3, 64 * MI), (64, GI)])
def test_more_threads_reach_more_caches(threads: int, expected: int) -> None:
    assert reach(CACHES, threads) == expected


def test_more_threads_climb_higher_on_the_same_rungs_and_start_higher() -> None:
    sizes, _ = footprints(CACHES, 64, None, 2)
    assert (sizes[0], sizes[-1]) == (64 * KI, 4 * GI)
    assert set(footprints(CACHES, 1, None, 2)[0]) - set(sizes) == {16 * KI, 32 * KI}


def test_too_little_memory_is_said() -> None:
    sizes, reason = footprints(CACHES, 1, 512 * MI, 2)
    assert sizes[-1] == 64 * MI
    assert reason == "no footprint beyond 64 MiB of 1 thread: too little memory is available"
    assert footprints(CACHES, 1, 0, 2) == ([], "no footprint of 1 thread: too little memory is available")


def test_unknown_caches_are_taken_for_ordinary_ones() -> None:
    assert footprints((), 1, None, 4)[0][-1] == 128 * MI


def test_odd_sizes_stay_whole_cache_lines() -> None:
    sizes, _ = footprints((Cache(3, "Unified", 33 * MI + 64 * KI, 16),), 1, None, 2)
    assert sizes[-1] >= 4 * 33 * MI
    assert all(size % 64 == 0 for size in sizes)


def test_the_order_that_is_the_fastest_is_the_limit() -> None:
    # Lower quartiles: the second of five readings.
    timings = [
        *(Moved(False, "up", seconds) for seconds in (1.0, 9.0, 5.0, 6.0, 9.0)),
        *(Moved(False, "down", seconds) for seconds in (3.0, 4.0, 3.0, 4.0, 9.0)),
        *(Moved(False, "pieces", seconds) for seconds in (4.0, 4.0, 4.0, 4.0, 4.0)),
        *(Moved(True, order, seconds) for order in ("up", "down", "pieces") for seconds in (2.0, 2.5)),
    ]
    assert least(timings, updating=False) == 3.0
    assert least(timings, updating=True) == 2.0
    assert least(timings[:5], updating=False) == 5.0, "orders that no time was left for are no matter"
