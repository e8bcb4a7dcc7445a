# SPDX-License-Identifier: Apache-2.0
"""`with_serialprof.py KIND SECONDS PRECISION METER FILE`: a whole run of serialprof into FILE; prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from steps import FILE, WIDTHS

from serialprof.limits import Limits
from serialprof.planning import Request
from serialprof.preparation import prepare
from serialprof.session import measure
from serialprof.store import StoredRun

#: No probing of the machine in a whole run: it is done once per machine, and step times do not depend on it.
KNOWN = Limits(clock=1.0)


def engine_share(run: StoredRun) -> dict[str, Any]:
    """Which shares of the sampling phase's wall time were not samples.

    `own` is what the engine spent beside samples: warm-ups, readings, hand-over, the store. `restarts` is what it spent
    in the visits that began with fresh workers: ending the old ones, starting and importing, building, settling.
    """
    built = {(visit.point, 0) for visit in run.visits}  # the first workers built theirs before the sampling
    sampled = own = restarts = before = 0.0
    for visit in run.visits:
        inside = sum(sample.seconds for sample in visit.samples)
        beside = visit.spent - before - inside
        sampled += inside
        if (visit.point, visit.process) in built:
            own += beside
        else:
            restarts += beside
        built.add((visit.point, visit.process))
        before = visit.spent
    return {"own": own / before, "restarts": restarts / before, "seconds": before} if before else {}


def main() -> None:
    """Measures both steps in one run."""
    kind, seconds, precision, meter, file = sys.argv[1:]
    request = Request(
        (f"{FILE}:{kind}",), threads=(1,), budget=float(seconds), precision=float(precision), meter=meter == "metered"
    )
    run = measure(prepare(request), Path(file), limits=KNOWN)
    points = {summary.point.setting.width: summary for family in run.analysis.families for summary in family.points}
    first, second = WIDTHS[kind]
    steps = [points[width].step for width in (first, second)]
    ratio = run.ratio(f"{FILE}:{kind}", (first, 1), (second, 1))
    print(
        json.dumps(
            {
                "times": {"estimate": [step.value for step in steps]},
                "ratio": ratio.value,
                "ratio_interval": [ratio.low, ratio.high],
                "intervals": [[step.low, step.high] for step in steps],
                "units": [points[width].units for width in WIDTHS[kind]],
                "engine": engine_share(run.stored),
            }
        )
    )


if __name__ == "__main__":
    main()
