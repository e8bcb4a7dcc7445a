# SPDX-License-Identifier: Apache-2.0
"""lstm: a recurrent network; one step updates the state of every lane of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof._native import Lstm
from serialprof.catalog import workload
from serialprof_workloads.declared import RECURRENT_HATCH, SIGMOID_OPS, TANH_CHAIN, TANH_OPS
from serialprof_workloads.recurrent import Declared, RecurrentStepper, products, sigmoid

if TYPE_CHECKING:
    from serialprof.setting import Setting
    from serialprof_workloads.recurrent import Floats

DECLARED: Final = Declared(
    gates=4,
    biases=4,
    states=2,
    element_wise=4 + 4 + 3 * SIGMOID_OPS + 2 * TANH_OPS,  # biases, c and h, gates and tanh(c)
    chain=1 + TANH_CHAIN + 2 + TANH_CHAIN + 1,  # through the candidate gate g, and tanh(c)
)


def update(weights: dict[str, Any], x: Floats, h: Floats, c: Floats) -> tuple[Floats, Floats]:
    """One update as torch.nn.LSTM defines it: x, h, c [B, H] to h, c; gates in the order i, f, g, o."""
    import numpy as np

    i, f, g, o = np.split(sum(products(weights, x, h)), 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


@workload(
    depth="time steps",
    width="batch",
    widths=(1, 4, 16, 64, 256),
    quick_widths=(1, 4, 16, 64),
    default_depth=32,
    parameters={"hidden": 256, "ahead": 1},
    forms=("serial", "wide"),
    modes=("native",),
    work=DECLARED.work,
    hatch=RECURRENT_HATCH,
)
def lstm(setting: Setting) -> RecurrentStepper:
    """Recurrent network: one LSTM cell update per step, state fed back."""
    return RecurrentStepper(setting, Lstm, update)
