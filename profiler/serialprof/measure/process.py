# SPDX-License-Identifier: Apache-2.0
"""One worker process as the parent sees it: started pinned, asked, waited for with a limit, ended."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from serialprof.handover import descriptors
from serialprof.measure import protocol
from serialprof.measure.whereabouts import WHERE, place_told
from serialprof.units import format_bytes

_THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_TAIL_BYTES: Final = 2000
_MOST_PRINTED: Final = 4 << 20  # bytes from one answer to the next
_LOOK: Final = 1.0  # seconds of waiting after which it is looked whether more than that is printed
_TELLING: Final = 1.0  # seconds that a worker which hangs is given to say where

#: Set in the environment of workers, so that a file which runs a profile when it is imported cannot start another.
IN_WORKER: Final = "SERIALPROF_WORKER"


class WorkerLostError(Exception):
    """A worker that died, hung past its limit, or spoke garbage; the message is the reason.

    Attributes:
        hung: whether it gave no answer in time.
    """

    def __init__(self, reason: str, *, hung: bool) -> None:
        super().__init__(reason)
        self.hung = hung


class _TooMuchPrintedError(Exception):
    """A worker that prints more than is let pass."""


class WorkerProcess:
    """A live worker for one workload on given CPUs.

    Args:
        reference: the workload, loaded in the worker and never here.
        cpus: its CPUs, one per thread.
        python: the interpreter, of an environment that has serialprof.
        folder: its working folder, None for the caller's.
        variables: of its environment, beside the caller's.

    Attributes:
        answers: how many requests it has answered.
    """

    def __init__(
        self,
        reference: str,
        cpus: tuple[int, ...],
        *,
        python: str = sys.executable,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        # The worker shares its description: what is cut off meanwhile leaves no hole, it goes on at the end.
        fcntl.fcntl(self._printed, fcntl.F_SETFL, fcntl.fcntl(self._printed, fcntl.F_GETFL) | os.O_APPEND)
        request_end, self._requests = os.pipe()
        self._replies, reply_end = os.pipe()
        places = ",".join(map(str, cpus))
        # -P: the folder that the user stands in may hold a random.py or a serialprof.py, which must not be found first.
        command = [python, "-P", "-m", "serialprof.measure.worker"]
        handed = descriptors(reference)
        command += [str(request_end), str(reply_end), places, reference, *map(str, handed)]
        try:
            self._process = subprocess.Popen(
                command,
                env=_environment(len(cpus)) | dict(variables or {}),
                cwd=folder,
                pass_fds=(request_end, reply_end, *handed),
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=self._printed,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends its workers
            )
        except BaseException:
            self._release()
            raise
        finally:
            os.close(request_end)
            os.close(reply_end)
        self._buffer = b""
        self._printed_before = 0  # bytes that were printed when it last answered
        self.answers = 0

    def ask(self, request: protocol.Request, limit: float) -> protocol.Reply:
        """Sends a request and waits for its reply, `limit` seconds at most.

        Raises:
            WorkerLostError: no reply; the worker is of no more use and has been ended.
        """
        try:
            self._write(protocol.encode(request))
            reply = protocol.decode_reply(self._read_line(limit))
            self._check_printed()
            self._trim()
            self.answers += 1
            return reply
        except (OSError, msgspec.MsgspecError, EOFError, TimeoutError, _TooMuchPrintedError) as error:
            reason = self._epitaph(error, limit)
            self.kill()
            raise WorkerLostError(reason, hung=isinstance(error, TimeoutError)) from None

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._requests, line) :]

    def _read_line(self, limit: float) -> bytes:
        end = time.monotonic() + limit
        poll = select.poll()  # unlike select(), for any file descriptor
        poll.register(self._replies, select.POLLIN)
        while b"\n" not in self._buffer:
            if not poll.poll(1000 * max(0.0, min(_LOOK, end - time.monotonic()))):
                if time.monotonic() >= end:
                    raise TimeoutError
                self._check_printed()
                continue
            chunk = os.read(self._replies, 1 << 16)
            if not chunk:
                raise EOFError
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _epitaph(self, error: Exception, limit: float) -> str:
        """Why the worker is lost, in one sentence."""
        if isinstance(error, TimeoutError):
            return f"hung: no answer within {limit:.0f} s{self._whereabouts()}"
        if isinstance(error, _TooMuchPrintedError):
            printed, most = (format_bytes(size) for size in (self._size() - self._printed_before, _MOST_PRINTED))
            return (
                f"it printed {printed} in one visit, which is more than {most}, so printing is what would be timed; "
                f"all but the last of it was dropped: {self._last_words()}"
            )
        if isinstance(error, msgspec.MsgspecError):
            return "spoke garbage on the worker's pipe"
        self._await_end(5.0)
        last = self._last_words()
        self.kill()
        code = self._process.returncode
        if code < 0:
            return f"worker died by {_signal_name(-code)}"
        return f"worker ended with exit code {code}{': ' + last if last else ''}"

    def _check_printed(self) -> None:
        """Raises where the worker printed so much since its last answer that it is printing that would be timed."""
        if self._size() - self._printed_before > _MOST_PRINTED:
            raise _TooMuchPrintedError

    def _trim(self) -> None:
        """Forgets what the worker printed where that has become much, so that it fills no disk."""
        if self._size() > _MOST_PRINTED:
            self._printed.truncate(0)
        self._printed_before = self._size()

    def _size(self) -> int:
        return os.fstat(self._printed.fileno()).st_size

    def _whereabouts(self) -> str:
        """The place where the worker hangs, as it says itself when it is asked; empty where it does not."""
        begin, end = self._size(), time.monotonic() + _TELLING
        os.kill(self._process.pid, WHERE)
        while time.monotonic() < end:
            time.sleep(0.01)
            self._printed.seek(begin)
            if place := place_told(self._printed.read().decode(errors="replace")):
                return f" ({place})"
        return ""

    def _last_words(self) -> str:
        """The last line that the worker printed."""
        self._printed.seek(max(0, self._printed.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = self._printed.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def close(self) -> None:
        """Lets the worker end by itself, which it does as soon as its pipe closes; ends it after two seconds.

        What the workload started and left running is ended with it.
        """
        self._release()
        self._await_end(2.0)
        self.kill()

    def kill(self) -> None:
        """Ends the worker and whatever it started, now."""
        if self._process.returncode is None:  # not reaped yet, so the group's number is still its own
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._release()

    def _await_end(self, limit: float) -> None:
        """Waits until the worker has ended, `limit` seconds at most, and leaves it to be reaped."""
        end = time.monotonic() + limit
        pid, options = self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT
        while self._process.returncode is None and os.waitid(os.P_PID, pid, options) is None:
            if time.monotonic() > end:
                return
            time.sleep(0.002)

    def _release(self) -> None:
        self._printed.close()
        for end in (self._requests, self._replies):
            with suppress(OSError):
                os.close(end)
        self._requests = self._replies = -1


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        return f"signal {number}"


def _environment(threads: int) -> dict[str, str]:
    """The parent's environment, with the thread count of every numerical library set before it is imported."""
    environment = {**os.environ, IN_WORKER: "1"}
    environment.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    return environment
