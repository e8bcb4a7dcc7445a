# SPDX-License-Identifier: Apache-2.0
"""How a run ends early: signals that end it as Ctrl-C does, and what is said then."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serialprof.errors import InterruptedRunError


def interrupted(path: Path, visits: int) -> InterruptedRunError:
    """The error of a run that was interrupted after so many visits, with the line that resumes it."""
    if not visits:
        return InterruptedRunError("interrupted before anything was measured", "no file was left")
    return InterruptedRunError(
        f"interrupted; what was measured is kept in {path}",
        f"go on with: serialprof run --resume {path}",
    )


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Has SIGTERM and SIGHUP end a run as Ctrl-C does, so that the run file is closed; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    former = {number: signal.signal(number, signal.default_int_handler) for number in heeded}  # nohup stays nohup
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
