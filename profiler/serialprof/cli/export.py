# SPDX-License-Identifier: Apache-2.0
"""`serialprof export`: a stored run's numbers for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from serialprof.cli.delivery import deliver
from serialprof.files import check_creatable

FORMATS = ("json", "csv", "parquet", "chrome-trace")


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--format", "format_", type=click.Choice(FORMATS), required=True, help=f"{', '.join(FORMATS)}.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file.")
def command(run: Path, format_: str, output: Path | None) -> None:
    """Write a stored run: json holds the analysis, csv and parquet one row per sample, chrome-trace single steps."""
    from serialprof.view import load

    if output is not None:
        check_creatable(output)
    loaded = load(run)
    deliver(loaded.render(format_), output)
    if not any(visit.samples for visit in loaded.stored.visits):
        click.echo("serialprof: nothing was measured" + "".join(f"; {why}" for why in loaded.failed), err=True)
