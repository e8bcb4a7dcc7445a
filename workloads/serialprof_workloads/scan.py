# SPDX-License-Identifier: Apache-2.0
"""scan: a linear recurrence in every channel, as state-space models have it; one step reads one row of inputs.

Its wide form is its own way around the chain: the associative scan, in about sqrt(D) chunks of the steps. Every chunk
runs from zero, the chunks' ends are carried on, every chunk runs again from its true start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof._native import Scan, Team
from serialprof.catalog import Affine, Work, workload
from serialprof_workloads.declared import EXPONENTIAL_OPS, FLOAT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serialprof.setting import Setting

KINDS: Final = ("linear", "selective")
CHECKED_STEPS: Final = 32
CHECKED_CHANNELS: Final = 1024
TOLERANCE: Final = 2e-5  # of states up to 10: float32 has 6e-8 of that, and a decay up to 0.9 keeps ten roundings alive


def states_of(setting: Setting) -> int:
    """States per channel: 0 in the linear form.

    Raises:
        ValueError: there is no such kind.
    """
    kind = setting.parameters["kind"]
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is none of {', '.join(KINDS)}")
    return setting.integer("states") if kind == "selective" else 0


class ScanStepper:
    """The native kernel with its known answer, for one setting."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._team = Team(setting.cpus)
        self._kernel = self._built(setting.width, setting.depth)
        self.run = self.trace = self._kernel.run

    def _built(self, width: int, depth: int) -> Scan:
        setting = self._setting
        ring = setting.integer("ring")
        return Scan(self._team, width, setting.seed, depth, setting.form == "wide", states_of(setting), ring)

    def check(self) -> None:
        """Compares a short run over up to 1024 channels with the recurrence in double precision.

        Raises:
            AssertionError: a value is off by more than the tolerance.
        """
        import numpy as np  # a worker is started often, and checks once

        steps = min(self._setting.depth, CHECKED_STEPS)
        kernel = self._built(min(self._setting.width, CHECKED_CHANNELS), steps)
        kernel.run(steps)
        found, wanted = kernel.result(), reference(kernel.inputs(), steps)
        error = np.abs(found - (wanted if self._setting.form == "wide" else wanted[-1])).max()
        assert error <= TOLERANCE, f"scan: off by {error} within {steps} steps"


def reference(inputs: dict[str, NDArray[np.float32]], steps: int) -> NDArray[np.float64]:
    """The recurrence in double precision: every h, or every y of the selective form, [steps, channels]."""
    import numpy as np

    rows = {name: values.astype(float) for name, values in inputs.items()}
    results = []
    if "a" in rows:
        h = np.zeros(rows["a"].shape[1])
        for step in range(steps):
            row = step % len(rows["a"])
            h = rows["a"][row] * h + rows["b"][row]
            results.append(h)
        return np.array(results)
    h = np.zeros((rows["x"].shape[1], len(rows["A"])))
    for step in range(steps):
        row = step % len(rows["x"])
        delta = rows["delta"][row][:, None]
        h = np.exp(delta * rows["A"]) * h + delta * rows["x"][row][:, None] * rows["B"][row]
        results.append(h @ rows["C"][row])
    return np.array(results)


def work(setting: Setting) -> Work:
    """Declared work of one step; conventions in declared.py.

    The chain from step to step is one multiply-add in both forms: what the selective form's exponentials need is there
    before. Bytes: the row of inputs, which comes round again after the whole ring; h, which one step leaves for the
    next, may stay in a cache and counts in the footprint alone. The selective form has much of it: rates and states are
    read and states written, per channel and state.
    """
    states, ring = states_of(setting), setting.integer("ring")
    if states == 0:
        return Work(
            serial_ops=1,
            flops=Affine(0, 2),
            bytes=Affine(0, 2 * FLOAT),
            footprint=Affine(0, (2 * ring + 1) * FLOAT),
            barriers=0,
            written=Affine(),
            arithmetic="fp32",
        )
    per_state = 1 + EXPONENTIAL_OPS + 1 + 2 + 2  # delta A, its exponential, delta x B, h, y
    shared = 2 * states * FLOAT
    return Work(
        serial_ops=1,
        flops=Affine(0, states * per_state + 1),
        bytes=Affine(shared, (3 * states + 3) * FLOAT),
        footprint=Affine(ring * shared, (2 * states + 2 * ring + 1) * FLOAT),
        barriers=0,
        written=Affine(0, (states + 1) * FLOAT),
        arithmetic="fp32",
    )


@workload(
    depth="time steps",
    width="channels",
    widths=(16, 256, 2048, 16384, 32768),
    quick_widths=(16, 256, 2048, 16384),
    default_depth=1024,
    parameters={"kind": "linear", "states": 16, "ring": 256},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="the associative scan; it is the wide form, in about sqrt(steps) chunks, for about twice the arithmetic",
)
def scan(setting: Setting) -> ScanStepper:
    """Linear recurrence: one multiplication and addition per channel and step."""
    return ScanStepper(setting)
