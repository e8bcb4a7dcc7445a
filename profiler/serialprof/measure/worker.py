# SPDX-License-Identifier: Apache-2.0
"""The worker process: `python -m serialprof.measure.worker REQUESTS REPLIES CPUS REFERENCE [HANDED]`.

It binds itself to its CPUs before anything that starts threads is imported, loads one workload, and answers requests
until its pipe closes. Whatever the workload prints goes to the worker's own standard output, never into the protocol.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from serialprof.catalog import Stepper, Workload
    from serialprof.measure import protocol
    from serialprof.measure.coreclocks import CoreClocks
    from serialprof.measure.instruments import Instruments
    from serialprof.planning import StandInKind
    from serialprof.records import Anatomy, Profile, Readings, Timing
    from serialprof.setting import Setting

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def main(arguments: list[str]) -> None:
    """Serves requests from one pipe and answers on another, until the parent closes its end."""
    requests, replies, cpus, reference, *handed = arguments
    places = [int(cpu) for cpu in cpus.split(",")]
    _die_with_parent()
    from serialprof.measure.binding import bind

    bind(places)
    from serialprof.measure import memory, misconduct, protocol, whereabouts

    memory.limit_memory()
    misconduct.forbid_offspring()
    whereabouts.tell_when_asked()

    own = os.getpid()
    worker = Worker(reference, places, int(handed[0]) if handed else None)
    with os.fdopen(int(requests), "rb") as source, os.fdopen(int(replies), "wb") as sink:
        for line in source:
            answer = _encoded(worker.handle(protocol.decode_request(line)))
            misconduct.end_child(own)
            sink.write(answer)
            sink.flush()
    _leave()


class Worker:
    """Answers requests about one workload; keeps the steppers that it built while memory allows.

    Args:
        reference: the workload.
        cpus: that this process is bound to.
        handed: file descriptor of the memory that holds it, where it stands in no file.
    """

    def __init__(self, reference: str, cpus: list[int], handed: int | None = None) -> None:
        from serialprof.measure import misconduct

        self.reference = reference
        self.cpus = cpus
        self._descriptor = handed
        self._workload: Workload | None = None
        self._steppers: OrderedDict[str, Stepper] = OrderedDict()
        self._warm: set[str] = set()
        self._instruments: Instruments | None = None
        self._core_clocks: CoreClocks | None = None
        self._rules = misconduct.Rules()

    def handle(self, request: protocol.Request) -> protocol.Reply:
        """The answer to a request; whatever it raises becomes an `Exhausted` or a `Failed` with one sentence.

        So does what the workload did to this process, which is then of no more use.
        """
        from serialprof.measure import protocol

        reply = self._attempt(request)
        if isinstance(request, protocol.Observe):  # which tells of it
            return reply
        broken = self._rules.broken(getattr(request, "setting", None))
        if not broken:
            return reply
        return protocol.Failed(reply.reason if isinstance(reply, protocol.Failed) else broken, lost=True)

    def _attempt(self, request: protocol.Request) -> protocol.Reply:
        from serialprof.measure import memory, protocol

        try:
            return self._dispatch(request)
        except BaseException as error:
            from serialprof.measure.describing import failure_of

            reply = failure_of(error)
        if isinstance(reply, protocol.Exhausted):  # only now that nothing refers to what the error's frames held
            self._steppers.clear()
            memory.release()
        return reply

    def _dispatch(self, request: protocol.Request) -> protocol.Reply:
        from serialprof.measure import protocol

        match request:
            case protocol.Describe():
                from serialprof.measure.origin import code_of

                workload = self._load()
                code = code_of(self.reference, self._descriptor, workload)
                return protocol.Described(workload.describe(self.reference), code)
            case protocol.Declare(settings):
                return protocol.Declared(tuple(self._load().declared(item) for item in settings))
            case protocol.Calibrate(setting):
                return protocol.Calibrated(self._calibrate(setting))
            case protocol.Check(setting):
                if check := getattr(self._stepper(setting), "check", None):
                    check()
                return protocol.Checked()
            case _:
                return self._timed(request)

    def _timed(self, request: protocol.Request) -> protocol.Reply:
        """The answer to what is asked about the time that a point takes."""
        from serialprof.measure import protocol

        match request:
            case protocol.Sampling(setting, runs, seconds, meter):
                return protocol.Sampled(self._sample(setting, runs, seconds, meter=meter))
            case protocol.Turn(setting, runs, warm):
                return protocol.Turned(self._turn(setting, runs, warm=warm))
            case protocol.StandIn(setting, kind, steps, runs, levels):
                return protocol.StoodIn(self._stand_in(setting, kind, steps, runs, levels))
            case protocol.Dissect(setting, steps, runs):
                return protocol.Dissected(self._dissect(setting, steps, runs))
            case protocol.TakeProfile(setting, steps):
                return protocol.Profiled(*self._profile(setting, steps))
            case _:
                return self._account(request)

    def _account(self, request: protocol.Request) -> protocol.Reply:
        """The answer to what is asked about the process of a point beside its times."""
        from serialprof.measure import accounts, protocol

        match request:
            case protocol.TraceSteps(setting, steps):
                return protocol.StepsTraced(accounts.trace_steps(self._settled(setting), setting, steps))
            case protocol.TellMemory(setting):
                return protocol.MemoryTold(accounts.peak_memory(setting))
            case protocol.CountLaunches(setting, steps):
                return protocol.LaunchesCounted(accounts.count_launches(self._settled(setting), setting, steps))
            case protocol.CountTouched(setting, steps):
                from serialprof.measure.touched import touched_by

                return protocol.TouchedCounted(touched_by(self._settled(setting), steps))
            case protocol.Observe(setting, seconds):
                from serialprof.measure.observing import observe

                return protocol.Observed(observe(self._load(), setting, seconds))
            case _:
                from serialprof.measure.machineprobe import answer

                return answer(request, self.cpus)

    def _calibrate(self, setting: Setting) -> float:
        from serialprof.measure.misconduct import check_done
        from serialprof.measure.sampler import settle

        stepper = self._stepper(setting)
        check_done(stepper)
        self._warm.add(repr(setting))
        return settle(stepper, setting).run_seconds

    def _sample(self, setting: Setting, runs: int, seconds: float, *, meter: bool) -> Readings:
        from serialprof.measure.sampler import sample
        from serialprof.setting import PROCESS_MODE

        stepper = self._stepper(setting)
        # Every run of a program is a fresh process, so there is nothing in this one to settle.
        fresh = setting.mode != PROCESS_MODE and repr(setting) not in self._warm
        self._warm.add(repr(setting))
        readings = sample(stepper, setting, runs, seconds, self._opened(), meter=meter, fresh=fresh)
        return readings if setting.clock is None else replace(readings, core_clocks=self._clocks())

    def _turn(self, setting: Setting, runs: int, *, warm: bool) -> float:
        from serialprof.measure.sampler import time_turn
        from serialprof.setting import PROCESS_MODE

        stepper = self._stepper(setting) if setting.mode == PROCESS_MODE else self._settled(setting)
        return time_turn(stepper, setting, runs, warm=warm)

    def _stand_in(
        self, setting: Setting, kind: StandInKind, steps: int, runs: int, levels: Sequence[float]
    ) -> tuple[Timing, ...]:
        from serialprof.measure.delay import time_delays
        from serialprof.measure.dilation import time_dilated

        take = time_delays if kind == "delay" else time_dilated
        return take(self._settled(setting), replace(setting, depth=steps), runs, levels, self._opened())

    def _dissect(self, setting: Setting, steps: int, runs: int) -> Anatomy:
        from serialprof.measure.anatomy import dissect

        return dissect(self._settled(setting), setting, steps, runs, self._opened())

    def _profile(self, setting: Setting, steps: int) -> tuple[Profile | None, str]:
        from serialprof.measure.anatomy import take_profile

        return take_profile(self._settled(setting), setting, steps)

    def _settled(self, setting: Setting) -> Stepper:
        """The stepper of a setting, run until it is steady where it is fresh in this process."""
        from serialprof.measure.sampler import settle

        stepper = self._stepper(setting)
        if repr(setting) not in self._warm:
            settle(stepper, setting)
            self._warm.add(repr(setting))
        return stepper

    def _clocks(self) -> tuple[float | None, ...]:
        """The clock of every CPU, right after what was measured at it."""
        from serialprof.measure.coreclocks import CoreClocks

        if self._core_clocks is None:
            self._core_clocks = CoreClocks(self.cpus)
        return self._core_clocks.read()

    def _opened(self) -> Instruments:
        from serialprof.measure.instruments import Instruments

        if self._instruments is None:
            self._instruments = Instruments(self.cpus)
        return self._instruments

    def _load(self) -> Workload:
        if self._workload is None:
            from serialprof.measure import origin
            from serialprof.measure.binding import limit_torch

            self._workload = origin.load(self.reference, self._descriptor)
            limit_torch(len(self.cpus))
            self._rules.settle()
        return self._workload

    def _stepper(self, setting: Setting) -> Stepper:
        """The stepper of a setting: built on first use, forgotten longest-unused first when memory runs short."""
        from serialprof.measure.binding import bind, limit_torch
        from serialprof.measure.memory import make_room
        from serialprof.measure.misconduct import end_child

        key = repr(setting)
        if key not in self._steppers:
            workload = self._load()
            if setting.mode == "native":  # a native team pins its helpers; the calling thread pins itself
                bind(self.cpus[:1])
            make_room(self._steppers, workload, setting)
            self._opened()  # before the workload starts threads, which the counters are to follow
            self._warm.discard(key)
            self._steppers[key] = workload.stepper(setting)
            end_child(self._rules.process)
            limit_torch(len(self.cpus))
        self._steppers.move_to_end(key)
        return self._steppers[key]


def _leave() -> NoReturn:
    """Ends the process at once: taking an interpreter apart takes as long as many a visit."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def _encoded(reply: protocol.Reply) -> bytes:
    from serialprof.measure import protocol

    try:
        return protocol.encode(reply)
    except (TypeError, ValueError) as error:
        return protocol.encode(protocol.Failed(f"its answer cannot be told: {error}"))


def _die_with_parent() -> None:
    """Has Linux end this process as soon as its parent ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
