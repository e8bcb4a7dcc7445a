# SPDX-License-Identifier: Apache-2.0
"""From a framework's profile to a few numbers: what ran on the device, alone or at once, and where the host waited.

The arithmetic is on plain intervals (begin, end); one function takes them from a torch profile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from serialprof.records import Profile

Interval: TypeAlias = tuple[float, float]

#: Bears the steps in a profile; what stands outside of it is no step's.
MARKER: Final = "serialprof steps"
#: Share of an operation's time from which on those that it calls are the kernels, and not itself.
_DELEGATED: Final = 0.5
#: Host calls in which nothing happens but waiting for the device.
_WAITS: Final = frozenset(
    {
        "cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cudaMemcpy",
        "cuStreamSynchronize", "cuCtxSynchronize", "cuEventSynchronize",
    }
)  # fmt: skip
_COPIES: Final = ("Memcpy HtoD", "Memcpy DtoH")
#: Regions that torch.compile names in the host's trace: a graph is an operation, what leads to it is none.
_COMPILED_GRAPH: Final = "## Call CompiledFxGraph"


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the framework on the host: its interval, its thread, and whether it computes or only frames others."""

    begin: float
    end: float
    thread: int = 0
    computes: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """The intervals of a profile in seconds: kernels, copies between host and device, host calls that wait."""

    kernels: tuple[Interval, ...]
    transfers: tuple[Interval, ...] = ()
    waits: tuple[Interval, ...] = ()


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same stretch of time as intervals that neither touch nor overlap, ascending; empty ones are left out."""
    merged: list[Interval] = []
    for begin, end in sorted(intervals):
        if end <= begin:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def covered(intervals: Iterable[Interval]) -> float:
    """Seconds in which at least one interval lasts."""
    return sum(end - begin for begin, end in union(intervals))


def outside(intervals: Iterable[Interval], others: Iterable[Interval]) -> float:
    """Seconds in which at least one interval lasts, and none of the others."""
    taken = list(others)
    return max(0.0, covered([*intervals, *taken]) - covered(taken))


def leaves(operations: Iterable[Operation]) -> list[Interval]:
    """The operations that do the work: those whose time is not, for the better half, that of operations they call.

    A call that only prepares or hands on (`linear` calls `addmm`) is no kernel of its own, its callee is; small ones
    that a kernel calls (`mm` calls `resolve_conj`) are part of it. What computes nothing is never one.

    Args:
        operations: properly nested on each thread.
    """
    found: list[Interval] = []
    for own in _by_thread(operations):
        _collect(own, 0, len(own), found)
    return found


def profile_of(trace: Trace, steps: int, step: float) -> Profile:
    """A profile per step.

    Args:
        trace: of all the steps that were profiled.
        steps: how many.
        step: seconds of one while it was profiled.
    """
    return Profile(
        steps=steps,
        step=step,
        kernels=len(trace.kernels) / steps,
        busy=covered(trace.kernels) / steps,
        transfers=outside(trace.transfers, trace.kernels) / steps,
        waiting=covered(trace.waits) / steps,
    )


def trace_of(events: Iterable[Any], *, on_cuda: bool) -> Trace:
    """The intervals of a torch profile, of what began within MARKER where that is there.

    Args:
        events: `torch.profiler.profile.events()`, with times in microseconds.
        on_cuda: whether kernels are those of CUDA devices; otherwise they are operations on the host.
    """
    listed = list(events)
    inside = _marked(listed)
    if not on_cuda:
        return Trace(tuple(leaves(_operation(event) for event in inside if not event.is_async)))
    device = [event for event in listed if not _on_host(event) and not event.is_user_annotation]
    return Trace(
        kernels=tuple(_interval(event) for event in device if not event.name.startswith(_COPIES)),
        transfers=tuple(_interval(event) for event in device if event.name.startswith(_COPIES)),
        waits=tuple(_interval(event) for event in inside if event.name in _WAITS),
    )


def launches_of(events: Iterable[Any], *, on_cuda: bool) -> int:
    """What the marked steps of a torch profile launch; arguments as of `trace_of`.

    On CUDA devices these are kernels. On the host they are the operations that the program itself calls: unlike the
    kernels there, which times tell apart, always the same ones.
    """
    listed = list(events)
    if on_cuda:
        return len(trace_of(listed, on_cuda=True).kernels)
    return outermost(_operation(event) for event in _marked(listed) if not event.is_async)


def outermost(operations: Iterable[Operation]) -> int:
    """How many operations compute and are called by none that does; properly nested on each thread."""
    count = 0
    for own in _by_thread(item for item in operations if item.computes):
        end = -math.inf
        for operation in own:
            if operation.begin >= end:
                count, end = count + 1, operation.end
    return count


def _marked(events: Sequence[Any]) -> list[Any]:
    """The events on the host that began within MARKER, all of them where that is not there."""
    span = next((_interval(event) for event in events if event.name == MARKER and _on_host(event)), None)
    return [
        event
        for event in events
        if event.name != MARKER and _on_host(event) and (span is None or span[0] <= _interval(event)[0] <= span[1])
    ]


def _by_thread(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """The operations of each thread in the order in which they begin, a caller before what it calls."""
    threads: dict[int, list[Operation]] = {}
    for operation in operations:
        threads.setdefault(operation.thread, []).append(operation)
    for own in threads.values():
        yield sorted(own, key=lambda operation: (operation.begin, -operation.end))


def _collect(operations: Sequence[Operation], first: int, last: int, found: list[Interval]) -> None:
    """Adds the kernels among operations[first:last], which are those of one caller."""
    while first < last:
        caller, after = operations[first], first + 1
        while after < last and operations[after].begin < caller.end:
            after += 1
        called = covered((item.begin, item.end) for item in operations[first + 1 : after] if item.computes)
        if caller.computes and called < _DELEGATED * (caller.end - caller.begin):
            found.append((caller.begin, caller.end))
        else:
            _collect(operations, first + 1, after, found)
        first = after


def _operation(event: Any) -> Operation:
    computes = not event.is_user_annotation and ("::" in event.name or event.name.startswith(_COMPILED_GRAPH))
    return Operation(*_interval(event), event.thread, computes)


def _interval(event: Any) -> Interval:
    return 1e-6 * event.time_range.start, 1e-6 * event.time_range.end


def _on_host(event: Any) -> bool:
    return bool(event.device_type.name == "CPU")
