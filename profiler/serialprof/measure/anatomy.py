# SPDX-License-Identifier: Apache-2.0
"""The same steps timed in separate ways, inside a worker: complete, enqueued only, by the device's events; profiled.

A profiler that has run once keeps its hooks in the process, where steps then take longer (on an H200 those of eager
PyTorch by a third); so the profile is asked for apart, when nothing else is timed any more.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from serialprof.catalog import Stepper
from serialprof.measure.devicestate import waiter
from serialprof.measure.instruments import Instruments
from serialprof.measure.kernels import MARKER, profile_of, trace_of
from serialprof.measure.sampler import one_sample
from serialprof.records import Anatomy, Profile
from serialprof.setting import Setting

#: Launches that surely fit into a device's queue (from about 1000 on the host waits by itself), and the fewest seconds
#: that the host takes for one.
_QUEUE: Final = 500
_LAUNCH: Final = 2e-6
#: How often steps are enqueued on an idle device at least and at most; the median counts.
_FEWEST: Final = 3
_MOST: Final = 50

NO_FRAMEWORK: Final = "the workload does not use torch"


def dissect(stepper: Stepper, setting: Setting, steps: int, runs: int, instruments: Instruments) -> Anatomy:
    """Separate timings of the same steps, without a profile.

    Args:
        stepper: of the setting, warmed up.
        setting: names the device.
        steps: in one run.
        runs: that one timing consists of.
        instruments: of the worker.
    """
    timed = replace(setting, depth=steps)
    one_sample(stepper, timed, 1, instruments)
    sample = one_sample(stepper, timed, runs, instruments)
    step, wait = sample.seconds / (steps * runs), waiter(stepper, setting)
    return Anatomy(
        step=step,
        enqueue=_enqueue(stepper, steps, runs, step, wait) if setting.on_cuda and wait else None,
        device=_on_device(stepper, setting, steps, runs) if setting.on_cuda else None,
        disturbed=sample.disturbed,
    )


def take_profile(stepper: Stepper, setting: Setting, steps: int) -> tuple[Profile | None, str]:
    """A profile of so many steps, or why there is none.

    Args:
        stepper: of the setting, warmed up.
        setting: names the device.
        steps: in one run. Its begin is in their numbers: few steps show more of it.
    """
    if "torch" not in sys.modules:
        return None, NO_FRAMEWORK
    found = profiled(stepper, setting, steps)
    if isinstance(found, str):
        return None, f"torch.profiler fails: {found}"
    profile = profile_of(trace_of(found[0], on_cuda=setting.on_cuda), steps, found[1])
    if not profile.kernels:
        return None, "torch.profiler saw no kernel" if setting.on_cuda else NO_FRAMEWORK
    return profile, ""


def _enqueue(stepper: Stepper, steps: int, runs: int, step: float, wait: Callable[[], object]) -> float:
    """Host seconds per step until the host is free again, from an idle device and with room in its queue."""

    def median(count: int, times: int) -> float:
        seconds = []
        for _ in range(times):
            wait()
            began = time.perf_counter()
            stepper.run(count)
            seconds.append((time.perf_counter() - began) / count)
        return statistics.median(seconds)

    count = 1 if steps == 1 else fitting(steps, median(1, _FEWEST), step)
    found = median(count, max(_FEWEST, min(_MOST, steps * runs // count)))
    wait()
    return found


def fitting(steps: int, host: float, step: float) -> int:
    """How many steps of a run are enqueued from an idle device on before its queue may be full, at least one.

    Args:
        steps: of the run.
        host: seconds that enqueueing one takes; it launches no more than one kernel in _LAUNCH of them.
        step: seconds of one until it is done. What the device has done meanwhile is in no queue.
    """
    waiting = 1 - host / step
    return steps if waiting <= 0 else max(1, min(steps, int(_QUEUE * _LAUNCH / (host * waiting))))


def _on_device(stepper: Stepper, setting: Setting, steps: int, runs: int) -> float:
    """Seconds per step between an event on the device before the first step and one after the last."""
    import torch

    first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    stream = torch.cuda.current_stream(setting.device)
    torch.cuda.synchronize(setting.device)
    first.record(stream)
    for _ in range(runs):
        stepper.run(steps)
    last.record(torch.cuda.current_stream(setting.device))
    last.synchronize()
    return float(first.elapsed_time(last)) * 1e-3 / (steps * runs)


def profiled(stepper: Stepper, setting: Setting, steps: int) -> tuple[Any, float] | str:
    """Events of so many steps under torch's profiler, and the seconds of one; or how the profiler refuses."""
    from torch.profiler import ProfilerActivity, profile, record_function

    wait = waiter(stepper, setting)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if setting.on_cuda else [])]
    profiler = profile(activities=activities, acc_events=True)
    try:
        profiler.start()
    except RuntimeError as error:  # another profiler is at work, or CUPTI is not allowed
        return " ".join(str(error).split())[:200]
    try:
        began = time.perf_counter()
        with record_function(MARKER):
            stepper.run(steps)
        if wait is not None:
            wait()
        seconds = time.perf_counter() - began
    finally:
        profiler.stop()
    return profiler.events(), seconds / steps
