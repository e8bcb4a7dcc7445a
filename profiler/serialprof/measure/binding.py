# SPDX-License-Identifier: Apache-2.0
"""Where a worker may run: its CPUs, set before a workload is loaded and seen to while it is timed; torch's threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

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


def limit_torch(threads: int) -> None:
    """Gives torch the worker's threads, if the workload imported it."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
        with suppress(RuntimeError):  # it refuses once parallel work has begun
            torch.set_num_interop_threads(1)


def use_device(device: str) -> None:
    """Makes a CUDA device the current one, for what names none."""
    import torch

    torch.cuda.set_device(device)
