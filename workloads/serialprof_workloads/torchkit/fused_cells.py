# SPDX-License-Identifier: Apache-2.0
"""Recurrent cells as one Triton kernel that holds all steps of a run: depth inside one launch.

A program owns a block of lanes from the first step to the last. In every step it computes the gates of one block of
hidden units after the other; the weights come from the second-level cache (each program reads all of them in each
step), the lanes' own state from the first. States before and after a step lie in two buffers that take turns, with one
barrier of the program's threads between steps: right and simple rather than fast.

Importing this module imports Triton.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import triton
import triton.language as tl

if TYPE_CHECKING:
    from torch import Tensor

BLOCK: Final = 16  # lanes of a program, at least: the smallest product of the matrix units
UNITS: Final = 64  # hidden units of a block, at most
INPUTS: Final = 32  # entries of x and h that one product takes


@triton.jit
def _linear(source, weights, bias, gate, lanes, units, row_mask, hidden: tl.constexpr, inner: tl.constexpr):
    """One gate's share of a product: source [lanes, hidden] by rows `gate hidden + units` of weights, plus bias."""
    unit_mask = units < hidden
    rows = gate * hidden + units
    total = tl.zeros((lanes.shape[0], units.shape[0]), dtype=tl.float32)
    for start in range(0, hidden, inner):
        entries = start + tl.arange(0, inner)
        entry_mask = entries < hidden
        values = tl.load(
            source + lanes[:, None] * hidden + entries[None, :], mask=row_mask[:, None] & entry_mask[None, :], other=0.0
        )
        block = tl.load(
            weights + rows[None, :] * hidden + entries[:, None],
            mask=unit_mask[None, :] & entry_mask[:, None],
            other=0.0,
        )
        total = tl.dot(values, block, total, input_precision="ieee")
    return total + tl.load(bias + rows, mask=unit_mask, other=0.0)[None, :].to(tl.float32)


@triton.jit
def _tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit(do_not_specialize=["steps", "used", "rows"])  # one compilation for every batch, 1 included
def _steps(
    inputs,  # [ring, rows, hidden]
    w_ih,
    w_hh,
    b_ih,
    b_hh,
    h,  # [2, rows, hidden]: read by even steps and by odd ones
    c,  # [rows, hidden]
    steps,
    used,  # rows that take part
    rows,
    ring: tl.constexpr,
    hidden: tl.constexpr,
    cell: tl.constexpr,
    lane_block: tl.constexpr,
    unit_block: tl.constexpr,
    inner: tl.constexpr,
):
    lanes = (tl.program_id(0) * lane_block + tl.arange(0, lane_block)).to(tl.int64)
    row_mask = lanes < used
    size = rows.to(tl.int64) * hidden
    for step in range(steps):
        x = inputs + (step % ring) * size
        now = h + (step % 2) * size
        after = h + ((step + 1) % 2) * size
        for first in range(0, hidden, unit_block):
            units = first + tl.arange(0, unit_block)
            place = lanes[:, None] * hidden + units[None, :]
            mask = row_mask[:, None] & (units < hidden)[None, :]
            x_0 = _linear(x, w_ih, b_ih, 0, lanes, units, row_mask, hidden, inner)
            h_0 = _linear(now, w_hh, b_hh, 0, lanes, units, row_mask, hidden, inner)
            if cell == "rnn":
                new = _tanh(x_0 + h_0)
            else:
                x_1 = _linear(x, w_ih, b_ih, 1, lanes, units, row_mask, hidden, inner)
                h_1 = _linear(now, w_hh, b_hh, 1, lanes, units, row_mask, hidden, inner)
                x_2 = _linear(x, w_ih, b_ih, 2, lanes, units, row_mask, hidden, inner)
                h_2 = _linear(now, w_hh, b_hh, 2, lanes, units, row_mask, hidden, inner)
                if cell == "gru":
                    z = tl.sigmoid(x_1 + h_1)
                    candidate = _tanh(x_2 + tl.sigmoid(x_0 + h_0) * h_2)
                    old = tl.load(now + place, mask=mask, other=0.0).to(tl.float32)
                    new = (1 - z) * candidate + z * old
                else:
                    x_3 = _linear(x, w_ih, b_ih, 3, lanes, units, row_mask, hidden, inner)
                    h_3 = _linear(now, w_hh, b_hh, 3, lanes, units, row_mask, hidden, inner)
                    kept = tl.sigmoid(x_1 + h_1) * tl.load(c + place, mask=mask, other=0.0).to(tl.float32)
                    kept += tl.sigmoid(x_0 + h_0) * _tanh(x_2 + h_2)
                    tl.store(c + place, kept.to(c.dtype.element_ty), mask=mask)
                    new = tl.sigmoid(x_3 + h_3) * _tanh(kept)
            tl.store(after + place, new.to(h.dtype.element_ty), mask=mask)
        tl.debug_barrier()  # the next step reads what all threads of the program wrote, and overwrites what they read


class FusedCell:
    """Steps of a recurrent cell in one launch.

    Args:
        cell: "rnn", "gru" or "lstm".
        weights: weight_ih, weight_hh, bias_ih, bias_hh.
        inputs: [ring, rows, H]; step t reads input t % ring.
    """

    def __init__(self, cell: str, weights: dict[str, Tensor], inputs: Tensor) -> None:
        self._cell, self._inputs = cell, inputs
        self._weights = tuple(weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        self._h = inputs.new_zeros(2, *inputs.shape[1:])
        self._c = inputs.new_zeros(inputs.shape[1:] if cell == "lstm" else (1,))

    def clear(self) -> None:
        """The state before step 0."""
        self._h[0].zero_()
        self._c.zero_()

    def __call__(self, lanes: int, steps: int) -> tuple[Tensor, ...]:
        """Launches so many steps of the first lanes; returns their h, and for an LSTM c: [lanes, H] each."""
        ring, rows, hidden = self._inputs.shape
        launch: Any = _steps[(triton.cdiv(lanes, BLOCK),)]
        launch(
            self._inputs,
            *self._weights,
            self._h,
            self._c,
            steps,
            lanes,
            rows,
            ring=ring,
            hidden=hidden,
            cell=self._cell,
            lane_block=BLOCK,
            unit_block=min(UNITS, max(BLOCK, triton.next_power_of_2(hidden))),
            inner=min(INPUTS, max(BLOCK, triton.next_power_of_2(hidden))),
            num_warps=4,
            num_stages=1,  # no load may move ahead of the barrier
        )
        states = (self._h[steps % 2], self._c) if self._cell == "lstm" else (self._h[steps % 2],)
        return tuple(state[:lanes] for state in states)
