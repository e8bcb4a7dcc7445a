# SPDX-License-Identifier: Apache-2.0
"""torch-mlp: a stack of layers whose output is fed back; one step is one pass through all of them.

Deep and narrow against shallow and wide at equal FLOP: 8 layers of 256 units (the default) and 4 layers of 362 take
524,288 and 524,176 multiply-adds per lane. Every layer is h <- relu(W h); what is fed back is scaled to an RMS of 1.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from serialprof.catalog import Affine, Stepper, Work, workload
from serialprof_workloads.declared import dot_chain
from serialprof_workloads.torchkit.knobs import (
    BYTES,
    DEVICES,
    DTYPES,
    MODES,
    QUICK_WIDTHS,
    TOLERANCE,
    WIDTHS,
    own_lanes,
    regions,
)
from serialprof_workloads.torchkit.stepper import PassStepper, TorchStepper, nothing
from serialprof_workloads.torchkit.tensors import placed, repeated, require_close, require_repeats, seeded, uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from serialprof.setting import Setting

CHECKED_STEPS: Final = 2
EPSILON: Final = 1e-6  # of the norm
NORM_OPS: Final = 4


def drawn(setting: Setting) -> tuple[list[Tensor], Tensor]:
    """A matrix [units, units] for each layer, of gain 1 under ReLU, and starts [lanes, units] of RMS near 1."""
    generator, units = seeded(setting), setting.integer("units")
    matrices = [uniform(generator, (6 / units) ** 0.5, units, units) for _ in range(setting.integer("layers"))]
    return matrices, uniform(generator, 3**0.5, own_lanes(setting), units)


def passed(matrices: Sequence[Tensor], x: Tensor) -> Tensor:
    """One pass: x [lanes, units] to the same, of RMS 1."""
    from torch.nn.functional import linear, rms_norm

    for matrix in matrices:
        x = linear(x, matrix).relu()
    return rms_norm(x, x.shape[-1:], eps=EPSILON)


def serial(setting: Setting) -> TorchStepper:
    """One pass per step, its output fed back."""
    matrices, start = drawn(setting)
    layers, start = [placed(matrix, setting) for matrix in matrices], repeated(placed(start, setting), setting.width)
    x = start.clone()

    def step() -> None:
        x.copy_(passed(layers, x))

    return TorchStepper(setting, step, lambda: x.copy_(start), partial(check, setting, lambda _: x[None]))


def wide(setting: Setting) -> PassStepper:
    """One pass of as many batches as steps."""
    matrices, start = drawn(setting)
    layers, lanes = [placed(matrix, setting) for matrix in matrices], setting.width
    x = repeated(placed(start, setting), lanes).repeat(setting.depth, 1)

    def whole(steps: int) -> Tensor:
        return passed(layers, x[: steps * lanes]).view(steps, lanes, -1)

    return PassStepper(setting, whole, nothing, partial(check, setting, lambda stepper: stepper.result))


def check(setting: Setting, states_of: Any, stepper: Any) -> None:
    """Compares a short run with double precision.

    Raises:
        AssertionError: an entry is off by more than four times the tolerance of the element type.
    """
    steps, lanes, tolerance = min(setting.depth, CHECKED_STEPS), own_lanes(setting), 4 * TOLERANCE[setting.dtype]
    stepper.run(steps)
    matrices, wanted = drawn(setting)
    exact, wanted = [placed(matrix, setting).cpu().double() for matrix in matrices], wanted.double()
    for _ in range(1 if setting.form == "wide" else steps):
        for matrix in exact:
            wanted = (wanted @ matrix.T).clamp(min=0)
        wanted = wanted / (wanted.square().mean(-1, keepdim=True) + EPSILON).sqrt()
    found = states_of(stepper)
    require_close("mlp: x", found[:, :lanes], wanted.expand(len(found), -1, -1), tolerance)
    require_repeats("mlp: x", found, lanes, tolerance, dim=1)


def work(setting: Setting) -> Work:
    """Declared work of one pass: 2 FLOP per weight and lane, ReLU and the norm.

    Bytes: the weights, once per step; per lane and layer the product's input and output, and those of the ReLU.
    """
    layers, units, element = setting.integer("layers"), setting.integer("units"), BYTES[setting.dtype]
    weights = element * layers * units * units
    rows = layers * 4 + 4
    return Work(
        serial_ops=layers * (dot_chain(units) + 1) + dot_chain(units) + 6,
        flops=Affine(0, layers * (2 * units * units + units) + NORM_OPS * units),
        bytes=Affine(weights, rows * units * element),
        footprint=Affine(weights, 4 * units * element),
        lanes=Affine(0, units),
        barriers=regions(setting, 2 * layers + 2),
        written=Affine(0, (2 * layers + 2) * units * element),
        arithmetic="fp32",
    )


@workload(
    name="torch-mlp",
    depth="passes",
    width="batch",
    widths=WIDTHS,
    quick_widths=QUICK_WIDTHS,
    default_depth=16,
    parameters={"layers": 8, "units": 256},
    forms=("serial", "wide"),
    modes=MODES,
    work=work,
    requires=("torch",),
    devices=DEVICES,
    dtypes=DTYPES,
    open_ended=True,
)
def torch_mlp(setting: Setting) -> Stepper:
    """Stack of layers in torch: one pass per step, its output fed back."""
    return wide(setting) if setting.form == "wide" else serial(setting)
