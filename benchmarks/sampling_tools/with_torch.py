# SPDX-License-Identifier: Apache-2.0
"""`with_torch.py KIND SECONDS`: both steps with torch.utils.benchmark.Timer; prints the result as JSON.

Its adaptive mode with its own defaults, which stops by itself, then the blocked mode for the seconds of each step.
"""

from __future__ import annotations

import json
import sys

from steps import DEPTH, both
from torch.utils.benchmark import Timer


def main() -> None:
    """Times both steps, one after the other."""
    times: dict[str, list[float]] = {}
    for run in both(sys.argv[1]):
        timer = Timer("run(depth)", globals={"run": run, "depth": DEPTH})
        adaptive = timer.adaptive_autorange()
        blocked = timer.blocked_autorange(min_run_time=float(sys.argv[2]))
        figures = {
            "median": blocked.median,
            "mean": blocked.mean,
            "min": min(blocked.times),
            "adaptive median": adaptive.median,
        }
        for name, seconds in figures.items():
            times.setdefault(name, []).append(seconds / DEPTH)
    print(json.dumps({"times": times}))


if __name__ == "__main__":
    main()
