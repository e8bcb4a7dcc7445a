# SPDX-License-Identifier: Apache-2.0
"""What it costs to keep threads in step, at a grain of work between two barriers."""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import Affine, Work, workload
from serialprof.setting import Setting

MULTIPLIER: Final = 6364136223846793005
CHECK_STEPS: Final = 5


class BarrierStepper:
    """The native barrier with its known answer."""

    def __init__(self, setting: Setting) -> None:
        self._team = _native.Team(setting.cpus)
        self._grain = setting.width
        self._kernel = _native.Barrier(self._team, self._grain)
        self.run = self.trace = self._kernel.run

    def check(self) -> None:
        """Counts the multiplies that all threads together did in five steps.

        Raises:
            AssertionError: some were lost or done twice.
        """
        self._kernel.run(CHECK_STEPS)
        wanted = pow(MULTIPLIER, self._grain * CHECK_STEPS, 2**64)
        assert self._kernel.value == wanted, "barrier: the threads did not share the work exactly"


def work(setting: Setting) -> Work:
    """Declared work of one step: W multiplies that can be cut anywhere; nothing but the barrier is left of a chain."""
    return Work(
        serial_ops=1.0,
        flops=Affine(0.0, 1.0),
        bytes=Affine(),
        footprint=Affine(128.0 * setting.threads),
        lanes=Affine(0.0, 1.0),
        barriers=1,
        written=Affine(),
        arithmetic="multiplies",
    )


@workload(
    depth="barriers",
    width="multiplies between two barriers",
    widths=(16, 64, 256, 1024, 4096, 16384),
    default_depth=256,
    modes=("native",),
    work=work,
    min_threads=2,
)
def barrier(setting: Setting) -> BarrierStepper:
    """Threads that share W multiplies, then wait for one another."""
    return BarrierStepper(setting)
