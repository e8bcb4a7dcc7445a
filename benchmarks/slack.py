# SPDX-License-Identifier: Apache-2.0
"""Do injected delays find a slack that is known by construction? Real runs of `pipeline` on two threads.

    python -m benchmarks.slack             20 runs of every case, about 12 minutes
    python -m benchmarks.slack --runs 3    a quick look

The host makes so many multiplies a step and submits it; the device makes so many others. What a step bears is the
difference. What each takes in seconds is measured before and after every run, on the threads of the run, with nothing
to do for the other. So the truth of the slack is device - host, and where the host takes longer there is none; of the
slope it is 1.

Every run is a whole one in the quick form: sampling, then delays out of the same budget. One of which more than a
quarter of the timings were disturbed is made again, three times at most; how often is told.

Goals, over the runs of a case: the median slack is within 20 % of the true one (where there is none, within 5 % of the
step), and the median slope within 10 % of 1. And of single runs, told beside: how many meet the same.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.recording import record
from serialprof import _native
from serialprof.limits import Limits
from serialprof.machine import Machine
from serialprof.measure.effort import QUICK
from serialprof.measure.introspection import probe_limits
from serialprof.planning import Request
from serialprof.preparation import Prepared, look_at_machine, prepare
from serialprof.session import measure
from serialprof.view import Run

#: Lanes of the device; its multiplies are WIDTH x lane_ops.
WIDTH: Final = 16
#: Seconds of one run, sampling and delays.
BUDGET: Final = 6.0
#: Within which part of the truth slack and slope are to be; and without slack, within which part of the step.
SLACK: Final = 0.2
SLOPE: Final = 0.1
NO_SLACK: Final = 0.05
#: Steps and stretches by which host and device are timed alone: short enough to fit between others' time slices.
_STEPS: Final = 50
_STRETCHES: Final = 100
#: Share of disturbed timings above which a run is made again, and how often a run is made at most.
_DISTURBED: Final = 0.25
_TRIES: Final = 4


@dataclass(frozen=True)
class Case:
    """What is planted: multiplies of the host and of the device."""

    name: str
    host_ops: int
    device_ops: int


CASES: Final = (
    Case("slack 75 %", 4_800, 19_200),
    Case("slack 50 %", 9_600, 19_200),
    Case("slack 25 %", 14_400, 19_200),
    Case("none, balanced", 19_200, 19_200),
    Case("none, host-bound", 19_200, 4_800),
)


def alone(case: Case, cpus: tuple[int, ...]) -> tuple[float, float]:
    """Seconds of a step of the host alone and of the device alone: the lower decile of stretches that take turns."""
    team = _native.Team(cpus)
    kernels = (
        _native.Pipeline(team, case.host_ops, 0, WIDTH),
        _native.Pipeline(team, 0, case.device_ops // WIDTH, WIDTH),
    )
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(_STRETCHES):
        for kernel, own in zip(kernels, seconds, strict=True):
            began = time.perf_counter()
            kernel.run(_STEPS)
            own.append((time.perf_counter() - began) / _STEPS)
    host, device = (statistics.quantiles(own, n=10)[0] for own in seconds)
    return host, device


def one_run(case: Case, prepared: Prepared, seed: int, limits: Limits, path: Path) -> dict[str, Any]:
    """One recorded run: the truth, slope and slack with their intervals."""
    cpus = prepared.machine.cpus[:2]
    before = alone(case, cpus)
    run = measure(replace(prepared, plan=replace(prepared.plan, seed=seed)), path, limits=limits)
    after = alone(case, cpus)
    host, device = ((first + second) / 2 for first, second in zip(before, after, strict=True))
    stand_ins = run.analysis.families[0].stand_ins
    told = {"host": host, "device": device, "true_slack": max(0.0, device - host), "disturbed": _disturbed(run)}
    if not stand_ins.delays:
        return {**told, "missing": [item.reason for item in stand_ins.missing]}
    (found,) = stand_ins.delays
    return {
        **told,
        "step": asdict(found.step),
        "slope": asdict(found.slope),
        "slack": asdict(found.slack),
        "waits": found.waits,
        "units": found.units,
        "residual": found.residual,
    }


def undisturbed_run(case: Case, prepared: Prepared, seed: int, limits: Limits, path: Path) -> dict[str, Any]:
    """A run, made again while more than a quarter of its timings were disturbed; with how often it was made."""
    found: dict[str, Any] = {}
    for number in range(1, _TRIES + 1):
        found = one_run(case, prepared, seed, limits, path.with_suffix(f".{number}.serialprof"))
        found["made"] = number
        if found["disturbed"] <= _DISTURBED:
            break
    return found


def _disturbed(run: Run) -> float:
    """Share of the timings that were left out."""
    flags = [bool(item.disturbed) for item in run.stored.stand_ins]
    return sum(flags) / max(1, len(flags))


def slack_error(found: dict[str, Any]) -> float | None:
    """The slack's error in parts of what it is judged by, None where there is no value: the goal is 1 at most."""
    value, truth = _value(found, "slack"), found["true_slack"]
    if value is None:
        return None
    allowed = SLACK * truth if truth > SLACK * found["step"]["value"] / 2 else NO_SLACK * found["step"]["value"]
    return float((value - truth) / allowed)


def slope_error(found: dict[str, Any]) -> float | None:
    """Likewise of the slope."""
    value = _value(found, "slope")
    return None if value is None else float((value - 1.0) / SLOPE)


def _value(found: dict[str, Any], name: str) -> float | None:
    """A run's slack or slope, None where it has none."""
    return found.get(name, {}).get("value")  # type: ignore[no-any-return]


def row(case: Case, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the runs of one case say."""
    errors = {"slack": [slack_error(item) for item in results], "slope": [slope_error(item) for item in results]}
    known = {name: [error for error in own if error is not None] for name, own in errors.items()}
    middle = {name: statistics.median(own) if own else None for name, own in known.items()}
    return {
        "case": case.name,
        "runs": len(results),
        "true_slack": statistics.median(item["true_slack"] for item in results),
        "slack": _median([_value(item, "slack") for item in results]),
        "slope": _median([_value(item, "slope") for item in results]),
        "single": {name: sum(abs(error) <= 1 for error in own) for name, own in known.items()},
        "goal": all(error is not None and abs(error) <= 1 for error in middle.values()),
        "disturbed": statistics.fmean(item["disturbed"] for item in results),
        "made": sum(item["made"] for item in results),
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """One line per case."""
    print(
        f"{'case':>18} {'true slack':>11} {'slack':>9} {'within':>9} {'slope':>6} {'within':>9}",
        f"{'disturbed':>9} {'made':>5}  goal",
    )
    for found in rows:
        slack, slope, single, runs = found["slack"], found["slope"], found["single"], found["runs"]
        print(
            f"{found['case']:>18} {found['true_slack'] * 1e6:>8.2f} us",
            f"{'-' if slack is None else f'{slack * 1e6:.2f} us':>9} {single['slack']:>3} of {runs:<2}",
            f"{'-' if slope is None else f'{slope:.3f}':>6} {single['slope']:>3} of {runs:<2}",
            f"{found['disturbed']:>9.1%} {found['made']:>5}  {'met' if found['goal'] else 'missed'}",
        )


def prepared_case(case: Case, machine: Machine) -> Prepared:
    """The run of a case: one width, two threads."""
    parameters = {"host_ops": case.host_ops, "lane_ops": case.device_ops // WIDTH}
    request = Request(
        ("pipeline",),
        widths=(WIDTH,),
        threads=(2,),
        parameters=dict(parameters),
        budget=BUDGET,
        quick=True,
        stand_ins=("delay",),
    )
    return prepare(request, machine)


def main() -> None:
    """Runs the benchmark, prints one line per case, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="runs of each case")
    arguments = parser.parse_args()
    sys.argv[:1] = ["-m", "benchmarks.slack"]  # as it is recorded
    machine = look_at_machine()
    if machine.usable < 2:
        parser.error("a host and a device need two cores")
    limits = probe_limits(machine.cpus, (1, 2), effort=QUICK, parts=("chains", "barriers"))
    cases = {case: prepared_case(case, machine) for case in CASES}
    results: dict[Case, list[dict[str, Any]]] = {case: [] for case in CASES}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.runs):
            for number, (case, prepared) in enumerate(cases.items()):
                path = Path(folder) / f"{seed}-{number}"
                results[case].append(undisturbed_run(case, prepared, seed, limits, path))
            print(f"{seed + 1} of {arguments.runs}, {time.monotonic() - began:.0f} s", flush=True)
    rows = [row(case, found) for case, found in results.items()]
    print_table(rows)
    result = {
        "budget": BUDGET,
        "goals": {"slack": SLACK, "no slack, of the step": NO_SLACK, "slope": SLOPE},
        "table": rows,
        "runs": {case.name: found for case, found in results.items()},
    }
    print(f"written: {record('slack', machine, result)}")


if __name__ == "__main__":
    main()
