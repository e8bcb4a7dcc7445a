# SPDX-License-Identifier: Apache-2.0
"""How much memory steps touch, as the kernel sees it, inside a worker.

The kernel forgets which pages were referenced, some steps run, and it counts the pages that were since. These are whole
pages, of code as of data, so what a narrow step touches is not told apart from the interpreter that calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from serialprof.catalog import Stepper

_FORGET: Final = Path("/proc/self/clear_refs")
_COUNTS: Final = Path("/proc/self/smaps_rollup")
_REFERENCED: Final = "Referenced:"
_KIB: Final = 1024
#: How often it is looked; the smallest count is taken, for what else the process does meanwhile only adds to it.
_LOOKS: Final = 2


def touched_by(stepper: Stepper, steps: int) -> int | None:
    """Bytes of the pages that so many steps reference, None where the system does not tell."""
    counts = [count for _ in range(_LOOKS) if (count := _referenced(lambda: stepper.run(steps))) is not None]
    return min(counts, default=None)


def _referenced(run: Callable[[], object]) -> int | None:
    try:
        _FORGET.write_text("1")
        run()
        lines = _COUNTS.read_text().splitlines()
        return next(int(line.split()[1]) * _KIB for line in lines if line.startswith(_REFERENCED))
    except (OSError, StopIteration, ValueError):
        return None
