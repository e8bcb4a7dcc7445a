# SPDX-License-Identifier: Apache-2.0
"""Where a document goes: to standard output, or whole into a new file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from serialprof.errors import StoreError
from serialprof.files import check_creatable, exists, write_new


def deliver(document: str | bytes, output: Path | None) -> None:
    """Prints a document, or writes it to a file that does not exist yet.

    Raises:
        StoreError: it exists or cannot be written.
    """
    if output is None:
        click.echo(document, nl=isinstance(document, str) and not document.endswith("\n"))
    elif isinstance(document, bytes):
        _write_new(output, document)
    else:
        write_new(output, document)


def _write_new(path: Path, data: bytes) -> None:
    """As `serialprof.files.write_new` does with text: written beside, then linked."""
    check_creatable(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        os.link(beside, path)
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", "name a writable place with -o") from None
    finally:
        with suppress(OSError):
            beside.unlink()
