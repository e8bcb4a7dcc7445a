# SPDX-License-Identifier: Apache-2.0
"""Does the interval of the serial share contain the truth? Real runs of `planted`, whose truth is constructed.

    python benchmarks/planted.py                    40 runs of each share, about 20 minutes
    python benchmarks/planted.py --runs 4           a quick look

Every run is a whole one (fresh workers, drawn order, fit); the shares take turns, so that drift hits all of them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from recording import record

from serialprof.errors import SerialprofError
from serialprof.limits import Limits
from serialprof.measure.introspection import probe_limits
from serialprof.model.results import SERIAL
from serialprof.planning import Request
from serialprof.preparation import prepare
from serialprof.session import measure
from serialprof.setting import Setting
from serialprof_workloads.planted import planted_share

WIDTH = 64


def one_run(share: float, seed: int, budget: float, limits: Limits, folder: Path) -> dict[str, object]:
    """One recorded run: the truth, the estimate with its interval, and whether the one contains the other."""
    request = Request(("planted",), threads=(1,), parameters={"share": share}, budget=budget, precision=1e-6, seed=seed)
    prepared = prepare(request)
    run = measure(prepared, folder / f"{share}-{seed}.serialprof", limits=limits)
    truth = planted_share(Setting(parameters=dict(prepared.plan.points[0].setting.parameters)))
    attribution = run.attribution("planted", WIDTH)
    estimate = attribution.part(SERIAL).share
    low, high = estimate.low, estimate.high
    return {
        "truth": truth,
        **asdict(estimate),
        "contained": low is not None and high is not None and low <= truth <= high,
        "disturbed": int((run.samples["disturbed"] != "").sum()),
        "samples": len(run.samples),
    }


def main() -> None:
    """Runs the benchmark, prints one line per share, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40, help="runs of each share")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.3, 0.5, 0.9])
    parser.add_argument("--budget", type=float, default=4.0, help="seconds of sampling per run")
    arguments = parser.parse_args()
    machine = prepare(Request(("planted",), threads=(1,))).machine
    limits = probe_limits(machine.cpus, [1], quick=True)
    runs: dict[float, list[dict[str, object]]] = {share: [] for share in arguments.shares}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.runs):
            for share in arguments.shares:
                try:
                    result = one_run(share, seed, arguments.budget, limits, Path(folder))
                except SerialprofError as error:
                    result = {"truth": share, "contained": False, "error": str(error)}
                runs[share].append(result)
            print(f"{seed + 1} of {arguments.runs}, {time.monotonic() - began:.0f} s", flush=True)
    rows = []
    print(f"{'planted':>8} {'contained':>10} {'median half-width':>18} {'median error':>13}")
    for share, results in runs.items():
        bounded = [item for item in results if item.get("low") is not None and item.get("high") is not None]
        widths = [(item["high"] - item["low"]) / 2 for item in bounded]  # type: ignore[operator]
        errors = [item["value"] - item["truth"] for item in results if item.get("value") is not None]  # type: ignore[operator]
        row = {
            "share": share,
            "contained": sum(bool(item["contained"]) for item in results),
            "runs": len(results),
            "median_half_width": statistics.median(widths) if widths else None,
            "median_error": statistics.median(errors) if errors else None,
        }
        rows.append(row)
        width, error = row["median_half_width"], row["median_error"]
        print(f"{share:8.2f} {row['contained']:>4} of {row['runs']:<3} {width!s:>18.8} {error!s:>13.9}")
    path = record("planted", machine, {"budget": arguments.budget, "table": rows, "runs": runs})
    print(f"written: {path}")


if __name__ == "__main__":
    main()
