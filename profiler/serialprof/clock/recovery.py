# SPDX-License-Identifier: Apache-2.0
"""Giving back what a run that was killed together with its guardian left behind: `serialprof clock restore`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serialprof.clock.journal import (
    JournalError,
    boot_id,
    default_folder,
    journal_path,
    read_journal,
    remove_journal,
)
from serialprof.clock.restoring import Restoration, give_back
from serialprof.clock.sysfs import Tree
from serialprof.errors import CannotMeasureError, SerialprofError

#: Seconds in which the guardian of a run that was just killed should have given back; it takes some 0.02.
_PATIENCE: Final = 5.0
_PAUSE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of a journal that a killed run left behind.

    Attributes:
        pid: of that run.
        restarted: whether the machine was restarted since, which undid the run's clocks; then nothing is written.
        restoration: what was given back, and what could not be; in the latter case the journal stays.
    """

    pid: int
    restarted: bool
    restoration: Restoration


def pending(folder: Path | None = None) -> Path | None:
    """The journal in this folder, which a run left there or is using; None where there is none. Reads nothing."""
    path = journal_path(default_folder() if folder is None else folder)
    return path if os.path.lexists(path) else None


def recover(folder: Path | None = None, tree: Tree | None = None) -> Recovery | None:
    """Gives back what a killed run left; None where there is nothing to give back. Call it before `policies`.

    Args:
        folder: of the journal; by default `journal.default_folder`.
        tree: the kernel's files.

    Raises:
        JournalError: the journal is damaged or unknown; nothing was written.
        CannotMeasureError: the run that wrote it still lives.
    """
    folder = default_folder() if folder is None else folder
    tree = Tree() if tree is None else tree
    if pending(folder) is None:
        return None
    if not tree.exists("cpufreq"):
        return recover_locked(folder, tree)  # nothing that could be locked; the files are reported one by one
    with locked(tree, folder):
        return recover_locked(folder, tree)


def recover_locked(folder: Path, tree: Tree) -> Recovery | None:
    """As `recover`, for whoever holds the tree's lock already."""
    path = journal_path(folder)
    journal = read_journal(path)
    if journal is None:
        return None
    if journal.root != str(tree.root):
        raise JournalError(f"the clock journal {path} is about {journal.root}, not {tree.root}; nothing was written")
    restarted = bool(journal.boot) and journal.boot != boot_id()
    restoration = Restoration() if restarted else give_back(tree, journal.files)
    if not restoration.failed:
        try:
            remove_journal(path)
        except OSError as error:
            raise SerialprofError(f"the clocks were given back, but {path} stays: {error.strerror}") from error
    return Recovery(journal.pid, restarted, restoration)


@contextmanager
def locked(tree: Tree, folder: Path) -> Iterator[int]:
    """Holds the tree for this process alone, and gives the lock's descriptor.

    Where a run was just killed, its guardian still holds the tree for a moment, and is waited for.

    Raises:
        CannotMeasureError: another process holds the tree, or there is none.
    """
    lock = _acquired(tree, journal_path(folder))
    try:
        yield lock
    finally:
        os.close(lock)


def _acquired(tree: Tree, path: Path) -> int:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            lock = tree.lock()
        except OSError as error:
            raise CannotMeasureError(f"{tree.root / 'cpufreq'} cannot be opened: {error.strerror}") from error
        if lock is not None:
            return lock
        owner = _owner(path)
        if (owner and lives(owner)) or time.monotonic() > until:
            raise _busy(tree, owner)
        time.sleep(_PAUSE)


def _busy(tree: Tree, owner: int) -> CannotMeasureError:
    if owner:
        return CannotMeasureError(f"process {owner} is setting this machine's clocks", "wait until it has ended")
    return CannotMeasureError(
        "another process is setting this machine's clocks", f"sudo fuser -v {tree.root / 'cpufreq'} names it"
    )


def _owner(path: Path) -> int:
    """The process that wrote the journal, 0 where none can be read."""
    try:
        journal = read_journal(path)
    except SerialprofError:
        return 0
    return 0 if journal is None else journal.pid


def lives(pid: int) -> bool:
    """Whether the process runs; one that ended and that its parent has not yet looked after does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except (OSError, IndexError):
        return True
