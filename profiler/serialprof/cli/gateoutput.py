# SPDX-License-Identifier: Apache-2.0
"""Where a gate's report goes: the terminal, the files that were named, and what GitHub shows beside a job."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from serialprof.errors import StoreError, UsageError
from serialprof.files import check_creatable, write_new

if TYPE_CHECKING:
    from serialprof.gating.records import GateReport

#: Where renderers of gates register: functions of a GateReport and their own options.
_GROUP: Final = "serialprof.gates"
#: Format of a report by the ending of its file.
_FORMATS: Final = {".json": "json", ".xml": "junit", ".md": "markdown", ".html": "html"}
_MOST_WIDTH: Final = 120
_SUMMARY, _ACTIONS = "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"


def check_files(files: Iterable[Path]) -> None:
    """Raises where a report could not be written once the gate is through: another ending, or a file in the way."""
    for path in files:
        if path.suffix not in _FORMATS:
            raise UsageError(f"-o {path}: no such kind of report", f"end its name in {', '.join(_FORMATS)}")
        check_creatable(path)


def deliver_report(report: GateReport, files: Iterable[Path], *, as_json: bool) -> None:
    """Writes everything that was asked for, and what GitHub shows where this is one of its jobs."""
    for path in files:
        write_new(path, _rendered(_FORMATS[path.suffix])(report))
    if summary := os.environ.get(_SUMMARY):
        _append(Path(summary), _rendered("markdown")(report))
    if os.environ.get(_ACTIONS) == "true":
        click.echo(_rendered("annotations")(report), nl=False, err=True)
    if as_json:
        click.echo(_rendered("json")(report), nl=False)
    elif sys.stdout.isatty():
        width = min(_MOST_WIDTH, shutil.get_terminal_size().columns)
        text = _rendered("terminal")(report, width=width, color=not os.environ.get("NO_COLOR"))
        click.echo(text, nl=False, color=True)
    else:
        click.echo(_rendered("terminal")(report), nl=False)


def _rendered(name: str) -> Callable[..., str]:
    """The function that is registered for a format."""
    loaded: Callable[..., str] = next(entry for entry in entry_points(group=_GROUP) if entry.name == name).load()
    return loaded


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"cannot append to {path}, which {_SUMMARY} names: {error.strerror}") from None
