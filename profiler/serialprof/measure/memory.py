# SPDX-License-Identifier: Apache-2.0
"""Memory of host and device, inside a worker: what it may take, what does not fit, and which errors say so.

Importing this imports nothing that starts threads.
"""

from __future__ import annotations

import gc
import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from serialprof.measure.binding import use_device

if TYPE_CHECKING:
    from serialprof.catalog import Stepper, Workload
    from serialprof.setting import Setting

#: Share of the memory that is available at its start which a worker may take; beyond it, allocations fail.
_MEMORY_SHARE: Final = 0.9
#: Share of the free memory of the host, or of the memory of a device, that built steppers may keep between visits.
_KEPT_SHARE: Final = 0.1
#: What errors that are no MemoryError say where an allocation of torch, CUDA or cuBLAS failed, in lower case.
_SPENT: Final = ("out of memory", "can't allocate memory", "not enough memory", "cublas_status_alloc_failed")


class ExhaustedError(Exception):
    """A stepper that would not fit into the memory of its device, and was not built; the message is the reason."""


def limit_memory() -> None:
    """Has allocations beyond what the machine can give fail here, rather than the machine run out of memory."""
    if sys.platform != "linux":
        return
    import resource

    from serialprof.machine.quota import available_memory

    available = available_memory()
    if available is not None:
        # Private writable memory only: address space that is merely reserved (CUDA, JITs) does not count.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        least = int(_MEMORY_SHARE * available)
        resource.setrlimit(resource.RLIMIT_DATA, (least if most < 0 else min(least, most), most))


def exhaustion(error: BaseException) -> str:
    """Why an error means that memory did not suffice, in a few words; empty where it means something else.

    The end of a failed graph capture raises an error of its own, so those before it are looked at too.
    """
    for each in _chain(error):
        if isinstance(each, ExhaustedError):
            return str(each)
        if isinstance(each, MemoryError):
            return "out of memory"
        text = str(each).lower()
        if isinstance(each, RuntimeError) and any(words in text for words in _SPENT):
            return f"out of memory{' on the CUDA device' if 'cuda' in text or 'cublas' in text else ''}"
    return ""


def context_lost(error: BaseException) -> bool:
    """Whether an error left the process's CUDA context unusable, so that every later call would fail as well."""
    torch = sys.modules.get("torch")
    accelerator = getattr(torch, "AcceleratorError", None)
    return (accelerator is not None and isinstance(error, accelerator)) or (
        isinstance(error, RuntimeError) and "CUDA error" in str(error)
    )


def release() -> None:
    """Gives back what torch keeps of memory that nothing uses any more."""
    gc.collect()  # a stepper and its graph may refer to one another
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def keeps_too_much(device: str) -> bool:
    """Whether the steppers that this worker keeps take more memory than they may.

    Args:
        device: of the next stepper: on the host counts what is free, on a CUDA device what it has.
    """
    if device == "cpu":
        import psutil

        return bool(psutil.Process().memory_info().rss > _KEPT_SHARE * psutil.virtual_memory().available)
    import torch

    return bool(torch.cuda.memory_allocated() > _KEPT_SHARE * torch.cuda.mem_get_info()[1])


def lacking(device: str, footprint: float) -> str:
    """Why a footprint in bytes does not fit into the free memory of a CUDA device; empty where it does."""
    import torch

    from serialprof.units import format_bytes

    idle = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    free = torch.cuda.mem_get_info()[0] + idle
    if footprint <= free:
        return ""
    return f"out of memory: it would touch {format_bytes(footprint)}, {device} has {format_bytes(free)} free"


def make_room(steppers: OrderedDict[str, Stepper], workload: Workload, setting: Setting) -> None:
    """Forgets the steppers that a worker keeps, longest unused first, until the next one may be built.

    Raises:
        ExhaustedError: by what it declares, it does not fit into its CUDA device.
    """
    if setting.on_cuda:
        use_device(setting.device)
    while steppers and keeps_too_much(setting.device):
        steppers.popitem(last=False)
        release()
    work = workload.declared(setting) if setting.on_cuda else None
    if work is None:
        return
    footprint = work.footprint.at(setting.width)
    if steppers and lacking(setting.device, footprint):
        steppers.clear()
        release()
    if lack := lacking(setting.device, footprint):
        raise ExhaustedError(lack)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
