# SPDX-License-Identifier: Apache-2.0
"""`serialprof workload new` and `check`: help before measuring."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from serialprof.cli.delivery import show_lines
from serialprof.cli.options import COUNTS, DURATION, PARAMETER
from serialprof.errors import UsageError
from serialprof.setting import CPU, ParameterValue
from serialprof.units import format_json

if TYPE_CHECKING:
    from serialprof.checking.finding import Severity

_COLORS: Final = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.group()
def command() -> None:
    """Write a workload of your own, and see whether it measures what it should (docs/checking.md)."""


@command.command()
@click.argument("name")
@click.option("-o", "--output", "file", type=click.Path(path_type=Path), metavar="FILE", help="[default: NAME.py]")
@click.option("--torch", is_flag=True, help="An example whose steps go through PyTorch, on a CPU or a GPU.")
def new(name: str, file: Path | None, torch: bool) -> None:
    """Write a commented example of a workload, which runs as it is.

    NAME is that of its function. An existing file is never written over.
    """
    from serialprof.checking.examples import example
    from serialprof.files import write_new

    path = Path(f"{name}.py") if file is None else file
    text = example(name, str(path), torch=torch)
    if path.suffix != ".py":
        raise UsageError(f"-o {path}: a workload stands in a Python file", f"write -o {path.with_suffix('.py')}")
    write_new(path, text)
    click.echo(f"written: {path}")
    click.echo(f"next:    serialprof workload check {path}:{name}")


@command.command()
@click.argument("workload")
@click.option("--width", "--batch", "widths", type=COUNTS, metavar="LIST", help="Widths to look at, such as 1,16,64Ki.")
@click.option("--threads", type=click.IntRange(1, 2**20), metavar="N", help="Threads that it is given.")
@click.option("--device", default=CPU, show_default=True, metavar="NAME", help="cpu, cuda, or cuda:1 and so on.")
@click.option("--param", "parameters", type=PARAMETER, multiple=True, metavar="K=V", help="A workload parameter.")
@click.option(
    "--seconds", type=DURATION, default="10s", show_default=True, metavar="TIME", help="What its runs may take."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def check(
    context: click.Context,
    workload: str,
    widths: tuple[int, ...] | None,
    threads: int | None,
    device: str,
    parameters: tuple[tuple[str, ParameterValue], ...],
    seconds: float,
    as_json: bool,
) -> None:
    """Say whether a workload measures what it should, with a remedy for all that it does not.

    WORKLOAD is FILE.py:NAME, package.module:NAME or a registered name. It is run in processes of its own. Ends with 0
    where nothing is found, or warnings and notes alone; with 2 where a measurement would be wrong.
    """
    from serialprof.checking.probes import CheckRequest
    from serialprof.checking.report import check_workload

    request = CheckRequest(workload, widths, threads, device, dict(parameters), seconds)
    report = check_workload(request, _tell if sys.stderr.isatty() and not as_json else lambda text: None)
    if as_json:
        import msgspec

        document = msgspec.to_builtins(report) | {"exit_code": int(report.exit_code)}
        click.echo(format_json(document))
    else:
        from serialprof.checking.telling import lines

        show_lines(lambda width, color: lines(report, width, _painted if color else _plain))
    context.exit(report.exit_code)


def _tell(what: str) -> None:
    click.echo(f"{what} ...", err=True)


def _painted(severity: Severity, text: str) -> str:
    return click.style(text, fg=_COLORS[severity], bold=True)


def _plain(_: Severity, text: str) -> str:
    return text
