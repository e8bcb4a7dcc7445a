# SPDX-License-Identifier: Apache-2.0
"""chain, map, circuit, mathqa: dependent integer arithmetic; one step is some operations in every lane, or a layer."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from benchmarks.kernels_tools.core import Case, Core, Job, Ready
from serialprof import _native
from serialprof_workloads.chain import MULTIPLIER, OPS_PER_STEP

STEPS: Final = 256
#: Where a step is so short that calling a run would show beside 256 of them.
MANY: Final = 4096
FEW_LANES: Final = 1024


def _ours(kernel: Any, job: Job, kind: Any) -> Ready:
    return Ready(lambda: kernel.run(job.steps), lambda: np.array(kernel.values(), dtype=kind))


def ours_chain(job: Job) -> Ready:
    """The native kernel."""
    return _ours(_native.Chain(_native.Team(job.cpus), "multiply", job.width), job, np.uint64)


def numba_chain(job: Job) -> Ready:
    """A loop over operations around one over lanes; several threads share the lanes once for all steps."""
    from benchmarks.kernels_tools.integer_loops import compiled, multiply

    function = compiled(multiply, job.threads)
    start = 2 * np.arange(job.width, dtype=np.uint64) + np.uint64(1)
    lanes = start.copy()

    def run() -> None:
        lanes[:] = start
        function(lanes, OPS_PER_STEP * job.steps, np.uint64(MULTIPLIER), job.threads)

    return Ready(run, lambda: lanes)


def ours_map(job: Job) -> Ready:
    """The native kernel."""
    return _ours(_native.Map(_native.Team(job.cpus), job.width, job.setting.seed), job, np.uint64)


def numba_map(job: Job) -> Ready:
    """The same two loops."""
    from benchmarks.kernels_tools.integer_loops import compiled, logistic

    function = compiled(logistic, job.threads)
    kernel = _native.Map(_native.Team(job.cpus), job.width, job.setting.seed)
    start = np.array(kernel.values(), dtype=np.uint64)
    lanes = start.copy()

    def run() -> None:
        lanes[:] = start
        function(lanes, kernel.iterations * job.steps, job.threads)

    return Ready(run, lambda: lanes)


def ours_circuit(job: Job) -> Ready:
    """The native kernel."""
    return _ours(_native.Circuit(_native.Team(job.cpus), job.width, job.setting.seed), job, np.uint32)


def numba_circuit(job: Job) -> Ready:
    """A loop over the gates of a layer, sums and then products; several threads share the gates."""
    from benchmarks.kernels_tools.integer_loops import compiled, layers

    function = compiled(layers, job.threads)
    kernel = _native.Circuit(_native.Team(job.cpus), job.width, job.setting.seed)
    described, start = kernel.layers(), np.array(kernel.values(), dtype=np.uint32)
    sums = np.array([layer[0] for layer in described])
    left, right = (np.array([layer[side] for layer in described], dtype=np.int32) for side in (1, 2))
    values = [start.copy(), start.copy()]

    def run() -> None:
        values[0][:] = start
        function(sums, left, right, values[0], values[1], job.steps)

    return Ready(run, lambda: values[job.steps % 2])


def ours_mathqa(job: Job) -> Ready:
    """The native kernel."""
    return _ours(_native.MathQa(_native.Team(job.cpus), job.width, job.setting.seed), job, np.uint32)


def numba_mathqa(job: Job) -> Ready:
    """A loop over questions within one over facts; several threads take blocks of questions through all facts."""
    from benchmarks.kernels_tools.integer_loops import compiled, facts

    function = compiled(facts, job.threads)
    kernel = _native.MathQa(_native.Team(job.cpus), job.width, job.setting.seed)
    template = np.array(kernel.facts(), dtype=np.int64)
    given = np.array(kernel.given(), dtype=np.uint32)
    remembered = len(given) - NUMBERS
    numbers, start = given[:NUMBERS].copy(), given[NUMBERS:].copy()
    known = start.copy()

    def run() -> None:
        known[:] = start
        function(template, numbers, known, job.steps, job.threads)

    return Ready(run, lambda: known[(job.steps - 1) % remembered])


#: Numbers that a question of mathqa gives.
NUMBERS: Final = 4

CORES = (
    Core(
        "chain",
        tuple(Case(f"W={width}", width, STEPS, {"operation": "multiply"}) for width in (1, 8, 64)),
        ours_chain,
        {"numba": numba_chain},
    ),
    Core(
        "map",
        tuple(Case(f"W={width}", width, MANY if width < FEW_LANES else STEPS) for width in (1, 64, 4096)),
        ours_map,
        {"numba": numba_map},
    ),
    Core(
        "circuit",
        tuple(
            Case(f"W={width}", width, MANY if width < FEW_LANES else STEPS, ratio={1: goal})
            for width, goal in ((1, 1.0), (8, 2.5), (64, 3.0), (1024, 2.0))
        ),
        ours_circuit,
        {"numba": numba_circuit},
    ),
    Core(
        "mathqa",
        tuple(Case(f"W={width}", width, STEPS) for width in (8, 4096, 65536)),
        ours_mathqa,
        {"numba": numba_mathqa},
    ),
)
