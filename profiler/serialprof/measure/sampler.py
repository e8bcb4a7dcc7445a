# SPDX-License-Identifier: Apache-2.0
"""Sampling one stepper, inside a worker: calibration, warm-up, timed stretches, what disturbed them."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Final

from serialprof.catalog import Stepper
from serialprof.clock.meter import read_clock
from serialprof.measure.budget import MINIMUM_SAMPLES
from serialprof.measure.protocol import Sampled
from serialprof.setting import Setting
from serialprof.store import Sample

#: Share of a sample's wall time that its threads may be kept from the CPU before it counts as disturbed.
TOLERANCE: Final = 0.05

_STAT: Final = Path("/proc/self/stat")
_TASKS: Final = "/proc/self/task"


def calibrate(stepper: Stepper, setting: Setting) -> float:
    """Seconds of one run(D): the faster of two, the first of which warms up."""
    return min(_one_sample(stepper, setting, runs=1).seconds for _ in range(2))


def sample(stepper: Stepper, setting: Setting, runs: int, seconds: float) -> Sampled:
    """A visit: an untimed run(D) warms the caches, then samples of `runs` run(D) each until `seconds` have passed."""
    _one_sample(stepper, setting, runs=1)
    before = read_clock().hertz
    end = time.perf_counter() + seconds
    samples: list[Sample] = []
    while len(samples) < MINIMUM_SAMPLES or time.perf_counter() < end:
        samples.append(_one_sample(stepper, setting, runs))
    return Sampled(tuple(samples), before, read_clock().hertz, _current_cpu())


def _one_sample(stepper: Stepper, setting: Setting, runs: int) -> Sample:
    run, depth = stepper.run, setting.depth
    synchronise = getattr(stepper, "sync", None) or _nothing
    synchronise()
    switches, waited = _involuntary_switches(), _waited(setting)
    process, thread = time.process_time(), time.thread_time()
    start = time.perf_counter()
    for _ in range(runs):
        run(depth)
    synchronise()
    seconds = time.perf_counter() - start
    on_cpu, cpu_seconds = time.thread_time() - thread, time.process_time() - process
    lost = seconds - on_cpu if setting.threads == 1 else _waited(setting) - waited
    return Sample(seconds, cpu_seconds, _involuntary_switches() - switches, _disturbance(setting, seconds, lost))


def _nothing() -> None:
    """What a synchronous stepper has to wait for."""


def _involuntary_switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _disturbance(setting: Setting, seconds: float, lost: float) -> str:
    """Why a sample is left out of fits, empty where it is sound.

    Native steps never wait for anything but one another. So a single thread that was off the CPU was kept off it; of a
    team, whose threads may sleep until the others arrive, the time counts that they waited in the run queue. The
    threads of another mode may wait for a device or a thread pool, which is their own business.
    """
    return "kept off the CPU" if setting.mode == "native" and lost > TOLERANCE * seconds else ""


def _waited(setting: Setting) -> float:
    """Seconds that the threads of a native team waited in a run queue so far, 0 where Linux does not tell."""
    if setting.mode != "native" or setting.threads == 1:
        return 0.0
    waited = 0
    try:
        for task in os.scandir(_TASKS):
            with open(f"{task.path}/schedstat") as file:  # noqa: PTH123 - beside every sample: cheaper than Path
                waited += int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return waited * 1e-9


def _current_cpu() -> int | None:
    """The CPU that the sampling (main) thread is on, where Linux tells: field 39 of its stat line."""
    try:
        return int(_STAT.read_text().rpartition(")")[2].split()[36])
    except (OSError, ValueError, IndexError):
        return None
