# SPDX-License-Identifier: Apache-2.0
"""Observes one workload in a fresh worker: builds it, runs it in several ways, notes what it does, judges nothing."""

from __future__ import annotations

import gc
import os
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from serialprof.catalog import StepFunction, Stepper, Workload
from serialprof.measure.binding import bind, limit_torch, use_device
from serialprof.measure.conduct import Watch
from serialprof.measure.devicestate import resident
from serialprof.measure.observation import Aftermath, DepthTime, Effort, Observation, State, Tally
from serialprof.measure.sampler import runner, settle
from serialprof.measure.threadtimes import seconds_of, since, thread_times
from serialprof.measure.visible import see_state
from serialprof.setting import Setting

#: Stretches of the series.
STRETCHES: Final = 12
#: Single steps that are looked at one by one.
SINGLE: Final = 3
#: How much deeper the next depth is, and how often it goes deeper than the setting's depth.
DEEPER: Final = 8
MOST_DEEPER: Final = 2
#: A growth from which on time surely grows with depth; 1 is that of steps without any start-up.
GROWN: Final = 0.15

_RUN_SHARE: Final = 0.025  # of the seconds, what one run(d) takes at most
_SERIES_SHARE: Final = 0.5  # of the seconds, what the series takes
_ROUNDS: Final = 5  # of timings, the shortest of which counts
_SHORTEST: Final = 3e-4  # seconds of one timing
_AFTER: Final = 0.15  # seconds that are waited after runs
_REST: Final = 0.35  # seconds in which pools of threads that spin between pieces of work go to sleep
_AFTER_RUNS: Final = 0.05  # seconds that these runs last, if they can
_MOST_AFTER_RUNS: Final = 500
_BUSY: Final = 0.3  # share of that wait in which the process may be at work
_TAIL: Final = 1e-3  # seconds, and share of the runs, that waiting for an idle device surely does not take
_TAIL_SHARE: Final = 0.02

_FILES: Final = Path("/proc/self/fd")


def observe(workload: Workload, setting: Setting, seconds: float) -> Observation:
    """What is seen of a workload at a setting in this process, in about so many seconds once it is built.

    What the workload raises is passed on.

    Args:
        workload: loaded, and not yet built in this process.
        setting: at which; its depth is the most that is run at first.
        seconds: that runs of some length may take together.
    """
    watch = Watch(setting.cpus)
    before = _memory(setting)
    stepper, reads = _built(workload, setting)
    watch.begin()
    single = tuple(_single_states(stepper, setting))
    again = tuple(_equal_runs(stepper, setting))
    setting = replace(setting, depth=_affordable(stepper, setting, _RUN_SHARE * seconds))
    early = _early(stepper, setting)
    aftermath = _aftermath(stepper, setting)
    known = Observation(
        steps=setting.depth,
        step_function=isinstance(stepper, StepFunction),
        reads=tuple(sorted(reads)),
        single=single,
        again=again,
        early_seconds=early,
        aftermath=aftermath,
        conduct=watch.end(),
    )
    if went_on(aftermath):  # nothing that is timed would be the steps' time, and what they left would pile up
        return known
    watch.begin()
    timed = _timed(stepper, setting, _SERIES_SHARE * seconds, known)
    gc.collect()
    now = _memory(setting)
    taken = None if now is None or before is None else now - before
    return replace(timed, reads=tuple(sorted(reads)), conduct=watch.end(), resident=now, taken=taken)


def went_on(aftermath: Aftermath) -> bool:
    """Whether steps were still at work once they had returned and had been waited for."""
    device = aftermath.device or 0.0
    return aftermath.busy > _BUSY * aftermath.waited or device > max(_TAIL, _TAIL_SHARE * aftermath.runs)


def _built(workload: Workload, setting: Setting) -> tuple[Stepper, set[str]]:
    """The stepper, built as for a measurement, and the set in which the knobs gather that it looks at."""
    if setting.mode == "native":
        bind(setting.cpus[:1])
    if setting.on_cuda:
        use_device(setting.device)
    watched, reads = watch_reads(setting)
    stepper = workload.stepper(watched)
    limit_torch(len(setting.cpus))
    return stepper, reads


def watch_reads(setting: Setting) -> tuple[Setting, set[str]]:
    """A setting like this one, and the set in which the names of its knobs gather that somebody reads."""
    reads: set[str] = set()

    class Watched(Setting):
        def __getattribute__(self, name: str) -> Any:
            reads.add(name)
            return super().__getattribute__(name)

    watched = Watched(**{each.name: getattr(setting, each.name) for each in fields(setting)})
    reads.clear()
    return watched, reads


def _single_states(stepper: Stepper, setting: Setting) -> Iterator[State]:
    """The state of a step function at first and after each of its first steps."""
    if not isinstance(stepper, StepFunction):
        return
    once = runner(stepper, replace(setting, depth=1))
    yield see_state(stepper.step)
    for _ in range(SINGLE):
        once(1)
        yield see_state(stepper.step)


def _equal_runs(stepper: Stepper, setting: Setting) -> Iterator[State]:
    """The state before and after each of two equal runs: as many steps in every process, however fast it is."""
    run = runner(stepper, replace(setting, depth=min(setting.depth, SINGLE)))
    root = stepper.step if isinstance(stepper, StepFunction) else stepper
    yield see_state(root)
    for _ in range(2):
        run(1)
        yield see_state(root)


def _affordable(stepper: Stepper, setting: Setting, most: float) -> int:
    """The depth, or fewer steps where a run of them takes longer than so many seconds."""
    once = runner(stepper, replace(setting, depth=1))
    step = min(seconds_of(once, 1), seconds_of(once, 1))
    return min(setting.depth, max(1, int(most / step)))


def _aftermath(stepper: Stepper, setting: Setting) -> Aftermath:
    """Runs for a while, then waits and looks whether something still works."""
    run = runner(stepper, setting)
    one = seconds_of(run, 1)
    count = min(_MOST_AFTER_RUNS, max(1, round(_AFTER_RUNS / one)))
    taken = seconds_of(run, count)
    device = _await_devices()
    busy = _busy_seconds()
    if busy > _BUSY * _AFTER:  # threads of a pool may spin for a while before they sleep
        time.sleep(_REST)
        busy = _busy_seconds()
    return Aftermath(_AFTER, busy, taken, device)


def _busy_seconds() -> float:
    """Seconds that threads of this process are at work while this one sleeps for _AFTER; waiting for a CPU counts."""
    threads, cpu = thread_times(), time.process_time()
    time.sleep(_AFTER)
    return max(time.process_time() - cpu, sum(on_cpu + waited for on_cpu, waited in since(threads)))


def _await_devices() -> float | None:
    """Seconds until all CUDA devices of this process are idle; None where it uses none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    start = time.perf_counter()
    for index in range(torch.cuda.device_count()):
        torch.cuda.synchronize(index)
    return time.perf_counter() - start


def _early(stepper: Stepper, setting: Setting) -> float:
    run = runner(stepper, setting)
    return min(seconds_of(run, 1) for _ in range(_ROUNDS))


def _timed(stepper: Stepper, setting: Setting, seconds: float, known: Observation) -> Observation:
    """What is known, and what runs of some length show: warm-up, series, depths."""
    warm = settle(stepper, setting)
    known = replace(known, warm_seconds=warm.run_seconds, steady=warm.steady)
    known = _series(runner(stepper, setting), setting, seconds, known)
    depths, refused = _depth_times(stepper, setting)
    return replace(known, depths=depths, refused=refused)


def _series(run: Callable[[int], None], setting: Setting, seconds: float, known: Observation) -> Observation:
    """Stretches of equally many runs, and what the process holds between them; nothing is kept meanwhile."""
    size = max(1, round(_SHORTEST / known.warm_seconds))  # run(d) in one timing
    timings = _timings(run, size, seconds / STRETCHES)
    shortest = array("d", [0.0] * STRETCHES)
    tallies = [array("q", [0] * 3) for _ in range(STRETCHES + 1)]
    _tally(tallies[0], setting)
    start, process, threads = time.perf_counter(), time.process_time(), thread_times()
    for stretch in range(STRETCHES):
        shortest[stretch] = min(seconds_of(run, size) for _ in range(timings)) / size
        _tally(tallies[stretch + 1], setting)
    spent = Effort(
        time.perf_counter() - start, time.process_time() - process, tuple(on_cpu for on_cpu, _ in since(threads))
    )
    return replace(
        known,
        series=tuple(shortest),
        tallies=tuple(Tally(None if row[0] < 0 else row[0], row[1], row[2]) for row in tallies),
        runs=size * timings,
        effort=spent,
    )


def _timings(run: Callable[[int], None], size: int, seconds: float) -> int:
    """How many timings of so many runs a stretch of so many seconds holds, one at least."""
    end, count = time.perf_counter() + seconds, 0
    while not count or time.perf_counter() < end:
        run(size)
        count += 1
    return count


def _tally(row: array[int], setting: Setting) -> None:
    """Writes what the process holds now: memory, objects, files."""
    gc.collect()
    memory = _memory(setting)
    row[0] = -1 if memory is None else memory
    row[1] = sys.getallocatedblocks()
    with suppress(OSError):
        row[2] = len(os.listdir(_FILES))  # noqa: PTH208 - beside what is measured: no objects that last


def _depth_times(stepper: Stepper, setting: Setting) -> tuple[tuple[DepthTime, ...], str]:
    """Times over depth, deeper than the setting's where these do not grow; and how a deeper run failed."""
    short, long = max(1, setting.depth // DEEPER), max(2, setting.depth)
    times: list[DepthTime] = []
    for _ in range(1 + MOST_DEEPER):
        try:
            pair = _timed_in_turn(stepper, setting, short, long)
        except Exception as error:
            if long <= setting.depth:
                raise
            return tuple(times), f"{type(error).__name__}: {error}"[:200]
        times += pair[len(times) > 0 :]
        if growth(*pair) > GROWN:
            break
        short, long = long, long * DEEPER
    return tuple(times), ""


def growth(shallow: DepthTime, deep: DepthTime) -> float:
    """By how much of the multiple of its steps a deeper run takes longer: 1 without a start-up, 0 where not at all."""
    return (deep.seconds / shallow.seconds - 1) / (deep.steps / shallow.steps - 1)


def _timed_in_turn(stepper: Stepper, setting: Setting, short: int, long: int) -> tuple[DepthTime, DepthTime]:
    """The shortest time of either depth, measured in turn."""
    runs = [runner(stepper, replace(setting, depth=depth)) for depth in (short, long)]
    counts = [max(1, round(_SHORTEST / seconds_of(run, 1))) for run in runs]
    found = [[seconds_of(run, count) / count for run, count in zip(runs, counts, strict=True)] for _ in range(_ROUNDS)]
    shallow, deep = map(min, zip(*found, strict=True))
    return DepthTime(short, shallow), DepthTime(long, deep)


def _memory(setting: Setting) -> int | None:
    """Bytes in use: of the setting's CUDA device, else resident ones of this process."""
    if not setting.on_cuda:
        return resident()
    import torch

    return int(torch.cuda.memory_allocated(setting.device))
