# SPDX-License-Identifier: Apache-2.0
"""torch-lstm: the native `lstm` in torch: the same weights and inputs, and states equal to its states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof._native import Lstm, Team
from serialprof.catalog import workload
from serialprof_workloads.declared import RECURRENT_HATCH, SIGMOID_OPS, TANH_CHAIN, TANH_OPS
from serialprof_workloads.torchkit.knobs import DEVICES, DTYPES, QUICK_WIDTHS, WIDTHS, own_lanes
from serialprof_workloads.torchkit.recurrent import RECURRENT_MODES, Cell, Declared, Drawn, build

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.catalog import Stepper, Work
    from serialprof.setting import Setting

GATES: Final = 4
STATES: Final = 2
DECLARED: Final = Declared(
    gates=GATES,
    states=STATES,
    element_wise=8 + 4 + 4 + 3 * SIGMOID_OPS + 2 * TANH_OPS,  # biases; sums; c and h; gates and tanh(c)
    chain=1 + TANH_CHAIN + 2 + TANH_CHAIN + 1,  # through the candidate gate g, and tanh(c)
    # products 10; sum 12; gates 2 each; c: two products and a sum, 3 each; tanh(c) 2; h 3; kept 4
    traffic={"eager": 48, "compile": 22, "fused": 5},
    written={"eager": 23, "compile": 11, "fused": 2},  # products 8, sum 4, gates 4, c 3, tanh(c), h, kept 2
    operations=14,
)


def update(
    w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, x: Tensor, h: Tensor, c: Tensor
) -> tuple[Tensor, Tensor]:
    """One update, as torch.nn.LSTM defines it: x, h, c [B, H] to h, c; gates in the order i, f, g, o."""
    from torch import sigmoid, tanh
    from torch.nn.functional import linear

    i, f, g, o = (linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)).chunk(4, dim=-1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def native(setting: Setting, depth: int) -> Lstm:
    """The native kernel for the lanes with data of their own."""
    return Lstm(
        Team(setting.cpus[:1]),
        setting.integer("hidden"),
        own_lanes(setting),
        setting.seed,
        depth,
        setting.form == "wide",
    )


def draw(setting: Setting) -> Drawn:
    """Weights and inputs of the native kernel."""
    import torch

    kernel = native(setting, 1)
    weights = {name: torch.from_numpy(values) for name, values in kernel.weights().items()}
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {name: weights[name] for name in names}, torch.from_numpy(kernel.inputs())


def reference(setting: Setting, weights: dict[str, Tensor], inputs: Tensor, steps: int) -> tuple[Any, ...]:  # noqa: ARG001
    """The states of the native kernel: of the last step in the serial form, of every update in the wide one."""
    kernel = native(setting, steps)
    kernel.run(steps)
    return tuple(values.reshape(-1, *inputs.shape[1:]) for values in kernel.state())


CELL: Final = Cell("lstm", GATES, STATES, draw, update, reference)


def work(setting: Setting) -> Work:
    """Declared work of one update: see `Declared.work`."""
    return DECLARED.work(setting)


@workload(
    name="torch-lstm",
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
def torch_lstm(setting: Setting) -> Stepper:
    """Recurrent network in torch: one LSTM cell update per step, state fed back."""
    return build(setting, CELL)
