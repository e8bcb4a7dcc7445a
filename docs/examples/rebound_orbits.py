# SPDX-License-Identifier: Apache-2.0
"""An N-body integration by REBOUND: asteroids under the Sun and Jupiter, by its symplectic integrator WHFast.

    serialprof run docs/examples/rebound_orbits.py:asteroids

One step moves everything by a hundredth of a year; the next one starts where it ended. A lane is one asteroid: it has
no mass, so that asteroids do not see each other. REBOUND's wheel is built without OpenMP: its steps use one thread.
"""

import random

import rebound

import serialprof


@serialprof.workload(width="asteroids", widths=(1, 16, 256, 4096), default_depth=64)
def asteroids(setting: serialprof.Setting):
    """The Sun, Jupiter and W massless asteroids between Mars and Jupiter."""
    draw = random.Random(setting.seed)
    simulation = rebound.Simulation()
    simulation.units = ("yr", "AU", "Msun")
    simulation.integrator = "whfast"
    simulation.dt = 0.01  # years
    simulation.add(m=1.0)
    sun = simulation.particles[0]
    simulation.add(m=9.5e-4, a=5.2, e=0.05)
    simulation.N_active = simulation.N
    for _ in range(setting.width):
        simulation.add(primary=sun, a=draw.uniform(2.1, 3.3), e=draw.uniform(0.0, 0.2), f=draw.uniform(0.0, 6.28))
    simulation.move_to_com()
    return lambda: simulation.steps(1)
