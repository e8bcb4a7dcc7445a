# SPDX-License-Identifier: Apache-2.0
"""Step-level times: when every step of a run(D) ended, into a buffer that is allocated beforehand."""

from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Final

from serialprof._native import tick_pair
from serialprof.catalog import StepFunction, Stepper
from serialprof.records import StepTicks
from serialprof.setting import Setting

#: Most steps kept per visit, contiguous from its first traced run(D) on.
MOST_STEPS: Final = 4096
#: Steps from which one run(D) is too long to be traced.
LONGEST_RUN: Final = 1 << 22
#: Share of a step's time that reading the clock may take before steps are traced apart from the samples.
NEGLIGIBLE: Final = 1e-3
#: Seconds that a reading may cost at most: benchmarks/ticks.py measures it.
NATIVE_COST: Final = 25e-9
PYTHON_COST: Final = 150e-9


class Tracer:
    """Runs a stepper with its ticks recorded, where it can.

    Args:
        stepper: one that may define `trace(steps, ticks)` (see `catalog.Stepper`).
        setting: its setting.
    """

    def __init__(self, stepper: Stepper, setting: Setting) -> None:
        self._depth = setting.depth
        self._trace: Callable[[int, memoryview], float | None] | None = getattr(stepper, "trace", None)
        if isinstance(stepper, StepFunction):
            self._trace = partial(trace_function, stepper.step)
        # The wide form has no steps of its own; the host's ticks around asynchronous steps are enqueue times.
        asynchronous = setting.on_cuda or getattr(stepper, "sync", None)
        if setting.form == "wide" or asynchronous or self._depth > LONGEST_RUN:
            self._trace = None
        self._cost = NATIVE_COST if setting.mode == "native" else PYTHON_COST
        # The standard library's array: a worker is started many times in a run, and numpy takes long to load.
        self._runs = max(1, MOST_STEPS // self._depth) if self._trace else 0
        self._ticks = array("q", bytes(8 * self._runs * (self._depth + 1)))
        self._filled = 0
        self._rate: float | None = None
        self._opened = tick_pair()

    @property
    def wanted(self) -> bool:
        """Whether another run(D) should be traced."""
        return self._filled < self._runs

    def beside(self, run_seconds: float) -> bool:
        """Whether reading the clock costs so little that the samples themselves may be traced."""
        return self._cost <= NEGLIGIBLE * run_seconds / self._depth

    def run(self) -> None:
        """One traced run(D); only where `wanted`."""
        assert self._trace is not None
        size = self._depth + 1
        self._rate = self._trace(self._depth, memoryview(self._ticks)[self._filled * size : (self._filled + 1) * size])
        self._filled += 1

    def record(self) -> StepTicks | None:
        """What was traced, None where nothing was."""
        if not self._filled:
            return None
        size = self._depth + 1
        runs = (self._ticks[start : start + size] for start in range(0, self._filled * size, size))
        steps = array("q", [after - before for run in runs for before, after in pairwise(run)][:MOST_STEPS])
        if sys.byteorder != "little":
            steps.byteswap()
        ticks, seconds = tick_pair()
        rate = self._rate or (seconds - self._opened[1]) / max(1, ticks - self._opened[0])
        return StepTicks(rate, steps.tobytes())


def trace_function(step: Callable[[], object], steps: int, ticks: memoryview) -> float:
    """Runs a step function with its ticks in nanoseconds; returns the seconds of one."""
    now = time.perf_counter_ns
    ticks[0] = now()
    for index in range(1, steps + 1):
        step()
        ticks[index] = now()
    return 1e-9
