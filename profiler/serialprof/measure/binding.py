# SPDX-License-Identifier: Apache-2.0
"""The CPUs that a worker's thread may run on: set before a workload is loaded, and seen to while it is timed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from serialprof.errors import WorkloadError


def bind(cpus: Sequence[int]) -> None:
    """Binds the calling thread (and what it starts later) to CPUs, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


def check_bound(cpus: Sequence[int]) -> None:
    """Raises a WorkloadError where the calling thread may by now run on other CPUs: its times are compared with none.

    Fewer are fine: thread pools bind each of their threads to one.
    """
    if hasattr(os, "sched_getaffinity") and not os.sched_getaffinity(0) <= set(cpus):
        others = ", ".join(map(str, sorted(os.sched_getaffinity(0) - set(cpus))))
        raise WorkloadError(f"the workload let itself run on CPUs that it was not given ({others})")
