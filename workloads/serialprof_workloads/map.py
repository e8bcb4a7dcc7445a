# SPDX-License-Identifier: Apache-2.0
"""map: a chaotic map on integers, the logistic map in fixed point; its chain is the latency of a multiply."""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import Affine, Work, workload
from serialprof.setting import Setting
from serialprof_workloads.declared import PRODUCT_CHAIN

ITERATIONS: Final = _native.Map.iterations  # of a step
OPS: Final = 3  # of an iteration, each waiting for the one before: complement, multiply, shift
CHAIN: Final = 1 + PRODUCT_CHAIN + 1  # the same in additions
LANE_BYTES: Final = 8
CHECKED_LANES: Final = 64
CHECKED_STEPS: Final = 4


def reference(value: int, iterations: int) -> int:
    """X <- 4 x (1 - x) as the kernel has it, on fractions of 32 bits: x <- floor(x (2^32 - 1 - x) / 2^30)."""
    for _ in range(iterations):
        value = value * (2**32 - 1 - value) >> 30
    return value


class MapStepper:
    """The native lanes with their known answer."""

    def __init__(self, setting: Setting) -> None:
        self._team = _native.Team(setting.cpus)
        self._width = setting.width
        self._seed = setting.seed
        self._kernel = _native.Map(self._team, setting.width, setting.seed, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Compares up to 64 lanes with Python's integers after four steps.

        Raises:
            AssertionError: a lane differs.
        """
        kernel = _native.Map(self._team, min(self._width, CHECKED_LANES), self._seed)
        start = kernel.values()
        kernel.run(CHECKED_STEPS)
        wanted = [reference(value, CHECKED_STEPS * ITERATIONS) for value in start]
        assert kernel.values() == wanted, "map: a lane differs from the reference"


def work(setting: Setting) -> Work:
    """Declared work of one step: 16 iterations of three dependent operations per lane, each lane read and written."""
    return Work(
        serial_ops=ITERATIONS * CHAIN,
        flops=Affine(0, ITERATIONS * OPS),
        bytes=Affine(0, 2 * LANE_BYTES),
        footprint=Affine(0, LANE_BYTES),
        lanes=Affine(0, 1),
        barriers=int(setting.threads > 1),
        written=Affine(0, LANE_BYTES),
        arithmetic="words",
    )


@workload(
    name="map",
    depth="steps of 16 iterations",
    width="lanes",
    widths=(1, 32, 256, 4096, 65536),
    quick_widths=(1, 32, 256, 4096),
    default_depth=64,
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
)
def logistic_map(setting: Setting) -> MapStepper:
    """The logistic map in fixed point, 16 dependent iterations per step and lane."""
    return MapStepper(setting)
