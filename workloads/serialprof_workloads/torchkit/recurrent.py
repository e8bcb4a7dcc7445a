# SPDX-License-Identifier: Apache-2.0
"""Recurrent networks of one layer: the loop that torch-rnn, torch-gru and torch-lstm share.

A step reads input t % RING and updates every lane's state: h, and for an LSTM also c. Wide form: as many independent
updates from the zero state, all as lanes of one update.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from serialprof.catalog import Affine, Stepper, Work
from serialprof_workloads.declared import dot_chain
from serialprof_workloads.torchkit.knobs import BYTES, MODES, TOLERANCE, own_lanes, regions
from serialprof_workloads.torchkit.stepper import PassStepper, TorchStepper, nothing
from serialprof_workloads.torchkit.tensors import placed, repeated, require_close, require_repeats, seeded, uniform

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.setting import Setting

RING: Final = 4  # different inputs, as the native lstm
CHECKED_STEPS: Final = 6  # more than the ring
RECURRENT_MODES: Final = (*MODES, "fused")

#: Weights by torch's names, weight_ih and weight_hh [gates H, H], bias_ih and bias_hh [gates H], and the inputs
#: [RING, lanes, H].
Drawn: TypeAlias = "tuple[dict[str, Tensor], Tensor]"
#: h, and for an LSTM also c: [lanes, H] each.
State: TypeAlias = "tuple[Tensor, ...]"


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of recurrent cell.

    Attributes:
        name: "rnn", "gru" or "lstm".
        gates: blocks of H rows in its weights.
        states: 2 for h and c, 1 for h alone.
        draw: weights and inputs of the lanes with data of their own, in single precision on the CPU.
        update: weights, x, state to the new state, written as a user of torch would.
        reference: (setting, weights, inputs, steps) to the states after every step [steps, lanes, H], serial form, or
            of every independent update, wide form.
    """

    name: str
    gates: int
    states: int
    draw: Callable[[Setting], Drawn]
    update: Callable[..., State]
    reference: Callable[[Setting, dict[str, Tensor], Tensor, int], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Network:
    """A cell at a setting.

    Attributes:
        weights: on the device, in the setting's element type; order weight_ih, weight_hh, bias_ih, bias_hh.
        inputs: serial form [RING, W, H]; wide form [1, depth W, H], those of step t in rows t W to (t + 1) W.
        state: [W, H] or [depth W, H] each.
    """

    setting: Setting
    cell: Cell
    weights: dict[str, Tensor]
    inputs: Tensor
    state: State


def build(setting: Setting, cell: Cell) -> Stepper:
    """The stepper of a cell at a setting."""
    network = network_at(setting, cell)
    if setting.mode == "fused":
        return fused(network)
    return wide(network) if setting.form == "wide" else serial(network)


def network_at(setting: Setting, cell: Cell) -> Network:
    """Draws a network and places it on the device of a setting."""
    import torch

    weights, drawn = cell.draw(setting)
    inputs = repeated(placed(drawn, setting), setting.width, dim=1)
    if setting.form == "wide":
        inputs = inputs[torch.arange(setting.depth) % RING].reshape(1, setting.depth * setting.width, -1)
    state = tuple(torch.zeros_like(inputs[0]) for _ in range(cell.states))
    return Network(setting, cell, {name: placed(values, setting) for name, values in weights.items()}, inputs, state)


def serial(network: Network) -> TorchStepper:
    """One update per step, the state fed back."""
    weights, state, update = tuple(network.weights.values()), network.state, network.cell.update

    def step(x: Tensor) -> None:
        for kept, new in zip(state, update(*weights, x, *state), strict=True):
            kept.copy_(new)

    feeds = [(x.contiguous(),) for x in network.inputs]
    return TorchStepper(network.setting, step, partial(clear, state), partial(check, network, lambda _: state), feeds)


def wide(network: Network) -> PassStepper:
    """As many independent updates as steps, in one."""
    weights, state, update = tuple(network.weights.values()), network.state, network.cell.update
    inputs, lanes = network.inputs[0], network.setting.width

    def whole(steps: int) -> State:
        rows = steps * lanes
        return update(*weights, inputs[:rows], *(zeros[:rows] for zeros in state))

    return PassStepper(network.setting, whole, nothing, partial(check, network, lambda stepper: stepper.result))


def fused(network: Network) -> PassStepper:
    """All steps of a run inside one kernel; in the wide form its one step has all of them as lanes.

    Raises:
        ValueError: Triton is not installed.
    """
    try:
        from serialprof_workloads.torchkit.fused_cells import FusedCell
    except ModuleNotFoundError as error:
        raise ValueError(f"mode fused needs {error.name}, which is not installed") from None
    kernel = FusedCell(network.cell.name, network.weights, network.inputs)
    width, is_wide = network.setting.width, network.setting.form == "wide"

    def whole(steps: int) -> State:
        lanes = steps * width if is_wide else width
        return kernel(lanes, 1 if is_wide else steps)

    return PassStepper(network.setting, whole, kernel.clear, partial(check, network, lambda stepper: stepper.result))


def clear(state: State) -> None:
    """The state before step 0."""
    for values in state:
        values.zero_()


def check(network: Network, state_of: Callable[[Any], State], stepper: Any) -> None:
    """Compares a short run with the cell's reference in the lanes with data of their own, and the others with these.

    Raises:
        AssertionError: a state is off by more than the tolerance of the element type.
    """
    setting, cell = network.setting, network.cell
    steps, lanes, tolerance = min(setting.depth, CHECKED_STEPS), own_lanes(setting), TOLERANCE[setting.dtype]
    stepper.run(steps)
    weights, inputs = cell.draw(setting)
    wanted = cell.reference(setting, weights, inputs, steps)
    for name, found, reference in zip("hc", state_of(stepper), wanted, strict=False):
        rows = found.reshape(-1, setting.width, found.shape[-1])  # one step, the last; wide: all
        require_close(f"{cell.name}: {name}", rows[:, :lanes], reference[-len(rows) :], tolerance)
        require_repeats(f"{cell.name}: {name}", rows, lanes, tolerance, dim=1)


def drawn(setting: Setting, gates: int) -> Drawn:
    """Weights as torch.nn draws them, from -1 / sqrt(H) to 1 / sqrt(H), and inputs from -1 to 1."""
    hidden, generator = setting.integer("hidden"), seeded(setting)
    bound = hidden**-0.5
    shapes = {"weight_ih": (gates * hidden, hidden), "weight_hh": (gates * hidden, hidden)}
    shapes |= {"bias_ih": (gates * hidden,), "bias_hh": (gates * hidden,)}  # type: ignore[dict-item]
    weights = {name: uniform(generator, bound, *shape) for name, shape in shapes.items()}
    return weights, uniform(generator, 1.0, RING, own_lanes(setting), hidden)


def torch_reference(
    layer: Any, setting: Setting, weights: dict[str, Tensor], inputs: Tensor, steps: int
) -> tuple[Tensor]:
    """States by a layer of torch.nn in double precision, given as its class: [steps, lanes, H]."""
    import torch

    hidden, lanes = inputs.shape[2], inputs.shape[1]
    module = layer(hidden, hidden).double()
    module.load_state_dict({f"{name}_l0": values.double() for name, values in weights.items()})
    sequence = inputs[torch.arange(steps) % RING].double()
    with torch.inference_mode():
        if setting.form == "wide":
            return (module(sequence.reshape(1, steps * lanes, hidden))[0].reshape(steps, lanes, hidden),)
        return (module(sequence)[0],)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a cell's declared work differs in from another's.

    Attributes:
        gates, states: as `Cell`.
        element_wise: operations on each hidden unit beside the products.
        chain: operations on the longest path beside the product.
        traffic: rows of H elements that each lane's operations read and write, by mode.
        written: how many of these are written.
        operations: torch operations of a step.
    """

    gates: int
    states: int
    element_wise: int
    chain: int
    traffic: dict[str, int]
    written: dict[str, int]
    operations: int

    def work(self, setting: Setting) -> Work:
        """Declared work of one update at hidden size H; conventions in declared.py.

        FLOP: 4 H^2 for each gate's two products, and the element-wise part. Bytes: the weights, once per step; per lane
        what every operation reads and writes where each is a kernel of its own (eager, graph), where the element-wise
        part is one (compile), and where everything is (fused: x and h read, h written, c read and written). Footprint
        per lane: the inputs, the states, and the gates of both products.
        """
        hidden, element = setting.integer("hidden"), BYTES[setting.dtype]
        weights = element * (2 * self.gates * hidden * hidden + 2 * self.gates * hidden)
        lane = hidden * element
        return Work(
            serial_ops=dot_chain(2 * hidden) + self.chain,
            flops=Affine(0, 4 * self.gates * hidden * hidden + self.element_wise * hidden),
            bytes=Affine(weights, self.traffic.get(setting.mode, self.traffic["eager"]) * lane),
            footprint=Affine(weights, (RING + self.states + 2 * self.gates) * lane),
            lanes=Affine(0, hidden),
            barriers=regions(setting, self.operations),
            written=Affine(0, self.written.get(setting.mode, self.written["eager"]) * lane),
        )
