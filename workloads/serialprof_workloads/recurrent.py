# SPDX-License-Identifier: Apache-2.0
"""What the native recurrent networks `rnn`, `gru` and `lstm` share: the stepper with its check, and declared work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from serialprof._native import Team
from serialprof.catalog import Affine, Work
from serialprof_workloads.declared import FLOAT, dot_chain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serialprof._native import Gru, Lstm, Rnn
    from serialprof.setting import Setting

    Floats: TypeAlias = NDArray[np.float64]
    #: update(weights, x, *states) to the new states, in double precision; x and states [B, H].
    Update: TypeAlias = Callable[..., Sequence[Floats]]

RING: Final = 4  # different inputs that the kernels keep
TOLERANCE: Final = 1e-4  # of a state of size 1: what single precision loses over a few updates is far below


class RecurrentStepper:
    """A native kernel with its known answer, for one setting.

    Attributes:
        kernel: the native kernel.
        run, trace: its run(steps, ticks=None, delay_ticks=0).
    """

    def __init__(self, setting: Setting, kernel: type[Lstm | Gru | Rnn], update: Update) -> None:
        self.wide: Final = setting.form == "wide"
        self.kernel: Final = kernel(
            Team(setting.cpus),
            setting.integer("hidden"),
            setting.width,
            setting.seed,
            setting.depth,
            self.wide,
            setting.integer("ahead"),
        )
        self.run: Final = self.kernel.run
        self.trace: Final = self.kernel.run
        self.depth: Final = setting.depth
        self._update: Final = update

    def check(self) -> None:
        """Compares a short run with NumPy in double precision.

        Raises:
            AssertionError: a state differs by more than the tolerance.
        """
        import numpy as np  # a worker is started often, and checks once

        steps = min(self.depth, 3)
        self.run(steps)
        inputs, found = self.kernel.inputs().astype(float), self.kernel.state()
        weights = {name: values.astype(float) for name, values in self.kernel.weights().items()}
        zeros = [np.zeros(inputs.shape[1:])] * len(found)
        states: Sequence[Floats] = zeros
        for step in range(steps):
            states = self._update(weights, inputs[step % len(inputs)], *(zeros if self.wide else states))
            if not self.wide and step < steps - 1:
                continue
            for name, ours, reference in zip("hc", found, states, strict=False):
                error = np.abs((ours[step] if self.wide else ours) - reference).max()
                assert error <= TOLERANCE, f"{name} is off by {error} at step {step}"


def products(weights: dict[str, Any], x: Floats, h: Floats) -> tuple[Floats, Floats]:
    """Products of input and of state with their weights, biases added: [B, gates H] each."""
    return x @ weights["weight_ih"].T + weights["bias_ih"], h @ weights["weight_hh"].T + weights["bias_hh"]


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x)."""
    import numpy as np

    return 1 / (1 + np.exp(-x))


@dataclass(frozen=True, slots=True)
class Declared:
    """What work is declared of; conventions in declared.py.

    Attributes:
        gates: whose weights are H x H, twice.
        biases: rows of H biases that the cell reads: those of a sum are added beforehand.
        states: h, and c where there is one.
        element_wise: operations of a hidden unit beside the products.
        chain: dependent operations after the products.
        apart: whether the products with input and state are summed apart, so that the chain goes through one of them.
    """

    gates: int
    biases: int
    states: int
    element_wise: int
    chain: int
    apart: bool = False

    def work(self, setting: Setting) -> Work:
        """Declared work of one update at hidden size H, at the mean over a run.

        FLOP: 4 H^2 per gate for its two products, and the element-wise part. Bytes: W_hh in every step, W_ih in each
        that begins a block of `ahead`; per lane x and each state read, each state written; the gates stay in a
        first-level cache, but those projected ahead are written and read. Footprint per lane: a row of x per input of
        the ring, two of h, the other states, and what is projected ahead. The chain is that of the products with h, and
        where the cell does not take them apart the sum with those of x. One step falls into W H hidden units.
        """
        hidden = setting.integer("hidden")
        block = 1 if setting.form == "wide" else min(setting.integer("ahead"), setting.depth)  # a run is the longest
        blocks = -(-setting.depth // block) / setting.depth  # per step
        matrix, biases = FLOAT * self.gates * hidden * hidden, FLOAT * self.biases * hidden
        projected = FLOAT * self.gates * hidden if block > 1 else 0  # of a lane and step
        rows = RING + 2 + self.states - 1
        return Work(
            serial_ops=dot_chain(hidden) + (not self.apart) + self.chain,
            flops=Affine(0, 4 * self.gates * hidden * hidden + self.element_wise * hidden),
            bytes=Affine(matrix * (1 + blocks) + biases, (1 + 2 * self.states) * hidden * FLOAT + 2 * projected),
            footprint=Affine(2 * matrix + biases, rows * hidden * FLOAT + block * projected),
            lanes=Affine(0, hidden),
            barriers=1,
            written=Affine(0, self.states * hidden * FLOAT + projected),
            arithmetic="fp32",
        )
