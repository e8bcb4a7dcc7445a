# SPDX-License-Identifier: Apache-2.0
import math
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
