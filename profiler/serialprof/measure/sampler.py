# SPDX-License-Identifier: Apache-2.0
"""Sampling one stepper, inside a worker: warm-up, timed stretches, and what is read beside them."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from serialprof.catalog import Stepper
from serialprof.clock.meter import read_clock
from serialprof.measure import disturbance
from serialprof.measure.budget import MINIMUM_SAMPLES, SHORTEST_VISIT
from serialprof.measure.devicestate import Memory, gpu_state, settle_device, waiter
from serialprof.measure.instruments import Instruments
from serialprof.measure.misconduct import end_child
from serialprof.measure.ticks import Tracer
from serialprof.measure.warmup import WarmUp, steady, warm_up
from serialprof.records import Readings
from serialprof.samples import Sample
from serialprof.setting import PROCESS_MODE, Setting

#: Share of a visit that goes to traced run(D), where these are apart from the samples; at least one is made.
TRACED_SHARE: Final = 0.03
#: Most samples that are dropped as warm-up at the begin of a fresh visit; a stepper that needs more never settles.
MOST_DROPPED: Final = 4

_TASKS: Final = "/proc/self/task"


def settle(stepper: Stepper, setting: Setting) -> WarmUp:
    """Runs a stepper until it is steady, and so is its device: its calibration."""
    run = runner(stepper, setting)
    warm = warm_up(run)
    settle_device(run, setting.device)
    return warm


def sample(
    stepper: Stepper,
    setting: Setting,
    runs: int,
    seconds: float,
    instruments: Instruments,
    *,
    meter: bool = True,
    fresh: bool = False,
) -> Readings:
    """A visit: untimed run(D) warm the caches, then samples of `runs` run(D) each until `seconds` have passed.

    Neighbouring samples share the clock meter's reading between them. A stepper that is fresh in this process is first
    run until it is steady; where one run(D) is long, it is made once, and samples are dropped until two in a row are
    level. There are MINIMUM_SAMPLES, however long that takes.
    """
    run = runner(stepper, setting)
    began = time.perf_counter()
    before = instruments.sense()
    warm = warm_up(run, judge_long=False) if fresh else _warm_caches(run)
    if fresh:
        settle_device(run, setting.device)
    state, memory = gpu_state(setting.device), Memory(setting)
    tracer = Tracer(stepper, setting)
    traced = tracer.beside(warm.run_seconds)
    beside = tracer if traced else None
    samples = _samples(run, setting, runs, began + seconds, instruments, beside, memory, meter=meter)
    leaked = memory.leaked(runs * setting.depth)
    if fresh and warm.runs == 1:
        again = partial(_samples, run, setting, runs, 0.0, instruments, beside, None, meter=meter, fewest=1)
        warm = _settle_samples(samples, again, runs, warm)
    if tracer.wanted and not traced:
        stop = time.perf_counter() + TRACED_SHARE * seconds
        tracer.run()
        while tracer.wanted and time.perf_counter() < stop:
            tracer.run()
    after = instruments.sense()
    flag = disturbance.of_visit(
        time.perf_counter() - began,
        after.stolen_since(before),
        setting.threads,
        after.throttled_since(before),
        steady=warm.steady,
    )
    return Readings(
        samples=tuple(replace(item, disturbed=item.disturbed or flag) for item in samples) if flag else tuple(samples),
        warmup_runs=warm.runs,
        warmup_seconds=warm.seconds,
        steady=warm.steady,
        steal=after.stolen_since(before),
        temperature=after.temperature,
        throttles=after.throttled_since(before),
        ticks=tracer.record(),
        exit_code=getattr(stepper, "exit_code", None),
        stderr=getattr(stepper, "stderr", ""),
        gpu=state + gpu_state(setting.device),
        leaked=leaked,
    )


def time_turn(stepper: Stepper, setting: Setting, runs: int, *, warm: bool) -> float:
    """Seconds of `runs` run(D), with nothing read beside them; where `warm`, after one that is not timed."""
    run = runner(stepper, setting)
    if warm:
        run(1)
    start = time.perf_counter()
    run(runs)
    return time.perf_counter() - start


def _warm_caches(run: Callable[[int], None]) -> WarmUp:
    """What a visit of a steady stepper begins with: one run(D), or as many as fill half of the shortest visit."""
    runs, seconds, began = 0, 0.0, time.perf_counter()
    while not runs or seconds < SHORTEST_VISIT / 2:
        run(1)
        runs, seconds = runs + 1, time.perf_counter() - began
    return WarmUp(runs, seconds, seconds / runs, steady=True)


def _settle_samples(samples: list[Sample], again: Callable[[], list[Sample]], runs: int, warm: WarmUp) -> WarmUp:
    """Drops samples from the front, as warm-up, until the first two are level; takes more where too few are left."""
    dropped, seconds = 0, 0.0
    while not (level := steady([sample.seconds for sample in samples[:2]], 1)) and dropped < MOST_DROPPED:
        seconds += samples.pop(0).seconds
        dropped += 1
        if len(samples) < MINIMUM_SAMPLES:
            samples += again()
    return WarmUp(warm.runs + dropped * runs, warm.seconds + seconds, warm.run_seconds, steady=level)


def runner(stepper: Stepper, setting: Setting) -> Callable[[int], None]:
    """A function of n: n times run(D) of a stepper of the setting, complete when it returns."""
    run, depth, synchronise = stepper.run, setting.depth, waiter(stepper, setting)
    own = os.getpid()

    def once(count: int) -> None:
        for _ in range(count):
            run(depth)
        if synchronise is not None:
            synchronise()
        end_child(own)

    return once


def _samples(
    run: Callable[[int], None],
    setting: Setting,
    runs: int,
    end: float,
    instruments: Instruments,
    tracer: Tracer | None,
    memory: Memory | None,
    *,
    meter: bool,
    fewest: int = MINIMUM_SAMPLES,
) -> list[Sample]:
    """Samples until `end` on the performance counter, and `fewest` of them at least."""
    samples: list[Sample] = []
    if memory is not None:
        memory.look()
    clock = read_clock().hertz if meter else None
    while len(samples) < fewest or time.perf_counter() < end:
        timed = _one_sample(run, setting, runs, instruments, tracer)
        following = read_clock().hertz if meter else None
        samples.append(replace(timed, clock_before=clock, clock_after=following))
        clock = following
        if memory is not None:
            memory.look()
    return samples


def one_sample(stepper: Stepper, setting: Setting, runs: int, instruments: Instruments) -> Sample:
    """One sample of `runs` run(D), with neither warm-up nor meter beside it."""
    return _one_sample(runner(stepper, setting), setting, runs, instruments, None)


def _one_sample(
    run: Callable[[int], None], setting: Setting, runs: int, instruments: Instruments, tracer: Tracer | None
) -> Sample:
    counts = instruments.count()
    switches, waited = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw, _waited(setting)
    process, thread = _cpu_seconds(setting), time.thread_time()
    start = time.perf_counter()
    left = runs
    while tracer is not None and tracer.wanted and left:
        tracer.run()
        left -= 1
    run(left)
    seconds = time.perf_counter() - start
    on_cpu, cpu_seconds = time.thread_time() - thread, _cpu_seconds(setting) - process
    lost = seconds - on_cpu if _alone(setting) else _waited(setting) - waited
    switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches
    cycles, instructions, stalls = (
        None if after is None or before is None else max(0.0, after - before)  # scaled counts may step back
        for before, after in zip(counts, instruments.count(), strict=True)
    )
    flag = disturbance.of_sample(setting, seconds, lost)
    return Sample(seconds, cpu_seconds, switches, flag, instruments.cpu(), None, None, cycles, instructions, stalls)


def _cpu_seconds(setting: Setting) -> float:
    """CPU time of this process so far; in mode process, of the programs that it ran."""
    if setting.mode != PROCESS_MODE:
        return time.process_time()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _alone(setting: Setting) -> bool:
    """Whether a point is one native thread, which has nothing to wait for."""
    return setting.mode == "native" and setting.threads == 1


def _waited(setting: Setting) -> float:
    """Seconds that the threads of this process waited in a run queue so far, 0 where that is not told or not needed."""
    if _alone(setting) or setting.mode == PROCESS_MODE:
        return 0.0
    waited = 0
    try:
        for task in os.scandir(_TASKS):
            with open(f"{task.path}/schedstat") as file:  # noqa: PTH123 - beside every sample: cheaper than Path
                waited += int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return waited * 1e-9
