# SPDX-License-Identifier: Apache-2.0
"""A history of runs or gates as plain text for a terminal, and as one JSON object."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Final

from serialprof.model.plain import as_plain
from serialprof.units import format_json
from serialprof_reports import gatehistorywording as told
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.gating.history import History, Series

#: Name and version of the document.
SCHEMA: Final = {"name": "serialprof.gate-history", "version": 1}
_INDENT: Final = "  "
_CHANGED: Final = "33"


def json(history: History) -> str:
    """The history as one JSON object, in SI base units: docs/schema/gate-history.schema.json.

    Keys: `schema` (name, version), and `serialprof.gating.history.History` by its attributes' names.
    """
    document = {"schema": SCHEMA} | as_plain(history)
    return format_json(document, indent=1) + "\n"


def terminal(history: History, *, width: int = 80, color: bool = False) -> str:
    """Machine by machine, a paragraph per series: its levels and since when.

    Args:
        history: of runs or gates.
        width: columns of the terminal; no line is longer.
        color: whether to add ANSI colours to the names of series that changed.
    """
    return "\n".join(_document(history, width, color=color)) + "\n"


def _document(history: History, width: int, *, color: bool) -> Iterator[str]:
    yield from _wrapped(told.headline(history), width)
    ordered = sorted(history.series, key=lambda series: series.machine)
    for machine, group in groupby(ordered, key=lambda series: series.machine):
        yield ""
        yield from _wrapped(f"on {machine}", width)
        for series in group:
            yield from _series(series, width, color=color)
    yield ""
    yield from _wrapped(told.HONESTY, width)


def _series(series: Series, width: int, *, color: bool) -> Iterator[str]:
    first, *rest = _wrapped(f"{series.name}: {told.sentence(series)}", width - len(_INDENT))
    if color and series.changes:
        first = f"\x1b[{_CHANGED}m{first}\x1b[0m"
    yield _INDENT + first
    yield from (_INDENT + line for line in rest)


def _wrapped(text: str, width: int) -> list[str]:
    """The text in lines, those after the first one indented."""
    lines = textwrap.wrap(
        wording.plain(text), max(len(_INDENT) + 1, width), subsequent_indent=_INDENT, break_on_hyphens=False
    )
    return lines or [""]
