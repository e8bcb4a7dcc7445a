# SPDX-License-Identifier: Apache-2.0
"""Where a gate's report goes: the terminal, the files that were named, and what GitHub shows beside a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from serialprof.cli.delivery import TERMINAL, hand_over
from serialprof.errors import StoreError, UsageError
from serialprof.files import check_creatable, write_new
from serialprof.rendering import renderer

if TYPE_CHECKING:
    from serialprof.gating.records import GateReport

#: Where renderers of gates register: functions of a GateReport and their own options.
_GROUP: Final = "serialprof.gates"
#: Format of a report by the ending of its file.
_FORMATS: Final = {".json": "json", ".xml": "junit", ".md": "markdown", ".html": "html"}
_SUMMARY, _ACTIONS = "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"


def check_files(files: Iterable[Path]) -> None:
    """Raises where a report could not be written once the gate is through: another ending, or a file in the way."""
    for path in files:
        if path.suffix not in _FORMATS:
            raise UsageError(f"-o {path}: no such kind of report", f"end its name in {', '.join(_FORMATS)}")
        check_creatable(path)


def deliver_report(report: GateReport, files: Iterable[Path], *, as_json: bool) -> None:
    """Writes everything that was asked for, and what GitHub shows where this is one of its jobs."""

    def rendered(name: str) -> Callable[..., str]:
        return partial(renderer(_GROUP, name), report)

    for path in files:
        write_new(path, rendered(_FORMATS[path.suffix])())
    if summary := os.environ.get(_SUMMARY):
        _append(Path(summary), rendered("markdown")())
    if os.environ.get(_ACTIONS) == "true":
        click.echo(rendered("annotations")(), nl=False, err=True)
    name = "json" if as_json else TERMINAL
    hand_over(rendered(name), name, None)


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"cannot append to {path}, which {_SUMMARY} names: {error.strerror}") from None
