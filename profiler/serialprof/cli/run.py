# SPDX-License-Identifier: Apache-2.0
"""`serialprof run`: profile workloads on this machine."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from serialprof.asking import beside_resume, program_of, stand_ins_of
from serialprof.cli.delivery import TERMINAL, show
from serialprof.cli.options import COUNTS, DURATION, PARAMETER, PERCENT, WORDS
from serialprof.errors import ExitCode, StoreError, UsageError
from serialprof.files import check_creatable, write_new
from serialprof.planning import Request
from serialprof.setting import CPU, ParameterValue
from serialprof.store import SUFFIX

if TYPE_CHECKING:
    from serialprof.view import Run

#: Where the command after `--` is kept.
_PROGRAM: Final = "serialprof.program"
#: What may be given beside --resume.
_BESIDE_RESUME: Final = frozenset({"resume", "force", "as_json", "no_html"})

_EPILOG = """\b
Examples:
  serialprof run                         the four built-in serial cores
  serialprof run --quick lstm            one of them, in about half a minute
  serialprof run mine.py:loop --width 1,4,16,64
  serialprof run --device cuda torch-decode
  serialprof run --depth 1000 -- ./sim --threads {threads} --steps {depth}
"""


class _Run(click.Command):
    """Takes what follows `--` for a command, placeholders and all, and parses the rest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            start = args.index("--")
            ctx.meta[_PROGRAM] = args[start + 1 :]
            args = args[:start]
        return super().parse_args(ctx, args)


@click.command(cls=_Run, epilog=_EPILOG, options_metavar="[OPTIONS]")
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD...] [-- CMD...]")
@click.option("--quick", is_flag=True, help="Four widths, at most 25 s of sampling.")
@click.option("--width", "--batch", "widths", type=COUNTS, metavar="LIST", help="Widths, such as 1,4,16,64Ki.")
@click.option("--threads", type=COUNTS, metavar="LIST", help="Thread counts, such as 1,2,4.")
@click.option("--depth", type=click.IntRange(1, 2**31), metavar="N", help="Dependent steps in one run.")
@click.option("--device", default=CPU, show_default=True, metavar="NAME", help="cpu, cuda, or cuda:1 and so on.")
@click.option("--mode", "modes", type=WORDS, metavar="LIST", help="Execution modes, such as native, or eager,graph.")
@click.option("--dtype", "dtypes", type=WORDS, metavar="LIST", help="Element types, such as fp32,bf16.")
@click.option("--param", "parameters", type=PARAMETER, multiple=True, metavar="K=V", help="A workload parameter.")
@click.option(
    "--clock", metavar="LIST", help="Clocks to set in turn, such as 1.2GHz,2400MHz; all; off.  [default: off]"
)
@click.option("--turbo", is_flag=True, help="With --clock: clocks above the base as well.")
@click.option("--gpu-clock", metavar="HERTZ", help="Lock all GPUs at a clock, such as 1410MHz (needs root).")
@click.option("--budget", type=DURATION, metavar="TIME", help="Most time to sample.  [default: 120s, quick 25s]")
@click.option("--precision", type=PERCENT, default="2%", show_default=True, metavar="P", help="Stop once so precise.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31), default=0, show_default=True, help="Seed of order and workloads."
)
@click.option("-o", "--output", "file", type=click.Path(path_type=Path), metavar="FILE", help="The run file to create.")
@click.option("--no-html", is_flag=True, help="Write no page beside the run file.")
@click.option("--json", "as_json", is_flag=True, help="Put the result, and nothing else, on standard output.")
@click.option("--dry-run", is_flag=True, help="Show the plan and measure nothing.")
@click.option("--no-meter", is_flag=True, help="Do not read the clock meter beside every sample.")
@click.option("--no-stand-ins", is_flag=True, help="Inject no delays after sampling.")
@click.option("--dilate", is_flag=True, help="Dilate the host's time by a real-time thread too (needs root).")
@click.option("--resume", type=click.Path(path_type=Path), metavar="FILE", help="Go on with an interrupted run.")
@click.option("--force", is_flag=True, help="With --resume: even on another machine or with other code.")
@click.pass_context
def command(
    context: click.Context,
    workloads: tuple[str, ...],
    quick: bool,
    widths: tuple[int, ...] | None,
    threads: tuple[int, ...] | None,
    depth: int | None,
    device: str,
    modes: tuple[str, ...] | None,
    dtypes: tuple[str, ...] | None,
    parameters: tuple[tuple[str, ParameterValue], ...],
    clock: str | None,
    turbo: bool,
    gpu_clock: str | None,
    budget: float | None,
    precision: float,
    seed: int,
    file: Path | None,
    no_html: bool,
    as_json: bool,
    dry_run: bool,
    no_meter: bool,
    no_stand_ins: bool,
    dilate: bool,
    resume: Path | None,
    force: bool,
) -> None:
    """Profile workloads on this machine.

    WORKLOAD is a built-in name (see serialprof list), FILE.py:NAME or package.module:NAME. CMD is any program;
    {threads}, {width} and {depth} in it stand for what is varied. Widths of workloads on PyTorch are batch sizes.
    """
    if resume is not None:
        _refuse_beside_resume(context)
        _check_resumable(resume, no_html=no_html)
        _show(context, resume, _continued(resume, force=force), as_json=as_json, no_html=no_html)
        return
    if force:
        raise UsageError("--force goes with --resume alone", "leave it out")
    if _PROGRAM in context.meta:
        workloads = (program_of(context.meta[_PROGRAM], context.params),)
    request = Request(
        workloads=workloads,
        widths=widths,
        threads=threads,
        modes=modes,
        depth=depth,
        parameters=dict(parameters),
        budget=budget,
        precision=precision,
        seed=seed,
        quick=quick,
        meter=not no_meter,
        clocks=clock,
        turbo=turbo,
        stand_ins=stand_ins_of(taken=not no_stand_ins, dilate=dilate),
        gpu_clock=gpu_clock,
        device=device,
        dtypes=dtypes,
    )
    from serialprof.cli import progress
    from serialprof.preparation import prepare
    from serialprof.progress import Quiet
    from serialprof.session import default_path, measure

    path = default_path() if file is None else file
    check_creatable(path)
    if not no_html:
        check_creatable(_page(path))
    prepared = prepare(request, warn=Quiet().warn, dry_run=dry_run)
    for name, reason in prepared.skipped.items():
        click.echo(f"skipped: {name} {reason}", err=True)
    if dry_run:
        click.echo(progress.plan_json(prepared) if as_json else progress.plan_text(prepared))
        return
    with progress.Display() as display:
        command_line = ("serialprof", *sys.argv[1:])
        run = measure(prepared, path, display.report, display.stage, command_line, warn=display.warn)
    _show(context, path, run, as_json=as_json, no_html=no_html)


def _continued(path: Path, *, force: bool) -> Run:
    from serialprof.cli import progress
    from serialprof.session import resume

    with progress.Display() as display:
        command_line = ("serialprof", *sys.argv[1:])
        return resume(path, display.report, display.stage, command_line, force=force, warn=display.warn)


def _refuse_beside_resume(context: click.Context) -> None:
    """Raises a UsageError for whatever would change the plan of a run that is resumed."""
    if _PROGRAM in context.meta:
        raise UsageError("--resume goes on with the plan of its file, so no command can be given", "leave it out")
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
        if given and parameter.name not in _BESIDE_RESUME:
            name = "WORKLOAD" if isinstance(parameter, click.Argument) else parameter.opts[0]
            raise beside_resume(name)


def _check_resumable(path: Path, *, no_html: bool) -> None:
    """Raises a StoreError, before anything is measured, where there is nothing to resume or the page has no place."""
    from serialprof.preparation import check_incomplete
    from serialprof.store import read_run

    check_incomplete(read_run(path), path)  # before its page, which a complete run has
    if no_html:
        return
    if (page := _page(path)).exists():
        raise StoreError(f"{page} exists", "remove it, or add --no-html; nothing is overwritten")
    check_creatable(page)


def _page(path: Path) -> Path:
    """Where the page of a run file goes."""
    return path.with_suffix(".html") if path.suffix == SUFFIX else path.with_name(f"{path.name}.html")


def _show(context: click.Context, path: Path, run: Run, *, as_json: bool, no_html: bool) -> None:
    """Prints a run, writes its page, and ends with the exit code that it deserves."""
    if as_json:
        click.echo(run.render("json"))
    else:
        show(partial(run.render, TERMINAL))
    click.echo(f"run file: {path}", err=as_json)
    if not no_html:
        page = _page(path)
        write_new(page, run.render("html"))
        click.echo(f"page:     {page}", err=as_json)
    for reason in run.failed:
        click.echo(f"failed: {reason}", err=True)
    context.exit(ExitCode.USAGE if run.failed else ExitCode.OK)
