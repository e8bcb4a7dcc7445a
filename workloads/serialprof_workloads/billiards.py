# SPDX-License-Identifier: Apache-2.0
"""billiards: balls in a box with diamonds, in fixed point; one step moves every ball once, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof._native import Billiards, Team
from serialprof.catalog import Affine, Work, workload

if TYPE_CHECKING:
    from serialprof.setting import Setting

CELL: Final = 2**16  # side of a cell of the table, in units of the fixed point
MOVE_OPS: Final = 2
REFLECT_OPS: Final = 36  # of native/loops/billiards.hpp
CHAIN: Final = 13
BYTES: Final = 4 * 4  # place and velocity of a ball
CHECKED_BALLS: Final = 64
CHECKED_STEPS: Final = 200

Ball = tuple[int, int, int, int]  # x, y, vx, vy


def reflected(ball: Ball, side: int, radius: int) -> Ball:
    """A ball with its velocity turned by whatever it stands in."""
    x, y, vx, vy = ball
    u, w = x % CELL - CELL // 2, y % CELL - CELL // 2
    if abs(u) + abs(w) < radius:
        vx, vy = (-vy, -vx) if (u < 0) == (w < 0) else (vy, vx)
    return x, y, vx if 0 <= x < side else -vx, vy if 0 <= y < side else -vy


def played(ball: Ball, steps: int, side: int, radius: int) -> Ball:
    """A ball after some steps, in Python's integers."""
    for _ in range(steps):
        x, y, vx, vy = ball
        ball = reflected((x + vx, y + vy, vx, vy), side, radius)
    return ball


class BilliardsStepper:
    """The native kernel with its known answer, for one setting."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._team = Team(setting.cpus)
        self._kernel = self._built(setting.width, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def _built(self, width: int, wide: bool) -> Billiards:
        cells, radius = self._setting.integer("cells"), self._setting.integer("radius", least=0)
        return Billiards(self._team, width, self._setting.seed, cells, radius, wide)

    def check(self) -> None:
        """Compares 200 steps of up to 64 balls with Python's integers, then runs them backwards to their start.

        Raises:
            AssertionError: a bit differs.
        """
        kernel = self._built(min(self._setting.width, CHECKED_BALLS), False)
        side, radius = self._setting.integer("cells") * CELL, self._setting.integer("radius", least=0)
        start, rows = kernel.digest(), kernel.state().tolist()
        kernel.run(CHECKED_STEPS)
        wanted = [played(ball, CHECKED_STEPS, side, radius) for ball in zip(*rows, strict=True)]
        assert kernel.state().T.tolist() == [list(ball) for ball in wanted], (
            "billiards: a ball is not where it should be"
        )
        kernel.turn()
        kernel.run(CHECKED_STEPS)
        kernel.turn()
        assert kernel.digest() == start, "billiards: run backwards, the balls do not come back to their start"


def work(setting: Setting) -> Work:
    """Declared work of one step, in integer operations: 38 per ball, the longest chain 13; balls do not meet.

    Two balls' numbers of 32 bits share a word.

    Raises:
        ValueError: there are no such cells or diamonds.
    """
    setting.integer("cells")
    setting.integer("radius", least=0)
    return Work(
        serial_ops=CHAIN,
        flops=Affine(0, (MOVE_OPS + REFLECT_OPS) / 2),
        bytes=Affine(0, 2 * BYTES),
        footprint=Affine(0, BYTES),
        barriers=0,
        written=Affine(0, BYTES),
        arithmetic="words",
    )


@workload(
    depth="time steps",
    width="balls",
    widths=(1, 64, 1024, 16384, 262144),
    quick_widths=(1, 64, 1024, 16384),
    default_depth=512,
    parameters={"cells": 64, "radius": 24000},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="without diamonds (radius=0) a closed form: unfold the reflections; with them none is known",
)
def billiards(setting: Setting) -> BilliardsStepper:
    """Balls in a box with diamonds, in fixed point: exact, and reversible to the bit."""
    return BilliardsStepper(setting)
