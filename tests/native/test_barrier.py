# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from serialprof import _native

MULTIPLIER = 6364136223846793005


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("grain", [0, 1, 4, 33, 1000])
def test_the_threads_share_the_multiplies_exactly(threads: int, grain: int) -> None:
    kernel = _native.Barrier(_native.Team([0] * threads), grain)
    kernel.run(7)
    assert kernel.value == pow(MULTIPLIER, 7 * grain, 2**64)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_timed_steps_do_the_same(threads: int) -> None:
    kernel = _native.Barrier(_native.Team([0] * threads), 33)
    assert math.isfinite(kernel.seconds(7))
    assert kernel.value == pow(MULTIPLIER, 7 * 33, 2**64)


@pytest.mark.parametrize("grain", [-1, 2**41])
def test_refuses_a_grain_out_of_range(grain: int) -> None:
    with pytest.raises(ValueError, match=f"grain_ops = {grain} lies outside"):
        _native.Barrier(_native.Team([0]), grain)


def test_refuses_no_steps() -> None:
    with pytest.raises(ValueError, match="steps = 0 lies outside"):
        _native.Barrier(_native.Team([0]), 1).seconds(0)
