# SPDX-License-Identifier: Apache-2.0
"""Times on a CUDA device: events on the current stream around some steps and their regions, read when they are done.

Host ticks around asynchronous work are times of enqueueing, and no split of a step. Nothing here waits for the device.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from serialprof import _native
from serialprof.live.records import Device, DeviceStep

#: The calls of native/live.cpp.
STEP, ENTER, LEAVE, END = range(4)
#: Of the host's time, what taking events may cost: 1 part in this.
_RARELY: Final = 50
#: Steps whose events are not read yet; and steps that are kept per loop.
_MOST_PENDING: Final = 64
MOST_STEPS: Final = 512


def cuda_of_torch() -> Any:
    """torch.cuda where this process uses it, else None; never imports torch, never initialises CUDA."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None


@dataclass(slots=True)
class _Step:
    """A step whose events are being taken: regions that are open, and those that were left, with their events."""

    loop: int
    stream: object
    first: Any
    began: float
    last: Any = None
    spent: float = 0.0
    sound: bool = True
    open: list[tuple[int, Any]] = field(default_factory=list)
    spans: list[tuple[tuple[int, ...], Any, Any]] = field(default_factory=list)


class Events:
    """Takes events of a step every so often, so rarely that a loop costs the host at most a fiftieth of its time.

    Args:
        clock: seconds of the host's clock.

    Attributes:
        steps: by number of loop, (seconds, {path of numbers: seconds}) of steps spread over the recording.
        dropped: by number of loop, steps whose events were taken in vain.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.steps: dict[int, list[tuple[float, dict[tuple[int, ...], float]]]] = {}
        self.dropped: dict[int, int] = {}
        self._open: dict[int, _Step] = {}
        self._pending: deque[_Step] = deque()
        self._every: dict[int, int] = {}
        self._count: dict[int, int] = {}
        self._not_before: dict[int, float] = {}  # a loop inside another one must not take its turns

    def __call__(self, event: int, name: int) -> bool:
        """One call of the recorder; the answer is whether a step is under way whose regions are to be told as well."""
        cuda = cuda_of_torch()
        if cuda is None:
            return False
        began = self._clock()
        thread = threading.get_ident()
        step = self._open.get(thread)
        if event == STEP:
            return self._boundary(cuda, thread, step, name, began)
        if step is None:
            return False
        if event == END and step.loop == name:
            del self._open[thread]  # in the midst of a step, which is none
            self._drop(step)
            return False
        if event == END:
            self._leave(cuda, step, name)
        elif event == ENTER:
            step.open.append((name, self._mark(cuda, step)))
        else:
            self._leave(cuda, step, name)
        step.spent += self._clock() - began
        return True

    def resolve(self) -> None:
        """Reads the events of steps that the device has done, oldest first."""
        while self._pending and (not self._pending[0].sound or self._pending[0].last.query()):
            self._read(self._pending.popleft())

    def give_up(self) -> None:
        """At the end: what the device has not done by now is dropped."""
        self.resolve()
        for step in (*self._pending, *self._open.values()):
            self._drop(step)
        self._pending.clear()
        self._open.clear()

    def _boundary(self, cuda: Any, thread: int, step: _Step | None, name: int, began: float) -> bool:
        if step is not None and step.loop != name:  # a loop inside the step
            if name not in (inner for inner, _ in step.open):
                step.open.append((name, self._mark(cuda, step)))
            return True
        if step is not None:
            del self._open[thread]
            step.last = self._mark(cuda, step)
            step.sound = step.sound and not step.open
            step.spent += self._clock() - began
            self._not_before[name] = self._clock() + _RARELY * step.spent
            self._pending.append(step)
        self.resolve()
        if self._clock() < self._not_before.get(name, 0.0) or len(self._pending) >= _MOST_PENDING:
            return False
        if cuda.is_current_stream_capturing():
            return False
        fresh = _Step(name, cuda.current_stream(), None, began)
        fresh.first = self._mark(cuda, fresh)
        fresh.spent = self._clock() - began
        self._open[thread] = fresh
        return True

    def _leave(self, cuda: Any, step: _Step, name: int) -> None:
        if not step.open or step.open[-1][0] != name:
            step.sound = False
            return
        path = tuple(inner for inner, _ in step.open)
        _, first = step.open.pop()
        step.spans.append((path, first, self._mark(cuda, step)))

    def _mark(self, cuda: Any, step: _Step) -> Any:
        """An event on the current stream; a step that changes streams, or is captured, has no times of its own."""
        if cuda.current_stream() != step.stream or cuda.is_current_stream_capturing():
            step.sound = False
        if not step.sound:
            return None
        event = cuda.Event(enable_timing=True)
        event.record(step.stream)
        return event

    def _read(self, step: _Step) -> None:
        if not step.sound:
            self._drop(step)
            return
        parts: dict[tuple[int, ...], float] = {}
        for path, first, last in step.spans:
            parts[path] = parts.get(path, 0.0) + 1e-3 * first.elapsed_time(last)
        self._keep(step.loop, (1e-3 * step.first.elapsed_time(step.last), parts))

    def _keep(self, loop: int, row: tuple[float, dict[tuple[int, ...], float]]) -> None:
        """Every so many rows, so that those that are kept are spread over the recording."""
        rows, every = self.steps.setdefault(loop, []), self._every.setdefault(loop, 1)
        count = self._count.get(loop, 0)
        self._count[loop] = count + 1
        if count % every:
            return
        rows.append(row)
        if len(rows) > MOST_STEPS:
            del rows[1::2]
            self._every[loop] = 2 * every

    def _drop(self, step: _Step) -> None:
        self.dropped[step.loop] = self.dropped.get(step.loop, 0) + 1


class Watch:
    """Called now and then while steps go by: once torch has begun to use CUDA, events are taken."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def __call__(self) -> None:
        """Looks once."""
        if cuda_of_torch() is not None:
            _native.live_hook(self._events)
            _native.live_chore(None, 0)


def devices(events: Events | None, loops: Iterable[str], names: Sequence[str]) -> Mapping[str, Device]:
    """What is known of device times, by name of loop, when a recording has stopped.

    Args:
        events: those that were taken, None where none were to be.
        loops: names of loops.
        names: by number.
    """
    used = cuda_of_torch() is not None
    if events is not None:
        events.give_up()
    found = {}
    for name in loops:
        number = names.index(name)
        rows = events.steps.get(number, []) if events else []
        dropped = events.dropped.get(number, 0) if events else 0
        steps = tuple(
            DeviceStep(seconds, tuple(tuple(names[each] for each in path) for path in parts), tuple(parts.values()))
            for seconds, parts in rows
        )
        found[name] = Device("events" if steps else "enqueue" if used else "none", steps, dropped)
    return found
