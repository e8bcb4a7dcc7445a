# SPDX-License-Identifier: Apache-2.0
"""nbody and billiards: one step is one leapfrog of all bodies, or one move of every ball."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from benchmarks.kernels_tools.core import Case, Core, Job, Missing, Ready
from serialprof import _native
from serialprof_workloads.billiards import CELL
from serialprof_workloads.nbody import accelerations

#: Places are about 1; sums in another order, magnified by close pairs.
TOLERANCE: Final = 1e-8
STEPS: Final = 64


def bodies_of(job: Job) -> Any:
    """Our kernel of nbody."""
    numbers = job.setting.number("dt"), job.setting.number("softening")
    return _native.NBody(_native.Team(job.cpus), job.width, job.setting.seed, *numbers)


def ours_nbody(job: Job) -> Ready:
    """The native kernel."""
    kernel = bodies_of(job)
    return Ready(lambda: kernel.run(job.steps), lambda: kernel.state()[0])


def numba_nbody(job: Job) -> Ready:
    """A loop over all pairs; several threads share the bodies that are pulled."""
    import numba as library

    from benchmarks.kernels_tools.physics_loops import nbody_of

    library.set_num_threads(job.threads)
    function = nbody_of(parallel=job.threads > 1)
    kernel = bodies_of(job)
    (start, velocities), masses = kernel.state(), kernel.masses()
    x, v = start.copy(), velocities.copy()
    dt, softening = job.setting.number("dt"), job.setting.number("softening")

    def run() -> None:
        x[:], v[:] = start, velocities
        function(x, v, masses, dt, softening, job.steps)

    return Ready(run, lambda: x)


def rebound(job: Job) -> Ready:
    """Its leapfrog with direct sums. It drifts first and ours kicks first, so it starts half a step ahead.

    It goes on from where it is: setting its bodies anew would take longer than a run of few bodies.
    """
    import rebound as library

    if job.threads > 1:
        raise Missing("its wheels are built without OpenMP")
    kernel = bodies_of(job)
    (x, v), masses = kernel.state(), kernel.masses()
    half = job.setting.number("dt") / 2
    v = v + half * accelerations(x, masses, job.setting.number("softening"))
    x = x + half * v
    simulation = library.Simulation()
    simulation.integrator, simulation.gravity = "leapfrog", "basic"
    simulation.softening, simulation.dt = job.setting.number("softening"), job.setting.number("dt")
    for i in range(job.width):
        simulation.add(m=masses[i], x=x[0, i], y=x[1, i], z=x[2, i], vx=v[0, i], vy=v[1, i], vz=v[2, i])

    def places() -> Any:
        bodies = list(simulation.particles)
        return np.array([[b.x - half * b.vx, b.y - half * b.vy, b.z - half * b.vz] for b in bodies]).T

    return Ready(lambda: simulation.steps(job.steps), places)


def balls_of(job: Job) -> Any:
    """Our kernel of billiards."""
    sizes = job.integer("cells"), job.integer("radius")
    return _native.Billiards(_native.Team(job.cpus), job.width, job.setting.seed, *sizes)


def ours_billiards(job: Job) -> Ready:
    """The native kernel."""
    kernel = balls_of(job)
    return Ready(lambda: kernel.run(job.steps), kernel.state)


def numba_billiards(job: Job) -> Ready:
    """A loop over balls within one over steps; several threads take blocks of balls through all steps."""
    import numba as library

    from benchmarks.kernels_tools.physics_loops import billiards_of

    library.set_num_threads(job.threads)
    function = billiards_of(parallel=job.threads > 1)
    start = balls_of(job).state()
    balls = start.copy()
    side, radius = job.integer("cells") * CELL, job.integer("radius")

    def run() -> None:
        balls[:] = start
        function(balls, job.steps, side, radius, job.threads)

    return Ready(run, lambda: balls)


CORES = (
    Core(
        "nbody",
        tuple(
            Case(f"n={count}", count, steps, ratio={1: 4}) for count, steps in ((3, 512), (8, 512), (64, 64), (1024, 8))
        ),
        ours_nbody,
        {"numba": numba_nbody, "rebound": rebound},
        TOLERANCE,
    ),
    Core(
        "billiards",
        tuple(Case(f"W={count}", count, STEPS) for count in (64, 4096, 1048576)),
        ours_billiards,
        {"numba": numba_billiards},
    ),
)
