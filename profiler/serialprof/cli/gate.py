# SPDX-License-Identifier: Apache-2.0
"""`serialprof gate`: base against head in the same job; `gate save` and `gate history` beside it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from serialprof.cli.gateoptions import knob_options, knobs_of, timeout_option
from serialprof.cli.gateoutput import check_files, deliver_report
from serialprof.cli.options import DURATION, PERCENT
from serialprof.cli.progress import Display
from serialprof.errors import ExitCode, UsageError
from serialprof.gating.request import GateRequest, check_alone
from serialprof.gating.running import Effort
from serialprof.interruption import ended_like_ctrl_c

_COMMANDS: Final = {"save": "gatesave", "history": "gatehistory"}
_EPILOG: Final = """\b
Examples:
  serialprof gate --base-ref origin/main --install "pip install ."
  serialprof gate bench.py:step --base-python old/bin/python --head-python new/bin/python
  serialprof gate --base-cmd "./old --steps {depth}" --head-cmd "./new --steps {depth}"
  serialprof gate save lstm -o main.json        store a baseline
  serialprof gate lstm --baseline main.json     compare with it
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
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help="Compare with a stored baseline.")
@click.option("--enforce", is_flag=True, help="With --baseline: let a failure fail.")
@click.option("--self-test", is_flag=True, help="False alarms and power of the gate on this machine, now.")
@click.option("--gates", type=click.IntRange(1, 1000), metavar="N", help="With --self-test: gates of each kind.")
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
@knob_options
@click.option("--layout-floor", is_flag=True, help="A failure has to exceed what rebuilding the base alone does.")
@click.option("--allow-dirty", is_flag=True, help="Gate changes that are not committed.")
@click.option("--budget", type=DURATION, default="60s", show_default=True, metavar="TIME", help="Per benchmark.")
@timeout_option
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
def command(files: tuple[Path, ...], as_json: bool, self_test: bool, gates: int | None, **given: Any) -> int:
    """Compare base and head on this machine, in turns, and fail where the head is slower.

    WORKLOAD is a built-in name, FILE.py:NAME or package.module:NAME; without one it is the expected set of
    [tool.serialprof.gate] in pyproject.toml. Exit code 0: pass, or inconclusive; 1: slower; 2: an error, or an expected
    benchmark is missing; 3: inconclusive, with --on-inconclusive fail; 4: the base cannot be had.
    """
    if gates is not None and not self_test:
        raise UsageError("--gates goes with --self-test alone", "leave it out")
    check_files(files)
    request = _request(**given)
    if self_test:
        if files or as_json:
            raise UsageError("--self-test has no reports: it prints a table", "leave -o and --json out")
        check_alone(request)
        _self_test(request, gates)
        return ExitCode.OK
    from serialprof.gating.gate import gate
    from serialprof.preparation import look_at_machine

    with Display() as display, ended_like_ctrl_c():
        report = gate(request, look_at_machine(), display.stage)
    deliver_report(report, files, as_json=as_json)
    return report.exit_code


def _self_test(request: GateRequest, gates: int | None) -> None:
    """Tries the gate on this machine, benchmark by benchmark, and prints a table of each."""
    from serialprof.gating.configuration import read_configuration
    from serialprof.gating.gate import head_alone
    from serialprof.gating.request import benchmarks_of
    from serialprof.gating.selftelling import told
    from serialprof.gating.selftest import GATES, self_test
    from serialprof.preparation import look_at_machine

    expected = benchmarks_of(request, read_configuration(request.folder))
    machine = look_at_machine()
    for benchmark in expected:
        with Display() as display, ended_like_ctrl_c():
            tested = self_test(benchmark, head_alone(request), machine, gates or GATES, display.stage, request.effort)
        click.echo(told(tested), nl=False)


def _request(
    *,
    workloads: tuple[str, ...],
    base_ref: str,
    install: str,
    base_python: str,
    head_python: str,
    base_cmd: str,
    head_cmd: str,
    baseline: Path | None,
    enforce: bool,
    tolerance: float | None,
    mde: float | None,
    least_difference: float | None,
    on_inconclusive: str,
    layout_floor: bool,
    allow_dirty: bool,
    budget: float,
    timeout: float,
    seed: int,
    **knobs: Any,
) -> GateRequest:
    """What was asked for."""
    return GateRequest(
        workloads=workloads,
        knobs=knobs_of(named=bool(workloads or base_cmd or head_cmd), **knobs),
        tolerance=tolerance,
        mde=mde,
        least_seconds=least_difference,
        base_ref=base_ref,
        install=install,
        base_python=base_python,
        head_python=head_python,
        base_command=base_cmd,
        head_command=head_cmd,
        baseline=baseline,
        enforce=enforce,
        dirty=allow_dirty,
        layouts=layout_floor,
        strict=on_inconclusive == "fail",
        effort=Effort(budget, seed, timeout),
        command=("serialprof", *_without_reports(sys.argv[1:])),
    )


def _without_reports(words: list[str]) -> list[str]:
    """A command line without the files that it writes: once they are there, it could not be repeated."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "--output"):
            skip = True
        elif word != "--json" and not word.startswith(("-o", "--output=")):
            kept.append(word)
    return kept
