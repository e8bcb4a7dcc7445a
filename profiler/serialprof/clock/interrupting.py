# SPDX-License-Identifier: Apache-2.0
"""Signals while clocks are set: SIGTERM ends a block as an exception would, and giving back hears none of them."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Has SIGTERM end the block as an exception would, unless the program has its own way; in the main thread only."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def unheard() -> Iterator[None]:
    """Ignores the signals that end a program while clocks are given back; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for name in _ENDING if (number := getattr(signal, name, None)) is not None]
    former = {number: signal.signal(number, signal.SIG_IGN) for number in heeded}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
