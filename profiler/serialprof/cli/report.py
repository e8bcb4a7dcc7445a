# SPDX-License-Identifier: Apache-2.0
"""`serialprof report`: a stored run as a page or as text, on any computer."""

from __future__ import annotations

from pathlib import Path

import click

from serialprof.cli.delivery import deliver
from serialprof.cli.output import show
from serialprof.files import check_creatable


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--format", "format_", default="terminal", show_default=True, help="html, terminal, markdown or json.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file.")
def command(run: Path, format_: str, output: Path | None) -> None:
    """Show a stored run again; a page goes beside the run file unless -o names another place."""
    from serialprof.session import load

    if format_ == "html" and output is None:
        output = run.with_suffix(".html")
    if output is not None:
        check_creatable(output)
    loaded = load(run)
    if output is None and format_ == "terminal":
        show(loaded)
        return
    deliver(loaded.render(format_), output)
    if output is not None:
        click.echo(f"page: {output}" if format_ == "html" else f"written: {output}", err=True)
