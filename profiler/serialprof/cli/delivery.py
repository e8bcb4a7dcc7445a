# SPDX-License-Identifier: Apache-2.0
"""Where a document goes: to standard output, or whole into a new file."""

from __future__ import annotations

from pathlib import Path

import click

from serialprof.files import write_new


def deliver(document: str | bytes, output: Path | None) -> None:
    """Prints a document, or writes it to a file that does not exist yet.

    Raises:
        StoreError: it exists or cannot be written.
    """
    if output is None:
        click.echo(document, nl=isinstance(document, str) and not document.endswith("\n"))
    else:
        write_new(output, document)
