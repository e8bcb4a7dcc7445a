# SPDX-License-Identifier: Apache-2.0
"""Where a gate's report goes: the terminal, the files that were named, and what GitHub shows beside a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from serialprof.cli.delivery import TERMINAL, drop_output, hand_over
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
    seen: set[Path] = set()
    for path in files:
        if path.suffix not in _FORMATS:
            raise UsageError(f"-o {path}: no such kind of report", f"end its name in {', '.join(_FORMATS)}")
        if path.resolve() in seen:
            raise UsageError(f"-o {path} is given twice", "leave one out")
        seen.add(path.resolve())
        check_creatable(path)


def deliver_report(report: GateReport, files: Iterable[Path], *, as_json: bool) -> None:
    """Shows a report and writes everything that was asked for, also what GitHub shows where this is one of its jobs.

    What cannot be written keeps nothing else from being so. A reader that has gone does not change the exit code.

    Raises:
        StoreError: a file could not be written.
        OSError: standard output or standard error could not.
    """

    def rendered(name: str) -> Callable[..., str]:
        return partial(renderer(_GROUP, name), report)

    name = "json" if as_json else TERMINAL
    outlets = [partial(_write, path, rendered(_FORMATS[path.suffix])) for path in files]
    if summary := os.environ.get(_SUMMARY):
        outlets.append(partial(_append, Path(summary), rendered("markdown")))
    if os.environ.get(_ACTIONS) == "true":
        outlets.append(partial(_print, 2, lambda: click.echo(rendered("annotations")(), nl=False, err=True)))
    outlets.append(partial(_print, 1, lambda: hand_over(rendered(name), name, None)))
    failures = [failure for outlet in outlets if (failure := _tried(outlet))]
    if failures:
        raise failures[0]


def _tried(outlet: Callable[[], None]) -> StoreError | OSError | None:
    try:
        outlet()
    except (StoreError, OSError) as error:
        return error
    return None


def _print(descriptor: int, echo: Callable[[], None]) -> None:
    try:
        echo()
    except BrokenPipeError:
        drop_output(descriptor)


def _write(path: Path, render: Callable[..., str]) -> None:
    write_new(path, render())


def _append(path: Path, render: Callable[..., str]) -> None:
    text = render()
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"cannot append to {path}, which {_SUMMARY} names: {error.strerror}") from None
