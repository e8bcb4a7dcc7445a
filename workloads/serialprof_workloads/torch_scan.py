# SPDX-License-Identifier: Apache-2.0
"""torch-scan: a linear recurrence, h <- a h + b in every channel, as state-space models have it.

Its wide form is its own way around the chain: the associative scan (Hillis and Steele, "Data parallel algorithms", CACM
29, 1986), which gives every state in ceil(log2 D) rounds over all steps.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from serialprof.catalog import Affine, Stepper, Work, workload
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
    from torch import Tensor

    from serialprof.setting import Setting

RING: Final = 4  # different coefficients; step t takes those of t % RING
CHECKED_STEPS: Final = 32


def drawn(setting: Setting) -> tuple[Tensor, Tensor]:
    """Decays a from 0.1 to 0.9 and inputs b from -1 to 1: [RING, lanes, channels] each."""
    generator, shape = seeded(setting), (RING, own_lanes(setting), setting.integer("channels"))
    return 0.5 + uniform(generator, 0.4, *shape), uniform(generator, 1.0, *shape)


def coefficients(setting: Setting) -> tuple[Tensor, Tensor]:
    """Those of every lane, on the device: [RING, W, channels] each."""
    a, b = (repeated(placed(values, setting), setting.width, dim=1) for values in drawn(setting))
    return a, b


def serial(setting: Setting) -> TorchStepper:
    """One multiplication and addition per channel and step."""
    import torch

    decays, inputs = coefficients(setting)
    h = torch.zeros_like(inputs[0])

    def step(a: Tensor, b: Tensor) -> None:
        h.mul_(a).add_(b)

    return TorchStepper(
        setting, step, h.zero_, partial(check, setting, lambda _: h), list(zip(decays, inputs, strict=True))
    )


def wide(setting: Setting) -> PassStepper:
    """The associative scan over all steps: [steps, W, channels]."""
    import torch

    ring = torch.arange(setting.depth) % RING
    decays, inputs = (values[ring.to(values.device)] for values in coefficients(setting))

    def whole(steps: int) -> Tensor:
        return scan(decays[:steps], inputs[:steps])

    return PassStepper(setting, whole, nothing, partial(check, setting, lambda stepper: stepper.result))


def scan(a: Tensor, b: Tensor) -> Tensor:
    """All states of h <- a h + b from zero on, by doubling: after each round b holds the sum over twice as many steps.

    (a1, b1) then (a2, b2) is (a1 a2, a2 b1 + b2).
    """
    import torch

    reach = 1
    while reach < len(a):
        b = torch.cat((b[:reach], torch.addcmul(b[reach:], a[reach:], b[:-reach])))
        a = torch.cat((a[:reach], a[reach:] * a[:-reach]))
        reach *= 2
    return b


def check(setting: Setting, states_of: Any, stepper: Any) -> None:
    """Compares a short run with the recurrence, step by step in double precision.

    Raises:
        AssertionError: a state is off by more than the tolerance of the element type.
    """
    import torch

    steps, tolerance, lanes = min(setting.depth, CHECKED_STEPS), TOLERANCE[setting.dtype], own_lanes(setting)
    stepper.run(steps)
    found = states_of(stepper)
    found = found if setting.form == "wide" else found[None]
    a, b = (values.double() for values in drawn(setting))
    h, wanted = torch.zeros_like(a[0]), []
    for step in range(steps):
        h = a[step % RING] * h + b[step % RING]
        wanted.append(h)
    require_close("scan: h", found[:, :lanes], torch.stack(wanted[-len(found) :]), 4 * tolerance)  # h is up to 10
    require_repeats("scan: h", found, lanes, tolerance, dim=1)


def work(setting: Setting) -> Work:
    """Declared work of one step: 2 FLOP per channel.

    Bytes: only what a step does not find where the one before left it, its coefficients a and b, which come round
    again after the whole ring. What one operation leaves for the next, h, may stay in a cache, so it counts in the
    footprint alone, with all of the ring.
    """
    channels, element = setting.integer("channels"), BYTES[setting.dtype]
    return Work(
        serial_ops=1,
        flops=Affine(0, 2 * channels),
        bytes=Affine(0, 2 * channels * element),
        footprint=Affine(0, (2 * RING + 1) * channels * element),
        lanes=Affine(0, channels),
        barriers=regions(setting, 2),
        written=Affine(),
        arithmetic="fp32",
    )


@workload(
    name="torch-scan",
    depth="time steps",
    width="batch",
    widths=WIDTHS,
    quick_widths=QUICK_WIDTHS,
    default_depth=64,
    parameters={"channels": 1024},
    forms=("serial", "wide"),
    modes=MODES,
    work=work,
    hatch="the associative scan: log2(steps) rounds; it is the wide form",
    requires=("torch",),
    devices=DEVICES,
    dtypes=DTYPES,
    open_ended=True,
)
def torch_scan(setting: Setting) -> Stepper:
    """Linear recurrence in torch: one multiplication and addition per channel and step."""
    return wide(setting) if setting.form == "wide" else serial(setting)
