# SPDX-License-Identifier: Apache-2.0
"""The guardian of GPUs: the process that frees their clocks when the run that locked them is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from serialprof.clock.gpujournal import read_gpu_journal
from serialprof.clock.gpurestoring import free
from serialprof.clock.guardian import guard, ignore_signals
from serialprof.errors import SerialprofError


def main(arguments: list[str]) -> int:
    """The guardian's whole life; `arguments` are the program's name, NVML's library, and the journal's path."""
    ignore_signals()
    library, path = arguments[1], Path(arguments[2])
    try:
        journal = read_gpu_journal(path)
    except SerialprofError:
        return 1
    if journal is None:
        return 1
    return guard(journal.pid, path, lambda: not free(library, journal.gpus).failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
