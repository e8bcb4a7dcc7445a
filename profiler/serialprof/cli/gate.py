# SPDX-License-Identifier: Apache-2.0
"""`serialprof gate`: base against head in the same job; `gate save` and `gate history` beside it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from serialprof.cli.gateoutput import check_files, deliver_report
from serialprof.cli.options import DURATION, PARAMETER, PERCENT
from serialprof.cli.progress import Display
from serialprof.errors import UsageError
from serialprof.gating.records import METRIC_NAMES
from serialprof.setting import CPU, ParameterValue

if TYPE_CHECKING:
    from serialprof.gating.gate import GateRequest
    from serialprof.gating.records import Metric

_COMMANDS: Final = {"save": "gatesave", "history": "gatehistory"}
_EPILOG: Final = """\b
Examples:
  serialprof gate --base-ref origin/main --install "pip install ."
  serialprof gate bench.py:step --base-python old/bin/python --head-python new/bin/python
  serialprof gate --base-cmd "./old --steps {depth}" --head-cmd "./new --steps {depth}"
  serialprof gate history *.json                where a series changed
"""


class _Gate(click.Command):
    """Hands over to `save` and `history`, and is itself the gate."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args and args[0] in _COMMANDS:
            other: click.Command = import_module(f"serialprof.cli.{_COMMANDS[args[0]]}").command
            return other.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_Gate, epilog=_EPILOG)
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD...]")
@click.option("--base-ref", default="", metavar="REF", help="The commit to compare with, such as origin/main.")
@click.option("--install", default="", metavar="CMD", help="With --base-ref: how a checkout is installed.")
@click.option("--base-python", default="", metavar="FILE", help="The base's interpreter.")
@click.option("--head-python", default="", metavar="FILE", help="The head's interpreter.  [default: this one]")
@click.option("--base-cmd", default="", metavar="CMD", help="A whole program as base.")
@click.option("--head-cmd", default="", metavar="CMD", help="A whole program as head.")
@click.option("--tolerance", type=PERCENT, metavar="P", help="Slow-down that nothing is said about.  [default: 1%]")
@click.option("--mde", type=PERCENT, metavar="P", help="Smallest slow-down that must not pass.  [default: 3%]")
@click.option("--least-difference", type=DURATION, metavar="TIME", help="Smallest difference per step that counts.")
@click.option(
    "--on-inconclusive",
    type=click.Choice(["pass", "fail"]),
    default="pass",
    show_default=True,
    help="Whether an inconclusive gate ends with exit code 3.",
)
@click.option("--width", type=click.IntRange(1), metavar="N", help="Width of the named workloads.")
@click.option("--depth", type=click.IntRange(1, 2**31), metavar="N", help="Steps in one of their runs.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads that share a step.")
@click.option("--device", default=CPU, show_default=True, metavar="NAME", help="cpu, or cuda:N.")
@click.option("--mode", metavar="NAME", help="How steps are executed.")
@click.option("--dtype", metavar="NAME", help="Element type.")
@click.option("--param", "parameters", type=PARAMETER, multiple=True, metavar="K=V", help="A workload parameter.")
@click.option(
    "--metric",
    "metrics",
    type=click.Choice(list(METRIC_NAMES)),
    multiple=True,
    help="Beside the time of a step; may be repeated.",
)
@click.option("--layout-floor", is_flag=True, help="A failure has to exceed what rebuilding the base alone does.")
@click.option("--allow-dirty", is_flag=True, help="Gate changes that are not committed.")
@click.option("--budget", type=DURATION, default="60s", show_default=True, metavar="TIME", help="Per benchmark.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=0, show_default=True, help="Seed of the orders.")
@click.option(
    "-o",
    "--output",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="A report: .json, .xml (JUnit), .md or .html; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Put the result, and nothing else, on standard output.")
def command(files: tuple[Path, ...], as_json: bool, **given: Any) -> int:
    """Compare base and head on this machine, in turns, and fail where the head is slower.

    WORKLOAD is a built-in name, FILE.py:NAME or package.module:NAME; without one it is the expected set of
    [tool.serialprof.gate] in pyproject.toml. Exit code 0: pass, or inconclusive; 1: slower; 2: an error, or an expected
    benchmark is missing; 3: inconclusive, with --on-inconclusive fail; 4: the base cannot be had.
    """
    check_files(files)
    from serialprof.gating.gate import gate
    from serialprof.preparation import look_at_machine

    with Display() as display:
        report = gate(_request(**given), look_at_machine(), display.stage)
    deliver_report(report, files, as_json=as_json)
    return report.exit_code


def _request(
    *,
    workloads: tuple[str, ...],
    base_cmd: str,
    head_cmd: str,
    least_difference: float | None,
    on_inconclusive: str,
    width: int | None,
    depth: int | None,
    threads: int | None,
    device: str,
    mode: str | None,
    dtype: str | None,
    parameters: tuple[tuple[str, ParameterValue], ...],
    metrics: tuple[Metric, ...],
    layout_floor: bool,
    allow_dirty: bool,
    budget: float,
    seed: int,
    **same: Any,
) -> GateRequest:
    """What was asked for; `same` are the options that have their attributes' names."""
    from serialprof.gating.gate import GateRequest, Knobs
    from serialprof.gating.running import Effort

    judged = tuple(dict.fromkeys(("step", *metrics)))
    knobs = Knobs(width, depth, threads, mode, dtype, device, dict(parameters), judged)
    if knobs != Knobs() and not (workloads or base_cmd or head_cmd):
        raise UsageError(
            "--width, --depth and other knobs go with workloads that are named here",
            "name one, or set them in the configuration",
        )
    return GateRequest(
        workloads=workloads,
        knobs=knobs,
        least_seconds=least_difference,
        base_command=base_cmd,
        head_command=head_cmd,
        dirty=allow_dirty,
        layouts=layout_floor,
        strict=on_inconclusive == "fail",
        effort=Effort(budget, seed),
        command=("serialprof", *sys.argv[1:]),
        **same,
    )
