# SPDX-License-Identifier: Apache-2.0
"""`serialprof whatif`: a stored run under other conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from serialprof.cli.options import COST, FACTOR, LEVEL
from serialprof.errors import UsageError
from serialprof.question import Change, Cost, Level, Question

_EPILOG: Final = """\b
A factor is written +10%, -5%, x2 or 0.8x.

\b
Examples:
  serialprof whatif a.serialprof --clock +10%
  serialprof whatif a.serialprof lstm --threads x2 --width 64
  serialprof whatif a.serialprof --price 0.05+0.04 --watts 20+4.5
"""


@click.command(epilog=_EPILOG)
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("workload", required=False)
@click.option("--clock", type=FACTOR, default=1.0, metavar="FACTOR", help="The core clock, of this core design.")
@click.option("--threads", type=LEVEL, metavar="N|FACTOR", help="So many threads, or a multiple of each count.")
@click.option("--width", type=LEVEL, metavar="W|FACTOR", help="Look at one width, or at a multiple of each.")
@click.option("--barrier", type=FACTOR, default=1.0, metavar="FACTOR", help="What a barrier takes.")
@click.option("--dispatch", type=FACTOR, default=1.0, metavar="FACTOR", help="What launching a step takes.")
@click.option("--memory-latency", type=FACTOR, default=1.0, metavar="FACTOR", help="What a load takes beyond L2.")
@click.option("--bandwidth", type=FACTOR, default=1.0, metavar="FACTOR", help="Of memory beyond L2.")
@click.option("--price", type=COST, metavar="BASE+PER_THREAD", help="Of an hour: the best setting for the money.")
@click.option("--watts", type=COST, metavar="BASE+PER_THREAD", help="Drawn: the best setting for the energy.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(
    run: Path,
    workload: str | None,
    clock: float,
    threads: Level,
    width: Level,
    barrier: float,
    dispatch: float,
    memory_latency: float,
    bandwidth: float,
    price: Cost | None,
    watts: Cost | None,
    as_json: bool,
) -> None:
    """Say what a stored run's step times would be under other conditions.

    Nothing is measured. What the run does not tell is refused, with the reason and what would tell it.
    """
    change = Change(clock, barrier, dispatch, memory_latency, bandwidth)
    question = Question(change, threads, width, price, watts)
    from serialprof.view import load

    profile = load(run)
    if question.nothing:
        raise UsageError("nothing is asked", "give a factor such as --clock +10% or --threads x2, a --price or --watts")
    from serialprof.cli.answers import answer_json, answer_text  # takes a second, for which no mistake need wait

    answers = profile.whatif(workload, question=question)
    click.echo(answer_json(question, answers) if as_json else answer_text(question, answers))
