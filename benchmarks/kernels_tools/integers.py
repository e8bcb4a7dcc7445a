# SPDX-License-Identifier: Apache-2.0
"""chain: lanes of dependent integer multiplications; one step is 64 of them in every lane."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.kernels_tools.core import Case, Core, Job, Ready
from serialprof import _native
from serialprof_workloads.chain import MULTIPLIER, OPS_PER_STEP

STEPS: Final = 256


def ours(job: Job) -> Ready:
    """The native kernel."""
    kernel = _native.Chain(_native.Team(job.cpus), "multiply", job.width)
    return Ready(lambda: kernel.run(job.steps), lambda: np.array(kernel.values(), dtype=np.uint64))


def numba(job: Job) -> Ready:
    """A loop over operations around one over lanes; several threads share the lanes once for all steps."""
    import numba as library

    from benchmarks.kernels_tools.integer_loops import multiply_of

    library.set_num_threads(job.threads)
    function = multiply_of(parallel=job.threads > 1)
    start = 2 * np.arange(job.width, dtype=np.uint64) + np.uint64(1)
    lanes = start.copy()

    def run() -> None:
        lanes[:] = start
        function(lanes, OPS_PER_STEP * job.steps, np.uint64(MULTIPLIER), job.threads)

    return Ready(run, lambda: lanes)


CORES = (
    Core(
        "chain",
        tuple(Case(f"W={width}", width, STEPS, {"operation": "multiply"}) for width in (1, 8, 64)),
        ours,
        {"numba": numba},
    ),
)
