# SPDX-License-Identifier: Apache-2.0
"""What a workload's code may not do to the process that times it: every time after it would be another one's."""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Final, NoReturn

from serialprof.catalog import StepFunction, Stepper
from serialprof.errors import WorkloadError
from serialprof.setting import Setting

#: Shared with forked children: one that came back from the workload's code leaves its mark here.
_RETURNED: Final = mmap.mmap(-1, 1)
#: With these in the environment, libraries of threads bind the calling thread too, each to CPUs of the given ones.
_BINDING: Final = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")
_UNFINISHED: Final[dict[type, str]] = {
    GeneratorType: "a generator",
    AsyncGeneratorType: "an asynchronous generator",
    CoroutineType: "a coroutine",
}


def forbid_offspring() -> None:
    """From now on, children of this process that fork in their turn end: a step that forks is called again in them.

    Children of Python's multiprocessing never come back from the step that started them, and may fork.
    """
    own = os.getpid()

    def before() -> None:
        processes = sys.modules.get("multiprocessing.process")
        if processes is None or processes.parent_process() is None:
            end_child(own)

    os.register_at_fork(before=before)


def end_child(own: int) -> None:
    """Ends the calling process where it is not `own` but a forked child of it; leaves the mark."""
    if os.getpid() != own:
        _leave_mark()


def _leave_mark() -> NoReturn:
    _RETURNED[0] = 1
    os._exit(0)


class Rules:
    """What holds in a worker from one request to the next.

    Attributes:
        process: its id.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self._folder = working_folder()
        self._cpus = own_cpus()

    def settle(self) -> None:
        """Takes the working folder as it is by now: the file of a workload may go to where its data lies."""
        self._folder = working_folder()

    def broken(self, setting: Setting | None) -> str:
        """The sentence on what the workload did to this process; empty where it did nothing.

        Args:
            setting: of the point that was asked about; None where it was about none.
        """
        if _RETURNED[0]:
            return "it forked, and the child came back as a second worker: end the child with os._exit"
        if (folder := working_folder()) != self._folder:
            return f"it changed the working folder to {folder or 'one that is gone'}: give whole paths instead"
        bound = own_cpus()
        if others := bound - self._cpus:
            return f"it let itself run on CPUs that it was not given ({_listed(others)}): leave its affinity alone"
        if bound != self._cpus and not _may_narrow(setting):
            given = _listed(self._cpus)
            return f"it bound itself to CPU {_listed(bound)}, where it was given {given}: leave its affinity alone"
        return ""


def check_done(stepper: Stepper) -> None:
    """Makes a first step, where steps are calls of a function.

    Raises:
        WorkloadError: it only promises to be done, as a generator does: timing such a step would time nothing.
    """
    returned = stepper.step() if isinstance(stepper, StepFunction) else None
    if kind := _UNFINISHED.get(type(returned)):
        if isinstance(returned, CoroutineType):
            returned.close()  # or Python complains that nobody waited for it
        raise WorkloadError(f"its step returned {kind}, so its body never ran", "run it to its end within the step")


def _may_narrow(setting: Setting | None) -> bool:
    """Whether the thread that asks may by now be bound to fewer CPUs: a native team's is, and so are probes."""
    return setting is None or setting.mode == "native" or any(name in os.environ for name in _BINDING)


def own_cpus() -> set[int]:
    """The CPUs of the calling thread; none where the system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def working_folder() -> str:
    """The working folder of this process; empty where it is gone."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return ""


def _listed(cpus: set[int]) -> str:
    return ", ".join(map(str, sorted(cpus)))
