# SPDX-License-Identifier: Apache-2.0
"""gru: a recurrent network of gated units; one step updates the state of every lane of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof._native import Gru
from serialprof.catalog import workload
from serialprof_workloads.declared import RECURRENT_HATCH, SIGMOID_CHAIN, SIGMOID_OPS, TANH_CHAIN, TANH_OPS
from serialprof_workloads.recurrent import Declared, RecurrentStepper, products, sigmoid

if TYPE_CHECKING:
    from serialprof.setting import Setting
    from serialprof_workloads.recurrent import Floats

DECLARED: Final = Declared(
    gates=3,
    biases=4,
    states=1,
    # biases 4; sums of r and z 2; r times its product and the sum 2; h - n, z times it, the sum 3
    element_wise=4 + 2 + 2 + 3 + 2 * SIGMOID_OPS + TANH_OPS,
    # through r: two sums and the gate, its product and sum, n, then h - n, z times it, the sum
    chain=2 + SIGMOID_CHAIN + 2 + TANH_CHAIN + 3,
    apart=True,
)


def update(weights: dict[str, Any], x: Floats, h: Floats) -> tuple[Floats]:
    """One update as torch.nn.GRU defines it: x, h [B, H] to h; gates in the order r, z, n."""
    import numpy as np

    (x_r, x_z, x_n), (h_r, h_z, h_n) = (np.split(part, 3, axis=1) for part in products(weights, x, h))
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = np.tanh(x_n + r * h_n)
    return ((1 - z) * n + z * h,)


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
def gru(setting: Setting) -> RecurrentStepper:
    """Recurrent network: one GRU cell update per step, state fed back."""
    return RecurrentStepper(setting, Gru, update)
