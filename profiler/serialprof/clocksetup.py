# SPDX-License-Identifier: Apache-2.0
"""The clocks of a run: checked against this machine before anything is measured, and held while it goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from serialprof.clock.control import ClockControl
from serialprof.clock.gpucontrol import GpuControl, GpuSetup
from serialprof.clock.nvml import LIBRARY
from serialprof.clock.permission import check_permission
from serialprof.clock.policies import Policy, bystanders, covering, format_hertz, policies
from serialprof.clock.recovery import Recovery, pending, recover
from serialprof.clock.request import parse_clocks
from serialprof.clock.sysfs import Tree
from serialprof.errors import SerialprofError
from serialprof.planning import Plan
from serialprof.policyclock import Clock, PolicyClock

Warn: TypeAlias = Callable[[str], None]


def to_stderr(text: str) -> None:
    """Tells what is to be known about the clocks of a run, where nobody else listens."""
    sys.stderr.write(f"clocks: {text}\n")


@dataclass(frozen=True)
class ClockFiles:
    """Where clocks are set, and where it is noted what they were.

    Attributes:
        tree: the kernel's files.
        folder: of the journal; None for that of this user.
        nvml: the library that locks the clocks of GPUs.
    """

    tree: Tree
    folder: Path | None = None
    nvml: str = LIBRARY


@dataclass(frozen=True)
class ClockSetup:
    """Clocks that this machine lets this process set.

    Attributes:
        clocks: ascending, each frequency once.
        policies: that are set to each of them.
        files: where.
    """

    clocks: tuple[Clock, ...]
    policies: tuple[Policy, ...]
    files: ClockFiles


def kernel_files() -> ClockFiles:
    """Those of this machine's kernel, and the journal of this user."""
    return ClockFiles(Tree())


def give_back_first(files: ClockFiles, warn: Warn, *, write: bool = True) -> None:
    """Gives back what a killed run left, since what is read otherwise is not this machine's own state.

    Args:
        files: where.
        warn: told what was given back.
        write: whether to do so; else it is said alone that there is something to give back.

    Raises:
        CannotMeasureError: another run is setting clocks.
        SerialprofError: the journal is damaged, or not everything could be given back.
    """
    if not write:
        if pending(files.folder) is not None:
            warn("clocks that another run has set are not given back yet; serialprof clock restore does it")
        return
    recovery = recover(files.folder, files.tree)
    if recovery is None:
        return
    if recovery.restoration.failed:
        raise SerialprofError(
            f"clocks that process {recovery.pid} had set could not all be given back: "
            + " ".join(recovery.restoration.failed),
            "serialprof clock restore tries again",
        )
    warn(_recovered(recovery))


def check_clocks(text: str, cpus: Sequence[int], files: ClockFiles, warn: Warn, *, turbo: bool = False) -> ClockSetup:
    """What a --clock asks for, on the CPUs of a run; writes nothing.

    Where a frequency is asked for with turbo and without, it is set with turbo.

    Args:
        text: as --clock takes it, other than "off".
        cpus: that the run uses.
        files: where.
        warn: told which further CPUs change their clocks.
        turbo: whether clocks above the base may be among them.

    Raises:
        UsageError: it cannot be understood.
        CannotMeasureError: this machine does not give it, or not to this process.
    """
    chosen = covering(policies(files.tree), cpus, files.tree)
    asked = parse_clocks(text, chosen, turbo=turbo) or ()
    clocks = tuple({clock.hertz: clock for clock in asked}.values())  # ascending, with turbo last
    return _checked(clocks, chosen, cpus, files, warn)


def check_again(plan: Plan, files: ClockFiles, warn: Warn) -> ClockSetup | None:
    """The clocks of an interrupted run, checked once more; None where it sets none.

    Raises:
        CannotMeasureError: this process may not set them.
    """
    if not plan.clocks:
        return None
    cpus = sorted({cpu for point in plan.points for cpu in point.setting.cpus})
    return _checked(plan.clocks, covering(policies(files.tree), cpus, files.tree), cpus, files, warn)


@contextmanager
def held(setup: ClockSetup | None, warn: Warn) -> Iterator[ClockControl | None]:
    """Holds the clocks of a run until the block ends, and gives everything back then; None where none are set.

    Args:
        setup: from `check_clocks` or `check_again`.
        warn: told what could not be given back, one sentence a file, and what a killed run had left.

    Raises:
        CannotMeasureError: another run is setting clocks.
    """
    if setup is None:
        yield None
        return
    control = ClockControl(setup.policies, setup.files.tree, setup.files.folder)
    try:
        with control:
            if control.recovered is not None:
                warn(_recovered(control.recovered))
            yield control
    finally:
        for sentence in control.restoration.failed:
            warn(sentence)


@contextmanager
def held_gpus(setup: GpuSetup | None, warn: Warn) -> Iterator[tuple[PolicyClock, ...]]:
    """Holds the clocks of this machine's GPUs until the block ends, and frees them then.

    Args:
        setup: from `check_gpus`; None leaves them alone.
        warn: told what could not be freed, one sentence a GPU, and what a killed run had left.

    Raises:
        CannotMeasureError: this process may not lock them, or another run has.
    """
    if setup is None:
        yield ()
        return
    control = GpuControl(setup)
    try:
        with control:
            if control.recovered is not None:
                warn(f"GPU clocks that process {control.recovered.pid} had locked were freed first")
            for each in control.clocks:
                if each.note and each.read_back is not None:
                    asked, back = format_hertz(each.requested), format_hertz(each.read_back)
                    warn(f"{each.policy} was locked at {asked} and runs at {back}")
            yield control.clocks
    finally:
        for sentence in control.restoration.failed:
            warn(sentence)


def _checked(
    clocks: tuple[Clock, ...], chosen: tuple[Policy, ...], cpus: Sequence[int], files: ClockFiles, warn: Warn
) -> ClockSetup:
    check_permission(chosen, files.tree, turbo_off=not all(clock.turbo for clock in clocks))
    others = bystanders(chosen, cpus)
    if others:
        names = ", ".join(map(str, others))
        warn(
            f"the clock of CPU{'s' if len(others) > 1 else ''} {names} is set too, by sharing a policy or a core with "
            "those of this run: whatever else runs there changes its speed"
        )
    return ClockSetup(clocks, chosen, files)


def _recovered(recovery: Recovery) -> str:
    if recovery.restarted:
        return f"process {recovery.pid} had set clocks; the machine was restarted since, which undid it"
    count = len(recovery.restoration.changed)
    return (
        f"clocks that process {recovery.pid} had set are given back ({count} file{'' if count == 1 else 's'} written)"
    )


def clock_words(clock: Clock) -> str:
    """A clock for people: "2.4 GHz", "4.2 GHz with turbo"."""
    return format_hertz(clock.hertz) + (" with turbo" if clock.turbo else "")
