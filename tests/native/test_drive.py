# SPDX-License-Identifier: Apache-2.0
import time
from array import array
from threading import Thread

import numpy as np
import pytest

from serialprof import _native
from serialprof_workloads.planted import reference


@pytest.fixture(params=[1, 2])
def kernel(request: pytest.FixtureRequest) -> _native.Planted:
    return _native.Planted(_native.Team([0] * request.param), 40, 20, 4)


def test_every_step_has_a_tick_and_they_increase(kernel: _native.Planted) -> None:
    ticks = np.zeros(52, dtype=np.int64)
    kernel.run(50, ticks)
    assert np.all(np.diff(ticks[:51]) > 0)
    assert ticks[51] == 0  # beyond steps + 1 nothing is written
    assert kernel.value == reference(40, 20, 4, steps=50)


def test_a_delay_is_a_lower_bound_of_every_step(kernel: _native.Planted) -> None:
    ticks = np.zeros(21, dtype=np.int64)
    kernel.run(20, ticks=ticks, delay_ticks=5000)
    assert np.all(np.diff(ticks) >= 5000)
    assert kernel.value == reference(40, 20, 4, steps=20)


def test_a_delay_without_ticks_changes_no_result(kernel: _native.Planted) -> None:
    kernel.run(20, delay_ticks=100)
    assert kernel.value == reference(40, 20, 4, steps=20)


@pytest.mark.parametrize(
    "ticks", [np.zeros(4, dtype=np.int64), np.zeros((5, 1), dtype=np.int64)], ids=["too short", "two dimensions"]
)
def test_refuses_ticks_without_room(kernel: _native.Planted, ticks: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"ticks: needs one dimension and steps \+ 1 entries"):
        kernel.run(4, ticks)


def test_refuses_ticks_of_another_type(kernel: _native.Planted) -> None:
    with pytest.raises(TypeError):
        kernel.run(4, np.zeros(5, dtype=np.float64))


def test_refuses_ticks_that_are_not_aligned(kernel: _native.Planted) -> None:
    with pytest.raises(ValueError, match="ticks: needs entries at multiples of 8 bytes"):
        kernel.run(4, memoryview(bytearray(64))[4:52].cast("q"))


def test_ticks_stay_where_they_are_while_a_kernel_runs() -> None:
    kernel = _native.Barrier(_native.Team([0]), 1_000)
    ticks = array("q", [0] * 6)
    running = Thread(target=kernel.run, args=(5, ticks), kwargs={"delay_ticks": 100_000_000})
    running.start()
    while running.is_alive() and not ticks[0]:
        time.sleep(1e-3)
    with pytest.raises(BufferError):
        ticks.append(1)
    running.join()


@pytest.mark.parametrize(("steps", "delay"), [(-1, 0), (2**41, 0)])
def test_refuses_steps_out_of_range(kernel: _native.Planted, steps: int, delay: int) -> None:
    with pytest.raises(ValueError, match=f"steps = {steps} lies outside"):
        kernel.run(steps, None, delay)


def test_refuses_a_negative_delay(kernel: _native.Planted) -> None:
    with pytest.raises(ValueError, match="delay_ticks = -1 lies outside"):
        kernel.run(1, delay_ticks=-1)
