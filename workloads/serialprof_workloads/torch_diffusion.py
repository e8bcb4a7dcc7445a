# SPDX-License-Identifier: Apache-2.0
"""torch-diffusion: sampling from a Gaussian by its exact score; one step is one call of the denoiser.

Data are N(mu, diag s^2). At noise level sigma the best denoiser is D(x) = mu + s^2 / (s^2 + sigma^2) (x - mu), and a
step of the probability flow is Euler's, x <- x + (sigma' - sigma) (x - D(x)) / sigma (Karras et al., "Elucidating the
design space of diffusion-based generative models", NeurIPS 2022, algorithm 1 without its second order).
Each step shrinks x - mu by a factor that is known, so the whole run has a closed form.

The levels fall geometrically from 80 to 0.02. The step's number is a tensor on the device: one captured step serves for
all. Wide form: every level denoises a state of its own.
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
    WIDTHS,
    own_lanes,
    regions,
)
from serialprof_workloads.torchkit.stepper import PassStepper, TorchStepper, nothing
from serialprof_workloads.torchkit.tensors import placed, repeated, require_close, require_repeats, seeded, uniform

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.setting import Setting

LARGEST: Final = 80.0
SMALLEST: Final = 0.02
#: Largest error of an entry, relative to LARGEST: the states are that large at first, and their rounding stays.
RELATIVE: Final = {"fp32": 1e-6, "bf16": 1e-2, "fp16": 1e-3}
FLOPS: Final = 9  # per entry: s^2 + sigma^2, quotient, x - mu, product, + mu; x - D, / sigma, product, sum


def levels(depth: int) -> Tensor:
    """Noise levels before the first step and after every one: [depth + 1]."""
    import torch

    return torch.logspace(0, 1, depth + 1, base=SMALLEST / LARGEST, dtype=torch.float64) * LARGEST


def drawn(setting: Setting) -> tuple[Tensor, Tensor, Tensor]:
    """Mu from -1 to 1 [dim], variance s^2 from 0.1 to 0.9 [dim], and starts from -80 to 80 [lanes, dim]."""
    generator, dim = seeded(setting), setting.integer("dim")
    mean, variance = uniform(generator, 1.0, dim), 0.5 + uniform(generator, 0.4, dim)
    return mean, variance, uniform(generator, LARGEST, own_lanes(setting), dim)


def denoised(x: Tensor, level: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """The mean of the data that became x by noise of this level."""
    return mean + variance / (variance + level * level) * (x - mean)


def advanced(x: Tensor, level: Tensor, following: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """X one level on: Euler's step of the probability flow."""
    return x + (following - level) * ((x - denoised(x, level, mean, variance)) / level)


def serial(setting: Setting) -> TorchStepper:
    """One level per step."""
    import torch

    mean, variance, start = (placed(values, setting) for values in drawn(setting))
    start = repeated(start, setting.width)
    schedule, x = placed(levels(setting.depth), setting), start.clone()
    index = torch.zeros(1, dtype=torch.long, device=x.device)

    def step() -> None:
        x.copy_(advanced(x, schedule[index], schedule[index + 1], mean, variance))
        index.add_(1)

    def reset() -> None:
        x.copy_(start)
        index.zero_()

    return TorchStepper(setting, step, reset, partial(check, setting, lambda _: x[None]))


def wide(setting: Setting) -> PassStepper:
    """Every level at once, each from the start: [steps, W, dim]."""
    mean, variance, start = (placed(values, setting) for values in drawn(setting))
    start = repeated(start, setting.width)
    schedule, x = placed(levels(setting.depth), setting)[:, None, None], start.repeat(setting.depth, 1, 1)

    def whole(steps: int) -> Tensor:
        return advanced(x[:steps], schedule[:steps], schedule[1 : steps + 1], mean, variance)

    return PassStepper(setting, whole, nothing, partial(check, setting, lambda stepper: stepper.result))


def check(setting: Setting, states_of: Any, stepper: Any) -> None:
    """Compares a run with the closed form in double precision: x - mu shrinks by a known factor in every step.

    Raises:
        AssertionError: a state is off by more than RELATIVE.
    """
    steps, lanes, tolerance = setting.depth, own_lanes(setting), LARGEST * RELATIVE[setting.dtype]
    stepper.run(steps)
    mean, variance, start = (placed(values, setting).double().cpu() for values in drawn(setting))
    schedule = placed(levels(steps), setting).double().cpu()
    now, following = schedule[:-1, None], schedule[1:, None]
    factors = 1 + (following - now) * now / (variance + now * now)
    factors = factors if setting.form == "wide" else factors.prod(0, keepdim=True)
    wanted = mean + factors[:, None] * (start - mean)
    found = states_of(stepper)
    require_close("diffusion: x", found[:, :lanes], wanted, tolerance)
    require_repeats("diffusion: x", found, lanes, tolerance, dim=1)


def work(setting: Setting) -> Work:
    """Declared work of one denoising step: 9 FLOP per entry, element by element.

    Bytes: mean and variance, once per step; per lane what every operation reads and writes, compiled one for all.
    """
    dim, element = setting.integer("dim"), BYTES[setting.dtype]
    rows, written = (4, 2) if setting.mode == "compile" else (18, 8)
    return Work(
        serial_ops=FLOPS,
        flops=Affine(0, FLOPS * dim),
        bytes=Affine(2 * dim * element, rows * dim * element),
        footprint=Affine(2 * dim * element, 5 * dim * element),
        lanes=Affine(0, dim),
        barriers=regions(setting, 10),
        written=Affine(0, written * dim * element),
        arithmetic="fp32",
    )


@workload(
    name="torch-diffusion",
    depth="denoising steps",
    width="batch",
    widths=WIDTHS,
    quick_widths=QUICK_WIDTHS,
    default_depth=32,
    parameters={"dim": 4096},
    forms=("serial", "wide"),
    modes=MODES,
    work=work,
    hatch="ParaDiGMS: Picard iterations over all steps at once, nearly independent of their number",
    requires=("torch",),
    devices=DEVICES,
    dtypes=DTYPES,
    open_ended=True,
)
def torch_diffusion(setting: Setting) -> Stepper:
    """Diffusion sampler in torch with the exact score of a Gaussian: one denoising call per step."""
    return wide(setting) if setting.form == "wide" else serial(setting)
