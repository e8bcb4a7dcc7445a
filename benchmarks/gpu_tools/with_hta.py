# SPDX-License-Identifier: Apache-2.0
"""`with_hta.py FOLDER`: the critical path through the second step of the trace in a folder, in percent, as JSON."""

from __future__ import annotations

import json
import sys

from hta.trace_analysis import TraceAnalysis


def main() -> None:
    """Prints one line of JSON last, whatever HolisticTraceAnalysis prints before."""
    graph, found = TraceAnalysis(trace_dir=sys.argv[1]).critical_path_analysis(0, "ProfilerStep", 1)
    if not found:
        sys.exit("found no critical path")
    print()
    print(json.dumps(graph.summary().to_dict()))


if __name__ == "__main__":
    main()
