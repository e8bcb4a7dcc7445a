# SPDX-License-Identifier: Apache-2.0
"""`serialprof gate history`: many runs or gates of a main branch, and where a benchmark changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import click

from serialprof.cli.delivery import hand_over
from serialprof.cli.options import chosen_format
from serialprof.files import check_creatable
from serialprof.rendering import renderer

#: Where renderers of histories register: functions of a History and their own options.
_GROUP: Final = "serialprof.histories"
#: The page where no -o names one.
_PAGE: Final = Path("gate-history.html")
_EPILOG: Final = """\b
Examples:
  serialprof gate history runs/*.serialprof
  serialprof gate history gates/*.json --format html -o history.html
  serialprof gate history --ordered $(git log --reverse --format=gates/%H.json)
"""


@click.command(epilog=_EPILOG)
@click.argument("files", type=click.Path(path_type=Path), metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--ordered", is_flag=True, help="The files are in their order already, as commits are.  [default: by time]"
)
@click.option("--format", "format_", help="html, terminal or json.  [default: as -o ends, else terminal]")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file.")
def command(files: tuple[Path, ...], ordered: bool, format_: str | None, as_json: bool, output: Path | None) -> None:
    """Say since which commit a benchmark takes another time.

    FILE is a run (*.serialprof) or the JSON of a gate. Runs give a series of step times per point; gates, whose base is
    the commit before, a chain of ratios. Series of machines that differ are kept apart. Needs
    pip install 'serialprof[history]' for series of eight values and more.
    """
    name = chosen_format(format_, as_json=as_json, output=output)
    render = renderer(_GROUP, name)
    if name == "html" and output is None:
        output = _PAGE
    if output is not None:
        check_creatable(output)
    from serialprof.gating.history import history
    from serialprof.gating.historyreading import read_file

    words = ("serialprof", "gate", "history", *(["--ordered"] if ordered else []), *map(str, files))
    found = history(map(read_file, files), ordered=ordered, command=words)
    hand_over(partial(render, found), name, output)
