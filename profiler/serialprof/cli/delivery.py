# SPDX-License-Identifier: Apache-2.0
"""Where a document goes: to standard output, coloured and as wide as the terminal, or whole into a new file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import click

from serialprof.files import write_new

TERMINAL: Final = "terminal"
_MOST_WIDTH: Final = 120
#: Columns of lines that are no table: where nobody sits at a terminal, and at most.
_LINE: Final = 80
_MOST_LINE: Final = 100


def drop_output(descriptor: int = 1) -> None:
    """Forgets what could not be written: it is tried again as the interpreter ends, whose exit code it would take.

    Args:
        descriptor: 1 for standard output, 2 for standard error.
    """
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), descriptor)


def deliver(document: str | bytes, output: Path | None) -> None:
    """Prints a document, or writes it to a file that does not exist yet.

    Raises:
        StoreError: it exists or cannot be written.
    """
    if output is None:
        click.echo(document, nl=isinstance(document, str) and not document.endswith("\n"))
    else:
        write_new(output, document)


def show(render: Callable[..., str]) -> None:
    """Prints what a renderer of format "terminal" makes: plain and 80 columns wide where nobody sits at a terminal."""
    if not sys.stdout.isatty():
        deliver(render(), None)
        return
    width = min(_MOST_WIDTH, shutil.get_terminal_size().columns)
    text = render(width=width, color=not os.environ.get("NO_COLOR"))
    click.echo(text, nl=not text.endswith("\n"), color=True)


def show_lines(lines: Callable[[int, bool], Iterable[str]]) -> None:
    """Prints lines as wide as the terminal, 100 columns at most; plain and 80 columns wide where nobody sits at one.

    Args:
        lines: of (columns, whether in colour).
    """
    terminal = sys.stdout.isatty()
    width = min(_MOST_LINE, shutil.get_terminal_size().columns) if terminal else _LINE
    color = terminal and not os.environ.get("NO_COLOR")
    click.echo("\n".join(lines(width, color)), color=color)


def hand_over(render: Callable[..., Any], format_: str, output: Path | None) -> None:
    """Delivers what a renderer makes, and says on standard error where the file lies.

    Args:
        render: takes the options of its format.
        format_: its name.
        output: the file, None for standard output.

    Raises:
        StoreError: the file exists or cannot be written.
    """
    if output is None and format_ == TERMINAL:
        show(render)
        return
    deliver(render(), output)
    if output is not None:
        click.echo(f"page: {output}" if format_ == "html" else f"written: {output}", err=True)
