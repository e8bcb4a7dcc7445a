# SPDX-License-Identifier: Apache-2.0
"""A recording as Python sees it: what was stored, the analysis, and documents."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from serialprof.live.analysis import analyse
from serialprof.live.records import StoredLive
from serialprof.live.results import LiveAnalysis
from serialprof.live.store import read_live, write_live
from serialprof.rendering import renderer

#: Where renderers of recordings register: functions of a Live and their own options.
GROUP: Final = "serialprof.lives"


@dataclass(frozen=True)
class Live:
    """A recording of live loops, with its analysis and its reports.

    Attributes:
        stored: what its file holds.
    """

    stored: StoredLive

    @cached_property
    def analysis(self) -> LiveAnalysis:
        """Shares, tails, waiting and drift of every loop, computed once."""
        return analyse(self.stored)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the recording to a new file.

        Raises:
            StoreError: it exists or cannot be written.
        """
        write_live(Path(path), self.stored)

    def render(self, format: str = "terminal", **options: Any) -> Any:  # noqa: A002 - as `Run.render`
        """The recording in a registered format.

        Args:
            format: terminal, markdown, html or json.
            options: of the format.

        Raises:
            UsageError: there is no such format.
        """
        return renderer(GROUP, format)(self, **options)

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return str(self.render("markdown"))

    def __repr__(self) -> str:
        loops = ", ".join(f"{loop.name}: {loop.seen} steps" for loop in self.stored.loops) or "no loop"
        return f"<Live {loops}, {self.stored.duration:.3g} s>"


def load_live(path: str | os.PathLike[str]) -> Live:
    """The recording in a file.

    Raises:
        StoreError: it is no recording of live loops, or damaged.
    """
    return Live(read_live(Path(path)))
