# SPDX-License-Identifier: Apache-2.0
"""torch-planted: a step whose parts are known by construction: what an attribution over a device has to recover.

A step keeps the host busy for `host` microseconds, and then the device for `kernel` microseconds and `lane` nanoseconds
for each lane of the batch: their sum (join = sum), or the longer of the two (join = max). On a CUDA device the busy
kernel is torch.cuda._sleep, whose cycles are calibrated with CUDA events when the stepper is built, and the addition
that counts the steps; on the CPU the step's operator spins, so that host and device follow one another.

A CUDA graph records the kernel alone: its replay has no host part.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from serialprof.catalog import workload
from serialprof_workloads.torchkit.knobs import DEVICES, MODES, QUICK_WIDTHS, WIDTHS
from serialprof_workloads.torchkit.stepper import TorchStepper
from serialprof_workloads.torchkit.tensors import device_of

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.setting import Setting

JOINS: Final = ("sum", "max")
#: Cycles of the two busy kernels that calibrate the others, how many of each are timed, how often; and how many of the
#: longer ones wake the device's clock before: some 150 ms of them.
FEW_CYCLES: Final = 100_000
MANY_CYCLES: Final = 400_000
TIMED: Final = 20
TURNS: Final = 5
WAKING: Final = 35
#: Nanoseconds that the host spins before a launch is timed.
PAUSE: Final = 200_000
CHECKED_STEPS: Final = 5


@dataclass(frozen=True, slots=True)
class Truth:
    """What a setting plants, in seconds per step.

    Attributes:
        host: what the host spends before the kernel starts.
        kernel: what the kernel takes whatever the batch.
        width: what the batch takes.
        joined: whether the kernel takes the longer of kernel and width, instead of their sum.
        beside: whether the host of one step runs beside the kernel of the one before.
    """

    host: float
    kernel: float
    width: float
    joined: bool
    beside: bool

    @property
    def busy(self) -> float:
        """What the device spends on a step."""
        return max(self.kernel, self.width) if self.joined else self.kernel + self.width

    @property
    def step(self) -> float:
        """A step among many that follow one another without waiting."""
        return max(self.host, self.busy) if self.beside else self.host + self.busy


def truth(setting: Setting) -> Truth:
    """What a setting plants.

    Raises:
        ValueError: a time is negative, or the way to join is unknown; the message names the parameter.
    """
    host, kernel, lane = (setting.number(name) for name in ("host", "kernel", "lane"))
    for name, value in (("host", host), ("kernel", kernel), ("lane", lane)):
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name} = {value!r} is no time from 0 on")
    join = setting.parameters["join"]
    if join not in JOINS:
        raise ValueError(f"join = {join!r} is none of {', '.join(JOINS)}")
    replayed = setting.mode == "graph"
    return Truth(
        0.0 if replayed else host * 1e-6, kernel * 1e-6, lane * 1e-9 * setting.width, join == "max", setting.on_cuda
    )


def planted_knee(setting: Setting) -> float:
    """The batch whose lanes take as long as the kernel's fixed part."""
    return 1e3 * setting.number("kernel") / setting.number("lane")


@cache
def operator() -> Any:
    """The step as an operator of torch, which torch.compile takes as it is: state += 1, after host and busy.

    Its arguments: the state, nanoseconds of host, and the length of the kernel: nanoseconds, or cycles on CUDA.
    """
    import torch

    library = torch.library.Library("serialprof", "DEF")
    library.define("planted_step(Tensor(a!) state, int host, int busy) -> ()")
    library.impl("planted_step", _on_cpu, "CPU")
    library.impl("planted_step", _on_cuda, "CUDA")
    library.impl("planted_step", lambda _state, _host, _busy: None, "Meta")
    operator.library = library  # type: ignore[attr-defined]  # it lives as long as the operator does
    return torch.ops.serialprof.planted_step


def _on_cpu(state: Tensor, host: int, busy: int) -> None:
    began = time.perf_counter_ns()
    state.add_(1)
    _until(began + host + busy)


def _on_cuda(state: Tensor, host: int, cycles: int) -> None:
    _until(time.perf_counter_ns() + host)
    _launch(state, cycles)


def _launch(state: Tensor, cycles: int) -> None:
    import torch

    torch.cuda._sleep(cycles)
    state.add_(1)


def _until(end: int) -> None:
    now = time.perf_counter_ns
    while now() < end:
        pass


def cycles_for(seconds: float, state: Tensor) -> int:
    """Cycles with which the busy kernel and the addition take so long on the device of a tensor."""
    few, many = (median(_device_seconds(cycles, state) for _ in range(TURNS)) for cycles in (FEW_CYCLES, MANY_CYCLES))
    each = (many - few) / (MANY_CYCLES - FEW_CYCLES)
    return max(0, round(FEW_CYCLES + (seconds - few) / each))


def _device_seconds(cycles: int, state: Tensor) -> float:
    """Seconds of one launch among many that wait in the queue of the device."""
    import torch

    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    torch.cuda._sleep(50 * FEW_CYCLES)  # meanwhile the host runs ahead
    events[0].record()
    for _ in range(TIMED):
        _launch(state, cycles)
    events[1].record()
    torch.cuda.synchronize(state.device)
    seconds: float = events[0].elapsed_time(events[1]) * 1e-3 / TIMED
    return seconds


def _launch_seconds(state: Tensor) -> float:
    """Seconds that the host takes to launch one step that keeps nothing busy."""
    import torch

    step_of, taken = operator(), []
    for _ in range(TIMED):
        _until(time.perf_counter_ns() + PAUSE)  # its code has left the core's caches as it does between steps
        began = time.perf_counter()
        step_of(state, 0, 0)
        taken.append(time.perf_counter() - began)
    if state.is_cuda:
        torch.cuda.synchronize(state.device)
    return median(taken)


def stepper_at(setting: Setting) -> TorchStepper:
    """The planted step, calibrated for the device of a setting."""
    import torch

    planted, state = truth(setting), torch.zeros(1, device=device_of(setting))
    host, busy = planted.host, round(1e9 * planted.busy)
    if setting.on_cuda:
        for _ in range(WAKING):
            _device_seconds(MANY_CYCLES, state)
        busy = cycles_for(planted.busy, state)
    step_of, host_time = operator(), round(1e9 * max(0.0, host - _launch_seconds(state)))
    apart = setting.mode == "eager"  # then the host's time lies outside of every operator, as that of a framework does

    def step() -> None:
        if apart:
            _until(time.perf_counter_ns() + host_time)
        step_of(state, 0 if apart else host_time, busy)

    def check(stepper: TorchStepper) -> None:
        steps = min(setting.depth, CHECKED_STEPS)
        stepper.run(steps)
        assert state.item() == steps, f"torch-planted: {state.item():g} steps were counted, not {steps}"

    return TorchStepper(setting, step, state.zero_, check)


@workload(
    name="torch-planted",
    depth="steps",
    width="batch",
    widths=WIDTHS,
    quick_widths=QUICK_WIDTHS,
    default_depth=16,
    parameters={"host": 100.0, "kernel": 200.0, "lane": 400.0, "join": "sum"},
    modes=MODES,
    requires=("torch",),
    devices=DEVICES,
    open_ended=True,
)
def torch_planted(setting: Setting) -> TorchStepper:
    """A step in torch whose host, kernel and batch parts are known by construction."""
    return stepper_at(setting)
