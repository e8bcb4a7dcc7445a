# SPDX-License-Identifier: Apache-2.0
"""From a profile to numbers: the arithmetic on intervals, and what is taken from torch's events."""

from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serialprof.measure.kernels import (
    MARKER,
    Interval,
    Operation,
    Trace,
    covered,
    leaves,
    outside,
    profile_of,
    trace_of,
    union,
)

WHOLE = st.integers(0, 40)
INTERVALS = st.lists(st.tuples(WHOLE, WHOLE).map(lambda ends: (float(min(ends)), float(max(ends)))), max_size=12)


def seconds_in(intervals: list[Interval]) -> set[int]:
    """The whole seconds that intervals with whole ends cover: the slow reference."""
    return {second for begin, end in intervals for second in range(int(begin), int(end))}


@pytest.mark.parametrize(
    ("intervals", "merged"),
    [
        ([], []),
        ([(1.0, 1.0)], []),
        ([(3.0, 4.0), (0.0, 2.0)], [(0.0, 2.0), (3.0, 4.0)]),
        ([(0.0, 2.0), (1.0, 3.0), (3.0, 4.0)], [(0.0, 4.0)]),
        ([(0.0, 9.0), (1.0, 2.0), (4.0, 5.0)], [(0.0, 9.0)]),
    ],
)
def test_a_union_is_apart_and_in_order(intervals: list[Interval], merged: list[Interval]) -> None:
    assert union(intervals) == merged


@given(INTERVALS)
def test_a_union_covers_what_its_intervals_cover(intervals: list[Interval]) -> None:
    merged = union(intervals)
    assert seconds_in(merged) == seconds_in(intervals)
    assert covered(intervals) == len(seconds_in(intervals))
    assert all(before[1] < after[0] for before, after in pairwise(merged))


@given(INTERVALS, INTERVALS)
def test_what_lies_outside_is_in_none_of_the_others(intervals: list[Interval], others: list[Interval]) -> None:
    assert outside(intervals, others) == len(seconds_in(intervals) - seconds_in(others))


def test_a_profile_is_told_per_step() -> None:
    """Two streams overlap from 1 to 2; a copy runs beside a kernel from 4 to 5, and alone from 5 to 6."""
    trace = Trace(kernels=((0.0, 2.0), (1.0, 3.0), (4.0, 5.0)), transfers=((4.0, 6.0),), waits=((2.0, 3.0), (2.5, 5.0)))
    profile = profile_of(trace, 2, 3.5)
    assert (profile.steps, profile.step, profile.kernels) == (2, 3.5, 1.5)
    assert (profile.busy, profile.transfers, profile.waiting) == (2.0, 0.5, 1.5)


@pytest.mark.parametrize(
    ("operations", "kernels"),
    [
        ([Operation(0, 10)], [(0, 10)]),
        # mm calls resolve_conj, and is the kernel all the same
        ([Operation(0, 10), Operation(1, 2), Operation(3, 4)], [(0, 10)]),
        # linear calls t, which calls transpose, and addmm
        ([Operation(0, 10), Operation(1, 3), Operation(1, 3), Operation(4, 9)], [(1, 3), (4, 9)]),
        # a frame that computes nothing is none, however little it holds, and neither is an empty one
        ([Operation(0, 10, computes=False), Operation(4, 5)], [(4, 5)]),
        ([Operation(0, 10, computes=False)], []),
        # frames inside an operation are its own time
        ([Operation(0, 10), Operation(1, 9, computes=False)], [(0, 10)]),
        # a callee does not reach beyond its caller: what follows is another call
        ([Operation(0, 4), Operation(0, 1), Operation(4, 9)], [(0, 4), (4, 9)]),
    ],
)
def test_the_operations_that_do_the_work_are_the_kernels(
    operations: list[Operation], kernels: list[tuple[int, int]]
) -> None:
    assert leaves(operations) == kernels
    assert leaves(reversed(operations)) == kernels, "in whatever order they come, callers before callees"


def test_threads_do_not_call_one_another() -> None:
    assert sorted(leaves([Operation(0, 10, 1), Operation(1, 9, 2)])) == [(0, 10), (1, 9)]


@dataclass
class Event:
    """What `trace_of` reads of a torch.autograd.profiler_util.FunctionEvent; times in microseconds."""

    name: str
    begin: float
    end: float
    device: str = "CPU"
    thread: int = 1
    is_async: bool = False
    is_user_annotation: bool = False

    @property
    def time_range(self) -> SimpleNamespace:
        return SimpleNamespace(start=self.begin, end=self.end)

    @property
    def device_type(self) -> SimpleNamespace:
        return SimpleNamespace(name=self.device)


def microseconds(intervals: tuple[Interval, ...]) -> list[tuple[float, float]]:
    return [(pytest.approx(1e6 * begin), pytest.approx(1e6 * end)) for begin, end in intervals]


def test_of_a_cuda_profile_kernels_copies_and_waits_are_taken() -> None:
    events = [
        Event(MARKER, 10, 100, is_user_annotation=True),
        Event(MARKER, 20, 200, "CUDA", is_user_annotation=True),
        Event("cudaDeviceSynchronize", 1, 9),
        Event("aten::add", 12, 20),
        Event("cudaLaunchKernel", 13, 15),
        Event("cudaStreamSynchronize", 50, 60),
        Event("cudaDeviceSynchronize", 101, 200),
        Event("void add<float>", 30, 40, "CUDA"),
        Event("late kernel", 150, 160, "CUDA"),
        Event("Memcpy HtoD (Pageable -> Device)", 41, 43, "CUDA"),
        Event("Memcpy DtoD (Device -> Device)", 44, 45, "CUDA"),
        Event("Memset (Device)", 46, 47, "CUDA"),
    ]
    trace = trace_of(events, on_cuda=True)
    assert microseconds(trace.kernels) == [(30, 40), (150, 160), (44, 45), (46, 47)], "they run after the host left"
    assert microseconds(trace.transfers) == [(41, 43)]
    assert microseconds(trace.waits) == [(50, 60)], "the wait after the steps is the profile's own"


def test_of_a_cpu_profile_operations_within_the_steps_are_taken() -> None:
    events = [
        Event("aten::zeros", 1, 5),
        Event(MARKER, 10, 100, is_user_annotation=True),
        Event("Torch-Compiled Region: 0/0", 11, 40),
        Event("TorchDynamo Cache Lookup", 12, 14),
        Event("## Call CompiledFxGraph abc ##", 15, 35),
        Event("aten::mm", 16, 20),
        Event("mine", 41, 60, is_user_annotation=True),
        Event("mylib::spin", 42, 50),
        Event("aten::waits_elsewhere", 51, 99, is_async=True),
        Event("aten::item", 120, 130),
    ]
    trace = trace_of(events, on_cuda=False)
    assert microseconds(trace.kernels) == [(15, 35), (42, 50)]
    assert (trace.transfers, trace.waits) == ((), ())
