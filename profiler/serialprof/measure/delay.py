# SPDX-License-Identifier: Apache-2.0
"""A delay injected into every step of a stepper, inside a worker: who can take one, and how long it really is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final, TypeAlias

from serialprof import _native
from serialprof.catalog import StepFunction, Stepper
from serialprof.errors import WorkloadError
from serialprof.measure.instruments import Instruments
from serialprof.measure.sampler import one_sample
from serialprof.records import Timing
from serialprof.setting import Setting

#: Runs so many steps, with so many seconds of delay in each.
Runner: TypeAlias = Callable[[int, float], object]

#: Seconds of delay from which its own overshoot, some tens of nanoseconds, no longer counts.
LONG: Final = 1e-4
#: Seconds that a stretch of delays takes by which they are calibrated, and how many there are; the least counts.
_STRETCH: Final = 3e-4
_STRETCHES: Final = 5


@dataclass(frozen=True, slots=True)
class Delayed:
    """A stepper whose steps can be delayed.

    Attributes:
        run: its steps with a delay in each, as it is where the delay is 0.
        idle: the same loop around nothing, by which the delay is calibrated; None where there is none to be had.
    """

    run: Runner
    idle: Runner | None

    def actual(self, seconds: float) -> float:
        """The seconds that a delay of so many really adds; as asked for where it is long, or cannot be calibrated."""
        return seconds if self.idle is None or not 0 < seconds < LONG else _added(self.idle, seconds)


def spin(seconds: float) -> None:
    """Keeps the calling thread busy for so many seconds, in Python: what a `delayed` of one's own puts into every step.

    A call takes some tenths of a microsecond longer than asked, which calibration takes into account; no time, or a
    negative one, is no spin at all.
    """
    if seconds > 0:
        now = time.perf_counter_ns
        until = now() + round(1e9 * seconds)
        while now() < until:
            pass


def delayed(stepper: Stepper) -> Delayed:
    """A stepper with delays: of a native kernel, of a step function, or by its own `delayed(steps, seconds)`.

    Its own is taken to `spin` once in every step, and a short delay to be as much longer than asked as `spin` is.

    Raises:
        WorkloadError: its steps cannot be told apart from outside.
    """
    own = getattr(stepper, "delayed", None)
    if own is not None:
        return Delayed(own, _IDLE_FUNCTION)
    if isinstance(stepper, StepFunction):
        return Delayed(partial(_run_function, stepper.step), _IDLE_FUNCTION)
    kernel = getattr(stepper.run, "__self__", None)
    if type(kernel).__module__ == _native.__name__:
        return Delayed(partial(_run_kernel, stepper.run), _idle_kernel())
    raise WorkloadError("its steps cannot be delayed", "define delayed(steps, seconds) beside run(steps)")


def time_delays(
    stepper: Stepper, setting: Setting, runs: int, levels: Sequence[float], instruments: Instruments
) -> tuple[Timing, ...]:
    """One timing at every level of delay, in the order given, after an untimed one as it is.

    Args:
        stepper: of the setting.
        setting: its depth is the number of steps in one run.
        runs: runs that one timing consists of.
        levels: seconds per step that are asked for; what is stored is what they really are.
        instruments: of the worker.

    Raises:
        WorkloadError: as `delayed`.
    """
    found = delayed(stepper)
    actual = {level: found.actual(level) for level in set(levels)}
    _time_one(found, stepper, setting, 1, 0.0, instruments)
    return tuple(
        replace(_time_one(found, stepper, setting, runs, level, instruments), level=actual[level]) for level in levels
    )


class _AtLevel:
    """A stepper with the delay fixed, as the sampler takes it."""

    def __init__(self, found: Delayed, stepper: Stepper, level: float) -> None:
        self._found, self._level = found, level
        if synchronise := getattr(stepper, "sync", None):
            self.sync = synchronise

    def run(self, steps: int, /) -> object:
        """Runs so many delayed steps."""
        return self._found.run(steps, self._level)


def _time_one(
    found: Delayed, stepper: Stepper, setting: Setting, runs: int, level: float, instruments: Instruments
) -> Timing:
    sample = one_sample(_AtLevel(found, stepper, level), setting, runs, instruments)
    steps = runs * setting.depth
    return Timing(level, sample.seconds / steps, sample.cpu_seconds / steps, sample.disturbed)


def _run_kernel(run: Callable[..., object], steps: int, seconds: float) -> None:
    run(steps, None, round(seconds / _tick_seconds()))


def _run_function(step: Callable[[], object], steps: int, seconds: float) -> None:
    if not seconds:
        for _ in range(steps):
            step()
        return
    for _ in range(steps):
        step()
        spin(seconds)


_IDLE_FUNCTION: Final[Runner] = partial(_run_function, lambda: None)


@cache
def _idle_kernel() -> Runner:
    """The native loop around nothing, on the calling thread."""
    return partial(_run_kernel, _native.Barrier(_native.Team([0]), 0).run)


@cache
def _added(idle: Runner, seconds: float) -> float:
    """Seconds by which a delay makes one pass of an idle loop longer; once per process, for delays come back.

    From the fastest of some stretches each: a spin that was interrupted is longer, none is shorter.
    """
    count = max(1, round(_STRETCH / seconds))
    return max(0.0, (_least(idle, count, seconds) - _least(idle, count, 0.0)) / count)


def _least(run: Runner, steps: int, seconds: float) -> float:
    least = float("inf")
    for _ in range(_STRETCHES):
        began = time.perf_counter()
        run(steps, seconds)
        least = min(least, time.perf_counter() - began)
    return least


@cache
def _tick_seconds() -> float:
    """Seconds of one tick of the native kernels' clock, once per process."""
    first = _native.tick_pair()
    time.sleep(0.02)
    second = _native.tick_pair()
    return (second[1] - first[1]) / (second[0] - first[0])
