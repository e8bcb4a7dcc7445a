# SPDX-License-Identifier: Apache-2.0
import pytest

from serialprof import _native
from serialprof_workloads.planted import reference


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    ("serial_ops", "lane_ops", "width"), [(1, 0, 1), (1, 1, 2), (2, 15, 3), (100, 16, 64), (333, 77, 21), (17, 100, 1)]
)
def test_equals_exact_integers(threads: int, serial_ops: int, lane_ops: int, width: int) -> None:
    kernel = _native.Planted(_native.Team([0] * threads), serial_ops, lane_ops, width, seed=9)
    kernel.run(11)
    assert kernel.value == reference(serial_ops, lane_ops, width, steps=11, seed=9)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    ("serial_ops", "lane_ops", "width"),
    [(1, 0, 1), (1, 20, 3), (2, 1, 1), (50, 7, 4), (50, 7, 7), (50, 7, 20), (49, 16, 3), (333, 77, 21), (400, 0, 5)],
)
def test_chains_that_overlap_equal_exact_integers(serial_ops: int, lane_ops: int, width: int, wide: bool) -> None:
    kernel = _native.Planted(_native.Team([0]), serial_ops, lane_ops, width, seed=9, wide=wide, overlap=True)
    kernel.run(3)
    one_step = reference(serial_ops, lane_ops, width, steps=1, seed=9)
    assert kernel.value == (pow(one_step, 3, 2**64) if wide else reference(serial_ops, lane_ops, width, 3, seed=9))


def test_chains_overlap_on_one_thread_alone() -> None:
    with pytest.raises(ValueError, match="overlap: the two chains share one thread, the team has 2"):
        _native.Planted(_native.Team([0, 0]), 5, 20, 9, overlap=True)


def test_chains_overlap_without_loads_alone() -> None:
    with pytest.raises(ValueError, match="overlap: goes without loads, lane_loads = 3"):
        _native.Planted(_native.Team([0]), 5, 20, 9, lane_loads=3, footprint_bytes=2**16, overlap=True)


def test_dependent_loads_leave_the_state_alone() -> None:
    team = _native.Team([0, 0])
    kernel = _native.Planted(team, 5, 20, 9, seed=1, lane_loads=30, footprint_bytes=2**16)
    kernel.run(4)
    assert kernel.value == reference(5, 20, 9, steps=4, seed=1)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_wide_form_does_every_step_from_the_start(threads: int) -> None:
    kernel = _native.Planted(_native.Team([0] * threads), 50, 20, 9, seed=1, wide=True)
    kernel.run(8)
    assert kernel.value == pow(reference(50, 20, 9, steps=1, seed=1), 8, 2**64)


def test_a_run_starts_anew() -> None:
    kernel = _native.Planted(_native.Team([0]), 5, 20, 9)
    kernel.run(4)
    kernel.run(1)
    assert kernel.value == reference(5, 20, 9, steps=1)
    kernel.run(0)
    assert kernel.value == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"serial_ops": 0}, "serial_ops = 0 lies outside"),
        ({"lane_ops": -1}, "lane_ops = -1 lies outside"),
        ({"width": 0}, "width = 0 lies outside"),
        ({"width": 10**12}, "width = 1000000000000 needs"),
        ({"lane_loads": -1}, "lane_loads = -1 lies outside"),
        ({"lane_loads": 1}, "footprint_bytes = 0 lies outside"),
        ({"lane_loads": 1, "footprint_bytes": 10**13}, "footprint_bytes = 10000000000000 needs"),
    ],
)
def test_refuses_before_allocating(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Planted(_native.Team([0]), **{"serial_ops": 1, "lane_ops": 1, "width": 1, **arguments})
