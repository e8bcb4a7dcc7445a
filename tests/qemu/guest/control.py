# SPDX-License-Identifier: Apache-2.0
"""The shipped controller against the kernel's own files, and what of it reaches the hardware."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from serialprof.clock.control import ClockControl
from serialprof.clock.journal import default_folder, journal_path
from serialprof.clock.permission import check_permission
from serialprof.clock.policies import policies
from serialprof.clock.recovery import pending, recover
from serialprof.clock.request import parse_clocks
from serialprof.clock.restoring import give_back, snapshot
from serialprof.clock.sysfs import Tree
from serialprof.errors import SerialprofError
from serialprof.policyclock import Clock
from tests.qemu.guest import hardware
from tests.qemu.guest.cpufreq import CPUS, ROOT, difference, online, read, settle, state, write
from tests.qemu.guest.quiet import wait_for_quiet
from tests.qemu.guest.tuning import MODES, STATUS, tune

AT_ONCE = 8
ROUNDS = 10


def modes() -> tuple[str, ...]:
    """Those of amd-pstate, or one without a name."""
    return MODES if STATUS.exists() else ("",)


def what_is_found() -> dict[str, list[dict[str, Any]]]:
    seen = {}
    for mode in modes():
        _enter(mode)
        seen[mode] = [asdict(policy) for policy in policies()]
    return seen


def sweep() -> dict[str, Any]:
    """Per mode and clock: policy, requested, read back, note, what its CPUs' hardware was asked for; then the rest."""
    seen: dict[str, Any] = {}
    for mode in modes():
        _enter(mode)
        tune_in_this_mode(Random(len(seen)))
        before = state()
        found = policies()
        check_permission(found)
        with ClockControl(found) as control:
            points = [
                [each.policy, each.requested, each.read_back, each.note, [registers(cpu) for cpu in each.cpus]]
                for clock in parse_clocks("all", found) or ()
                for each in control.set(clock)
            ]
        seen[mode] = {"points": points, "failed": control.restoration.failed, "left": difference(before, state())}
    return seen


def registers(cpu: int) -> list[int]:
    """In 100 MHz: the latch of acpi-cpufreq; or in 10 MHz what amd-pstate desires, at least and at most."""
    settle()
    if (CPUS / f"cpu{cpu}" / "acpi_cppc").exists():
        return list(astuple(hardware.performance(cpu)))
    return [hardware.latch(cpu)]


def tune_in_this_mode(random: Random) -> None:
    """Everything but the mode as somebody else may have left it."""
    tune(random, modes=(read(STATUS),))


def between_states() -> list[Any]:
    """A clock that is no state: the kernel rounds, and the controller says so."""
    with ClockControl(policies()) as control:
        return [[each.requested, each.read_back, each.note] for each in control.set(Clock(950_500_000))]


def refused_requests() -> dict[str, list[str]]:
    found = policies()
    return {
        text: _refusal(partial(parse_clocks, text, found)) for text in ("9GHz", "100MHz", "2400", "fast", "off,1GHz")
    }


def turbo_by_name() -> list[Any]:
    """Requested, read back and the switch at the turbo clock, or the kind of refusal; then what is left of it."""
    before = state()
    found = policies()
    try:
        clocks = parse_clocks("turbo", found) or ()
    except SerialprofError as error:
        return [[type(error).__name__], difference(before, state())]
    with ClockControl(found) as control:
        slower = Clock(found[0].low)  # without turbo, so that the switch has to come back
        points = [
            [each.requested, each.read_back, read(ROOT / "boost")]
            for clock in (slower, *clocks)
            for each in control.set(clock)
        ]
    return [points[len(found) :], difference(before, state())]


def a_second_run() -> list[str]:
    """What another process is told while clocks are being set."""
    with ClockControl(policies()):
        return _in_another_process(lambda: _refusal(_set_once))


def ended_by() -> dict[str, Any]:
    """What is left when an exception, or a signal to the run and its guardian, ends the sweep."""
    seen = {"exception": _ended(None)}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        seen[number.name] = _ended(number)
    return seen


def cpu_goes_offline() -> dict[str, Any]:
    """CPU 1 leaves during the sweep and comes back after it: what is given back when."""
    tune_in_this_mode(Random(7))
    before = state()
    found = policies()
    clock = (parse_clocks("all", found) or ())[0]
    with ClockControl(found) as control:
        control.set(clock)
        online(1, yes=False)
        points = [[each.policy, each.read_back, each.note] for each in control.set(clock)]
    seen = {"points": points, "failed": control.restoration.failed, "journal": pending() is not None}
    online(1, yes=True)
    recovery = recover()
    failed = recovery.restoration.failed if recovery else ()
    return seen | {"recovery failed": failed, "left": difference(before, state())}


def cpu_is_offline() -> dict[str, Any]:
    """CPU 1 is away from the beginning: its policy is left out, a shared one is set for the other."""
    online(1, yes=False)
    before = state()
    found = policies()
    clock = (parse_clocks("all", found) or ())[0]
    with ClockControl(found) as control:
        points = [[each.policy, list(each.cpus), each.read_back, each.note] for each in control.set(clock)]
    return {"points": points, "failed": control.restoration.failed, "left": difference(before, state())}


def cpu_returns() -> dict[str, Any]:
    """CPU 1 is away at the beginning and comes back during the sweep."""
    before = state()
    online(1, yes=False)
    found = policies()
    clock = (parse_clocks("all", found) or ())[0]
    with ClockControl(found) as control:
        control.set(clock)
        online(1, yes=True)
        control.set(clock)
    return {"failed": control.restoration.failed, "left": difference(before, state())}


def given_back_from_anywhere() -> dict[str, list[dict[str, list[str]]]]:
    """What differs after one state was kept, another one set by somebody else, and the first one given back."""
    random = Random(3)
    seen: dict[str, list[dict[str, list[str]]]] = {}
    for mode in modes():
        _enter(mode)
        seen[mode] = []
        for _ in range(ROUNDS):
            tune_in_this_mode(random)
            before = state()
            files = snapshot(Tree(), policies())
            tune_in_this_mode(random)
            give_back(Tree(), files)
            seen[mode].append(difference(before, state()))
    return seen


def given_back_at_once() -> dict[str, int]:
    """Rounds of those tried in which a limit that was just set, and may not be in force yet, was not given back."""
    seen = {}
    for mode in modes():
        _enter(mode)
        found = policies()
        files = snapshot(Tree(), found)
        before = state()
        lost = 0
        for _ in range(AT_ONCE):
            for policy in found:
                write(ROOT / policy.name / "scaling_max_freq", str(policy.low // 1000))
            give_back(Tree(), files)
            lost += difference(before, state()) != {}
        seen[mode] = lost
    return seen


def forged_journal() -> dict[str, Any]:
    """A journal that would write elsewhere, or what no clock is, writes nothing at all."""
    before = state()
    seen = {}
    low = "cpufreq/policy0/scaling_min_freq"
    lie = {low: "1600000", "cpufreq/policy0/scaling_max_freq": "1600000"}
    for name, value in (("cpu1/online", "0"), ("cpufreq/../cpu1/online", "0"), (low, "1600000\n")):
        with _journal(lie | {name: value}):
            seen[f"{name} {value}"] = [*_refusal(recover), difference(before, state())]
    with _journal(lie):
        recover()
        seen["honest"] = [difference(before, state())]
    return seen


@contextmanager
def _journal(files: dict[str, str]) -> Iterator[None]:
    """A journal in the place of ours, as if a run had left it."""
    path = journal_path(default_folder())
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    document = {"version": 1, "pid": 4_000_000, "boot": boot, "root": str(CPUS), "files": files}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _enter(mode: str) -> None:
    if mode and STATUS.read_text().strip() != mode:
        write(STATUS, mode)


def _set_once() -> None:
    found = policies()
    with ClockControl(found) as control:
        control.set((parse_clocks("all", found) or ())[0])


def _refusal(action: Callable[[], object]) -> list[str]:
    """The kind of error and its message, empty where there was none."""
    try:
        action()
    except SerialprofError as error:
        return [type(error).__name__, str(error)]
    return []


def _in_another_process(action: Callable[[], list[str]]) -> list[str]:
    told, tell = os.pipe()
    other = os.fork()
    if other == 0:
        try:
            os.write(tell, json.dumps(action()).encode())
        finally:
            os._exit(0)
    os.close(tell)
    os.waitpid(other, 0)
    with os.fdopen(told) as said:
        answer: list[str] = json.loads(said.read())
    return answer


def _ended(number: signal.Signals | None) -> dict[str, Any]:
    """A sweep in a session of its own that is ended in its middle."""
    before = state()
    told, tell = os.pipe()
    run = os.fork()
    if run == 0:
        try:
            os.setsid()
            _sweep_until_ended(tell, fail=number is None)
        finally:
            os._exit(0)
    os.read(told, 1)
    changed = difference(before, state())
    os.close(told)
    if number is not None:
        os.killpg(run, number)
    os.waitpid(run, 0)
    wait_for_quiet()
    return {"changed": len(changed), "left": difference(before, state()), "journal": pending() is not None}


def _sweep_until_ended(tell: int, *, fail: bool) -> None:
    found = policies()
    clocks = parse_clocks("all", found) or ()
    with ClockControl(found) as control:
        control.set(clocks[0])
        os.write(tell, b".")
        time.sleep(0.5 if fail else 20)  # for whoever looks at what was changed
        raise RuntimeError("ended in the middle")


CHECKS = (
    what_is_found,
    sweep,
    between_states,
    refused_requests,
    turbo_by_name,
    a_second_run,
    ended_by,
    cpu_goes_offline,
    cpu_is_offline,
    cpu_returns,
    given_back_from_anywhere,
    given_back_at_once,
    forged_journal,
)
