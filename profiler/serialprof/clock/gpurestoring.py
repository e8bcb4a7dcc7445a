# SPDX-License-Identifier: Apache-2.0
"""Freeing the clocks of GPUs, and of those that a run left locked that was killed together with its guardian."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from serialprof.clock.gpu import NO_NVML
from serialprof.clock.gpujournal import GpuJournal, gpu_journal_path, read_gpu_journal
from serialprof.clock.journal import boot_id, default_folder, remove_journal
from serialprof.clock.nvml import LIBRARY, NO_PERMISSION, Nvml, NvmlError
from serialprof.clock.recovery import Recovery, lives
from serialprof.clock.restoring import Restoration
from serialprof.errors import CannotMeasureError, SerialprofError

#: Seconds in which the guardian of a run that was just killed should have given back.
_PATIENCE: Final = 5.0
_PAUSE: Final = 0.02


def free(library: str, gpus: Iterable[int]) -> Restoration:
    """Ends the locks of these GPUs' clocks; never raises because of one. Idempotent.

    NVML does not tell whether a clock is locked, so all of them count as changed.
    """
    gpus = tuple(gpus)
    try:
        with Nvml(library) as nvml:
            told = {index: _reset(nvml, index) for index in gpus}
    except (OSError, NvmlError) as error:
        words = NO_NVML if isinstance(error, OSError) else str(error)
        return Restoration((), tuple(_failure(index, words) for index in gpus))
    freed = tuple(f"the clock of GPU {index}" for index, words in told.items() if not words)
    return Restoration(freed, tuple(_failure(index, words) for index, words in told.items() if words))


def gpus_pending(folder: Path | None = None) -> Path | None:
    """The journal of GPUs in this folder, which a run left there or is using; None where there is none."""
    path = gpu_journal_path(default_folder() if folder is None else folder)
    return path if os.path.lexists(path) else None


def recover_gpus(folder: Path | None = None, library: str = LIBRARY) -> Recovery | None:
    """Frees what a killed run left locked; None where there is nothing to free.

    Args:
        folder: of the journal; by default `journal.default_folder`.
        library: file of NVML; another one for tests.

    Raises:
        JournalError: the journal is damaged or unknown; nothing was done.
        CannotMeasureError: the run that wrote it still lives.
    """
    folder = default_folder() if folder is None else folder
    if gpus_pending(folder) is None:
        return None
    with locked_gpus(folder):
        return recover_gpus_locked(folder, library)


def recover_gpus_locked(folder: Path, library: str) -> Recovery | None:
    """As `recover_gpus`, for whoever holds the folder's lock already."""
    path = gpu_journal_path(folder)
    journal = read_gpu_journal(path)
    if journal is None:
        return None
    restarted = bool(journal.boot) and journal.boot != boot_id()
    restoration = Restoration() if restarted else free(library, journal.gpus)
    if not restoration.failed:
        try:
            remove_journal(path)
        except OSError as error:
            raise SerialprofError(f"the GPUs' clocks are free, but {path} stays: {error.strerror}") from error
    return Recovery(journal.pid, restarted, restoration)


@contextmanager
def locked_gpus(folder: Path) -> Iterator[int]:
    """Holds the GPUs' clocks for this process alone (flock on the journal's folder), and gives the descriptor.

    The system gives the lock back when the process and its guardian have ended. Where a run was just killed, its
    guardian is waited for.

    Raises:
        CannotMeasureError: another process holds them, or the folder cannot be made.
    """
    lock = _acquired(folder)
    try:
        yield lock
    finally:
        os.close(lock)


def _acquired(folder: Path) -> int:
    import fcntl  # lazily: it exists on POSIX alone

    until = time.monotonic() + _PATIENCE
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise CannotMeasureError(f"{folder} cannot be opened: {error.strerror}") from error
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = _owner(folder)
            if (owner is not None and lives(owner.pid)) or time.monotonic() > until:
                os.close(lock)
                who = f"process {owner.pid}" if owner else "another process"
                raise CannotMeasureError(f"{who} has locked the GPUs' clocks", "wait until it has ended") from None
            time.sleep(_PAUSE)
        else:
            return lock


def _owner(folder: Path) -> GpuJournal | None:
    try:
        return read_gpu_journal(gpu_journal_path(folder))
    except SerialprofError:
        return None


def _reset(nvml: Nvml, index: int) -> str:
    """Ends one lock; why that could not be, empty where it could."""
    try:
        nvml.reset(index)
    except NvmlError as error:
        if error.code == NO_PERMISSION and os.geteuid() != 0:
            return ""  # who may not free a clock could not lock it either
        return str(error)
    return ""


def _failure(index: int, words: str) -> str:
    return f"The clock of GPU {index} could not be freed: {words}."
