# SPDX-License-Identifier: Apache-2.0
"""Which samples count: the rule by which one is flagged as disturbed (docs/model.md)."""

from __future__ import annotations

from typing import Final

from serialprof.setting import PROCESS_MODE, Setting

#: Share of a sample's wall time that its threads may be kept from the CPU before it counts as disturbed.
TOLERANCE: Final = 0.05

UNSTEADY: Final = "not warmed up"
OFF_CPU: Final = "kept off the CPU"
STOLEN: Final = "stolen by the hypervisor"
THROTTLED: Final = "throttled"
CLOCK: Final = "the clock jumped"


def of_sample(setting: Setting, seconds: float, lost: float) -> str:
    """Why one sample is left out of fits, empty where it is sound.

    Native steps never wait for anything but one another. So a single thread that was off the CPU was kept off it. The
    threads of a team may sleep until the others arrive, those of another mode may wait for a device or a thread pool,
    which is their own business; of these the time counts that they waited in a run queue, ready and kept from running.
    Of a program nothing is known.

    Args:
        setting: of the point.
        seconds: wall time.
        lost: seconds that the native thread was off the CPU, or that the process's threads waited in run queues.
    """
    if not seconds > 0:
        return CLOCK
    return OFF_CPU if setting.mode != PROCESS_MODE and lost > TOLERANCE * seconds else ""


def of_visit(seconds: float, steal: float | None, threads: int, throttles: int | None, *, steady: bool) -> str:
    """Why all samples of a visit are left out, empty where they are not.

    Steal time is told in steps of 10 ms for a whole CPU, so it says nothing of a single sample; one step alone may be
    the rest of something earlier.

    Args:
        seconds: of the visit.
        steal: seconds stolen from its CPUs together.
        threads: how many CPUs these are.
        throttles: how often they were throttled meanwhile.
        steady: whether the stepper had settled before.
    """
    if not steady:
        return UNSTEADY
    if throttles:
        return THROTTLED
    if steal is not None and steal > 0.015 and steal > TOLERANCE * seconds * threads:
        return STOLEN
    return ""
