# SPDX-License-Identifier: Apache-2.0
"""torch-gru: a recurrent network of gated units (as torch.nn.GRU), in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof.catalog import workload
from serialprof_workloads.declared import RECURRENT_HATCH, SIGMOID_CHAIN, SIGMOID_OPS, TANH_CHAIN, TANH_OPS
from serialprof_workloads.torchkit.knobs import DEVICES, DTYPES, QUICK_WIDTHS, WIDTHS
from serialprof_workloads.torchkit.recurrent import RECURRENT_MODES, Cell, Declared, build, drawn, torch_reference

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.catalog import Stepper, Work
    from serialprof.setting import Setting

GATES: Final = 3
DECLARED: Final = Declared(
    gates=GATES,
    states=1,
    element_wise=6 + 7 + 2 * SIGMOID_OPS + TANH_OPS,  # biases; sums of gates, products, 1 - z
    chain=1 + SIGMOID_CHAIN + 2 + TANH_CHAIN + 2,
    # products 8; r and z 5 each; n: product 3, sum 3, tanh 2; h: n - z n and z h 3 each, 1 - z 2, sum 3; kept 2
    traffic={"eager": 39, "compile": 16, "fused": 3},
    written={"eager": 18, "compile": 7, "fused": 1},  # products 6; one of every operation behind them
    operations=15,
)


def update(w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, x: Tensor, h: Tensor) -> tuple[Tensor]:
    """One update, as torch.nn.GRU defines it: x, h [B, H] to h; gates in the order r, z, n."""
    from torch import sigmoid, tanh
    from torch.nn.functional import linear

    x_r, x_z, x_n = linear(x, w_ih, b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = linear(h, w_hh, b_hh).chunk(3, dim=-1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = tanh(x_n + r * h_n)
    return ((1 - z) * n + z * h,)


def reference(setting: Setting, weights: dict[str, Tensor], inputs: Tensor, steps: int) -> tuple[Any, ...]:
    """The states by torch.nn.GRU in double precision."""
    from torch.nn import GRU

    return torch_reference(GRU, setting, weights, inputs, steps)


CELL: Final = Cell("gru", GATES, 1, lambda setting: drawn(setting, GATES), update, reference)


def work(setting: Setting) -> Work:
    """Declared work of one update: see `Declared.work`."""
    return DECLARED.work(setting)


@workload(
    name="torch-gru",
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
def torch_gru(setting: Setting) -> Stepper:
    """Recurrent network in torch: one GRU cell update per step, state fed back."""
    return build(setting, CELL)
