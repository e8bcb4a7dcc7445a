# SPDX-License-Identifier: Apache-2.0
"""A pointer chase: dependent loads whose latency the footprint decides."""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import Affine, Work, workload
from serialprof.setting import Setting

LOADS_PER_STEP: Final = 16


class ChaseStepper:
    """The native chase with its known answer."""

    def __init__(self, setting: Setting) -> None:
        self._team = _native.Team(setting.cpus)
        self._seed = setting.seed
        self._footprint = setting.integer("footprint")
        self._kernel = _native.Chase(self._team, self._footprint, setting.width, self._seed, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Follows a small cycle: after as many loads as lines, and not after half of them, it is back at its start.

        Raises:
            AssertionError: the lines are not one cycle.
        """
        kernel = _native.Chase(self._team, min(self._footprint, 2**16), 1, self._seed)
        start = kernel.cursors()
        kernel.run(kernel.lines // LOADS_PER_STEP)
        assert kernel.cursors() == start, "chase: as many loads as lines did not lead back to the start"
        if kernel.lines > LOADS_PER_STEP:
            kernel.run(kernel.lines // LOADS_PER_STEP // 2)
            assert kernel.cursors() != start, "chase: the cycle is shorter than its lines"


def work(setting: Setting) -> Work:
    """Declared work of one step: a chain of 16 loads; those of further lanes overlap with it, no arithmetic."""
    return Work(
        serial_ops=LOADS_PER_STEP,
        flops=Affine(),
        bytes=Affine(),
        footprint=Affine(float(setting.integer("footprint")), 8.0),
        lanes=Affine(0.0, 1.0),
        barriers=int(setting.threads > 1),
        serial_loads=LOADS_PER_STEP,
        written=Affine(),
        arithmetic="words",
    )


@workload(
    depth="steps of 16 loads",
    width="cursors",
    widths=(1, 2, 4, 8, 16),
    default_depth=256,
    parameters={"footprint": 64 * 2**20},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
)
def chase(setting: Setting) -> ChaseStepper:
    """Dependent loads in random order over a footprint in bytes."""
    return ChaseStepper(setting)
