# SPDX-License-Identifier: Apache-2.0
"""Before anything is timed: whether a side's steps hang, start processes or print, which no timing would tell."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from serialprof.gating.contestants import BenchmarkFailedError, Contender, Contestant, ask, start
from serialprof.gating.records import Role
from serialprof.measure import protocol
from serialprof.setting import PROCESS_MODE, Setting
from serialprof.units import format_bytes

#: Seconds in which a step has to be loaded and warm where nobody says more.
WARM_LIMIT: Final = 60.0
#: What a step prints is seen at once: it would stay in the process until there are some kilobytes of it.
_UNBUFFERED: Final = {"PYTHONUNBUFFERED": "1"}
#: Places in /proc/PID/stat, after the name, of the page faults of children that were waited for: no process is without.
_FAULTS_OF_CHILDREN: Final = (8, 10)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a worker has done so far.

    Attributes:
        children: processes below it, by number.
        waited: a number that grows with every child that was waited for; 0 where the system does not tell.
        printed: bytes.
    """

    children: frozenset[int]
    waited: int
    printed: int


def preflight(role: Role, contestant: Contestant, setting: Setting, limit: float = WARM_LIMIT) -> None:
    """Warms a side's step up twice in a process of its own; what it does the second time, it does every time.

    The first time may import, compile or start helpers. Runs have one step each: where a step forks, and its children
    go on with the next one, there are two processes and not 2^D. A whole program is let through: processes and
    output are its own.

    Args:
        role: whose side it is.
        contestant: what runs.
        setting: at which it will be timed.
        limit: seconds in which it has to be loaded and warm.

    Raises:
        BenchmarkFailedError: it hangs, fails, starts processes or prints; the message says which.
    """
    if setting.mode == PROCESS_MODE:
        return
    single = replace(setting, depth=1)
    with closing(start(role, contestant, setting.cpus, _UNBUFFERED)) as worker:
        try:
            _warm(role, worker, single, limit)
            before = _look(worker)
            _warm(role, worker, single, limit)
            after = _look(worker)
        except BenchmarkFailedError as failed:
            if not failed.hung:
                raise
            text = (
                f"{failed}; where it needs longer to load and warm up, --timeout (timeout= beside a test) gives it more"
            )
            raise BenchmarkFailedError(role, text, hung=True) from None
    if after.children - before.children or after.waited > before.waited:
        raise BenchmarkFailedError(
            role, "its steps start processes, which the gate does not time: gate a whole program"
        )
    if printed := after.printed - before.printed:
        text = f"its steps print ({format_bytes(printed)} while they were warmed up), which would be timed: take it out"
        raise BenchmarkFailedError(role, text)


def _warm(role: Role, worker: Contender, setting: Setting, limit: float) -> None:
    ask(role, worker, protocol.Calibrate(setting), protocol.Calibrated, limit)


def _look(worker: Contender) -> _Seen:
    import psutil  # lazily: the command line's --help must not pay for it

    with suppress(psutil.Error):
        children = psutil.Process(worker.pid).children(recursive=True)
        return _Seen(frozenset(child.pid for child in children), _waited(worker.pid), worker.printed)
    return _Seen(frozenset(), 0, worker.printed)


def _waited(pid: int) -> int:
    try:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # a system without /proc
        return 0
    return sum(int(facts[place]) for place in _FAULTS_OF_CHILDREN)
