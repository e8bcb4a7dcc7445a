# SPDX-License-Identifier: Apache-2.0
"""How far a run has come, as the output of a notebook's cell shows it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_STYLE: Final = "font-size: 0.9em; line-height: 1.5; overflow-wrap: anywhere"
_BAR: Final = "width: 12em; max-width: 40%; vertical-align: middle; margin-right: 0.7em"


def progress(text: str, share: float | None = None, notes: Sequence[str] = ()) -> str:
    """A line of HTML, with a bar before it where it is known how much is done, and lines that stay below it.

    Args:
        text: what goes on.
        share: of it that is done, from 0 to 1; None where that is not known.
        notes: what is to be read besides, a line each.
    """
    bar = (
        "" if share is None else f'<progress value="{min(1.0, max(0.0, share)):.3f}" max="1" style="{_BAR}"></progress>'
    )
    lines = [bar + escape(text), *map(escape, notes)]
    return "".join(f'<div style="{_STYLE}">{line}</div>' for line in lines)
