# SPDX-License-Identifier: Apache-2.0
"""What a device is, as torch tells it: nothing here is measured."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from serialprof.devicelimits import DeviceLimits
from serialprof.errors import CannotMeasureError
from serialprof.setting import CPU, DTYPES, on_cuda

if TYPE_CHECKING:
    import torch

NO_TORCH: Final = "torch is not installed"
NO_CUDA: Final = "torch sees no CUDA device"
#: Sides of the product by which an element type is tried.
_TRIED: Final = 8


def see_device(device: str) -> tuple[DeviceLimits, tuple[str, ...]]:
    """What a device is, nothing of it measured, and the element types that it computes in.

    Args:
        device: "cpu", "cuda" or "cuda:N".

    Raises:
        CannotMeasureError: torch is not there, sees no CUDA device, or none of that number.
    """
    _import_torch()
    if not on_cuda(device):
        return _see_cpu(), _dtypes(CPU)
    index = _index(device)
    return _see_cuda(index), _dtypes(f"cuda:{index}")


def matrix(side: int, dtype: str, device: str) -> torch.Tensor:
    """A square matrix of random numbers: constant ones take less power to multiply, and clocks stay higher."""
    import torch

    draw = torch.Generator(device).manual_seed(0)
    return torch.randn(side, side, dtype=torch_dtype(dtype), device=device, generator=draw)


def torch_dtype(name: str) -> torch.dtype:
    """The type of torch that is an element type, such as "bf16"."""
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[name]


def _see_cpu() -> DeviceLimits:
    import torch

    from serialprof.machine.reading import read_machine

    machine = read_machine()
    return DeviceLimits(
        device=CPU,
        threads=torch.get_num_threads(),
        name=machine.processor,
        memory=machine.memory,
        cache=machine.cache_bytes(3) or machine.cache_bytes(2),
        multiprocessors=os.cpu_count(),
        framework=f"torch {torch.__version__}",
    )


def _see_cuda(index: int) -> DeviceLimits:
    import torch

    properties = torch.cuda.get_device_properties(index)
    return DeviceLimits(
        device=f"cuda:{index}",
        threads=1,
        name=properties.name,
        memory=properties.total_memory,
        cache=properties.L2_cache_size,
        multiprocessors=properties.multi_processor_count,
        framework=f"torch {torch.__version__}",
    )


def _dtypes(device: str) -> tuple[str, ...]:
    """The element types in which a device multiplies matrices by itself."""
    import torch

    found = []
    for name in DTYPES:
        if name == "bf16" and on_cuda(device) and not torch.cuda.is_bf16_supported(including_emulation=False):
            continue
        try:
            factor = matrix(_TRIED, name, device)
            factor.matmul(factor).sum().item()
        except RuntimeError:
            continue
        found.append(name)
    return tuple(found)


def _index(device: str) -> int:
    """The number of a CUDA device that torch sees."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        raise CannotMeasureError(NO_CUDA, "leave --device out to measure the CPU, or see what nvidia-smi says")
    number = device.partition(":")[2] or "0"
    if not number.isdecimal() or int(number) >= count:
        known = ", ".join(f"cuda:{index}" for index in range(count))
        raise CannotMeasureError(f"torch sees no CUDA device {device!r}", f"choose from {known}")
    return int(number)


def _import_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise CannotMeasureError(NO_TORCH, "pip install serialprof[torch]") from error
