# SPDX-License-Identifier: Apache-2.0
"""Host time dilation, inside a worker: a real-time thief on the core that drives the steps takes a share of its time.

Whatever runs there takes longer, arithmetic and waiting for memory alike, which a faster clock would not shorten alike:
so this is an upper bound of what the host's clock could do, and no clock.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from serialprof import _native
from serialprof.catalog import Stepper
from serialprof.errors import WorkloadError
from serialprof.measure.instruments import Instruments
from serialprof.measure.sampler import one_sample
from serialprof.records import Timing
from serialprof.setting import Setting

#: Seconds in which the thief takes its share once; a timing is many of them.
PERIOD: Final = 1e-3
#: Most seconds that one thief lives, whatever becomes of the steps.
LONGEST: Final = 30.0
#: By how much of the wall time the thief's share may be off, and the host's loss off the thief's gain.
TOLERANCE: Final = 0.05

NOT_DILATED: Final = "the thief did not dilate the step as asked"


def time_dilated(
    stepper: Stepper, setting: Setting, runs: int, shares: Sequence[float], instruments: Instruments
) -> tuple[Timing, ...]:
    """One timing at every share of the time that the thief is to take, in the order given.

    Args:
        stepper: of the setting.
        setting: its depth is the number of steps in one run.
        runs: runs that one timing consists of.
        shares: from 0 to 0.5; what is stored is what the thief really took.
        instruments: of the worker.

    Raises:
        WorkloadError: the kernel gives no real-time thread.
    """
    one_sample(stepper, setting, 1, instruments)
    return tuple(_time_one(stepper, setting, runs, share, instruments) for share in shares)


def _time_one(stepper: Stepper, setting: Setting, runs: int, share: float, instruments: Instruments) -> Timing:
    steps = runs * setting.depth
    if not share:
        sample = one_sample(stepper, setting, runs, instruments)
        return Timing(0.0, sample.seconds / steps, sample.cpu_seconds / steps, sample.disturbed)
    thief = _thief(setting.cpus[0], share)
    try:
        began, on_cpu, taken = time.perf_counter(), time.thread_time(), thief.taken()
        sample = one_sample(stepper, setting, runs, instruments)
        wall = time.perf_counter() - began
        lost, taken = wall - (time.thread_time() - on_cpu), thief.taken() - taken
    finally:
        thief.stop()
    alone = setting.mode == "native" and setting.threads == 1  # others may sleep of their own accord
    wrong = abs(taken / wall - share) > TOLERANCE or (alone and abs(lost - taken) > TOLERANCE * wall)
    own = max(0.0, sample.cpu_seconds - taken)  # the thief is a thread of this process
    return Timing(taken / wall, sample.seconds / steps, own / steps, NOT_DILATED if wrong else "")


def _thief(cpu: int, share: float) -> _native.Thief:
    try:
        return _native.Thief(cpu, share, PERIOD, LONGEST)
    except OSError as error:
        raise WorkloadError(
            f"the kernel gives no real-time thread ({error.strerror})", "run as root, or grant CAP_SYS_NICE"
        ) from None
