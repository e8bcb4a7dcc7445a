# SPDX-License-Identifier: Apache-2.0
"""Warm-up on a clock that moves by made durations."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from serialprof.measure.warmup import (
    LONG,
    MOST_LONG,
    PATIENCE,
    SETTLED,
    SETTLED_LONG,
    STRETCH,
    WINDOW,
    WarmUp,
    steady,
    warm_up,
)


@dataclass
class Stepper:
    """The n-th run(D) takes seconds(n, time so far)."""

    seconds: Callable[[int, float], float]
    runs: int = 0
    time: float = 0.0

    def run(self, count: int) -> None:
        for _ in range(count):
            self.time += self.seconds(self.runs, self.time)
            self.runs += 1

    def warm_up(self) -> WarmUp:
        return warm_up(self.run, lambda: self.time)


def test_what_is_level_settles_after_two_windows() -> None:
    stepper = Stepper(lambda number, time: 1e-3)
    assert stepper.warm_up() == WarmUp(
        1 + 2 * WINDOW, pytest.approx(1e-3 * (1 + 2 * WINDOW)), pytest.approx(1e-3), True
    )


def test_it_tells_what_it_ran_and_how_long_that_took() -> None:
    stepper = Stepper(lambda number, time: 1e-4)
    found = stepper.warm_up()
    assert (found.runs, found.seconds) == (stepper.runs, pytest.approx(stepper.time))


def test_a_slow_first_call_does_not_count() -> None:
    """As of what is compiled at its first call: 0.4 s, then 1 ms."""
    stepper = Stepper(lambda number, time: 0.4 if number == 0 else 1e-3)
    found = stepper.warm_up()
    assert found.steady and found.run_seconds == pytest.approx(1e-3)
    assert found.runs == 2 * WINDOW, "the first, and windows that hold it as one of five"


def test_some_slow_calls_are_run_through() -> None:
    """As of what is compiled after its tenth call."""
    stepper = Stepper(lambda number, time: 3e-3 if number < 10 else 1e-3)
    found = stepper.warm_up()
    assert found.steady
    # Ten level calls look settled; more cannot be known. What has begun to change is followed to its end.
    later = Stepper(lambda number, time: 3e-3 if number < 8 else 1e-3).warm_up()
    assert later.steady and later.run_seconds == pytest.approx(1e-3)


def test_short_runs_are_timed_in_stretches() -> None:
    stepper = Stepper(lambda number, time: 1e-6)
    found = stepper.warm_up()
    stretch = round(STRETCH / 1e-6)
    assert found.runs == 1 + 2 * WINDOW * stretch
    assert found.run_seconds == pytest.approx(1e-6)


def test_stretches_grow_where_the_first_call_was_the_slow_one() -> None:
    stepper = Stepper(lambda number, time: 0.01 if number == 0 else 1e-6)
    calls: list[int] = []
    warm_up(lambda count: (calls.append(count), stepper.run(count)), lambda: stepper.time)
    assert calls[:5] == [1, 1, 2, 4, 8], "twice as many at most, so that a slower call cannot take long"
    assert calls == sorted(calls)


def test_a_slow_decline_is_followed_to_its_end() -> None:
    stepper = Stepper(lambda number, time: 1e-3 * (1 + math.exp(-time / 0.05)))
    found = stepper.warm_up()
    assert found.steady
    assert found.run_seconds < 1.05e-3, "of what declines from twice as much"
    assert found.seconds > 0.1


def test_what_drifts_on_and_on_is_given_up() -> None:
    stepper = Stepper(lambda number, time: 1e-3 * math.exp(-6 * time))  # by 3 % in the shortest window
    found = stepper.warm_up()
    assert not found.steady
    assert PATIENCE < found.seconds < 1.01 * PATIENCE


def test_long_runs_are_not_given_up_before_there_are_enough_to_judge_by() -> None:
    stepper = Stepper(lambda number, time: 0.5 * 0.8**number)
    found = stepper.warm_up()
    assert found.runs == MOST_LONG and found.seconds > PATIENCE
    assert not found.steady


@pytest.mark.parametrize("seed", range(20))
def test_noise_does_not_prevent_settling(seed: int) -> None:
    draw = random.Random(seed)
    stepper = Stepper(lambda number, time: 1e-3 * math.exp(draw.gauss(0.0, 0.2)))
    found = stepper.warm_up()
    assert found.steady
    assert found.run_seconds == pytest.approx(1e-3, rel=0.35)


def test_bursts_do_not_prevent_settling() -> None:
    stepper = Stepper(lambda number, time: 0.05 if number % 7 == 3 and number < 100 else 1e-3)
    found = stepper.warm_up()
    assert found.steady and found.run_seconds == pytest.approx(1e-3)


def test_a_long_run_is_compared_with_the_one_before() -> None:
    found = Stepper(lambda number, time: 1.0).warm_up()
    assert found == WarmUp(2, pytest.approx(2.0), pytest.approx(1.0), True)
    durations = [
        0.3,
        0.2,
        0.15,
        0.12,
        0.115,
        0.112,
    ]  # the first less than 10 % apart: the last but one and its neighbour
    declining = Stepper(lambda number, time: durations[number]).warm_up()
    assert declining.steady and declining.runs == 5 and declining.run_seconds == pytest.approx(0.115)
    assert min(durations) > LONG


def test_a_long_run_is_made_once_where_its_samples_are_judged() -> None:
    stepper = Stepper(lambda number, time: 1.0)
    assert warm_up(stepper.run, lambda: stepper.time, judge_long=False) == WarmUp(1, 1.0, 1.0, True)
    short = Stepper(lambda number, time: 1e-3)
    assert warm_up(short.run, lambda: short.time, judge_long=False).runs > 2 * WINDOW


def test_level_is_within_a_share_or_within_the_scatter() -> None:
    flat = [1.0] * WINDOW
    assert steady(flat + flat, WINDOW)
    assert steady(flat + [1 + 0.9 * SETTLED] * WINDOW, WINDOW)
    assert not steady(flat + [1 + 1.1 * SETTLED] * WINDOW, WINDOW)
    assert not steady(flat + [1 - 1.1 * SETTLED] * WINDOW, WINDOW)
    assert not steady(flat, WINDOW)
    rough = [0.9, 1.1, 1.0, 0.8, 1.2]
    assert steady(rough + [value + 0.05 for value in rough], WINDOW), "medians differ by 0.05, values scatter by 0.1"
    assert not steady(rough + [value + 0.2 for value in rough], WINDOW)


def test_of_long_runs_one_and_the_one_before() -> None:
    assert steady([5.0, 1.0, 1 + 0.9 * SETTLED_LONG], 1)
    assert not steady([1.0, 1.0, 1 + 1.1 * SETTLED_LONG], 1)
    assert not steady([1.0], 1)
