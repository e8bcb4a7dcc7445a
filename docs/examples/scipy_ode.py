# SPDX-License-Identifier: Apache-2.0
"""An ODE of SciPy, step by step: the Lorenz-96 model of weather by the adaptive solver RK45.

    serialprof run docs/examples/scipy_ode.py:weather

One step is one accepted step of the solver: a few evaluations of the right-hand side, each of which needs the one
before. A lane is one variable of the system.
"""

import numpy as np
from scipy.integrate import RK45

import serialprof

FORCING = 8.0  # where the model is chaotic


def lorenz96(_: float, x: np.ndarray) -> np.ndarray:
    """The time derivative of all variables, which sit on a ring."""
    return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + FORCING


@serialprof.workload(width="variables", widths=(40, 640, 10240, 163840), default_depth=16)
def weather(setting: serialprof.Setting):
    """Lorenz-96 by SciPy's RK45."""
    start = FORCING + np.random.default_rng(setting.seed).normal(size=setting.width)
    solver = RK45(lorenz96, 0.0, start, np.inf)
    return solver.step
