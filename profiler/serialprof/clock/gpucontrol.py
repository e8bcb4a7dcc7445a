# SPDX-License-Identifier: Apache-2.0
"""Locking the clocks of this machine's GPUs for as long as a `with` block lasts, whatever ends it.

    setup = check_gpus("1410MHz")              # raises before anything is done
    with GpuControl(setup) as control:
        for each in control.clocks:            # one PolicyClock per GPU
            print(each.policy, each.requested, each.read_back)
    print(control.restoration.failed)          # one sentence for each GPU whose clock could not be freed

A lock outlives the process that asked for it. So it is journalled before the first one and guarded as CPU clocks are;
freeing it gives the GPU back to its driver. A lock that somebody had set before cannot be read, and is lost. On the
standard library alone.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from serialprof.clock.gpu import NO_NVML, look
from serialprof.clock.gpujournal import GpuJournal, write_gpu_journal
from serialprof.clock.gpurestoring import free, locked_gpus, recover_gpus_locked
from serialprof.clock.guardian import Guardian
from serialprof.clock.interrupting import ended_by_sigterm, unheard
from serialprof.clock.journal import boot_id, default_folder, remove_journal
from serialprof.clock.nvml import LIBRARY, NO_PERMISSION, Nvml, NvmlError
from serialprof.clock.policies import format_hertz
from serialprof.clock.recovery import Recovery
from serialprof.clock.request import frequency
from serialprof.clock.restoring import Restoration
from serialprof.errors import CannotMeasureError, SerialprofError, UsageError
from serialprof.policyclock import PolicyClock

_MEGA: Final = 1_000_000
_OPTION: Final = "--gpu-clock"


@dataclass(frozen=True, slots=True)
class GpuSetup:
    """A clock that all of this machine's GPUs offer.

    Attributes:
        hertz: the clock.
        gpus: as NVML counts them.
        library: file of NVML.
        folder: of the journal; None for that of this user.
    """

    hertz: int
    gpus: tuple[int, ...]
    library: str = LIBRARY
    folder: Path | None = None


def check_gpus(text: str, library: str = LIBRARY, folder: Path | None = None) -> GpuSetup:
    """What a --gpu-clock asks for; changes nothing. Whether this user may lock clocks shows when the first one is.

    Args:
        text: one frequency with its unit, such as "1410MHz".
        library: file of NVML; another one for tests.
        folder: of the journal; by default that of this user.

    Raises:
        UsageError: it is no frequency, or more than one.
        CannotMeasureError: there is no NVML or no GPU, or one of them does not offer that clock.
    """
    if "," in text:
        raise UsageError(f"{_OPTION} {text!r} asks for several clocks", "give one: it is locked for the whole run")
    hertz = frequency(text.strip().lower(), text, _OPTION)
    remedy = f"leave out {_OPTION}"
    try:
        with Nvml(library) as nvml:
            offered = {index: nvml.clocks(index) for index in range(nvml.count())}
    except OSError as error:
        raise CannotMeasureError(f"GPU clocks cannot be locked: {NO_NVML}", remedy) from error
    except NvmlError as error:
        raise CannotMeasureError(f"GPU clocks cannot be locked: {error}", remedy) from error
    if not offered:
        raise CannotMeasureError("GPU clocks cannot be locked: this machine has no GPU", remedy)
    for index, clocks in offered.items():
        if clocks and not clocks[0] * _MEGA <= hertz <= clocks[-1] * _MEGA:
            low, high = (format_hertz(end * _MEGA) for end in (clocks[0], clocks[-1]))
            raise CannotMeasureError(
                f"{format_hertz(hertz)} is outside the range of GPU {index}, {low} to {high}",
                "ask for a clock inside it",
            )
    return GpuSetup(hertz, tuple(offered), library, folder)


class GpuControl:
    """Locks the clocks of some GPUs, and frees them again.

    Entering holds the journal's folder, frees what a killed run left, keeps on disk which GPUs are locked, starts the
    guardian, and locks. Leaving frees all, also when an exception, Ctrl-C or SIGTERM ends the block. When the process
    is killed the guardian does it; when both are, the journal remains.

    Args:
        setup: from `check_gpus`.

    Attributes:
        clocks: requested and read back, GPU by GPU; from entering on.
        recovered: what an earlier, killed run had left, None where nothing.
        restoration: what freeing came to; once the block has been left.
    """

    def __init__(self, setup: GpuSetup) -> None:
        self._setup = setup
        self._folder = (default_folder() if setup.folder is None else setup.folder).absolute()
        self._held = ExitStack()
        self._journal: Path | None = None
        self._guardian: Guardian | None = None
        self._locked: list[int] = []
        self.clocks: tuple[PolicyClock, ...] = ()
        self.recovered: Recovery | None = None
        self.restoration = Restoration()

    @property
    def guardian_pid(self) -> int | None:
        """The guardian's process, None outside the block."""
        return None if self._guardian is None else self._guardian.pid

    def __enter__(self) -> Self:
        """Locks the clocks, once everything is ready for freeing them.

        Raises:
            CannotMeasureError: this user may not lock them, or another run has.
            JournalError: a killed run left a journal that cannot be used.
            SerialprofError: what a killed run left could not be freed.
        """
        setup = self._setup
        try:
            lock = self._held.enter_context(locked_gpus(self._folder))
            self._recover()
            journal = GpuJournal(os.getpid(), boot_id(), setup.gpus)
            self._journal = write_gpu_journal(self._folder, journal)
            self._guardian = Guardian(Path(setup.library), self._journal, lock, "gpuguardian")
            self._held.enter_context(ended_by_sigterm())
            self.clocks = self._lock()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Frees the clocks; what could not be is in `restoration`, and its journal stays."""
        self._leave()

    def _recover(self) -> None:
        self.recovered = recover_gpus_locked(self._folder, self._setup.library)
        if self.recovered is not None and self.recovered.restoration.failed:
            raise SerialprofError(
                f"GPU clocks that process {self.recovered.pid} had locked could not all be freed: "
                + " ".join(self.recovered.restoration.failed),
                "serialprof clock restore tries again",
            )

    def _lock(self) -> tuple[PolicyClock, ...]:
        found = []
        with Nvml(self._setup.library) as nvml:
            for index in self._setup.gpus:
                self._locked.append(index)  # before it is: what ends us in between must not leave it locked
                try:
                    nvml.lock(index, round(self._setup.hertz / _MEGA))
                except NvmlError as error:
                    self._locked.remove(index)
                    raise _refused(index, error) from error
                clock = look(nvml, index).sm_clock
                note = "" if clock is None or clock == self._setup.hertz else "its clock was another right afterwards"
                found.append(PolicyClock(f"gpu{index}", (), self._setup.hertz, clock, note))
        return tuple(found)

    def _leave(self) -> None:
        try:
            with unheard():
                self._free()
        finally:
            self._held.close()

    def _free(self) -> None:
        """Frees what was locked, and lets the guardian go; where something could not be, it tries again."""
        guardian, journal = self._guardian, self._journal
        self._guardian = self._journal = None
        clean = False
        try:
            if journal is not None:
                self.restoration = free(self._setup.library, self._locked) if self._locked else Restoration()
                clean = not self.restoration.failed
                if clean:
                    with suppress(OSError):  # it then stays, and freeing again changes nothing
                        remove_journal(journal)
        finally:
            if guardian is not None and clean:
                guardian.dismiss()
            elif guardian is not None:
                guardian.leave()
                self.restoration = free(self._setup.library, self._locked)  # what is left once it has tried as well


def _refused(index: int, error: NvmlError) -> CannotMeasureError:
    remedy = "run it with sudo" if error.code == NO_PERMISSION else f"leave out {_OPTION}"
    return CannotMeasureError(f"the clock of GPU {index} cannot be locked: {error}", remedy)
