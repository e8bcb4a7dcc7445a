# SPDX-License-Identifier: Apache-2.0
"""`serialprof gate save`: stores a baseline that a later gate compares with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from serialprof.cli.gateoptions import knob_options, knobs_of, timeout_option
from serialprof.cli.progress import Display
from serialprof.errors import UsageError
from serialprof.interruption import ended_like_ctrl_c


@click.command(
    epilog="""\b
Examples:
  serialprof gate save -o main.json
  serialprof gate save lstm bench.py:step --width 4 -o main.json
"""
)
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD...]")
@click.option("--python", default=sys.executable, metavar="FILE", help="The interpreter.  [default: this one]")
@knob_options
@click.option(
    "-o", "--output", "file", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file."
)
@timeout_option
@click.option("--replace", is_flag=True, help="Replace a baseline that lies there.")
def command(workloads: tuple[str, ...], python: str, file: Path, timeout: float, replace: bool, **knobs: Any) -> None:
    """Store what benchmarks take on this machine, for `serialprof gate --baseline`.

    WORKLOAD as for `serialprof gate`. Prefer --base-ref where base and head can run in the same job: a stored baseline
    sees large changes alone.
    """
    from serialprof.gating.baseline import check_writable, write
    from serialprof.gating.baselining import save
    from serialprof.gating.configuration import read_configuration
    from serialprof.gating.gate import head_alone
    from serialprof.gating.request import GateRequest, benchmarks_of
    from serialprof.preparation import look_at_machine

    check_writable(file, replace)
    request = GateRequest(workloads, knobs_of(named=bool(workloads), **knobs), head_python=python)
    if request.knobs.others:
        raise UsageError("a baseline stores the time of a step alone", "leave --metric out")
    expected = benchmarks_of(request, read_configuration(request.folder))
    with Display() as display, ended_like_ctrl_c():
        baseline = save(expected, head_alone(request), look_at_machine(), display.stage, timeout=timeout)
    write(file, baseline, replace)
    click.echo(f"written: {file}", err=True)
