# SPDX-License-Identifier: Apache-2.0
"""Tensors of a setting: drawn from its seed, on its device, of its element type; and how they are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from serialprof.setting import Setting


def element_type(setting: Setting) -> Any:
    """The torch.dtype of a setting."""
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[setting.dtype]


def device_of(setting: Setting) -> Any:
    """The torch.device of a setting; a CUDA device becomes the current one, on which streams and kernels start."""
    import torch

    device = torch.device(setting.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def seeded(setting: Setting) -> Generator:
    """A generator on the CPU: every device and element type gets the same numbers."""
    import torch

    return torch.Generator().manual_seed(setting.seed)


def uniform(generator: Generator, bound: float, *shape: int) -> Tensor:
    """Single-precision numbers from -bound to bound, on the CPU."""
    import torch

    return torch.empty(shape).uniform_(-bound, bound, generator=generator)


def placed(values: Any, setting: Setting) -> Tensor:
    """Values (of a tensor or NumPy) in memory of their own, on the device and in the element type of a setting."""
    import torch

    return torch.as_tensor(values).to(device_of(setting), element_type(setting), copy=True).contiguous()


def repeated(lanes: Tensor, width: int, dim: int = 0) -> Tensor:
    """As many lanes as the batch has: those with data of their own, over and over."""
    import torch

    return lanes.index_select(dim, torch.arange(width, device=lanes.device) % lanes.shape[dim])


def require_close(what: str, found: Tensor, wanted: Any, tolerance: float) -> None:
    """Compares two arrays of one shape, entry by entry.

    Raises:
        AssertionError: an entry is off by more than the tolerance, or is no number.
    """
    import torch

    reference = torch.as_tensor(wanted).double().cpu()
    assert found.shape == reference.shape, f"{what}: shape {tuple(found.shape)}, not {tuple(reference.shape)}"
    error = (found.double().cpu() - reference).abs().max().item()
    assert error <= tolerance, f"{what} is off by {error:.3g}, more than {tolerance:.3g}"


def require_repeats(what: str, found: Tensor, lanes: int, tolerance: float, dim: int = 0) -> None:
    """Whether lanes that repeat others' data have their results: within rounding, for libraries round by position.

    Raises:
        AssertionError: one is off by more than the tolerance.
    """
    first = found.narrow(dim, 0, lanes)
    require_close(f"{what}, in a lane that repeats another,", found, repeated(first, found.shape[dim], dim), tolerance)
