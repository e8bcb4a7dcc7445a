# SPDX-License-Identifier: Apache-2.0
"""`serialprof export`: a stored run's numbers for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from serialprof.files import check_creatable, write_new


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--format", "format_", type=click.Choice(["json", "csv"]), required=True, help="json or csv.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file.")
def command(run: Path, format_: str, output: Path | None) -> None:
    """Write a stored run: json holds the analysis, csv one row per sample."""
    from serialprof.session import load

    if output is not None:
        check_creatable(output)
    text = load(run).render(format_)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_new(output, text)
