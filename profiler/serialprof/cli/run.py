# SPDX-License-Identifier: Apache-2.0
"""`serialprof run`: profile workloads on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from serialprof.cli import output
from serialprof.cli.options import COUNTS, DURATION, PARAMETER, PERCENT
from serialprof.errors import ExitCode
from serialprof.files import check_creatable, write_new
from serialprof.planning import Request
from serialprof.setting import ParameterValue
from serialprof.store import SUFFIX

_EPILOG = """\b
Examples:
  serialprof run                         the four built-in serial cores
  serialprof run --quick lstm            one of them, in about half a minute
  serialprof run mine.py:loop --width 1,4,16,64
"""


@click.command(epilog=_EPILOG)
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD...]")
@click.option("--quick", is_flag=True, help="Four widths, at most 25 s of sampling.")
@click.option("--width", "--batch", "widths", type=COUNTS, metavar="LIST", help="Widths, such as 1,4,16,64Ki.")
@click.option("--threads", type=COUNTS, metavar="LIST", help="Thread counts, such as 1,2,4.")
@click.option("--depth", type=click.IntRange(1, 2**31), metavar="N", help="Dependent steps in one run.")
@click.option("--mode", "modes", metavar="LIST", help="Execution modes, such as native or eager.")
@click.option("--param", "parameters", type=PARAMETER, multiple=True, metavar="K=V", help="A workload parameter.")
@click.option("--budget", type=DURATION, metavar="TIME", help="Most time to sample.  [default: 120s, quick 25s]")
@click.option("--precision", type=PERCENT, default="2%", show_default=True, metavar="P", help="Stop once so precise.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31), default=0, show_default=True, help="Seed of order and workloads."
)
@click.option("-o", "--output", "file", type=click.Path(path_type=Path), metavar="FILE", help="The run file to create.")
@click.option("--no-html", is_flag=True, help="Write no page beside the run file.")
@click.option("--json", "as_json", is_flag=True, help="Put the result, and nothing else, on standard output.")
@click.option("--dry-run", is_flag=True, help="Show the plan and measure nothing.")
@click.pass_context
def command(
    context: click.Context,
    workloads: tuple[str, ...],
    quick: bool,
    widths: tuple[int, ...] | None,
    threads: tuple[int, ...] | None,
    depth: int | None,
    modes: str | None,
    parameters: tuple[tuple[str, ParameterValue], ...],
    budget: float | None,
    precision: float,
    seed: int,
    file: Path | None,
    no_html: bool,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Profile workloads on this machine.

    WORKLOAD is a built-in name (see serialprof list), FILE.py:NAME or package.module:NAME.
    """
    from serialprof.cli import progress
    from serialprof.preparation import prepare
    from serialprof.session import default_path, measure

    request = Request(
        workloads=workloads or Request().workloads,
        widths=widths,
        threads=threads,
        modes=tuple(modes.split(",")) if modes else None,
        depth=depth,
        parameters=dict(parameters),
        budget=budget,
        precision=precision,
        seed=seed,
        quick=quick,
    )
    path = default_path() if file is None else file
    check_creatable(path)
    page = path.with_suffix(".html") if path.suffix == SUFFIX else path.with_name(f"{path.name}.html")
    if not no_html:
        check_creatable(page)
    prepared = prepare(request)
    for name, reason in prepared.skipped.items():
        click.echo(f"skipped: {name} {reason}", err=True)
    if dry_run:
        click.echo(progress.plan_json(prepared) if as_json else progress.plan_text(prepared))
        return
    with progress.Display() as display:
        run = measure(prepared, path, display.report, display.stage, command=("serialprof", *sys.argv[1:]))
    if as_json:
        click.echo(run.render("json"))
    else:
        output.show(run)
    click.echo(f"run file: {path}", err=as_json)
    if not no_html:
        write_new(page, run.render("html"))
        click.echo(f"page:     {page}", err=as_json)
    for reason in run.failed:
        click.echo(f"failed: {reason}", err=True)
    context.exit(ExitCode.USAGE if run.failed else ExitCode.OK)
