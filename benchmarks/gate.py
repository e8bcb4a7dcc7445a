# SPDX-License-Identifier: Apache-2.0
"""Which gate catches a planted slow-down, and which cries wolf? serialprof, pytest-benchmark, asv, hyperfine, pyperf.

    make bench-tools
    .venv-bench/bin/python -m benchmarks.gate --minutes 60     an hour more of gates; as often as one likes
    .venv-bench/bin/python -m benchmarks.gate --table          what all hours together say

Four kinds of steps of 3 to 15 us (gate_tools/gated.py), on a quiet machine and with a neighbour that is busy for half
of the time on the other core; base against itself (A/A) and against a head that makes 1, 2, 3, 5 or 10 % more steps.
Every gate is a real one, from scratch: serialprof's by the functions behind `serialprof gate`, at a tolerance of 1 %
and an mde of 3 %; the others as their documentation says, at 5 %. The cell with the smallest part of its gates is next.

- fails/gates [low, high]: with the exact one-sided 95 % bounds of the chance (Clopper and Pearson), in percent.
- seconds: of a gate, processes and calibration included; the median, and what 19 of 20 stay below.
- load: of the machine before a gate, the median of the load averages over a minute.

A gate is kept at once, as a line of benchmarks/results/gate-<machine>.jsonl. Gates of other code or versions stay in
the file and are not counted, unless --every-code says so.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gate_tools.cells import CONDITIONS, KINDS, PLANTED, TOOLS, Cell, Record, cells, least_filled
from benchmarks.gate_tools.keeping import Gates, codes
from benchmarks.gate_tools.making import Maker
from benchmarks.gate_tools.scoring import computed, goals, percent, rows
from benchmarks.recording import RESULTS, machine_name
from serialprof.gating.rates import Rate
from serialprof.machine.reading import read_machine

_COLUMNS = 16


def measure(maker: Maker, among: Sequence[Cell], kept: Gates, counted: Sequence[Record], minutes: float) -> None:
    """Makes gates until the minutes are over, the least filled cells first; one that fails to run is tried later."""
    end, code = time.monotonic() + 60 * minutes, codes(TOOLS)
    tried = list(counted)
    while time.monotonic() < end:
        cell = least_filled(among, tried)
        gate = {**maker.make(cell, len(kept.records)), "code": code[cell.tool]}
        kept.add(gate)
        tried.append(gate)
        told = gate.get("error") or f"{gate['verdict']}, ratio {gate['ratio']:.4f}, {gate['seconds']:.1f} s"
        print(f"{cell.tool} {cell.kind} {cell.condition} +{100 * cell.planted:g} %: {told}", flush=True)


def print_tables(records: Sequence[Record]) -> None:
    """Rates of real gates, the goals, and apart from them what is computed."""
    head = ["A/A" if share == 0 else f"+{100 * share:g} %" for share in PLANTED]
    print("fails/gates [low, high in %]")
    print(
        f"{'tool':<17}{'kind':<8}{'condition':<11}",
        *(f"{name:<{_COLUMNS}}" for name in head),
        "inconclusive     seconds",
    )
    for row in rows(records):
        counts = [_counted(row.failures.get(share)) for share in PLANTED]
        seconds = f"{row.seconds:.1f} ({row.slow_seconds:.1f})"
        print(
            f"{row.tool:<17}{row.kind:<8}{row.condition:<11}",
            *(f"{text:<{_COLUMNS}}" for text in [*counts, _counted(row.inconclusive)]),
            f"{seconds:<15}{row.load:.1f}{f'  {row.errors} not made' if row.errors else ''}",
        )
    print("\ngoals of serialprof, from real gates, with one-sided 95 % bounds")
    for goal in goals(records):
        print(f"  {goal.asked:<54} {goal.found:<40} {goal.state}")
    print("\ncomputed from the spread of serialprof's pairs, not counted (normal pairs, one look, noncentral t)")
    for item in computed(records):
        pairs = "no number of pairs catches" if item.pairs is None else f"{item.pairs} pairs catch"
        print(
            f"  {item.kind:<8}{item.condition:<11}spread {percent(item.spread):<7} {pairs} +3 % with a power of 95 %; "
            f"16 pairs catch +{percent(item.caught)}"
        )


def _counted(rate: Rate | None) -> str:
    """A count with its exact bounds, such as "0/60 [0, 4.9]"."""
    if rate is None:
        return "-"
    low, high = (percent(bound).removesuffix(" %") for bound in (rate.at_least, rate.at_most))
    return f"{rate.events}/{rate.trials} [{low}, {high}]"


def main() -> None:
    """Makes more gates, then prints what all of them say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="for how long gates are made")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--planted", type=float, nargs="+", choices=PLANTED, default=list(PLANTED), help="as shares")
    parser.add_argument("--file", type=Path, help="of the gates, in place of the one of this machine")
    parser.add_argument("--every-code", action="store_true", help="count gates of other code and versions, too")
    parser.add_argument("--table", action="store_true", help="make no gate")
    arguments = parser.parse_args()
    machine, code = read_machine(), codes(TOOLS)
    kept = Gates(arguments.file or RESULTS / f"gate-{machine_name(machine)}.jsonl")
    counted_code = None if arguments.every_code else code
    if not arguments.table:
        conditions = arguments.conditions if machine.usable > 1 else ["quiet"]
        there = [tool for tool in arguments.tools if code[tool]]
        among = cells(there, arguments.kinds, conditions, arguments.planted)
        measure(Maker(machine), among, kept, kept.under(counted_code), arguments.minutes)
    counted = kept.under(counted_code)
    print_tables(counted)
    if len(counted) < len(kept.records):
        print(f"\n{len(kept.records) - len(counted)} gates of other code or versions are not counted")


if __name__ == "__main__":
    main()
