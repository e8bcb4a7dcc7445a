# SPDX-License-Identifier: Apache-2.0
"""Finds the function that is registered for a format: of a run, a comparison, a gate, a history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from serialprof.errors import UsageError

#: Of entry points: what a cell of a notebook shows, as HTML.
NOTEBOOKS: Final = "serialprof.notebooks"


def renderer(group: str, name: str) -> Callable[..., Any]:
    """The function that renders a subject: (the subject, its own options) -> str or bytes.

    Args:
        group: of entry points, one per kind of subject, such as "serialprof.reports".
        name: of the format.

    Raises:
        UsageError: none is registered under that name.
    """
    from importlib.metadata import entry_points

    formats = {entry.name: entry for entry in entry_points(group=group)}
    if name not in formats:
        raise UsageError(f"unknown format {name!r}", f"choose from {', '.join(sorted(formats))}")
    loaded: Callable[..., Any] = formats[name].load()
    return loaded


def in_notebook(kind: str, subject: object) -> str:
    """What a notebook shows of a subject, as a fragment of HTML.

    Args:
        kind: "run", "attribution" or "verdict".
        subject: it.
    """
    return str(renderer(NOTEBOOKS, kind)(subject))
