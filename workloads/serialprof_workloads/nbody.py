# SPDX-License-Identifier: Apache-2.0
"""nbody: gravity between all pairs of bodies in double precision; one step is one leapfrog (kick, drift, kick)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof._native import NBody, Team
from serialprof.catalog import Affine, Work, workload
from serialprof_workloads.declared import reduction_chain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serialprof.setting import Setting

DOUBLE: Final = 8  # bytes
ROOT_OPS: Final = 20  # of 1 / sqrt in native/loops/nbody.hpp
ROOT_CHAIN: Final = 11
PAIR_OPS: Final = 3 + 6 + ROOT_OPS + 3 + 6  # distance, its square, root, pull, three sums
BODY_OPS: Final = 18  # two half kicks and the drift
CHECKED_BODIES: Final = 128
CHECKED_STEPS: Final = 8
TOLERANCE: Final = 1e-10  # places are about 1; rounding is 1e-16, and close pairs magnify it a thousandfold per step


class NBodyStepper:
    """The native kernel with its known answer, for one setting."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._team = Team(setting.cpus)
        self._kernel = self._built(setting.width, setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def _built(self, width: int, wide: bool) -> NBody:
        dt, softening = (positive(self._setting, name) for name in ("dt", "softening"))
        return NBody(self._team, width, self._setting.seed, dt, softening, wide)

    def check(self) -> None:
        """Compares a short run of up to 128 bodies with NumPy, then runs it backwards to its start.

        Raises:
            AssertionError: places differ from either by more than the tolerance.
        """
        import numpy as np  # a worker is started often, and checks once

        kernel = self._built(min(self._setting.width, CHECKED_BODIES), False)
        start, velocities = kernel.state()
        dt, softening = self._setting.number("dt"), self._setting.number("softening")
        wanted, _ = leapfrog(start, velocities, kernel.masses(), dt, softening, CHECKED_STEPS)
        kernel.run(CHECKED_STEPS)
        end, velocities = kernel.state()
        error = np.abs(end - wanted).max()
        assert error <= TOLERANCE, f"nbody: places are off by {error} after {CHECKED_STEPS} steps"
        kernel.set_state(end, -velocities)
        kernel.run(CHECKED_STEPS)
        error = np.abs(kernel.state()[0] - start).max()
        assert error <= TOLERANCE, f"nbody: run backwards, places are off by {error}"


def positive(setting: Setting, name: str) -> float:
    """A parameter that must be above zero.

    Raises:
        ValueError: it is not; the message names it.
    """
    value = setting.number(name)
    if not value > 0:
        raise ValueError(f"{name} = {value!r} is not positive")
    return value


def accelerations(x: NDArray[np.float64], masses: NDArray[np.float64], softening: float) -> NDArray[np.float64]:
    """Softened gravity on every body: x [3, N] to [3, N]."""
    apart = x[:, None, :] - x[:, :, None]
    weights: NDArray[np.float64] = masses * ((apart**2).sum(axis=0) + softening**2) ** -1.5
    pulls: NDArray[np.float64] = (apart * weights).sum(axis=2)
    return pulls


def leapfrog(
    x: NDArray[np.float64],
    v: NDArray[np.float64],
    masses: NDArray[np.float64],
    dt: float,
    softening: float,
    steps: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places and velocities after some steps, [3, N] each."""
    a = accelerations(x, masses, softening)
    for _ in range(steps):
        v = v + a * (dt / 2)
        x = x + v * dt
        a = accelerations(x, masses, softening)
        v = v + a * (dt / 2)
    return x, v


def work(setting: Setting) -> Work:
    """Declared work of one step, in operations of double precision; conventions in declared.py.

    Every body is pulled by every body, so the work of a lane grows with the width: it is declared at the width of the
    setting, N pairs to a lane. A step falls into N bodies that are pulled. Places, velocities and accelerations of a
    body are read and written once or twice; the sources that pass it stay in a near cache.

    Raises:
        ValueError: dt or softening is not positive.
    """
    for name in ("dt", "softening"):
        positive(setting, name)
    bodies = setting.width
    return Work(
        serial_ops=2 + 1 + 3 + ROOT_CHAIN + 2 + 1 + reduction_chain(bodies) + 1,
        flops=Affine(0, PAIR_OPS * bodies + BODY_OPS),
        bytes=Affine(0, 24 * DOUBLE),
        footprint=Affine(0, 13 * DOUBLE),
        barriers=int(setting.threads > 1),
        written=Affine(0, 12 * DOUBLE),
        arithmetic="fp64",
    )


@workload(
    depth="time steps",
    width="bodies",
    widths=(3, 8, 64, 256, 1024),
    quick_widths=(3, 8, 64, 256),
    default_depth=128,
    parameters={"dt": 0.001, "softening": 0.05},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="parareal: a coarse run, refined in slices of time at once; it gains little once close pairs turn chaotic",
)
def nbody(setting: Setting) -> NBodyStepper:
    """Gravity between all pairs, one leapfrog per step; work per step grows with the square of the bodies."""
    return NBodyStepper(setting)
