# SPDX-License-Identifier: Apache-2.0
"""One setting of the knobs: what a workload is built with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Form: TypeAlias = Literal["serial", "wide"]
ParameterValue: TypeAlias = int | float | str

FORMS: Final[tuple[Form, ...]] = ("serial", "wide")
DTYPES: Final = ("fp32", "bf16", "fp16")
CPU: Final = "cpu"
CUDA_MODES: Final = frozenset({"graph", "fused"})
"""Modes that a CUDA device alone has: replay of a captured graph, and one kernel that holds many steps."""
PROCESS_MODE: Final = "process"
"""The mode of whole programs: every run(D) is a process of its own."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The knobs of one point.

    Attributes:
        width: independent lanes per step (W): batch, cells, bodies.
        depth: dependent steps in one `run(depth)` (D); the state resets at its start.
        threads: threads that share one step.
        cpus: the CPUs they are pinned to, rank 0 first.
        device: "cpu" or "cuda:N".
        mode: how steps are executed: "native", "eager", "compile", "graph", "fused", "process".
        form: "serial", or "wide" for the twin of the same total work and depth 1.
        clock: requested core clock in hertz, None where clocks are left alone.
        dtype: element type of the arithmetic where a workload offers a choice.
        seed: seed of whatever the workload draws.
        parameters: the workload's own knobs (hidden size, layers), defaults filled in.
    """

    width: int = 1
    depth: int = 1
    threads: int = 1
    cpus: tuple[int, ...] = (0,)
    device: str = "cpu"
    mode: str = "native"
    form: Form = "serial"
    clock: float | None = None
    dtype: str = "fp32"
    seed: int = 0
    parameters: dict[str, ParameterValue] = field(default_factory=dict)

    @property
    def on_cuda(self) -> bool:
        """Whether steps run on a CUDA device, asynchronously to the thread that drives them."""
        return on_cuda(self.device)

    def integer(self, name: str, least: int = 1) -> int:
        """A parameter as a whole number, at least `least`.

        Raises:
            ValueError: it is not one; the message names it.
        """
        value = self.parameters[name]
        if isinstance(value, str) or value != value // 1 or value < least:
            raise ValueError(f"{name} = {value!r} is no whole number from {least} on")
        return int(value)

    def number(self, name: str) -> float:
        """A parameter as a number.

        Raises:
            ValueError: it is none; the message names it.
        """
        value = self.parameters[name]
        if isinstance(value, str):
            raise ValueError(f"{name} = {value!r} is no number")
        return float(value)


def on_cuda(device: str) -> bool:
    """Whether a device's name is that of a CUDA device."""
    return device.partition(":")[0] == "cuda"
