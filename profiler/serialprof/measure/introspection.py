# SPDX-License-Identifier: Apache-2.0
"""Asks a short-lived worker what a workload is and what it declares, or what the machine's limits are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

from serialprof.catalog import Description, Work
from serialprof.devicelimits import DeviceLimits
from serialprof.errors import CannotMeasureError, WorkloadError
from serialprof.limits import PART_NAMES, PARTS, Limits, Part
from serialprof.measure import protocol
from serialprof.measure.effort import FULL, QUICK, Effort
from serialprof.measure.pairs import PairReading
from serialprof.measure.process import WorkerLostError, WorkerProcess
from serialprof.measure.yardsticks import Yardsticks
from serialprof.setting import Setting

_LOAD_LIMIT: Final = 120.0  # seconds; importing a large framework from a cold disk takes tens
_PAIRS_LIMIT: Final = 300.0
_YARDSTICKS_LIMIT: Final = 30.0

_ENDING: Final = 0.5  # seconds kept back for ending the last process
_SHARE: Final = 0.8  # of what is left, the most that a part may aim at
_START: Final = 2.0  # seconds in which a process is surely up
_PATIENCE: Final = 2.0  # multiples of what a part aims at until it is given up
#: What is measured beside a part, with it.
_BESIDE: Final[dict[Part, tuple[str, ...]]] = {"chains": ("clock",), "fma": ("words",), "stream": ("updates",)}
_DEVICE_PATIENCE: Final = 4.0  # the same of a device, whose libraries load as they are first used

_Answer = TypeVar("_Answer", bound=protocol.Reply)


class Introspector:
    """One worker that loads a workload and answers questions about it; close it after use.

    Args:
        reference: the workload.
        cpu: the CPU it runs on.
        python: the interpreter, of an environment that has serialprof.
        folder: its working folder, None for the caller's.
    """

    def __init__(self, reference: str, cpu: int, *, python: str = sys.executable, folder: Path | None = None) -> None:
        self.reference = reference
        self._worker = WorkerProcess(reference, (cpu,), python=python, folder=folder)

    def describe(self) -> tuple[Description, str]:
        """The workload's description, and the hash of its source.

        Raises:
            WorkloadError: it does not load.
        """
        reply = self._ask(protocol.Describe(), protocol.Described)
        return reply.description, reply.code

    def declare(self, settings: Sequence[Setting]) -> tuple[Work | None, ...]:
        """The declared work per step at each setting, None where undeclared.

        Raises:
            WorkloadError: its declaration refuses a setting.
        """
        return self._ask(protocol.Declare(tuple(settings)), protocol.Declared).work

    def _ask(self, request: protocol.Request, kind: type[_Answer]) -> _Answer:
        try:
            reply = self._worker.ask(request, _LOAD_LIMIT)
        except WorkerLostError as error:
            raise WorkloadError(f"workload {self.reference!r}: {error}", "run it by itself to see why") from None
        if isinstance(reply, kind):
            return reply
        if isinstance(reply, protocol.Failed):
            # Where it does not load, how it came to that matters; a setting that it refuses is told by the sentence.
            trace = reply.trace if isinstance(request, protocol.Describe) else ""
            raise WorkloadError(f"workload {self.reference!r}: {reply.reason}", trace=trace)
        raise WorkloadError(f"workload {self.reference!r}: its worker answered another question")

    def close(self) -> None:
        """Ends the worker."""
        self._worker.close()


def probe_limits(
    cpus: tuple[int, ...],
    threads: Iterable[int],
    quick: bool = False,
    effort: Effort | None = None,
    parts: Sequence[Part] = PARTS,
    tell: Callable[[str], None] = lambda what: None,
) -> Limits:
    """The machine's limits for these thread counts on these CPUs, each part measured in a pinned process of its own.

    A part that fails, or that its time is up for, is left out; `Limits.unmeasured` says why.

    Args:
        cpus: in placement order.
        threads: thread counts; one above the number of CPUs is left out.
        quick: the form: that of ten seconds, or that of two minutes.
        effort: another form.
        parts: what to measure.
        tell: told in a few words what begins.

    Raises:
        CannotMeasureError: not a single part could be measured; the message says how the first one failed.
    """
    effort = effort or (QUICK if quick else FULL)
    end = time.monotonic() + effort.bound - _ENDING
    counts = tuple(sorted({count for count in threads if count <= len(cpus)}))
    limits = Limits(measured=time.time(), quick=effort.quick)
    chosen = [part for part in effort.seconds if part in parts]
    for part in chosen:
        if part == "barriers" and max(counts, default=1) == 1:
            continue
        tell(f"measuring the {PART_NAMES[part]}")
        try:
            found = _probe_part(part, cpus, counts, effort, end)
        except CannotMeasureError as error:
            found = Limits(unmeasured={part: error.message})
        known: dict[str, Any] = {name: getattr(found, name) for name in (part, *_BESIDE.get(part, ()))}
        limits = replace(limits, **known, unmeasured=limits.unmeasured | found.unmeasured)
    if chosen and all(not getattr(limits, part) for part in chosen):
        raise CannotMeasureError(f"the limits of this machine cannot be measured: {limits.unmeasured[chosen[0]]}")
    return limits


def _probe_part(part: Part, cpus: tuple[int, ...], counts: tuple[int, ...], effort: Effort, end: float) -> Limits:
    """One part, given up before the moment `end`.

    Raises:
        CannotMeasureError: it died, failed, or its time was up.
    """
    left = end - time.monotonic()
    if left <= 0:
        raise CannotMeasureError("its time was up")
    seconds = min(effort.seconds[part], _SHARE * left)
    request = protocol.Probe(part, cpus, counts, effort.quick, seconds)
    if part != "dispatch":
        return _probe(cpus, request, protocol.Probed, min(left, _PATIENCE * seconds + _START)).limits
    if find_spec("torch") is None:
        raise CannotMeasureError("torch is not installed; pip install serialprof[torch]")
    return _probe(cpus[:1], request, protocol.Probed, left).limits


def probe_pairs(cpus: tuple[int, ...]) -> tuple[PairReading, ...]:
    """What pairs of CPUs do alone and together (`measure.pairs`), measured in a process of their own.

    Raises:
        CannotMeasureError: the probe died or failed; the message says how.
    """
    try:
        return _probe(cpus, protocol.ProbePairs(cpus), protocol.PairsProbed, _PAIRS_LIMIT).readings
    except CannotMeasureError as error:
        raise CannotMeasureError(f"which CPUs share a core cannot be measured: {error}") from None


def probe_yardsticks(cpus: tuple[int, ...]) -> Yardsticks:
    """The yardsticks of the first of these CPUs, read in a process of their own.

    Raises:
        CannotMeasureError: the process died or failed; the message says how.
    """
    try:
        return _probe(cpus[:1], protocol.ReadYardsticks(), protocol.YardsticksRead, _YARDSTICKS_LIMIT).yardsticks
    except CannotMeasureError as error:
        raise CannotMeasureError(f"the yardsticks of this machine cannot be read: {error}") from None


def _probe(cpus: tuple[int, ...], request: protocol.Request, kind: type[_Answer], limit: float) -> _Answer:
    """A probe's answer from a process of its own; raises a CannotMeasureError that says how it failed."""
    with closing(WorkerProcess("", cpus)) as worker:
        try:
            reply = worker.ask(request, limit)
        except WorkerLostError as error:
            raise CannotMeasureError(f"no answer within {limit:.1f} s" if error.hung else str(error)) from None
    if isinstance(reply, kind):
        return reply
    raise CannotMeasureError(
        reply.reason if isinstance(reply, protocol.Failed) else "its worker answered another question"
    )


def see_device(cpus: tuple[int, ...], device: str) -> protocol.DeviceSeen:
    """What a device is, and the element types that it computes in, as torch in a process of its own sees it.

    Args:
        cpus: that the process may use.
        device: "cpu", "cuda" or "cuda:N".

    Raises:
        CannotMeasureError: torch is not installed, sees no such device, or the process died.
    """
    _need_torch()
    return _probe(cpus, protocol.SeeDevice(device), protocol.DeviceSeen, _LOAD_LIMIT)


def probe_device(cpus: tuple[int, ...], device: str, dtypes: tuple[str, ...], seconds: float) -> DeviceLimits:
    """The limits of a device as torch drives it, measured in a process of its own.

    Args:
        cpus: as many as threads.
        device: "cpu", "cuda" or "cuda:N".
        dtypes: element types of the matrix products.
        seconds: about what it takes once torch is imported.

    Raises:
        CannotMeasureError: as `see_device`.
    """
    _need_torch()
    request = protocol.ProbeDevice(device, dtypes, seconds)
    return _probe(cpus, request, protocol.DeviceProbed, _LOAD_LIMIT + _DEVICE_PATIENCE * seconds).limits


def _need_torch() -> None:
    if find_spec("torch") is None:
        raise CannotMeasureError("torch is not installed", "pip install serialprof[torch]")
