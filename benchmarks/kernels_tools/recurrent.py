# SPDX-License-Identifier: Apache-2.0
"""rnn, gru, lstm: one layer over a sequence, its input projection included; B lanes, H inputs and H hidden units.

The sequence is the ring of inputs that our kernels read, repeated. Peers get all of it at once, and project the inputs
of all steps in one product, which a network that is fed its own output cannot. So do we in the shapes called "ahead",
on which the goals for ratios are; in the others each of our steps projects its own input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernels_tools import recurrent_peers as peers
from benchmarks.kernels_tools.core import Case, Core, Job, Ready
from serialprof import _native

STEPS: Final = 64
AHEAD: Final = 16  # steps whose inputs we project together
#: Sums of up to 1024 products in float32, in another order, through 64 steps.
TOLERANCE: Final = 1e-4


@dataclass(frozen=True)
class Layer:
    """What all competitors compute.

    Attributes:
        kind: "rnn", "gru" or "lstm".
        weights: as torch names and orders them.
        sequence: inputs [steps, B, H].
    """

    kind: str
    weights: dict[str, NDArray[np.float32]]
    sequence: NDArray[np.float32]

    @property
    def hidden(self) -> int:
        """H."""
        return int(self.sequence.shape[2])

    @property
    def batch(self) -> int:
        """B."""
        return int(self.sequence.shape[1])


def kernel_of(kind: str, job: Job) -> Any:
    """Our kernel."""
    team = _native.Team(job.cpus)
    sizes = (job.integer("hidden"), job.width, job.setting.seed, job.steps)
    return getattr(_native, kind.capitalize())(team, *sizes, ahead=job.integer("ahead"))


def layer_of(kind: str, job: Job) -> Layer:
    """The same layer for a peer."""
    kernel = kernel_of(kind, job)
    ring = kernel.inputs()
    return Layer(kind, kernel.weights(), np.ascontiguousarray(ring[np.arange(job.steps) % len(ring)]))


def _ours(kind: str, job: Job) -> Ready:
    kernel = kernel_of(kind, job)

    def hidden() -> NDArray[np.float32]:
        state = kernel.state()
        return state[0] if isinstance(state, tuple) else state

    return Ready(lambda: kernel.run(job.steps), hidden)


def _cases(hidden: int, share: float | None, one: float, two: float) -> tuple[Case, Case]:
    """One lane, each step projecting its own input, and ahead."""
    shape = f"H={hidden} B=1"
    return (
        Case(shape, 1, STEPS, {"hidden": hidden}, share, barrier=True),
        Case(f"{shape} ahead", 1, STEPS, {"hidden": hidden, "ahead": AHEAD}, share, {1: one, 2: two}, barrier=True),
    )


def _batched(batch: int) -> Case:
    """Many lanes, whose products are bound by arithmetic: to project ahead gains nothing."""
    return Case(f"H=256 B={batch}", batch, STEPS, {"hidden": 256}, 0.60, {1: 1.1, 2: 1.0})


def _core(kind: str, in_l2: int, alone: float) -> Core:
    """A core with the goal for the ratio at B = 1, at a size whose weights fit the L2 cache, and others."""
    cases = (
        *_cases(in_l2, 0.80, alone, 1.3),
        *_cases(256, None, alone, 1.3),
        *_cases(512, None, alone, 1.3),
        _batched(16),
        _batched(64),
    )
    made = {
        name: lambda job, prepare=prepare: prepare(layer_of(kind, job), job.threads)
        for name, prepare in peers.PEERS.items()
    }
    return Core(kind, cases, lambda job: _ours(kind, job), made, TOLERANCE)


CORES = (_core("rnn", 192, 1.25), _core("gru", 96, 1.5), _core("lstm", 96, 1.5))
