# SPDX-License-Identifier: Apache-2.0
"""Where a worker may run: its CPUs, set before a workload is loaded; torch's threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress


def bind(cpus: Sequence[int]) -> None:
    """Binds the calling thread (and what it starts later) to CPUs, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


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
