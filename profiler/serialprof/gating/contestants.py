# SPDX-License-Identifier: Apache-2.0
"""What a role of a gate runs, and its worker: started in its environment, asked, and named where it fails."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from serialprof.errors import UsageError
from serialprof.gating.records import Role
from serialprof.measure import protocol
from serialprof.measure.process import WorkerLostError, WorkerProcess

#: Seconds that starting, loading and warming up may take.
START_LIMIT: Final = 120.0

_Reply = TypeVar("_Reply", bound=protocol.Reply)


def check_timeout(seconds: float, name: str = "timeout") -> None:
    """Raises a UsageError for a wait that is longer than anything else waits for a side to start."""
    if seconds > START_LIMIT:
        raise UsageError(f"{name} is {START_LIMIT:.0f} s at most", "gate a step that is warm earlier")


class BenchmarkFailedError(Exception):
    """A side that does not run a benchmark; the message is the reason.

    Attributes:
        role: whose.
        hung: whether it gave no answer in time.
    """

    def __init__(self, role: Role, reason: str, *, hung: bool = False) -> None:
        super().__init__(reason)
        self.role = role
        self.hung = hung


class Contender(WorkerProcess):
    """The worker of a role, of which more is seen from outside than what it answers.

    Attributes:
        forgotten: bytes of what it printed that are no longer kept.
    """

    forgotten = 0

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def printed(self) -> int:
        """Bytes that it has printed so far, what it started included."""
        return self.forgotten + self._kept()

    def _trim(self) -> None:
        before = self._kept()
        super()._trim()
        self.forgotten += before - self._kept()

    def _kept(self) -> int:
        return os.fstat(self._printed.fileno()).st_size


@dataclass(frozen=True, slots=True)
class Contestant:
    """What a role runs.

    Attributes:
        python: interpreter of its environment.
        reference: the workload, files by their whole path.
        folder: in which its worker runs.
        planted: share of additional runs in every sample, which are not counted: a slow-down that is known.
        variables: of its environment.
    """

    python: str
    reference: str
    folder: Path
    planted: float = 0.0
    variables: Mapping[str, str] = field(default_factory=dict)


def start(role: Role, contestant: Contestant, cpus: tuple[int, ...], padding: Mapping[str, str]) -> Contender:
    """A fresh worker of a role.

    Args:
        role: which.
        contestant: what it runs.
        cpus: one per thread.
        padding: variables of its environment, beside the contestant's own.

    Raises:
        BenchmarkFailedError: its interpreter cannot be started.
    """
    try:
        return Contender(
            contestant.reference,
            cpus,
            python=contestant.python,
            folder=contestant.folder,
            variables={**contestant.variables, **padding},
        )
    except OSError as error:
        raise BenchmarkFailedError(role, f"{contestant.python} cannot be started: {error.strerror}") from None


def ask(role: Role, worker: WorkerProcess, request: protocol.Request, kind: type[_Reply], limit: float) -> _Reply:
    """A role's answer of the kind that belongs to the request, waited for `limit` seconds at most.

    Raises:
        BenchmarkFailedError: it has none; the message says how it failed.
    """
    try:
        reply = worker.ask(request, limit)
    except WorkerLostError as error:
        raise BenchmarkFailedError(role, str(error), hung=error.hung) from None
    if isinstance(reply, kind):
        return reply
    reason = getattr(reply, "reason", f"answered {type(reply).__name__} to another question")
    raise BenchmarkFailedError(role, reason)
