# SPDX-License-Identifier: Apache-2.0
"""What would help at one batch: clocks, a larger batch, fewer launches; each with its gain, a bracket or a refusal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.answers import InjectedDelay
from serialprof.model.device.parts import Kernels
from serialprof.model.device.paths import Path, twin
from serialprof.model.dissected import BatchSweep, Evidence, Move
from serialprof.model.statistics import LEVEL, Array, interval
from serialprof.model.steptimes import FamilyTimes, block_steps, paired
from serialprof.model.wording import count
from serialprof.records import StoredRun
from serialprof.setting import CUDA_MODES

FASTER: Final = 1.1
#: How many times as long a step may take for a larger batch to be a move.
DEAR: Final = 2.0
HOST_CLOCK: Final = "host clock +10 %"
CPU_CLOCK: Final = "clock +10 %"
GPU_CLOCK: Final = "GPU clock +10 %"
GRAPHS: Final = "CUDA graphs"
MULTIPROCESSORS: Final = "more or fewer SMs"
#: Modes and what going over to them is called.
_MODES: Final = {"graph": GRAPHS, "compile": "torch.compile", "fused": "one fused kernel of many steps"}
_NO_PARTS: Final = "it rests on the parts of the step, which are not told here"
#: Share of a step below which slack does not count: see `model.standins`.
_OVERLAP: Final = 0.05


def moves(
    run: StoredRun,
    times: FamilyTimes,
    path: Path,
    kernels: Kernels,
    sweep: BatchSweep,
    delays: Sequence[InjectedDelay],
    *,
    withheld: bool = False,
) -> tuple[Move, ...]:
    """What would help at the path's batch, in a fixed order.

    Args:
        run: the stored run.
        times: of the family.
        path: of the dissected steps.
        kernels: what their kernels' time is made of.
        sweep: over batch.
        delays: injected ones, of the family.
        withheld: whether the path's parts are not told, and with them no gain that rests on them.
    """
    setting = path.point.setting
    delay = next((item for item in delays if (item.width, item.threads) == (setting.width, setting.threads)), None)
    if not setting.on_cuda:
        return _cpu_clock(path), _batch(times, path, sweep), *_modes(run, path, withheld=withheld)
    return (
        _refused(path, HOST_CLOCK, _NO_PARTS, "") if withheld else _host_clock(path, delay),
        _refused(path, GPU_CLOCK, _NO_PARTS, "") if withheld else _gpu_clock(path, kernels),
        _batch(times, path, sweep),
        *_modes(run, path, withheld=withheld),
        _refused(path, MULTIPROCESSORS, "the SM share was not varied (MPS or green contexts)", ""),
    )


def best_move(found: Sequence[Move]) -> Move | None:
    """The one whose gain surely exceeds 0, and by its low end that of every other one; None where there is none."""
    sure = [item for item in found if item.gain.low is not None and item.gain.low > 0]
    ranked = sorted(sure, key=lambda item: item.gain.low or 0.0, reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[1].gain.low == ranked[0].gain.low):
        return None
    return ranked[0]


def _host_clock(path: Path, delay: InjectedDelay | None) -> Move:
    """What a faster host saves: as much of its time as exceeds the device's, where it has no slack."""
    gains = np.minimum(FASTER - 1.0, path.gain(path.saved_by_host(FASTER)))
    model = interval(gains)
    if delay is not None and delay.waits:
        reason = "the host has slack by injected delays: its time is not on the critical path"
        return _move(path, HOST_CLOCK, Estimate(0.0, 0.0, 0.0, level=LEVEL, reason=reason), "stand-in", reason)
    reason = "no clock was set; the host's dispatch is taken to scale with its clock"
    if delay is None:
        return _move(path, HOST_CLOCK, _positive(model), "model", f"{reason}, and no delay was injected")
    slack = delay.slack.high
    if delay.slope.value is None or slack is None or slack > _OVERLAP * (delay.step.value or 0.0):
        return _move(path, HOST_CLOCK, _at_most(model, "injected delays leave open whether it has slack"), "bracket")
    low, value, high = (min(1.0, max(0.0, end)) if end is not None else 1.0
                        for end in (delay.slope.low, delay.slope.value, delay.slope.high))  # fmt: skip
    scaled = Estimate(_times(model.value, value), _times(model.low, low), _times(model.high, high), level=LEVEL)
    return _move(path, HOST_CLOCK, _positive(scaled), "stand-in", f"by injected delays; {reason}")


def _cpu_clock(path: Path) -> Move:
    """On a CPU the operations run on the clock of the dispatch: at least nothing, at most all of the step scales."""
    reason = "no clock was set: dispatch and operations run on one clock, and what of them scales is not told apart"
    gain = Estimate.bracket(0.0, FASTER - 1.0, reason, remedy="--clock all, where clocks may be set")
    return _move(path, CPU_CLOCK, gain, "bracket", reason)


def _gpu_clock(path: Path, kernels: Kernels) -> Move:
    scaling = path.busy if kernels.unsplit else kernels.floor + kernels.flop + kernels.slow
    most = interval(path.gain(path.saved_by_device(scaling * (1 - 1 / FASTER))))
    return _move(path, GPU_CLOCK, _at_most(most, "the GPU clock was not varied"), "bracket")


def _batch(times: FamilyTimes, path: Path, sweep: BatchSweep) -> Move:
    """The widest batch that was measured and at most doubles a step, against this one: lanes per second, paired."""
    setting = path.point.setting
    wider = [item.width for item in sweep.throughput if item.width > setting.width]
    knee = sweep.knee
    name = "a larger batch"
    if not wider:
        return _refused(path, name, "no larger batch was measured", "--width with larger ones")
    if knee.high is not None and knee.high <= setting.width:
        return _refused(path, name, "this batch lies beyond the knee already", "")
    steps = {item.width: item.width / item.rate.value for item in sweep.throughput if item.rate.value}
    most = DEAR * steps.get(setting.width, math.inf)
    cheap = [width for width in wider if steps.get(width, math.inf) <= most]
    if not cheap:
        return _refused(path, name, "every larger batch that was measured more than doubles a step", "")
    target = cheap[-1]
    logs = paired(*(times.column(width, setting.threads, "serial") for width in (setting.width, target)))
    gain = _speed_up(logs + math.log(target / setting.width))
    reason = "lanes per second; the widest batch that was measured and at most doubles a step"
    return replace(_move(path, f"batch {count(target)}", gain, "measured", reason), batch=target)


def _modes(run: StoredRun, path: Path, *, withheld: bool) -> Iterator[Move]:
    """Other ways to launch the same steps: as measured where the run has them; CUDA graphs as a bracket elsewhere."""
    setting = path.point.setting
    own = block_steps(run, path.point)
    for mode, name in _MODES.items():
        other = None if mode == setting.mode or setting.mode in CUDA_MODES else twin(run, path.point, mode)
        theirs = {} if other is None else block_steps(run, other)
        common = [block for block in own if block in theirs]
        if common:
            logs = np.array([math.log(own[block] / theirs[block]) for block in common])
            yield _move(path, name, _speed_up(logs), "measured", "paired blocks of both modes")
        elif mode == "graph":
            yield _graphs(path, withheld=withheld)


def _graphs(path: Path, *, withheld: bool) -> Move:
    setting = path.point.setting
    if not setting.on_cuda:
        return _refused(path, GRAPHS, "CUDA graphs need a CUDA device", "")
    if setting.mode in CUDA_MODES:
        return _refused(path, GRAPHS, f"mode {setting.mode} launches no kernel by itself already", "")
    if withheld:
        return _refused(path, GRAPHS, _NO_PARTS, "--mode eager,graph")
    most = interval(path.gain(path.dispatch + path.gaps))
    return _move(path, GRAPHS, _at_most(most, "no graph was replayed", "--mode eager,graph"), "bracket")


def _speed_up(logs: Array) -> Estimate:
    """Speed-up minus 1 with its t interval, of logarithms of speed-ups [unit]."""
    known = interval(logs)
    value, low, high = (None if end is None else math.expm1(end) for end in (known.value, known.low, known.high))
    return Estimate(value, low, high, level=LEVEL, reason=known.reason)


def _at_most(most: Estimate, reason: str, remedy: str = "") -> Estimate:
    """From nothing to the upper end of a gain."""
    high = most.high if most.high is not None else most.value
    return Estimate.bracket(0.0, max(0.0, high or 0.0), reason, remedy=remedy)


def _positive(gain: Estimate) -> Estimate:
    """The same of what cannot be negative."""
    value, low, high = (None if end is None else max(0.0, end) for end in (gain.value, gain.low, gain.high))
    return Estimate(value, low, high, level=LEVEL, reason=gain.reason)


def _times(end: float | None, factor: float) -> float | None:
    return None if end is None else end * factor


def _move(path: Path, name: str, gain: Estimate, evidence: Evidence, reason: str = "") -> Move:
    return Move(name, path.point.setting.width, gain, evidence, reason or gain.reason, gain.remedy)


def _refused(path: Path, name: str, reason: str, remedy: str) -> Move:
    return Move(name, path.point.setting.width, Estimate.unknown(reason, remedy=remedy), "refused", reason, remedy)
