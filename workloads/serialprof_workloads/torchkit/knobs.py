# SPDX-License-Identifier: Apache-2.0
"""Knobs that the torch workloads share, and the sizes that their declared work needs; no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from serialprof.setting import Setting

#: Batch sizes of a sweep that ends by itself, and of a quick one.
WIDTHS: Final = tuple(2**power for power in range(15))
QUICK_WIDTHS: Final = (1, 8, 64, 512)
DEVICES: Final = ("cpu", "cuda")
DTYPES: Final = ("fp32", "bf16", "fp16")
#: Modes of a workload whose step is a torch function.
MODES: Final = ("eager", "compile", "graph")

#: Bytes of one element.
BYTES: Final = {"fp32": 4, "bf16": 2, "fp16": 2}
#: Largest absolute error of values near 1 after a few steps: some hundred units in the last place.
TOLERANCE: Final = {"fp32": 1e-4, "bf16": 6e-2, "fp16": 8e-3}

#: Lanes with data of their own; further lanes repeat them, so that what a check costs does not grow with the batch.
LANES: Final = 16


def own_lanes(setting: Setting) -> int:
    """Lanes that have data of their own."""
    return min(setting.width, LANES)


def regions(setting: Setting, operations: int) -> int:
    """Barriers of one step: each operation is a parallel region of its own, and one thread needs none."""
    return operations * int(setting.threads > 1)
