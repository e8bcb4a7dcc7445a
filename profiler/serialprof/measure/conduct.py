# SPDX-License-Identifier: Apache-2.0
"""Watches what a stepper does to its process: what it prints and starts, where it goes, and on which CPUs it runs."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from serialprof.measure.misconduct import own_cpus, working_folder
from serialprof.measure.observation import Conduct

#: Audit events of Python by which processes are started, and what people call them.
_STARTS: Final = {
    "os.fork": "os.fork",
    "os.forkpty": "os.forkpty",
    "os.posix_spawn": "os.posix_spawn",
    "os.system": "os.system",
    "subprocess.Popen": "subprocess",
}
_PRINTED: Final = (1, 2)  # standard output and standard error: files of the worker's own


class Watch:
    """Watches from when it is made on; a process makes one, since Python's audit hooks stay.

    Args:
        cpus: that were given to the process.
    """

    def __init__(self, cpus: tuple[int, ...]) -> None:
        self._given = set(cpus)
        self._events: dict[str, int] = {}
        self._on = False
        self._folder = working_folder()
        self._printed = 0
        sys.addaudithook(self._hear)

    def begin(self) -> None:
        """From here on it is the steps' doing."""
        self._printed = _printed()
        self._on = True

    def end(self) -> Conduct:
        """What was done since `begin`; of the folder and the CPUs, since this was made."""
        self._on = False
        folder = working_folder()
        return Conduct(
            printed=max(0, _printed() - self._printed),
            folder="" if folder == self._folder else folder or "a folder that is gone",
            cpus=tuple(sorted(own_cpus() - self._given)),
            events=dict(self._events),
        )

    def _hear(self, event: str, _: tuple[Any, ...]) -> None:
        if self._on and event in _STARTS:
            name = _STARTS[event]
            self._events[name] = self._events.get(name, 0) + 1


def _printed() -> int:
    """Bytes that lie in the files behind standard output and standard error, each file once."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    files = {(status.st_dev, status.st_ino): status.st_size for status in map(os.fstat, _PRINTED)}
    return sum(files.values())
