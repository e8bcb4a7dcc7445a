# SPDX-License-Identifier: Apache-2.0
"""torch-rnn: the simplest recurrent network, h <- tanh(W_ih x + b_ih + W_hh h + b_hh), in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof.catalog import workload
from serialprof_workloads.declared import RECURRENT_HATCH, TANH_CHAIN, TANH_OPS
from serialprof_workloads.torchkit.knobs import DEVICES, DTYPES, QUICK_WIDTHS, WIDTHS
from serialprof_workloads.torchkit.recurrent import RECURRENT_MODES, Cell, Declared, build, drawn, torch_reference

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.catalog import Stepper, Work
    from serialprof.setting import Setting

GATES: Final = 1
DECLARED: Final = Declared(
    gates=GATES,
    states=1,
    element_wise=3 + TANH_OPS,  # biases and the sum
    chain=1 + TANH_CHAIN,
    traffic={"eager": 11, "compile": 7, "fused": 3},  # products 4, sum 3, tanh 2, kept 2
    written={"eager": 5, "compile": 3, "fused": 1},  # products 2; one of each of the others
    operations=5,
)


def update(w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, x: Tensor, h: Tensor) -> tuple[Tensor]:
    """One update, as torch.nn.RNN defines it: x, h [B, H] to h."""
    from torch import tanh
    from torch.nn.functional import linear

    return (tanh(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)),)


def reference(setting: Setting, weights: dict[str, Tensor], inputs: Tensor, steps: int) -> tuple[Any, ...]:
    """The states by torch.nn.RNN in double precision."""
    from torch.nn import RNN

    return torch_reference(RNN, setting, weights, inputs, steps)


CELL: Final = Cell("rnn", GATES, 1, lambda setting: drawn(setting, GATES), update, reference)


def work(setting: Setting) -> Work:
    """Declared work of one update: see `Declared.work`."""
    return DECLARED.work(setting)


@workload(
    name="torch-rnn",
    depth="time steps",
    width="batch",
    widths=WIDTHS,
    quick_widths=QUICK_WIDTHS,
    default_depth=32,
    parameters={"hidden": 256},
    forms=("serial", "wide"),
    modes=RECURRENT_MODES,
    work=work,
    hatch=RECURRENT_HATCH,
    requires=("torch",),
    devices=DEVICES,
    dtypes=DTYPES,
    open_ended=True,
)
def torch_rnn(setting: Setting) -> Stepper:
    """Recurrent network in torch: one tanh cell update per step, state fed back."""
    return build(setting, CELL)
