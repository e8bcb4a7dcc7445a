# SPDX-License-Identifier: Apache-2.0
"""Where a worker's workload comes from: a registered name, a file or a module, a command, or memory of its parent."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from serialprof import handover, loading, program
from serialprof.catalog import Workload


def load(reference: str, descriptor: int | None) -> Workload:
    """Loads the workload; runs its module.

    Args:
        reference: how the user named it.
        descriptor: of the memory that holds it, where it stands in no file.

    Raises:
        WorkloadError: it is not there, or is no workload.
    """
    return loading.load(reference) if descriptor is None else handover.take(descriptor).load()


def code_of(reference: str, descriptor: int | None, workload: Workload) -> str:
    """Hash of what a workload is made of, empty where that cannot be had; arguments as of `load`."""
    if descriptor is not None:
        return handover.take(descriptor).code
    return program.code_of(reference) if program.is_command(reference) else _file_hash(workload.build)


def _file_hash(build: Callable[..., Any]) -> str:
    """SHA-256 of the file in which a workload is written, empty where there is none."""
    try:
        source = inspect.getsourcefile(build)
    except TypeError:  # written in C
        return ""
    return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source and Path(source).is_file() else ""
