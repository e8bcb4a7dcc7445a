# SPDX-License-Identifier: Apache-2.0
"""What is shown while a run goes on: a bar on a terminal, one that is updated in place in a notebook, lines, nothing.

All of them redraw only when they are told, between visits: a refreshing thread would run beside the measurement.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from serialprof.rendering import NOTEBOOKS, renderer
from serialprof.units import format_count, format_seconds

if TYPE_CHECKING:
    from serialprof.measure.roles import Progress

_PAUSE: Final = 0.5  # seconds between two updates of a notebook, which cost a message and a drawing each


class Quiet:
    """Shows nothing but warnings and notes, on standard error; what the others have in common."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def stage(self, text: str) -> None:
        """Told in a few words what begins."""

    def report(self, progress: Progress) -> None:
        """Told what is measured next and how much is left."""

    def note(self, text: str) -> None:
        """Says something that stays to be read."""
        sys.stderr.write(f"{text}\n")

    def warn(self, text: str) -> None:
        """Says something about clocks that stays to be read."""
        self.note(f"clocks: {text}")


class Lines(Quiet):
    """A line per stage on standard error."""

    def __init__(self) -> None:
        self._stage = ""

    def stage(self, text: str) -> None:
        """Says in a few words what begins."""
        self.note(f"{text} ...")

    def report(self, progress: Progress) -> None:
        """Says what begins, and how much it is."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            amount = f"{progress.total:.0f} points" if progress.remaining is None else format_seconds(progress.total)
            self.note(f"{progress.stage} {amount} ...")


class Bar(Quiet):
    """A bar with the time that is left at most, on a terminal's standard error; gone when the run ends."""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, left="")
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def stage(self, text: str) -> None:
        """Says in a few words what begins."""
        self._bar.update(self._task, description=text, refresh=True)

    def note(self, text: str) -> None:
        """Says something that stays on the screen."""
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def report(self, progress: Progress) -> None:
        """Says what is measured next and how much is left."""
        self._bar.update(
            self._task,
            description=f"{progress.stage} {_what(progress)[-40:]:<40}",
            completed=progress.done,
            total=progress.total,
            left=_left(progress),
            refresh=True,
        )


class InNotebook(Quiet):
    """A bar in a cell's output, updated in place; a line of it stays when the run ends, with what was noted.

    Any front end of Jupyter shows it that shows outputs which are updated; the others show its text.
    """

    def __enter__(self) -> Self:
        display = import_module("IPython.display").display  # there already: this runs in its kernel
        self._notes: list[str] = []
        self._text = "beginning"
        self._begun = self._told = time.monotonic()
        self._draw = renderer(NOTEBOOKS, "progress")
        self._handle = display(self._bundle(), raw=True, display_id=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        took = format_seconds(time.monotonic() - self._begun)
        self._update(f"stopped after {took}" if kind else f"measured in {took}")

    def stage(self, text: str) -> None:
        """Says in a few words what begins."""
        self._update(f"{text} ...")

    def note(self, text: str) -> None:
        """Says something that stays below the bar."""
        self._notes.append(text)
        self._update(self._text)

    def report(self, progress: Progress) -> None:
        """Says what is measured next and how much is left, twice a second at most."""
        if time.monotonic() - self._told >= _PAUSE:
            text = f"{progress.stage} {_what(progress)}, {_left(progress)}"
            self._update(text, progress.done / progress.total if progress.total else 0.0)

    def _update(self, text: str, share: float | None = None) -> None:
        self._text, self._told = text, time.monotonic()
        self._handle.update(self._bundle(share), raw=True)

    def _bundle(self, share: float | None = None) -> dict[str, str]:
        plain = "\n".join([self._text, *self._notes])
        return {"text/plain": plain, "text/html": self._draw(self._text, share, self._notes)}


def on_terminal() -> bool:
    """Whether a bar can be redrawn on standard error."""
    return sys.stderr.isatty() and not os.environ.get("CI")


def fitting() -> Quiet:
    """What suits the program that runs: a notebook's bar, a terminal's, or nothing."""
    if _in_kernel():
        return InNotebook()
    return Bar() if on_terminal() else Quiet()


def _in_kernel() -> bool:
    """Whether this is a kernel of Jupyter; IPython is there then already, and is never loaded here."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _what(progress: Progress) -> str:
    """The point that is measured next, in a few words."""
    setting = progress.point.setting
    how = f"{setting.mode} {setting.dtype}" if setting.on_cuda else f"p={setting.threads} {setting.form}"
    return f"{progress.point.workload} W={format_count(setting.width)} {how}"


def _left(progress: Progress) -> str:
    """How much is left."""
    if progress.remaining is None:
        return f"{progress.done:.0f}/{progress.total:.0f}"
    return f"at most {max(0.0, progress.remaining):.0f} s left"
