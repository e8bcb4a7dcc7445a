# SPDX-License-Identifier: Apache-2.0
from array import array

import pytest

from serialprof import _native

MULTIPLIER = 6364136223846793005


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("queue", [1, 2, 7])
@pytest.mark.parametrize(("host", "lane", "width"), [(3, 2, 5), (0, 1, 1), (7, 0, 3), (400, 9, 16)])
def test_every_step_is_done_once(threads: int, queue: int, host: int, lane: int, width: int) -> None:
    kernel = _native.Pipeline(_native.Team([0] * threads), host, lane, width, queue, seed=5)
    for _ in range(2):  # the state resets
        kernel.run(11, None, 100)
        assert kernel.value == 11 * pow(MULTIPLIER, 11 * (host + lane * width), 2**64) % 2**64


def test_the_host_tells_when_it_had_submitted_each_step() -> None:
    kernel = _native.Pipeline(_native.Team([0, 0]), 10, 10, 1)
    ticks = array("q", bytes(8 * 6))
    kernel.run(5, ticks)
    assert sorted(ticks) == list(ticks)
    assert ticks[0] > 0


def test_needs_a_device() -> None:
    with pytest.raises(ValueError, match="a host and a device need two threads, it has 1"):
        _native.Pipeline(_native.Team([0]), 1, 1, 1)


@pytest.mark.parametrize(("name", "value"), [("host_ops", -1), ("lane_ops", -1), ("width", 0), ("queue", 0)])
def test_refuses_what_lies_out_of_range(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} = {value} lies outside"):
        _native.Pipeline(_native.Team([0, 0]), **{"host_ops": 1, "lane_ops": 1, "width": 1, name: value})
