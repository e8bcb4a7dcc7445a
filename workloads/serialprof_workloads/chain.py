# SPDX-License-Identifier: Apache-2.0
"""Dependent arithmetic: the shortest serial core there is."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from serialprof import _native
from serialprof.catalog import Affine, Arithmetic, Work, workload
from serialprof.setting import Setting

OPERATIONS: Final[dict[str, Arithmetic]] = {
    "add": "words",
    "multiply": "multiplies",
    "fma": "fp64",
    "divide": "divides",
}
OPS_PER_STEP: Final = 64
ADDEND: Final = 0x9E3779B97F4A7C15
MULTIPLIER: Final = 6364136223846793005
FACTOR: Final = -1.0 + 1.0 / 65536.0
TERM: Final = 3.0
DIVIDEND: Final = 3.0


def reference(operation: str, width: int, steps: int, fused: bool) -> list[int] | list[float]:
    """The lanes after `steps` steps, in exact integers or correctly rounded doubles; slow.

    Args:
        operation: a key of OPERATIONS.
        width: lanes.
        steps: steps of 64 operations each.
        fused: whether fma rounds once (one instruction) or twice (multiply, then add).
    """
    ops = OPS_PER_STEP * steps
    if operation == "add":
        return [(2 * lane + 1 + ADDEND * ops) % 2**64 for lane in range(width)]
    if operation == "multiply":
        return [(2 * lane + 1) * pow(MULTIPLIER, ops, 2**64) % 2**64 for lane in range(width)]
    lanes = [1.0 + lane / width for lane in range(width)]
    for _ in range(ops):
        if operation == "divide":
            lanes = [DIVIDEND / value for value in lanes]
        elif fused:
            lanes = [float(Fraction(value) * Fraction(FACTOR) + Fraction(TERM)) for value in lanes]
        else:
            lanes = [value * FACTOR + TERM for value in lanes]
    return lanes


class ChainStepper:
    """The native chain with its known answer."""

    def __init__(self, setting: Setting) -> None:
        self._operation = str(setting.parameters["operation"])
        self._team = _native.Team(setting.cpus)
        self._kernel = _native.Chain(self._team, self._operation, setting.width, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Compares up to eight lanes with exact arithmetic after three steps.

        Raises:
            AssertionError: a lane differs.
        """
        width = min(len(self._kernel.values()), 8)
        kernel = _native.Chain(self._team, self._operation, width)
        kernel.run(3)
        assert kernel.values() == reference(self._operation, width, 3, kernel.fused), "chain: a lane differs"


def work(setting: Setting) -> Work:
    """Declared work of one step; a multiply-add counts as two operations of arithmetic and one of the chain.

    Raises:
        ValueError: there is no such operation.
    """
    operation = str(setting.parameters["operation"])
    if operation not in OPERATIONS:
        raise ValueError(f"operation = {operation!r} is none of {', '.join(OPERATIONS)}")
    per_op = 2.0 if operation == "fma" else 1.0
    return Work(
        serial_ops=OPS_PER_STEP,
        flops=Affine(0.0, OPS_PER_STEP * per_op),
        bytes=Affine(0.0, 16.0),
        footprint=Affine(0.0, 8.0),
        lanes=Affine(0.0, 1.0),
        barriers=int(setting.threads > 1),
        written=Affine(0.0, 8.0),
        arithmetic=OPERATIONS[operation],
    )


@workload(
    depth="steps of 64 operations",
    width="lanes",
    widths=(1, 4, 16, 64, 256),
    default_depth=256,
    parameters={"operation": "multiply"},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
)
def chain(setting: Setting) -> ChainStepper:
    """Dependent adds, multiplies, fused multiply-adds or divides."""
    return ChainStepper(setting)
