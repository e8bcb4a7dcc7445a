# SPDX-License-Identifier: Apache-2.0
"""torch-ca: rule 110 in torch on a batch of rings, 64 cells to a word of int64; one step is a generation of all.

The native `rule110` widens one ring; a batch of rings takes the same operations, and a width of 1 is allowed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from serialprof.catalog import Affine, Stepper, Work, workload
from serialprof_workloads.automaton import reference
from serialprof_workloads.declared import CELLS_PER_WORD
from serialprof_workloads.torchkit.knobs import DEVICES, MODES, QUICK_WIDTHS, WIDTHS, own_lanes, regions
from serialprof_workloads.torchkit.stepper import PassStepper, TorchStepper, nothing
from serialprof_workloads.torchkit.tensors import device_of, repeated, require_repeats, seeded

if TYPE_CHECKING:
    from torch import Tensor

    from serialprof.setting import Setting

CHECKED_STEPS: Final = 20
CHECKED_RINGS: Final = 2
WORD_OPS: Final = 13
CHAIN_OPS: Final = 6  # carried bit: shift, mask, join; then the rule: and, and, exclusive or


def generation(rows: Tensor) -> Tensor:
    """The next generation of rings [..., words]: cell i of a word is its bit i, its left neighbour cell i - 1."""
    before, after = rows.roll(1, -1), rows.roll(-1, -1)
    left = (rows << 1) | ((before >> 63) & 1)  # the shift of a signed word repeats its sign
    right = ((rows >> 1) & (2**63 - 1)) | (after << 63)
    return (rows | right) ^ (left & rows & right)  # the second is part of the first


def drawn(setting: Setting) -> Tensor:
    """Rings with cells of their own: [rings, words]."""
    import torch

    shape = (own_lanes(setting), words(setting))
    return torch.randint(-(2**63), 2**63 - 1, shape, generator=seeded(setting), dtype=torch.int64)


def words(setting: Setting) -> int:
    """Words of a ring.

    Raises:
        ValueError: its cells do not fill words.
    """
    cells = setting.integer("cells")
    if cells % CELLS_PER_WORD:
        raise ValueError(f"cells = {cells} is no multiple of {CELLS_PER_WORD}; a word holds so many")
    return cells // CELLS_PER_WORD


def serial(setting: Setting) -> TorchStepper:
    """One generation per step."""
    start = repeated(drawn(setting).to(device_of(setting)), setting.width)
    rows = start.clone()

    def step() -> None:
        rows.copy_(generation(rows))

    return TorchStepper(setting, step, lambda: rows.copy_(start), partial(check, setting, lambda _: rows[None]))


def wide(setting: Setting) -> PassStepper:
    """One generation of as many batches as steps: [steps, W, words]."""
    start = repeated(drawn(setting).to(device_of(setting)), setting.width)
    rows = start.expand(setting.depth, *start.shape).contiguous()

    def whole(steps: int) -> Tensor:
        return generation(rows[:steps])

    return PassStepper(setting, whole, nothing, partial(check, setting, lambda stepper: stepper.result))


def check(setting: Setting, rows_of: Any, stepper: Any) -> None:
    """Compares a short run with big integers.

    Raises:
        AssertionError: a cell differs.
    """
    steps, cells = min(setting.depth, CHECKED_STEPS), setting.integer("cells")
    stepper.run(steps)
    found = rows_of(stepper).cpu()
    for ring, start in enumerate(drawn(setting)[:CHECKED_RINGS]):
        wanted = reference(as_integer(start), cells, 1 if setting.form == "wide" else steps)
        same = all(as_integer(rows[ring]) == wanted for rows in found)
        assert same, "torch-ca: a cell differs from the reference"
    require_repeats("torch-ca: a word", found, own_lanes(setting), 0.0, dim=1)


def as_integer(row: Tensor) -> int:
    """A ring [words] as one big integer: cell i is bit i."""
    return int.from_bytes(row.contiguous().numpy().tobytes(), "little")


def work(setting: Setting) -> Work:
    """Declared work of one generation of all rings, in word operations: 13 a word, the longest chain 6.

    Bytes: only what passes from step to step, the rings, read once and written once. What one operation leaves for the
    next may stay in a cache, so it counts in the footprint alone: all that lives at once, the rings, both neighbours,
    left, right and three more on the way to the rule; compiled, the rings and their next generation.
    """
    size = words(setting)
    alive = 2 if setting.mode == "compile" else 8
    return Work(
        serial_ops=CHAIN_OPS,
        flops=Affine(0, WORD_OPS * size),
        bytes=Affine(0, 2 * size * 8),
        footprint=Affine(0, alive * size * 8),
        lanes=Affine(0, size),
        barriers=regions(setting, 14),
        written=Affine(0, size * 8),
        arithmetic="words",
    )


@workload(
    name="torch-ca",
    depth="generations",
    width="rings",
    widths=WIDTHS,
    quick_widths=QUICK_WIDTHS,
    default_depth=16,
    parameters={"cells": 65536},
    forms=("serial", "wide"),
    modes=MODES,
    work=work,
    hatch="HashLife remembers blocks that recur; it helps as far as the pattern repeats itself",
    requires=("torch",),
    devices=DEVICES,
    open_ended=True,
)
def torch_ca(setting: Setting) -> Stepper:
    """Rule 110 in torch on a batch of rings, 64 cells to a word."""
    return wide(setting) if setting.form == "wide" else serial(setting)
