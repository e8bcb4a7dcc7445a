# SPDX-License-Identifier: Apache-2.0
"""What stands on a terminal, as text: no line longer than it is wide, colours only where it shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

#: Columns before what stands below a heading.
INDENT: Final = 2


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


def styled(text: str, style: str = "") -> Text:
    """A text as it is, whatever looks like markup or like a terminal's codes; `style` is one of rich."""
    from rich.text import Text

    return Text(wording.plain(text), style=style)


def indented(text: str) -> RenderableType:
    """A text below a heading, wrapped under itself."""
    from rich.padding import Padding

    return Padding(styled(text), (0, 0, 0, INDENT))


def new_table(columns: Sequence[str], left: Container[str] = ()) -> Table:
    """A table without rows, whose cells stand at the right, or at the left in columns of these names."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    for column in columns:
        table.add_column(wording.plain(column), justify="left" if column in left else "right", overflow="fold")
    return table
