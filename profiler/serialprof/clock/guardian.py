# SPDX-License-Identifier: Apache-2.0
"""The guardian: a process that gives clocks back when the run that set them is killed.

The run holds one end of a pipe, the guardian sleeps on the other. When the run has given everything back, it says so
and the guardian leaves; when the pipe ends without a word, the guardian gives back. It has a session of its own and
ignores the signals that a terminal or a service sends to all processes of a run.

The run starts it through `Guardian`; it is the parent of the guardian and the process that its journal names.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from serialprof.clock.journal import read_journal, remove_journal
from serialprof.clock.restoring import give_back
from serialprof.clock.sysfs import Tree
from serialprof.errors import CannotMeasureError, SerialprofError

_READY: Final = b"r"
_DONE: Final = b"d"
_IGNORED: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP")
#: Seconds in which a guardian must have started, and must have ended after a word of farewell.
_PATIENCE: Final = 30.0
#: Without site and without anything of the environment: the guardian needs the standard library and this package.
_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from serialprof.clock.{} import main; sys.exit(main(sys.argv))"
)


class Guardian:
    """The run's hold on its guardian, which is ready when this returns.

    Args:
        root: of the tree of files.
        journal: path of the journal, which is there.
        module: of this package, whose `main` is the guardian's life; it is given the two paths.
        lock: the descriptor of the tree's lock; the guardian holds it too, so that nobody else sets clocks before it
            has given them back.

    Raises:
        CannotMeasureError: it cannot be started.
    """

    def __init__(self, root: Path, journal: Path, lock: int, module: str = "guardian") -> None:
        package = Path(__file__).resolve().parents[2]
        program = _PROGRAM.format(module)
        command = [sys.executable, "-I", "-S", "-c", program, str(package), str(root), str(journal.absolute())]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                pass_fds=(lock,),
            )
        except OSError as error:
            raise CannotMeasureError(
                f"clocks are not set, since the process that would give them back cannot be started: {error.strerror}"
            ) from error
        if not self._says_ready():
            self.leave()
            raise CannotMeasureError("clocks are not set, since the process that would give them back did not start")

    @property
    def pid(self) -> int:
        """Of the guardian's process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it is still there.

        Asked of the system: Ctrl-C in the middle of Popen.poll can leave its lock taken for ever.
        """
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False  # of a program that lets the system look after its children

    def dismiss(self) -> None:
        """Says that everything was given back; the guardian ends without touching anything."""
        with suppress(OSError):
            os.write(self._pipe(), _DONE)
        self.leave()

    def leave(self) -> None:
        """Ends the pipe without a word, so that the guardian gives back what the run could not, and waits for it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()  # ours, by its handle; the journal stays
            self._process.wait()

    def _pipe(self) -> int:
        assert self._process.stdin is not None
        return self._process.stdin.fileno()

    def _says_ready(self) -> bool:
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], _PATIENCE)
        return bool(readable) and os.read(self._process.stdout.fileno(), 1) == _READY


def main(arguments: list[str]) -> int:
    """The guardian's whole life; `arguments` are the program's name, the root, and the journal's path.

    Standard input is the pipe; a letter goes to standard output once it is ready. Exit code 0 where nothing is left to
    give back.
    """
    ignore_signals()
    tree, path = Tree(Path(arguments[1])), Path(arguments[2])
    try:
        journal = read_journal(path)
    except SerialprofError:
        return 1
    if journal is None or journal.root != str(tree.root):
        return 1
    return guard(journal.pid, path, lambda: not give_back(tree, journal.files).failed)


def ignore_signals() -> None:
    """Ignores what a terminal or a service sends to all processes of a run."""
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def guard(run: int, path: Path, give_back: Callable[[], bool]) -> int:
    """Says that the guardian is ready, waits for the end of the run, and gives back what the run did not.

    Args:
        run: the run's process.
        path: of its journal, which is removed once everything is given back.
        give_back: says whether everything was.

    Returns:
        The exit code: 0 where nothing is left to give back.
    """
    with suppress(OSError):
        os.write(1, _READY)
    if _run_says_done(run):
        return 0
    if not give_back():
        return 1  # the journal stays
    remove_journal(path)
    return 0


def _run_says_done(run: int) -> bool:
    """Sleeps until the run says that everything was given back (True), or is gone (False).

    The pipe alone would not tell if the run had forked a child that still holds its other end; so the run's process is
    watched as well, where the kernel can.
    """
    poll = select.poll()
    poll.register(0, select.POLLIN)
    with suppress(OSError, AttributeError):
        poll.register(os.pidfd_open(run), select.POLLIN)
    while os.getppid() == run:
        ready = {file for file, _ in poll.poll()}
        if 0 in ready:
            return os.read(0, 1) == _DONE
        if ready:
            break
    readable, _, _ = select.select([0], [], [], 0)  # its last word may have come just before its end
    return bool(readable) and os.read(0, 1) == _DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv))
