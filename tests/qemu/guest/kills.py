# SPDX-License-Identifier: Apache-2.0
"""Sweeps of the shipped controller that are killed at random moments, and what is there once all is quiet again."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from serialprof.clock.control import ClockControl
from serialprof.clock.policies import policies
from serialprof.clock.recovery import pending, recover
from serialprof.clock.request import parse_clocks
from tests.qemu.guest import cpufreq
from tests.qemu.guest.cpufreq import difference, read, settle, state, write
from tests.qemu.guest.quiet import wait_for_quiet
from tests.qemu.guest.tuning import tune

SEED = 1
#: Moments of a sweep at which the run is killed, and ten times as many as of either other kind.
KILLS = int(os.environ.get("KILLS", "0"))
#: Rounds over all clocks in one sweep, and seconds at each clock.
ROUNDS = 2
WORK = 0.01


def kill_run_in_its_sweep() -> list[dict[str, Any]]:
    """The run is killed between its first clock and its end; its guardian is left to give back."""
    random = Random(SEED)
    duration = _sweep_duration()
    return [_killed(random, random.uniform(0, duration), sweeping=True) for _ in range(KILLS)]


def kill_run_as_it_starts() -> list[dict[str, Any]]:
    """The run is killed while it locks, keeps a journal and starts its guardian."""
    random = Random(SEED + 1)
    duration = _start_duration()
    return [_killed(random, random.uniform(0, duration), sweeping=False) for _ in range(KILLS // 10)]


def kill_run_and_guardian() -> list[dict[str, Any]]:
    """Both are killed; what they leave is given back from the journal, by itself or at the next run's start."""
    random = Random(SEED + 2)
    duration = _sweep_duration()
    return [_both_killed(random, random.uniform(0, duration)) for _ in range(KILLS // 10)]


def _killed(random: Random, moment: float, *, sweeping: bool) -> dict[str, Any]:
    tune(random)
    before = state()
    run = _stopped_run(moment, sweeping=sweeping)
    changed = difference(before, state())
    _kill(run)
    wait_for_quiet()
    seen: dict[str, Any] = {
        "changed": len(changed),
        "difference": difference(before, state()),
        "journal": pending() is not None,
    }
    recover()
    return seen | {"recovered": difference(before, state()), "hidden": _hidden_requests()}


def _both_killed(random: Random, moment: float) -> dict[str, Any]:
    tune(random)
    before = state()
    run = _stopped_run(moment, sweeping=True)
    for guardian in _children(run):
        os.kill(guardian, signal.SIGKILL)
    _kill(run)
    wait_for_quiet()
    left = difference(before, state())
    seen: dict[str, Any] = {"changed": len(left), "journal": pending() is not None}
    if random.choice((True, False)):
        recover()
    else:
        with ClockControl(policies()):
            pass
    seen |= {"recovered": difference(before, state()), "journal after": pending() is not None}
    return seen | {"hidden": _hidden_requests()}


def _hidden_requests() -> list[str]:
    """Policies whose minimum is not the one shown once the maximum makes room; the state before has none of them."""
    shown = {policy: read(policy / "scaling_min_freq") for policy in cpufreq.policies()}
    for policy in shown:
        write(policy / "scaling_max_freq", read(policy / "cpuinfo_max_freq"))
    settle()
    return [policy.name for policy, minimum in shown.items() if read(policy / "scaling_min_freq") != minimum]


def _sweep_duration() -> float:
    """Seconds from the first clock to the end of the process, once all that it imports lazily is cached."""
    for _ in range(2):
        run = _started(sweeping=True)
        start = time.monotonic()
        os.waitpid(run, 0)
    return time.monotonic() - start


def _start_duration() -> float:
    """Seconds from the start of the process to its first clock."""
    for _ in range(2):
        start = time.monotonic()
        run = _started(sweeping=True)
        duration = time.monotonic() - start
        os.waitpid(run, 0)
    return duration


def _started(*, sweeping: bool) -> int:
    """A process that sweeps, forked so that it need not import anything again; if told so, at its first clock."""
    told, tell = os.pipe()
    run = os.fork()
    if run == 0:
        try:
            _sweep(tell)
        finally:
            os._exit(0)
    os.close(tell)
    if sweeping:
        os.read(told, 1)
    os.close(told)
    return run


def _sweep(tell: int) -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    found = policies()
    clocks = parse_clocks("all", found) or ()
    with ClockControl(found) as control:
        with suppress(BrokenPipeError):
            os.write(tell, b".")
        for clock in ROUNDS * clocks:
            control.set(clock)
            time.sleep(WORK)


def _stopped_run(moment: float, *, sweeping: bool) -> int:
    """A run that was stopped after so many seconds, or has just ended by itself, to be looked at and then killed."""
    run = _started(sweeping=sweeping)
    time.sleep(moment)
    os.kill(run, signal.SIGSTOP)
    os.waitid(os.P_PID, run, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
    return run


def _kill(run: int) -> None:
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)


def _children(run: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{run}/task/{run}/children").read_text().split()]


CHECKS = (kill_run_in_its_sweep, kill_run_as_it_starts, kill_run_and_guardian)
