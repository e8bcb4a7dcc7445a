# SPDX-License-Identifier: Apache-2.0
"""What stands on a terminal, as text: no line longer than it is wide, colours only where it shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType


def printed(items: Iterable[RenderableType], width: int, color: bool) -> str:
    """Items one below the other, without spaces at the ends of lines, with one newline at the end.

    Args:
        items: texts, tables and grids of rich.
        width: columns of the terminal; no line is longer.
        color: whether to add ANSI colours.
    """
    from rich.console import Console

    console = Console(
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for item in items:
            console.print(item)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    return "\n".join(lines).rstrip("\n") + "\n"
