# SPDX-License-Identifier: Apache-2.0
"""One process after another: started without a terminal, waited for, never left behind."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from functools import cache
from typing import Final

TAIL_BYTES: Final = 2000
#: Bytes of standard error beyond which all but the tail is dropped, looked at so often (in seconds).
_MOST_ERRORS: Final = 1 << 20
_LOOK: Final = 0.5

#: Outlives whoever started it by a moment, and takes the rest of the process group with it.
_GUARD: Final = "trap '' HUP INT TERM; read _; kill -KILL 0"


class Child:
    """Starts processes, one at a time, with neither input nor output; keeps the last of what the latest one complained.

    They have no controlling terminal where the caller has none. They belong to the caller's process group, so that
    whoever ends the group ends them; and where the caller leads a session, as a worker does, they end with it, however
    it ends.

    Attributes:
        exit_code: of the last process, negative where a signal ended it; None before the first has ended.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None
        if os.getsid(0) == os.getpid():
            _guard()
        self._errors = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - lives as long as this
        weakref.finalize(self, self._errors.close)
        # The processes share its description: whatever is cut off meanwhile, they go on at its end.
        fcntl.fcntl(self._errors, fcntl.F_SETFL, fcntl.fcntl(self._errors, fcntl.F_GETFL) | os.O_APPEND)

    @property
    def stderr(self) -> str:
        """The last TAIL_BYTES of what the last process wrote to standard error."""
        return self._tail().decode(errors="replace").strip()

    def run(self, command: Sequence[str]) -> int:
        """One process, from its start to its end.

        Returns:
            Its exit code, negative where a signal ended it.

        Raises:
            OSError: it cannot be started.
        """
        self.exit_code = None
        self._errors.truncate(0)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors)
        try:
            self._await(process)
            self.exit_code = process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
        return self.exit_code

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        """Waits for the end of a process, and now and then drops the beginning of what it complained."""
        try:
            ended = os.pidfd_open(process.pid)
        except (AttributeError, OSError):  # older systems have none
            return
        try:
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            while not poll.poll(1000 * _LOOK):
                self._trim()
        finally:
            os.close(ended)

    def _trim(self) -> None:
        if os.fstat(self._errors.fileno()).st_size > _MOST_ERRORS:
            tail = self._tail()
            self._errors.truncate(0)
            self._errors.write(tail)

    def _tail(self) -> bytes:
        errors = self._errors.fileno()
        return os.pread(errors, TAIL_BYTES, max(0, os.fstat(errors).st_size - TAIL_BYTES))


@cache
def _guard() -> tuple[int, subprocess.Popen[bytes]]:
    """Starts what ends this process group as soon as this process has ended, even by SIGKILL.

    PR_SET_PDEATHSIG would have to be set in each child before its program begins: that forbids vfork, costs
    milliseconds a run, and does not reach the children of children.

    Returns:
        The end of a pipe that closes with this process, and the guard, which waits for that.
    """
    watched, held = os.pipe()
    try:
        guard = subprocess.Popen(["/bin/sh", "-c", _GUARD], stdin=watched, stdout=subprocess.DEVNULL)
    finally:
        os.close(watched)
    return held, guard
