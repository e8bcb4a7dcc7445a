# SPDX-License-Identifier: Apache-2.0
"""Questions to a worker, and the times of runs in it; whatever goes wrong becomes a `Failure`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

from serialprof.checking.evidence import Failure
from serialprof.measure import protocol
from serialprof.measure.process import WorkerLostError, WorkerProcess
from serialprof.setting import Setting

#: Seconds of one timing, and how many of each setting are taken, the shortest of which counts.
_SHORTEST: Final = 3e-4
_ROUNDS: Final = 9
_FEWEST_ROUNDS: Final = 2
_ROUNDS_SECONDS: Final = 2.0  # that all rounds may take, unless these are the fewest

_Reply = TypeVar("_Reply", bound=protocol.Reply)


class FailedError(Exception):
    """A question that got no answer.

    Attributes:
        failure: why.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def ask(worker: WorkerProcess, request: protocol.Request, kind: type[_Reply], limit: float) -> _Reply:
    """The answer of the kind that belongs to a request, waited for `limit` seconds at most.

    Raises:
        FailedError: there is none.
    """
    try:
        reply = worker.ask(request, limit)
    except WorkerLostError as error:
        raise FailedError(Failure(str(error), hung=error.hung)) from None
    if isinstance(reply, kind):
        return reply
    reason = getattr(reply, "reason", f"its worker answered {type(reply).__name__}")
    raise FailedError(Failure(reason, exhausted=isinstance(reply, protocol.Exhausted)))


def run_seconds(worker: WorkerProcess, settings: Sequence[Setting], limit: float) -> list[float]:
    """Seconds of one run(D) at each setting: the shortest of several timings, which are taken in turn.

    Args:
        worker: of the workload.
        settings: that it can be built at.
        limit: seconds for each answer.

    Raises:
        FailedError: one of them fails; the reason names it.
    """
    shortest = [_time(worker, setting, 1, limit) for setting in settings]
    counts = [max(1, round(_SHORTEST / seconds)) for seconds in shortest]
    one = sum(count * seconds for count, seconds in zip(counts, shortest, strict=True))
    for _ in range(max(_FEWEST_ROUNDS, min(_ROUNDS, int(_ROUNDS_SECONDS / one)))):
        times = [_time(worker, setting, count, limit) for setting, count in zip(settings, counts, strict=True)]
        shortest = list(map(min, shortest, times))
    return shortest


def _time(worker: WorkerProcess, setting: Setting, runs: int, limit: float) -> float:
    try:
        return ask(worker, protocol.Turn(setting, runs, warm=False), protocol.Turned, limit).seconds / runs
    except FailedError as error:
        place = f"width {setting.width}, {setting.form} form"
        raise FailedError(replace(error.failure, reason=f"{error.failure.reason} ({place})")) from None
