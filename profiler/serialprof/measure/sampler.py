# SPDX-License-Identifier: Apache-2.0
"""Sampling one stepper, inside a worker: calibration, warm-up, timed stretches, what disturbed them."""

from __future__ import annotations

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

#: Share of its wall time that the sampling thread may be off the CPU before a sample counts as disturbed.
OFF_CPU_TOLERANCE: Final = 0.05

_STAT: Final = Path("/proc/self/stat")


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
    switches = _involuntary_switches()
    process, thread = time.process_time(), time.thread_time()
    start = time.perf_counter()
    for _ in range(runs):
        run(depth)
    synchronise()
    seconds = time.perf_counter() - start
    on_cpu, cpu_seconds = time.thread_time() - thread, time.process_time() - process
    return Sample(seconds, cpu_seconds, _involuntary_switches() - switches, _disturbance(setting, seconds, on_cpu))


def _nothing() -> None:
    """What a synchronous stepper has to wait for."""


def _involuntary_switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _disturbance(setting: Setting, seconds: float, on_cpu: float) -> str:
    """Why a sample is left out of fits: native steps never sleep, so time off the CPU was taken by somebody else.

    The sampling thread of another mode may wait for a device or a thread pool, which is its own business.
    """
    if setting.mode == "native" and on_cpu < seconds * (1 - OFF_CPU_TOLERANCE):
        return "off the CPU"
    return ""


def _current_cpu() -> int | None:
    """The CPU that the sampling (main) thread is on, where Linux tells: field 39 of its stat line."""
    try:
        return int(_STAT.read_text().rpartition(")")[2].split()[36])
    except (OSError, ValueError, IndexError):
        return None
