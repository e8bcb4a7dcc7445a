# SPDX-License-Identifier: Apache-2.0
"""`serialprof compare`: stored runs against the first of them, on any computer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import click

from serialprof.cli.delivery import hand_over
from serialprof.cli.options import COST, chosen_format
from serialprof.errors import UsageError
from serialprof.files import check_creatable
from serialprof.question import Cost
from serialprof.rendering import renderer

#: Where renderers of comparisons register: functions of a comparison and their own options.
_GROUP: Final = "serialprof.comparisons"
#: The page where no -o names one, beside the first run.
_PAGE: Final = "comparison.html"
_EPILOG: Final = """\b
Examples:
  serialprof compare old.serialprof new.serialprof
  serialprof compare old.serialprof new.serialprof --format html -o page.html
  serialprof compare a.serialprof b.serialprof c.serialprof --json
  serialprof compare small.serialprof big.serialprof --price 0.10+0 --price 0.17+0.01
"""


@click.command(epilog=_EPILOG)
@click.argument("runs", type=click.Path(path_type=Path), metavar="A B [C...]", nargs=-1, required=True)
@click.option("--format", "format_", help="html, terminal or json.  [default: as -o ends, else terminal]")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--price",
    "prices",
    type=COST,
    multiple=True,
    metavar="BASE+PER_THREAD",
    help="Of an hour of a run's machine, once for every run in their order.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file.")
def command(
    runs: tuple[Path, ...], format_: str | None, as_json: bool, prices: tuple[Cost, ...], output: Path | None
) -> None:
    """Say how much faster B is than A, and what the ratio is made of, at the points that both measured.

    A page goes beside A as comparison.html unless -o names another place.
    """
    if len(runs) < 2:
        raise UsageError("one run is given", "name two run files or more")
    name = chosen_format(format_, as_json=as_json, output=output)
    render = renderer(_GROUP, name)
    if name == "html" and output is None:
        output = runs[0].parent / _PAGE
    if output is not None:
        check_creatable(output)
    from serialprof.model.comparison.comparing import compare
    from serialprof.store import read_run

    stored, names = [read_run(path) for path in runs], [str(path) for path in runs]
    comparison = compare(stored, names, prices, fitted=name != "terminal")
    hand_over(partial(render, comparison), name, output)
