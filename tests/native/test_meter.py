# SPDX-License-Identifier: Apache-2.0
import math
import os
import time

import pytest

from serialprof import _native


def test_reads_positive_finite_times() -> None:
    readings = _native.read_meter(4096)
    assert len(readings) == 3
    assert all(math.isfinite(value) and value >= 0.0 for value in readings)


@pytest.mark.parametrize("ops", [63, 0, -1, 2**40])
def test_refuses_a_chain_out_of_range(ops: int) -> None:
    with pytest.raises(ValueError, match=f"ops = {ops} lies outside"):
        _native.read_meter(ops)


def test_both_clocks_at_one_moment() -> None:
    earliest = time.monotonic()
    first_ticks, first = _native.tick_pair()
    time.sleep(0.01)
    second_ticks, second = _native.tick_pair()
    assert second_ticks > first_ticks
    assert earliest <= first < second <= time.monotonic()  # the same clock as Python's


def test_every_member_of_a_team_reads_its_own_core() -> None:
    cpus = sorted(os.sched_getaffinity(0))[:2]
    rows = _native.read_meters(_native.Team(cpus), 4096, 1e-4)
    assert len(rows) == len(cpus)
    for add, multiply, wall_over_cpu, switches in rows:
        assert all(math.isfinite(value) and value > 0.0 for value in (add, multiply, wall_over_cpu))
        assert switches is None or switches >= 0


def test_the_team_is_busy_for_as_long_as_it_was_told_to() -> None:
    began = time.monotonic()
    _native.read_meters(_native.Team([min(os.sched_getaffinity(0))]), 64, 0.02)
    assert time.monotonic() - began >= 0.02


@pytest.mark.parametrize(("ops", "seconds"), [(63, 0.0), (64, -1.0), (64, 11.0), (64, math.nan)])
def test_a_reading_out_of_range_is_refused(ops: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="lies outside"):
        _native.read_meters(_native.Team([0]), ops, seconds)
