# SPDX-License-Identifier: Apache-2.0
"""Showing a run on standard output: coloured and as wide as the terminal, plain and 80 columns wide elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from serialprof.view import Run

_MOST_WIDTH: Final = 120


def show(run: Run) -> None:
    """Prints the verdicts and tables of a run."""
    if sys.stdout.isatty():
        width = min(_MOST_WIDTH, shutil.get_terminal_size().columns)
        text = run.render("terminal", width=width, color=not os.environ.get("NO_COLOR"))
    else:
        text = run.render("terminal")
    click.echo(text, color=True)
