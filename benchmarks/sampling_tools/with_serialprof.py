# SPDX-License-Identifier: Apache-2.0
"""`with_serialprof.py KIND SECONDS PRECISION FOLDER`: a whole run of serialprof; prints the result as JSON."""

from __future__ import annotations

import itertools
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


def engine_share(run: StoredRun) -> dict[str, Any]:
    """Which shares of the sampling phase's wall time were not samples.

    From the first visit's start to the last's: `own` is what the engine spent between samples (warm-ups, meter,
    hand-over, the store); `restarts` is what else the visits around a change of workers took, in which the old ones end
    and the new ones start and build their point. `metered` tells whether the clock meter was read.
    """
    visits = run.visits
    built = {(visit.point, 0) for visit in visits}  # the first workers built theirs before the sampling
    sampled = own = restarts = 0.0
    for visit, following in itertools.pairwise(visits):
        inside = sum(sample.seconds for sample in visit.samples)
        outside = following.started - visit.started - inside
        sampled += inside
        if following.process == visit.process and (visit.point, visit.process) in built:
            own += outside
        else:
            restarts += outside
        built.add((visit.point, visit.process))
    wall = sampled + own + restarts
    metered = any(visit.clock_before is not None for visit in visits)
    return {"own": own / wall, "restarts": restarts / wall, "metered": metered} if wall else {}


def main() -> None:
    """Measures both steps in one run."""
    kind, seconds, precision, folder = sys.argv[1:]
    request = Request((f"{FILE}:{kind}",), threads=(1,), budget=float(seconds), precision=float(precision))
    # Step times do not depend on the machine's limits, which are measured once per machine, not once per run.
    run = measure(prepare(request), Path(folder) / "run.serialprof", limits=Limits())
    points = {summary.point.setting.width: summary for family in run.analysis.families for summary in family.points}
    times = [points[width].step for width in WIDTHS[kind]]
    print(
        json.dumps(
            {
                "times": {"estimate": [estimate.value for estimate in times]},
                "intervals": [[estimate.low, estimate.high] for estimate in times],
                "engine": engine_share(run.stored),
            }
        )
    )


if __name__ == "__main__":
    main()
