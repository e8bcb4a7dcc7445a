# SPDX-License-Identifier: Apache-2.0
"""rnn: the simplest recurrent network, h <- tanh(W_ih x + b_ih + W_hh h + b_hh), for every lane of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof._native import Rnn
from serialprof.catalog import workload
from serialprof_workloads.declared import RECURRENT_HATCH, TANH_CHAIN, TANH_OPS
from serialprof_workloads.recurrent import Declared, RecurrentStepper, products

if TYPE_CHECKING:
    from serialprof.setting import Setting
    from serialprof_workloads.recurrent import Floats

DECLARED: Final = Declared(
    gates=1,
    biases=1,
    states=1,
    element_wise=1 + TANH_OPS,
    chain=1 + TANH_CHAIN,
)


def update(weights: dict[str, Any], x: Floats, h: Floats) -> tuple[Floats]:
    """One update as torch.nn.RNN defines it: x, h [B, H] to h."""
    import numpy as np

    return (np.tanh(sum(products(weights, x, h))),)


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
def rnn(setting: Setting) -> RecurrentStepper:
    """Recurrent network: one tanh cell update per step, state fed back."""
    return RecurrentStepper(setting, Rnn, update)
