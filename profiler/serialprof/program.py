# SPDX-License-Identifier: Apache-2.0
"""Whole programs as workloads: any command, in any language; every run(D) is a process of its own."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from serialprof.catalog import Workload
from serialprof.child import Child
from serialprof.errors import UsageError, WorkloadError
from serialprof.setting import PROCESS_MODE, Setting

COMMAND_PREFIX: Final = "-- "
THREADS, WIDTH, DEPTH = "{threads}", "{width}", "{depth}"
_SHOWN: Final = 120  # characters of a command in a message
_TOLD: Final = 300  # characters of a program's last words in a message
_MOST_HASHED: Final = 64 << 20  # bytes of one argument


def command_reference(argv: Sequence[str]) -> str:
    """The reference by which a command goes through a run: "-- ./sim --steps {depth}", quoted for a shell.

    Raises:
        UsageError: there is no command.
    """
    if not argv:
        raise UsageError("there is no command after --", "write serialprof run -- CMD ... {threads} {width} {depth}")
    return COMMAND_PREFIX + shlex.join(argv)


def is_command(reference: str) -> bool:
    """Whether a reference is that of a command."""
    return reference.startswith(COMMAND_PREFIX)


def arguments_of(reference: str) -> list[str]:
    """The command of a reference, its placeholders in place.

    Raises:
        WorkloadError: it is none.
    """
    try:
        argv = shlex.split(reference.removeprefix(COMMAND_PREFIX))
        reference.encode()
    except UnicodeEncodeError:
        raise WorkloadError(f"the command {reference!r} is no UTF-8", "rename its files") from None
    except ValueError as error:
        raise WorkloadError(f"the command {reference!r} cannot be read: {error}", "quote it as for a shell") from None
    if not argv or not argv[0]:
        raise WorkloadError(f"the command {reference!r} names no program", "write -- CMD ...")
    return argv


def check_command(reference: str) -> None:
    """Raises a WorkloadError where the command's program is not there; starts nothing."""
    program = arguments_of(reference)[0]
    if any(name in program for name in (THREADS, WIDTH, DEPTH)) or shutil.which(program) is not None:
        return
    path = Path(program)
    if not path.is_file():
        raise WorkloadError(f"there is no command {program!r}", "give a program on PATH, or the path of an executable")
    if path.name == program and shutil.which(f"./{program}") is not None:
        raise WorkloadError(f"there is no command {program!r} on PATH", f"write ./{program} for the file of that name")
    raise WorkloadError(f"{program!r} may not be executed", f"chmod +x {program}, or name its interpreter before it")


def program_workload(reference: str) -> Workload:
    """The workload of a command.

    Its placeholders say what can be varied: the width where it has {width}; the depth, and with it the start-up that
    differencing takes off, where it has {depth}. Threads are varied in any case: through {threads}, through the CPUs
    that the process is bound to, and through OMP_NUM_THREADS and its like.

    Raises:
        WorkloadError: the program is not there.
    """
    check_command(reference)
    argv = arguments_of(reference)
    varies = {name: any(name in argument for argument in argv) for name in (WIDTH, DEPTH)}
    widths = (1, 4, 16, 64, 256) if varies[WIDTH] else (1,)
    return Workload(
        name=Path(argv[0]).name,
        build=partial(Program, argv),
        summary=shlex.join(argv),
        widths=widths,
        quick_widths=widths[:4],
        depth=64 if varies[DEPTH] else 1,
        modes=(PROCESS_MODE,),
        startup=varies[DEPTH],
    )


class Program:
    """A command at a setting: every run is a process.

    It gets neither a terminal nor input, what it prints is dropped, and it ends with its worker.

    Args:
        argv: the command with its placeholders.
        setting: what they stand for.
    """

    def __init__(self, argv: Sequence[str], setting: Setting) -> None:
        self._argv = argv
        self._setting = setting
        self._child = Child()

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last process, negative where a signal ended it; None before the first."""
        return self._child.exit_code

    @property
    def stderr(self) -> str:
        """The last of what the last process wrote to standard error."""
        return self._child.stderr

    def run(self, steps: int, /) -> None:
        """One process, from its start to its end.

        Raises:
            WorkloadError: it cannot be started, or does not end with exit code 0; the message has its last words.
        """
        values = {THREADS: self._setting.threads, WIDTH: self._setting.width, DEPTH: steps}
        command = [_filled(argument, values) for argument in self._argv]
        try:
            code = self._child.run(command)
        except OSError as error:
            raise WorkloadError(f"{command[0]!r} cannot be started: {error.strerror}", "run it by itself") from None
        if code:
            shown = shlex.join(command)
            shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
            raise WorkloadError(f"{shown} {_ended(code)}{_last_words(self.stderr)}", "run it by itself")


def code_of(reference: str) -> str:
    """SHA-256 over the program and the files among the arguments of a command, so that a changed one is noticed.

    Arguments of more than 64 MiB are data, not code: they do not count.
    """
    code = hashlib.sha256()
    program, *arguments = arguments_of(reference)
    for name in (shutil.which(program) or program, *arguments):
        path = Path(name)
        try:
            if path.is_file() and (name not in arguments or path.stat().st_size <= _MOST_HASHED):
                with path.open("rb") as file:
                    code.update(hashlib.file_digest(file, "sha256").digest())
        except (OSError, ValueError):  # not to be read, or no path at all
            continue
    return code.hexdigest()


def _filled(argument: str, values: dict[str, int]) -> str:
    for name, value in values.items():
        argument = argument.replace(name, str(value))
    return argument


def _ended(code: int) -> str:
    if code > 0:
        return f"ended with exit code {code}"
    try:
        return f"died by {signal.Signals(-code).name}"
    except ValueError:  # real-time signals have no names
        return f"died by signal {-code}"


def _last_words(text: str) -> str:
    told = " ".join(text.split())[-_TOLD:]
    return f": {told}" if told else ""
