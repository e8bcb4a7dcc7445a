# SPDX-License-Identifier: Apache-2.0
"""Writing files: never over an existing one, never half."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from serialprof.errors import StoreError


def exists(path: Path) -> StoreError:
    """What is said where a file is in the way, also one that appeared a moment ago."""
    return StoreError(f"{path} exists", "name another file, or remove it; nothing is overwritten")


def check_creatable(path: Path) -> None:
    """Raises a StoreError where no new file can be created at the path."""
    if path.exists():
        raise exists(path)
    folder = path.resolve().parent
    if not folder.is_dir():
        raise StoreError(f"cannot write {path}: there is no folder {folder}", "create it, or name another file")
    try:
        path.touch(exist_ok=False)
        path.unlink()
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", "name a writable place with -o") from None


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Where to write a new file, which then appears under its path: whole, or, where writing fails, not at all.

    Raises:
        StoreError: it exists or cannot be written.
    """
    check_creatable(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        os.link(beside, path)  # unlike a rename, fails where somebody else was faster
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", "name a writable place with -o") from None
    finally:
        with suppress(OSError):
            beside.unlink()


def write_new(path: Path, document: str | bytes) -> None:
    """Writes a file that does not exist yet, text as UTF-8: whole, or not at all.

    Raises:
        StoreError: it exists or cannot be written.
    """
    with appearing(path) as beside:
        beside.write_bytes(document.encode() if isinstance(document, str) else document)
