# SPDX-License-Identifier: Apache-2.0
"""What a gate asks of a process beside its times: its peak memory, its steps one by one, and what they launch."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Final

from serialprof.catalog import Stepper
from serialprof.errors import WorkloadError
from serialprof.measure.anatomy import NO_FRAMEWORK, profiled
from serialprof.measure.devicestate import waiter
from serialprof.measure.kernels import launches_of
from serialprof.measure.ticks import Tracer
from serialprof.records import StepTicks
from serialprof.setting import PROCESS_MODE, Setting

_STATUS: Final = Path("/proc/self/status")
_KIB: Final = 1024


def peak_memory(setting: Setting) -> int:
    """Bytes of host memory that this process held at most so far; in mode process, those of the largest program it ran.

    Raises:
        WorkloadError: the programs were smaller than this process, whose size is all that the system then tells.
    """
    own = _own_peak()
    if setting.mode != PROCESS_MODE:
        return own
    largest = _in_bytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    # A program begins in the memory of the worker that starts it, and the system counts that as the program's own.
    if largest <= own:
        raise WorkloadError(f"its programs hold less memory than the worker that starts them ({own / 1e6:.0f} MB)")
    return largest


def trace_steps(stepper: Stepper, setting: Setting, steps: int) -> StepTicks:
    """Times single steps of whole run(D), about so many, after one run(D) that is not timed.

    Raises:
        WorkloadError: its steps cannot be timed one by one.
    """
    tracer = Tracer(stepper, setting)
    stepper.run(setting.depth)
    for _ in range(-(-steps // setting.depth)):
        if tracer.wanted:
            tracer.run()
    ticks = tracer.record()
    if ticks is None:
        why = "they are asynchronous" if waiter(stepper, setting) else "it has no trace(steps, ticks)"
        raise WorkloadError(f"its steps cannot be timed one by one: {why}")
    return ticks


def count_launches(stepper: Stepper, setting: Setting, steps: int) -> float:
    """What a step launches through torch, from a profile of so many; what is timed in this process later takes longer.

    Raises:
        WorkloadError: it does not use torch, or its profiler refuses.
    """
    if "torch" not in sys.modules:
        raise WorkloadError(NO_FRAMEWORK)
    found = profiled(stepper, setting, steps)
    if isinstance(found, str):
        raise WorkloadError(f"torch.profiler fails: {found}")
    return launches_of(found[0], on_cuda=setting.on_cuda) / steps


def _own_peak() -> int:
    """The high-water mark of this process.

    On Linux not getrusage's: that one goes on counting what the process held before it turned into this program, which
    is the memory of its parent.
    """
    try:
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * _KIB for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration, ValueError):
        return _in_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _in_bytes(resident: int) -> int:
    """A resident size of getrusage, which is in bytes on macOS and in KiB elsewhere."""
    return resident if sys.platform == "darwin" else resident * _KIB
