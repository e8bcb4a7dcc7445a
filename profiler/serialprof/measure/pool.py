# SPDX-License-Identifier: Apache-2.0
"""The live workers of a run: one per (workload, mode, device, CPUs), the longest unused ended when too many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self, TypeAlias

from serialprof.loading import registered
from serialprof.measure import protocol
from serialprof.measure.process import WorkerLostError, WorkerProcess
from serialprof.planning import Point, StandInKind
from serialprof.records import Anatomy, Profile, Readings, Timing
from serialprof.setting import on_cuda

MAXIMUM_WORKERS: Final = 8
_Key: TypeAlias = tuple[str, str, str, tuple[int, ...]]


class PointFailedError(Exception):
    """A point that cannot be measured; the message is the reason."""


class PointExhaustedError(PointFailedError):
    """A point for which the memory of host or device does not suffice."""


class PointHungError(PointFailedError):
    """A point that gave no answer within its limit."""


class Pool:
    """Starts workers on demand and asks them one at a time.

    Used as a context manager: leaving it ends every worker, at once where an exception is under way.

    Args:
        meter: whether they read the clock meter beside every sample.
    """

    def __init__(self, *, meter: bool = True) -> None:
        self._meter = meter
        self._locations: dict[str, str] = {}
        self._workers: OrderedDict[_Key, WorkerProcess] = OrderedDict()

    def calibrate(self, point: Point, limit: float) -> float:
        """Seconds of one run(D) of a point, after building it and warming it up until it is steady.

        Raises:
            PointExhaustedError: memory does not suffice.
            PointFailedError: the workload raised, died, hung past `limit` seconds, or spoke garbage.
        """
        reply = self._ask(point, protocol.Calibrate(point.setting), limit)
        if not isinstance(reply, protocol.Calibrated):
            raise _refusal(reply)
        return reply.seconds

    def check(self, point: Point, limit: float) -> None:
        """Compares a point's known answer, where it has one.

        Raises:
            PointFailedError: the answer is another one, or as in `calibrate`.
        """
        reply = self._ask(point, protocol.Check(point.setting), limit)
        if not isinstance(reply, protocol.Checked):
            raise _refusal(reply)

    def sample(self, point: Point, runs: int, seconds: float, limit: float) -> Readings:
        """What a visit measured.

        Raises:
            PointFailedError: as in `calibrate`.
        """
        reply = self._ask(point, protocol.Sampling(point.setting, runs, seconds, self._meter), limit)
        if not isinstance(reply, protocol.Sampled):
            raise _refusal(reply)
        return reply.readings

    def stand_in(
        self, point: Point, kind: StandInKind, steps: int, runs: int, levels: Sequence[float], limit: float
    ) -> tuple[Timing, ...]:
        """Timings of `runs` runs of `steps` steps at every level of a stand-in, in this order.

        Raises:
            PointFailedError: the point or the machine gives no such stand-in, or as in `calibrate`.
        """
        reply = self._ask(point, protocol.StandIn(point.setting, kind, steps, runs, tuple(levels)), limit)
        if not isinstance(reply, protocol.StoodIn):
            raise _refusal(reply)
        return reply.timings

    def profile(self, point: Point, steps: int, limit: float) -> tuple[Profile | None, str]:
        """A profile of so many steps, or why there is none.

        Raises:
            PointFailedError: as in `calibrate`.
        """
        reply = self._ask(point, protocol.TakeProfile(point.setting, steps), limit)
        if not isinstance(reply, protocol.Profiled):
            raise _refusal(reply)
        return reply.profile, reply.unprofiled

    def dissect(self, point: Point, steps: int, runs: int, limit: float) -> Anatomy:
        """Separate timings of `runs` runs of `steps` steps.

        Raises:
            PointFailedError: as in `calibrate`.
        """
        reply = self._ask(point, protocol.Dissect(point.setting, steps, runs), limit)
        if not isinstance(reply, protocol.Dissected):
            raise _refusal(reply)
        return reply.anatomy

    def touched(self, point: Point, steps: int, limit: float) -> int | None:
        """Bytes of the pages that so many steps reference, None where the system does not tell.

        Raises:
            PointFailedError: as in `calibrate`.
        """
        reply = self._ask(point, protocol.CountTouched(point.setting, steps), limit)
        if not isinstance(reply, protocol.TouchedCounted):
            raise _refusal(reply)
        return reply.touched

    def restart(self) -> None:
        """Ends all workers, so that the next visits come from fresh processes."""
        while self._workers:
            self._workers.popitem()[1].close()

    def _ask(self, point: Point, request: protocol.Request, limit: float) -> protocol.Reply:
        """The answer of a point's worker; asked once more where memory of the device may have been held elsewhere."""
        device = point.setting.device
        reply = self._ask_once(point, request, limit)
        if isinstance(reply, protocol.Exhausted) and on_cuda(device) and self._free(device):
            reply = self._ask_once(point, request, limit)
            if isinstance(reply, protocol.Exhausted):  # a graph may have been under way: leave nothing of it
                self._free(device)
        return reply

    def _free(self, device: str) -> bool:
        """Ends all workers of a CUDA device; whether they held more than the point that was asked for."""
        own = [key for key in self._workers if key[2] == device]
        ended = [self._workers.pop(key) for key in own]
        for worker in ended:
            worker.close()
        return len(ended) > 1 or any(worker.answers > 1 for worker in ended)

    def _ask_once(self, point: Point, request: protocol.Request, limit: float) -> protocol.Reply:
        setting = point.setting
        key = (point.workload, setting.mode, setting.device, setting.cpus)
        if key not in self._workers:
            while len(self._workers) >= MAXIMUM_WORKERS:
                self._workers.popitem(last=False)[1].close()
            self._workers[key] = WorkerProcess(self._location(point.workload), setting.cpus)
        self._workers.move_to_end(key)
        try:
            reply = self._workers[key].ask(request, limit)
        except WorkerLostError as error:
            del self._workers[key]
            raise (PointHungError if error.hung else PointFailedError)(str(error)) from None
        except BaseException:
            self._workers.pop(key).kill()  # interrupted while it was at work: its answer would meet the next question
            raise
        if isinstance(reply, protocol.Failed) and reply.lost:
            self._workers.pop(key).close()
        return reply

    def _location(self, reference: str) -> str:
        """Where a registered workload stands, looked up once: a worker would search all installed packages for it."""
        if not self._locations:
            self._locations = {name: entry.value for name, entry in registered().items()}
        return self._locations.get(reference, reference)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for worker in self._workers.values():
                worker.kill()
        self.restart()


def _refusal(reply: protocol.Reply) -> PointFailedError:
    """What an answer means that is not the one asked for."""
    if isinstance(reply, protocol.Exhausted):
        return PointExhaustedError(reply.reason)
    if isinstance(reply, protocol.Failed):
        return PointFailedError(reply.reason)
    return PointFailedError(f"answered {type(reply).__name__} to another question")
