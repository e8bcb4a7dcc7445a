# SPDX-License-Identifier: Apache-2.0
"""Asks a short-lived worker what a workload is and what it declares, or what the machine's limits are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Final, TypeVar

from serialprof.catalog import Description, Work
from serialprof.errors import CannotMeasureError, WorkloadError
from serialprof.limits import Limits
from serialprof.measure import protocol
from serialprof.measure.pairs import PairReading
from serialprof.measure.process import WorkerLostError, WorkerProcess
from serialprof.setting import Setting

_LOAD_LIMIT: Final = 120.0  # seconds; importing a large framework from a cold disk takes tens
_PROBE_LIMIT: Final = 300.0

_Answer = TypeVar("_Answer", bound=protocol.Reply)


class Introspector:
    """One worker that loads a workload and answers questions about it; close it after use.

    Args:
        reference: the workload.
        cpu: the CPU it runs on.
    """

    def __init__(self, reference: str, cpu: int) -> None:
        self.reference = reference
        self._worker = WorkerProcess(reference, (cpu,))

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
        reason = reply.reason if isinstance(reply, protocol.Failed) else "its worker answered another question"
        raise WorkloadError(f"workload {self.reference!r}: {reason}")

    def close(self) -> None:
        """Ends the worker."""
        self._worker.close()


def probe_limits(cpus: tuple[int, ...], threads: Iterable[int], quick: bool) -> Limits:
    """The machine's limits for these thread counts on these CPUs, measured in a pinned process of their own.

    Raises:
        CannotMeasureError: the probes died or failed; the message says how.
    """
    request = protocol.Probe(cpus, tuple(sorted(set(threads))), quick)
    return _probe(cpus, request, protocol.Probed, "the limits of this machine").limits


def probe_pairs(cpus: tuple[int, ...]) -> tuple[PairReading, ...]:
    """What pairs of CPUs do alone and together (`measure.pairs`), measured in a process of their own.

    Raises:
        CannotMeasureError: the probe died or failed; the message says how.
    """
    return _probe(cpus, protocol.ProbePairs(cpus), protocol.PairsProbed, "which CPUs share a core").readings


def _probe(cpus: tuple[int, ...], request: protocol.Request, kind: type[_Answer], what: str) -> _Answer:
    with closing(WorkerProcess("", cpus)) as worker:
        try:
            reply = worker.ask(request, _PROBE_LIMIT)
        except WorkerLostError as error:
            raise CannotMeasureError(f"{what} cannot be measured: {error}") from None
    if isinstance(reply, kind):
        return reply
    reason = reply.reason if isinstance(reply, protocol.Failed) else "the worker answered another question"
    raise CannotMeasureError(f"{what} cannot be measured: {reason}")
