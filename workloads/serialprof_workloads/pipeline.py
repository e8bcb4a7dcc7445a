# SPDX-License-Identifier: Apache-2.0
"""A host that submits steps to a device and does not wait for it: a loop whose slack is known by construction.

In units of one dependent multiply, one step on p threads takes max(host_ops, W / (p - 1) * lane_ops): the host's chain
and the devices' lanes run side by side, the host at most `queue` steps ahead. Below the width at which both are equal
the host decides; beyond it the host waits, and what is added to each of its steps shows only beyond the difference.

Its work is left undeclared: lanes spread over all threads but one, which no declaration can say.
"""

from __future__ import annotations

from typing import Final

from serialprof import _native
from serialprof.catalog import workload
from serialprof.setting import Setting

MULTIPLIER: Final = 6364136223846793005
CHECK_STEPS: Final = 7


def slack_ops(setting: Setting) -> int:
    """By how many multiplies a step of the slowest device is longer than the host's; 0 where it is not.

    Raises:
        ValueError: a parameter is out of range, or there is no thread for a device.
    """
    if setting.threads < 2:
        raise ValueError(f"threads = {setting.threads}: a host and a device need two")
    lanes = -(-setting.width // (setting.threads - 1))
    return max(0, lanes * setting.integer("lane_ops", least=0) - setting.integer("host_ops", least=0))


class PipelineStepper:
    """The native pipeline with its known answer."""

    def __init__(self, setting: Setting) -> None:
        self._team = _native.Team(setting.cpus)
        self._host_ops = setting.integer("host_ops", least=0)
        self._all_ops = self._host_ops + setting.width * setting.integer("lane_ops", least=0)
        self._seed = setting.seed
        self._kernel = _native.Pipeline(
            self._team,
            self._host_ops,
            setting.integer("lane_ops", least=0),
            setting.width,
            setting.integer("queue"),
            setting.seed,
        )
        self.run = self._kernel.run

    def check(self) -> None:
        """Compares the product of all states after seven steps with exact integers.

        Raises:
            AssertionError: it differs: a step was lost, or done twice.
        """
        self._kernel.run(CHECK_STEPS)
        wanted = (2 * self._seed + 1) * pow(MULTIPLIER, CHECK_STEPS * self._all_ops, 2**64) % 2**64
        assert self._kernel.value == wanted, "pipeline: the states differ from exact arithmetic"


@workload(
    depth="steps",
    width="lanes of the device",
    widths=(1, 2, 4, 8, 16, 32, 64),
    quick_widths=(1, 4, 16, 64),
    default_depth=128,
    parameters={"host_ops": 4800, "lane_ops": 300, "queue": 4},
    modes=("native",),
    min_threads=2,
)
def pipeline(setting: Setting) -> PipelineStepper:
    """A host that submits steps to a device, with slack known by construction."""
    return PipelineStepper(setting)
