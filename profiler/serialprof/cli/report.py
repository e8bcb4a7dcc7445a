# SPDX-License-Identifier: Apache-2.0
"""`serialprof report`: a stored run as a page or as text, on any computer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from serialprof.cli.delivery import hand_over
from serialprof.cli.options import COST
from serialprof.errors import UsageError
from serialprof.files import check_creatable
from serialprof.question import Cost

if TYPE_CHECKING:
    from serialprof.live.view import Live
    from serialprof.view import Run

_EPILOG: Final = """\b
Examples:
  serialprof report a.serialprof
  serialprof report service.serialprof --format html
  serialprof report a.serialprof --format html --price 0.05+0.04 --watts 20+4.5
"""


@click.command(epilog=_EPILOG)
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--format", "format_", default="terminal", show_default=True, help="html, terminal, markdown or json.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file.")
@click.option("--price", type=COST, metavar="BASE+PER_THREAD", help="Of an hour: the page says what a step costs.")
@click.option("--watts", type=COST, metavar="BASE+PER_THREAD", help="Drawn: the page says what energy a step takes.")
def command(run: Path, format_: str, output: Path | None, price: Cost | None, watts: Cost | None) -> None:
    """Show a stored run, or a recording of live loops; a page goes beside its file unless -o names another."""
    from serialprof.store.kind import LIVE, kind_of

    costs = {name: cost for name, cost in (("price", price), ("watts", watts)) if cost is not None}
    live = kind_of(run) == LIVE
    if costs and live:
        raise UsageError(f"--{next(iter(costs))} is for runs, and {run} is a recording of live loops", "leave it out")
    if costs and format_ != "html":
        raise UsageError(
            f"--{next(iter(costs))} is for the sliders of a page", "add --format html, or ask serialprof whatif"
        )
    if format_ == "html" and output is None:
        output = run.parent / f"{run.stem}.html"
    if output is not None:
        check_creatable(output)
    hand_over(partial(_loaded(run, live=live).render, format_, **costs), format_, output)


def _loaded(path: Path, *, live: bool) -> Live | Run:
    if live:
        from serialprof.live.view import load_live

        return load_live(path)
    from serialprof.view import load

    return load(path)
