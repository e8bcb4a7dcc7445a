# SPDX-License-Identifier: Apache-2.0
"""The journal: what clocks looked like, on disk before the first of them is changed.

A file of JSON that one user alone may read, at `journal_path(folder)`. While it is there, clocks are not as they were.
What is read from it is checked as if a stranger had written it.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from serialprof.clock.sysfs import valid
from serialprof.errors import CannotMeasureError, SerialprofError

VERSION: Final = 1
#: Where root keeps its journal; gone after a restart, as are the clocks that were set.
ROOT_FOLDER: Final = Path("/run/serialprof")
_NAME: Final = "clock-journal.json"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_MOST_BYTES: Final = 4 << 20


class JournalError(SerialprofError):
    """A journal that is damaged, unknown or not to be trusted: nothing is written because of it; exit code 2."""


@dataclass(frozen=True, slots=True)
class Journal:
    """What is needed to give clocks back.

    Attributes:
        pid: of the process that set them.
        boot: the kernel's identity of this start of the machine; clocks do not outlive it.
        root: of the tree that it is about.
        files: value by name, as `restoring.snapshot` gives them.
    """

    pid: int
    boot: str
    root: str
    files: Mapping[str, str]


def default_folder() -> Path:
    """Where journals are kept: `ROOT_FOLDER` for root, else serialprof in the user's state folder (XDG_STATE_HOME)."""
    if os.geteuid() == 0:
        return ROOT_FOLDER
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else Path.home() / ".local/state") / "serialprof"


def journal_path(folder: Path) -> Path:
    """The journal of this folder, whether there is one or not."""
    return folder / _NAME


def boot_id() -> str:
    """The kernel's identity of this start of the machine, empty where it tells none."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def write_journal(folder: Path, journal: Journal) -> Path:
    """Puts a new journal on disk, whole and synced, before it returns its path.

    Raises:
        CannotMeasureError: it cannot be kept there: the folder cannot be written, or holds a journal.
    """
    path = journal_path(folder)
    keep(path, {"version": VERSION, **asdict(journal), "files": dict(journal.files)})
    return path


def keep(path: Path, document: Mapping[str, object]) -> None:
    """Puts a document on disk under a name that must be free, whole and synced, before it returns.

    Raises:
        CannotMeasureError: it cannot be kept there.
    """
    folder, text = path.parent, json.dumps(document, indent=1)
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)  # others may see that there is one, not what it says
        within = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _create(within, path.name, text)
        finally:
            os.close(within)
    except OSError as error:
        raise CannotMeasureError(
            f"clocks are not set, since what they were cannot be kept in {path}: {error.strerror}"
        ) from error


def _create(within: int, name: str, text: str) -> None:
    """A whole journal or none: written beside, synced, then given its name, which must be free."""
    part = f".{name}.{os.getpid()}.part"
    with suppress(FileNotFoundError):  # of a process of this number that was killed
        os.unlink(part, dir_fd=within)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(part, flags, 0o600, dir_fd=within)
    try:
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(part, name, src_dir_fd=within, dst_dir_fd=within)  # unlike a rename, never over another
    finally:
        os.unlink(part, dir_fd=within)
    os.fsync(within)


def read_journal(path: Path) -> Journal | None:
    """The journal, None where there is none.

    Raises:
        JournalError: it is damaged, of another version, belongs to another user, or names anything but the files of
            clocks.
    """
    document = read_document(path)
    return None if document is None else _decoded(path, document)


def read_document(path: Path) -> Any:
    """What `keep` wrote, None where there is nothing.

    Raises:
        JournalError: it is no JSON, or others could have written it.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise damaged(path, f"it cannot be opened ({error.strerror})") from error
    with os.fdopen(file, "rb") as stream:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_uid not in (0, os.geteuid()) or about.st_mode & 0o022:
            raise damaged(path, "it is not a file that you alone may write")
        content = stream.read(_MOST_BYTES + 1)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged(path, "it is no JSON") from error
    if document is None:
        raise damaged(path, "it holds no journal")
    return document


def remove_journal(path: Path) -> None:
    """Removes the journal, if it is still there, for good.

    Raises:
        OSError: the folder is not writable any more.
    """
    with suppress(FileNotFoundError):
        path.unlink()
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _decoded(path: Path, document: Any) -> Journal:
    if not isinstance(document, dict) or "version" not in document:
        raise damaged(path, "it holds no journal")
    if document["version"] != VERSION or isinstance(document["version"], bool):
        raise damaged(path, f"it has version {document['version']!r}, and this serialprof knows {VERSION}")
    if set(document) != {"version", "pid", "boot", "root", "files"}:
        raise damaged(path, "its fields are not those of a journal")
    pid, boot, root, files = (document[key] for key in ("pid", "boot", "root", "files"))
    if not (isinstance(pid, int) and not isinstance(pid, bool) and pid > 0):
        raise damaged(path, f"its pid is {pid!r}")
    if not (isinstance(boot, str) and isinstance(root, str) and isinstance(files, dict) and files):
        raise damaged(path, "its fields are not those of a journal")
    for name, value in files.items():
        if not (isinstance(value, str) and valid(name, value)):
            raise damaged(path, f"it would write {value!r} to {name!r}")
    return Journal(pid, boot, root, files)


def damaged(path: Path, why: str) -> JournalError:
    """The error for a journal that cannot be used."""
    return JournalError(
        f"the clock journal {path} cannot be used: {why}; nothing was written",
        "look at it, set the clocks by hand if they are not as they should be, and remove it",
    )
