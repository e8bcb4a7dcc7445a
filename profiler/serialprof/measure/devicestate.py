# SPDX-License-Identifier: Apache-2.0
"""What a worker knows of the device beside its samples: how to wait for it, its clocks by NVML, and memory in use."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from serialprof.catalog import Stepper
from serialprof.clock.gpu import look
from serialprof.clock.nvml import LIBRARY, Nvml, NvmlError
from serialprof.records import GpuState
from serialprof.setting import PROCESS_MODE, Setting, on_cuda

#: Relative spread of READINGS consecutive clock readings within which a device's clock counts as steady.
LEVEL: Final = 0.02
READINGS: Final = 3
#: Seconds of work between two of them, and after which a device is taken as it is.
APART: Final = 0.02
PATIENCE: Final = 3.0
#: Intervals of a visit in every one of which memory must have grown before it counts as leaking.
GROWTHS: Final = 5
#: Bytes that a leak must have taken at least: the resident set grows by pages, and allocators keep some.
_NOISE_HOST: Final = 1 << 20
_NOISE_DEVICE: Final = 0

_STATM: Final = Path("/proc/self/statm")


@dataclass(frozen=True)
class Monitor:
    """Looks at one GPU by a library that stays open as long as the process.

    Args:
        nvml: initialised.
        index: of the GPU, as NVML counts them.
    """

    nvml: Nvml
    index: int

    def state(self) -> GpuState | None:
        """Its state at this moment, None where NVML fails."""
        try:
            reading = look(self.nvml, self.index)
        except NvmlError:
            return None
        return GpuState(reading.sm_clock, reading.memory_clock, reading.power, reading.temperature, reading.reasons)


def waiter(stepper: Stepper, setting: Setting) -> Callable[[], object] | None:
    """What waits for a stepper's steps: its own `sync`, else that of its CUDA device; None where steps are synchronous.

    Args:
        stepper: of the setting.
        setting: names the device.
    """
    own: Callable[[], object] | None = getattr(stepper, "sync", None)
    if own is not None or not setting.on_cuda:
        return own
    import torch

    return partial(torch.cuda.synchronize, setting.device)


def gpu_state(device: str) -> tuple[GpuState, ...]:
    """The state of a device at this moment; empty where it is no GPU, or NVML does not tell."""
    monitor = monitor_of(device) if on_cuda(device) else None
    state = monitor.state() if monitor else None
    return (state,) if state else ()


@cache
def monitor_of(device: str) -> Monitor | None:
    """NVML's view of a CUDA device that torch sees, None where there is none."""
    import torch

    return find_monitor(str(torch.cuda.get_device_properties(device).uuid))


def find_monitor(uuid: str, library: str = LIBRARY) -> Monitor | None:
    """NVML's view of the GPU of a UUID; of the only GPU, if that of a part of it is asked for (MIG); else None.

    Args:
        uuid: with or without NVML's prefix "GPU-".
        library: file of NVML; another one for tests.
    """
    try:
        nvml = Nvml(library).__enter__()  # left open: a worker's last act is to end
        indices = range(nvml.count())
        found = [index for index in indices if nvml.uuid(index).removeprefix("GPU-") == uuid.removeprefix("GPU-")]
    except (OSError, NvmlError):
        return None
    if not found and len(indices) == 1:
        found = [0]
    return Monitor(nvml, found[0]) if found else None


def settle_device(run: Callable[[int], object], device: str) -> None:
    """Keeps a CUDA device at work until its clock is level and the allocator asks for no more, PATIENCE at most.

    Args:
        run: runs so many run(D), and returns when they are done.
        device: the device; nothing is done where it is no GPU.
    """
    if not on_cuda(device):
        return
    import torch

    monitor = monitor_of(device)

    def clock() -> float | None:
        state = monitor.state() if monitor else None
        return state.sm_clock if state else None

    await_level(lambda: run(1), clock, lambda: torch.cuda.memory_allocated(device))


def await_level(
    work: Callable[[], object],
    clock: Callable[[], float | None],
    memory: Callable[[], int],
    now: Callable[[], float] = time.perf_counter,
) -> bool:
    """Works until READINGS clock readings in a row are level and memory stopped growing; whether that came in time.

    Args:
        work: a little of it.
        clock: of the device in hertz, None where unknown, which counts as level.
        memory: bytes that are allocated.
        now: seconds of a clock.
    """
    end = now() + PATIENCE
    clocks: list[float | None] = []
    levels: list[int] = []
    while True:
        until = now() + APART
        work()
        while now() < until:
            work()
        clocks.append(clock())
        levels.append(memory())
        if level(clocks[-READINGS:]) and len(levels) >= READINGS and levels[-1] <= levels[-READINGS]:
            return True
        if now() >= end:
            return False


def level(clocks: Sequence[float | None]) -> bool:
    """Whether READINGS clocks lie within LEVEL of one another; unknown ones say nothing against it."""
    known = [clock for clock in clocks if clock]
    return len(clocks) >= READINGS and (not known or max(known) - min(known) <= LEVEL * max(known))


class Memory:
    """Bytes that a point has in use, looked at between its samples; a look is never inside a timing.

    Args:
        setting: of the point. Of native kernels and whole programs nothing is looked at: they keep nothing.
    """

    def __init__(self, setting: Setting) -> None:
        self._noise = _NOISE_DEVICE if setting.on_cuda else _NOISE_HOST
        self._read = _reader(setting)
        self._levels: list[int] = []

    def look(self) -> None:
        """One look."""
        if self._read is not None and (bytes_now := self._read()) is not None:
            self._levels.append(bytes_now)

    def leaked(self, steps: int) -> float | None:
        """Bytes that every step kept, of which there were so many between two looks; None where it is none for sure."""
        return leak(self._levels, steps, self._noise)


def leak(levels: Sequence[int], steps: int, noise: int) -> float | None:
    """Bytes by which memory grew per step, None where it did not grow all the time.

    It must have grown in each of GROWTHS stretches, as equal in length as they can be, and by more than the noise in
    all: what an allocator or a cache takes at first comes in one or two of them.

    Args:
        levels: bytes in use, at moments with as many steps between them.
        steps: between two moments.
        noise: bytes.
    """
    last = len(levels) - 1
    if last < GROWTHS:
        return None
    moments = [round(index * last / GROWTHS) for index in range(GROWTHS + 1)]
    grew = [levels[after] - levels[before] for before, after in pairwise(moments)]
    total = levels[-1] - levels[0]
    return total / (last * steps) if min(grew) > 0 and total > noise else None


def _reader(setting: Setting) -> Callable[[], int | None] | None:
    """What tells the bytes in use at a setting, None where they are not looked at."""
    if setting.on_cuda:
        import torch

        return partial(torch.cuda.memory_allocated, setting.device)
    return None if setting.mode in ("native", PROCESS_MODE) else resident


def resident() -> int | None:
    """Bytes of this process that are in memory, None where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * _page_bytes()
    except (OSError, ValueError, IndexError):
        return None


@cache
def _page_bytes() -> int:
    import resource

    return resource.getpagesize()
