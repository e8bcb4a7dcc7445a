# SPDX-License-Identifier: Apache-2.0
"""Which steps are recorded, and what is kept of them."""

import itertools
import os
import struct
from dataclasses import dataclass, field

import pytest

from serialprof._native import Chain, Team
from serialprof.catalog import StepFunction
from serialprof.measure import ticks as module
from serialprof.measure.ticks import LONGEST_RUN, MOST_STEPS, NATIVE_COST, NEGLIGIBLE, PYTHON_COST, Tracer
from serialprof.records import StepTicks
from serialprof.setting import Setting


@dataclass
class Stepper:
    """Every run(D) starts at a tick of its own; its n-th step takes n + 1 ticks."""

    rate: float | None = 2e-9
    starts: list[int] = field(default_factory=list)

    def run(self, steps: int) -> None:
        raise AssertionError("a traced run is not run twice")

    def trace(self, steps: int, ticks: memoryview) -> float | None:
        assert len(ticks) == steps + 1
        self.starts.append(1000 * len(self.starts) - 500)
        for number, moment in enumerate(itertools.accumulate(range(1, steps + 1), initial=self.starts[-1])):
            ticks[number] = moment
        return self.rate


class Asynchronous(Stepper):
    def sync(self) -> None:
        """Waits."""


class Plain:
    def run(self, steps: int) -> None:
        """Runs."""


def steps_of(record: StepTicks | None) -> list[int]:
    assert record is not None
    return list(struct.unpack(f"<{len(record.steps) // 8}q", record.steps))


def traced(stepper: object, setting: Setting, runs: int | None = None) -> tuple[StepTicks | None, int]:
    """The record after so many traced runs, or as many as are wanted, and their number."""
    tracer, made = Tracer(stepper, setting), 0  # type: ignore[arg-type]
    while tracer.wanted and made != runs:
        tracer.run()
        made += 1
    return tracer.record(), made


def test_every_step_is_the_difference_of_its_ticks() -> None:
    record, _ = traced(Stepper(), Setting(depth=4), runs=3)
    assert steps_of(record) == [1, 2, 3, 4] * 3, "what passes between two run(D) is no step"
    assert record is not None and record.seconds_per_tick == 2e-9


@pytest.mark.parametrize(
    ("depth", "runs"), [(1, MOST_STEPS), (3, MOST_STEPS // 3), (MOST_STEPS, 1), (MOST_STEPS + 1, 1), (10**6, 1)]
)
def test_whole_runs_are_traced_and_a_capped_number_of_steps_is_kept(depth: int, runs: int) -> None:
    record, made = traced(Stepper(), Setting(depth=depth))
    assert made == runs
    assert len(steps_of(record)) == min(MOST_STEPS, depth * runs)


@pytest.mark.parametrize(
    ("stepper", "setting"),
    [
        (Plain(), Setting(depth=4)),
        (Stepper(), Setting(depth=4, form="wide")),
        (Asynchronous(), Setting(depth=4)),
        (Stepper(), Setting(depth=4, device="cuda:0")),
        (Stepper(), Setting(depth=LONGEST_RUN + 1)),
    ],
)
def test_what_cannot_be_told_apart_is_not_traced(stepper: object, setting: Setting) -> None:
    tracer = Tracer(stepper, setting)  # type: ignore[arg-type]
    assert not tracer.wanted and tracer.record() is None


def test_nothing_traced_is_no_record() -> None:
    assert traced(Stepper(), Setting(depth=4), runs=0) == (None, 0)


def test_a_step_function_is_traced_call_by_call(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [10**15]

    def step() -> None:
        clock[0] += 700

    monkeypatch.setattr(module.time, "perf_counter_ns", lambda: clock[0])
    record, _ = traced(StepFunction(step), Setting(depth=3), runs=1)
    assert steps_of(record) == [700] * 3
    assert record is not None and record.seconds_per_tick == 1e-9


def test_a_stepper_that_does_not_know_its_rate_is_calibrated_against_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = iter([(1000, 5.0), (5000, 5.000002)])
    monkeypatch.setattr(module, "tick_pair", lambda: next(pairs))
    record, _ = traced(Stepper(rate=None), Setting(depth=2), runs=1)
    assert record is not None and record.seconds_per_tick == pytest.approx(0.5e-9)


@pytest.mark.parametrize(("mode", "cost"), [("native", NATIVE_COST), ("eager", PYTHON_COST)])
def test_samples_are_traced_where_ticks_cost_less_than_a_thousandth_of_a_step(mode: str, cost: float) -> None:
    tracer = Tracer(Stepper(), Setting(depth=10, mode=mode))  # type: ignore[arg-type]
    limit = 10 * cost / NEGLIGIBLE
    assert tracer.beside(1.001 * limit)
    assert not tracer.beside(0.999 * limit)


def test_a_byte_order_other_than_the_file_s_is_turned_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "byteorder", "big")
    record, _ = traced(Stepper(), Setting(depth=2), runs=1)
    assert record is not None
    assert struct.unpack(">2q", record.steps) == (1, 2)


class Native:
    """A native chain that counts its runs."""

    def __init__(self) -> None:
        self.kernel = Chain(Team([min(os.sched_getaffinity(0))]), "add", 1)
        self.run = self.kernel.run
        self.traced = 0

    def trace(self, steps: int, ticks: memoryview) -> None:
        self.traced += 1
        self.kernel.run(steps, ticks)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cannot be bound to a CPU")
@pytest.mark.parametrize("depth", [1, 7, 1000, MOST_STEPS, MOST_STEPS + 1])
def test_the_steps_of_a_native_kernel_are_told_apart(depth: int) -> None:
    """Every one takes time; they follow one another without a gap; all are there, up to the most that are kept."""
    stepper = Native()
    opened = module.tick_pair()
    tracer = Tracer(stepper, Setting(depth=depth))  # type: ignore[arg-type]
    while tracer.wanted:
        tracer.run()
    record, closed = tracer.record(), module.tick_pair()
    assert record is not None and record.seconds_per_tick > 0
    steps = steps_of(record)
    runs = max(1, MOST_STEPS // depth)
    assert (stepper.traced, len(steps)) == (runs, min(MOST_STEPS, runs * depth))
    assert min(steps) >= 0 < sum(steps), "ticks of the clock, which may be coarser than a step"
    assert sum(steps) <= closed[0] - opened[0], "they lie within the time that they were traced in"
    if depth <= MOST_STEPS:
        for run in range(runs):
            ticks = list(tracer._ticks[run * (depth + 1) : (run + 1) * (depth + 1)])
            assert sum(steps[run * depth : (run + 1) * depth]) == ticks[-1] - ticks[0]


def test_a_step_function_is_traced_on_the_real_clock() -> None:
    calls = []
    record, runs = traced(StepFunction(lambda: calls.append(0)), Setting(depth=100))
    assert runs == MOST_STEPS // 100
    assert len(steps_of(record)) == len(calls) == 100 * runs
    assert min(steps_of(record)) >= 0 < sum(steps_of(record))
