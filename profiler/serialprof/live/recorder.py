# SPDX-License-Identifier: Apache-2.0
"""One recording at a time: it starts, it stops, and what was recorded goes into a file or stays in memory."""

from __future__ import annotations

import atexit
import os
import sys
import time
import uuid
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from serialprof import _native
from serialprof.errors import UsageError
from serialprof.files import check_creatable
from serialprof.live.cuda import Events, Watch
from serialprof.live.face import switched_off

if TYPE_CHECKING:
    from serialprof.live.view import Live

#: Seconds of a block at first: the CPU clocks are read once per block, at a few microseconds.
BLOCK_SECONDS: Final = 2e-3


class Recording:
    """Records steps and regions of this process, all of its threads, while it is on.

        with serialprof.recording("service.serialprof"):
            serve()

    or, where no block encloses what is to be recorded, `start()` and `stop()`. What was recorded is written when it
    stops, or when the process ends in order. A forked child records nothing until it starts a recording of its own,
    and never writes its parent's file. Where the environment has SERIALPROF=off, nothing is recorded or written.

    Args:
        file: a new *.serialprof file; None keeps the result in memory.
        cuda_events: whether CUDA events of torch are taken of some steps once torch has begun to use CUDA.

    Attributes:
        live: what was recorded, once it has stopped; None before, and where recording is switched off.
    """

    def __init__(self, file: str | os.PathLike[str] | None = None, *, cuda_events: bool = True) -> None:
        self.live: Live | None = None
        self._path = None if file is None else Path(file)
        self._cuda_events = cuda_events
        self._process = -1
        self._began = (0, 0.0)
        self._started = 0.0
        self._events: Events | None = None

    def start(self) -> Self:
        """Begins to record.

        Raises:
            UsageError: another recording is on in this process, or this one was on already.
            StoreError: the file exists or could not be written.
        """
        if switched_off():
            return self
        if _under_way.recording is not None:
            raise UsageError("a recording is on in this process already", "stop it first: there is one at a time")
        if self.live is not None:
            raise UsageError("this recording has been made", "make another one: serialprof.recording(FILE)")
        if self._path is not None:
            check_creatable(self._path)
        second = _seconds_per_tick()
        self._process, self._started, self._began = os.getpid(), time.time(), _native.tick_pair()
        self._events = Events() if self._cuda_events else None
        _native.live_hook(None)
        _native.live_chore(Watch(self._events) if self._events else None, int(0.1 / second))
        _under_way.recording = self
        _native.live_start(max(1, int(BLOCK_SECONDS / second)))
        return self

    def stop(self) -> None:
        """Ends the recording and writes the file; does nothing where it is not on, and in a forked child.

        Raises:
            StoreError: the file cannot be written; what was recorded is in `live` all the same.
        """
        if _under_way.recording is not self or self._process != os.getpid():
            return
        _native.live_stop()
        _native.live_hook(None)
        _native.live_chore(None, 0)
        _under_way.recording = None
        self.live = self._result()
        if self._path is not None:
            self.live.save(self._path)

    def _result(self) -> Live:
        from serialprof.live.collecting import Clock, collected
        from serialprof.live.cuda import devices
        from serialprof.live.records import StoredLive
        from serialprof.live.view import Live
        from serialprof.machine.reading import read_machine

        taken = _native.live_taken()
        ticks, seconds = _native.tick_pair()
        duration = seconds - self._began[1]
        clock = Clock(self._began[0], duration / max(1, ticks - self._began[0]))
        names = [taken["names"][loop["name"]] for lane in taken["lanes"] for loop in lane["loops"]]
        loops, outside, losses = collected(taken, clock, devices(self._events, names, taken["names"]))
        return Live(
            StoredLive(
                live_id=uuid.uuid4().hex,
                started=self._started,
                duration=duration,
                version=version("serialprof"),
                command=tuple(sys.orig_argv),
                machine=read_machine(),
                loops=loops,
                outside=outside,
                losses=losses,
            )
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def recording(file: str | os.PathLike[str] | None = None, *, cuda_events: bool = True) -> Recording:
    """Records steps and regions: `with serialprof.recording("service.serialprof"): ...`; see `Recording`."""
    return Recording(file, cuda_events=cuda_events)


class _UnderWay:
    """The recording that is on in this process."""

    recording: Recording | None = None

    def end(self) -> None:
        """The process ends."""
        if self.recording is not None:
            self.recording.stop()

    def forget(self) -> None:
        """This is a forked child."""
        self.recording = None
        _native.live_hook(None)
        _native.live_chore(None, 0)


_under_way: Final = _UnderWay()
atexit.register(_under_way.end)
os.register_at_fork(after_in_child=_under_way.forget)


def _seconds_per_tick() -> float:
    """Roughly, for lengths that need not be exact."""
    (ticks, seconds), end = _native.tick_pair(), time.perf_counter() + 1e-3
    while time.perf_counter() < end:
        pass
    later, moment = _native.tick_pair()
    return (moment - seconds) / max(1, later - ticks)
