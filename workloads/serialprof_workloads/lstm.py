# SPDX-License-Identifier: Apache-2.0
"""lstm: a recurrent network; one step updates the state of every lane of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof._native import Lstm, Team
from serialprof.catalog import Affine, Work, workload
from serialprof_workloads.declared import FLOAT, RECURRENT_HATCH, SIGMOID_OPS, TANH_CHAIN, TANH_OPS, dot_chain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serialprof.setting import Setting

RING: Final = 4  # different inputs that the kernel keeps


class LstmStepper:
    """The native kernel with its known answer, for one setting.

    Attributes:
        kernel: the native kernel.
        run, trace: its run(steps, ticks=None, delay_ticks=0).
    """

    def __init__(self, setting: Setting) -> None:
        self.wide: Final = setting.form == "wide"
        self.kernel: Final = Lstm(
            Team(setting.cpus), setting.integer("hidden"), setting.width, setting.seed, setting.depth, self.wide
        )
        self.run: Final = self.kernel.run
        self.trace: Final = self.kernel.run
        self.depth: Final = setting.depth

    def check(self) -> None:
        """Compares a short run with NumPy in double precision.

        Raises:
            AssertionError: h or c differs by more than 1e-4.
        """
        import numpy as np  # a worker is started often, and checks once

        steps = min(self.depth, 3)
        self.run(steps)
        weights, inputs, found = self.kernel.weights(), self.kernel.inputs(), self.kernel.state()
        zero = np.zeros(inputs.shape[1:])
        state = (zero, zero)
        for step in range(steps):
            state = update(weights, inputs[step % len(inputs)], *((zero, zero) if self.wide else state))
            if self.wide or step == steps - 1:
                for name, ours, reference in zip("hc", found, state, strict=True):
                    error = np.abs((ours[step] if self.wide else ours) - reference).max()
                    assert error <= 1e-4, f"lstm: {name} is off by {error} at step {step}"


def update(
    weights: dict[str, NDArray[np.float32]], x: NDArray[np.float32], h: NDArray[np.float64], c: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One update in double precision, as torch.nn.LSTM defines it: x, h, c [B, H] to h, c [B, H]."""
    import numpy as np

    gates = x @ weights["weight_ih"].T.astype(float) + h @ weights["weight_hh"].T.astype(float)
    gates += weights["bias_ih"].astype(float) + weights["bias_hh"].astype(float)
    i, f, g, o = np.split(gates, 4, axis=1)
    c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    return np.tanh(c) / (1 + np.exp(-o)), c


def work(setting: Setting) -> Work:
    """Declared work of one update at hidden size H; conventions in declared.py.

    FLOP: 16 H^2 for the two products with 4 H x H weights, and the element-wise part. Bytes per lane: x and h read,
    h written, c read and written; the gates stay in a first-level cache. Footprint per lane: the inputs, h twice, c.
    One step falls into W H hidden units. The longest chain goes through the candidate gate g and tanh(c).
    """
    hidden = setting.integer("hidden")
    weights = FLOAT * (8 * hidden * hidden + 4 * hidden)
    element_wise = 4 + 4 + 3 * SIGMOID_OPS + 2 * TANH_OPS  # biases, c and h, gates and tanh(c)
    return Work(
        serial_ops=dot_chain(2 * hidden) + 1 + TANH_CHAIN + 2 + TANH_CHAIN + 1,
        flops=Affine(0, 16 * hidden * hidden + element_wise * hidden),
        bytes=Affine(weights, 5 * hidden * FLOAT),
        footprint=Affine(weights, (RING + 3) * hidden * FLOAT),
        lanes=Affine(0, hidden),
        barriers=1,
        arithmetic="fp32",
    )


@workload(
    depth="time steps",
    width="batch",
    widths=(1, 4, 16, 64, 256),
    quick_widths=(1, 4, 16, 64),
    default_depth=32,
    parameters={"hidden": 256},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch=RECURRENT_HATCH,
)
def lstm(setting: Setting) -> LstmStepper:
    """Recurrent network: one LSTM cell update per step, state fed back."""
    return LstmStepper(setting)
