# SPDX-License-Identifier: Apache-2.0
"""The journal of GPUs: which of them have their clock locked, on disk before the first one is.

Beside the CPUs' journal, and checked in the same way: it names indices of GPUs and nothing else, so that the most a
forged one brings about is that their clocks are free again. Which library is loaded is not said in it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from serialprof.clock.journal import damaged, keep, read_document

VERSION: Final = 1
_NAME: Final = "gpu-clock-journal.json"
#: More than any machine has.
_MOST: Final = 256


@dataclass(frozen=True, slots=True)
class GpuJournal:
    """What is needed to free the clocks of GPUs.

    Attributes:
        pid: of the process that locks them.
        boot: the kernel's identity of this start of the machine; locks do not outlive it.
        gpus: as NVML counts them.
    """

    pid: int
    boot: str
    gpus: tuple[int, ...]


def gpu_journal_path(folder: Path) -> Path:
    """The journal of GPUs of this folder, whether there is one or not."""
    return folder / _NAME


def write_gpu_journal(folder: Path, journal: GpuJournal) -> Path:
    """Puts a new journal on disk, whole and synced, before it returns its path.

    Raises:
        CannotMeasureError: it cannot be kept there: the folder cannot be written, or holds one.
    """
    path = gpu_journal_path(folder)
    keep(path, {"version": VERSION, **asdict(journal)})
    return path


def read_gpu_journal(path: Path) -> GpuJournal | None:
    """The journal, None where there is none.

    Raises:
        JournalError: it is damaged, of another version, others could have written it, or it holds anything else.
    """
    document = read_document(path)
    return None if document is None else _decoded(path, document)


def _decoded(path: Path, document: Any) -> GpuJournal:
    if not isinstance(document, dict) or set(document) != {"version", "pid", "boot", "gpus"}:
        raise damaged(path, "its fields are not those of a journal")
    version, pid, boot, gpus = (document[key] for key in ("version", "pid", "boot", "gpus"))
    if not _whole(version) or version != VERSION:
        raise damaged(path, f"it has version {version!r}, and this serialprof knows {VERSION}")
    if not (_whole(pid) and pid > 0 and isinstance(boot, str)):
        raise damaged(path, f"its pid is {pid!r} and its boot {boot!r}")
    if not (isinstance(gpus, list) and gpus and all(_whole(index) and 0 <= index < _MOST for index in gpus)):
        raise damaged(path, f"its GPUs are {gpus!r}")
    return GpuJournal(pid, boot, tuple(gpus))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
