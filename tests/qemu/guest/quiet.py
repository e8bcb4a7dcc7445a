# SPDX-License-Identifier: Apache-2.0
"""Waiting for a guardian, which holds the lock of the tree until it has given back."""

from __future__ import annotations

import fcntl
import os
import time

from tests.qemu.guest.cpufreq import ROOT

#: Seconds until a guardian is taken to hang.
PATIENCE = 30.0
PAUSE = 0.002


def wait_for_quiet() -> None:
    """Until neither run nor guardian holds the lock of the tree."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        folder = os.open(ROOT, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE)
        else:
            return
        finally:
            os.close(folder)
    raise TimeoutError(f"the guardian still holds the lock after {PATIENCE} s")
