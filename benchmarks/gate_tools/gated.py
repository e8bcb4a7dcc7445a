# SPDX-License-Identifier: Apache-2.0
"""The steps that every gate times: four kinds of 2 to 20 us, the same loop for everybody.

What one step leaves, the next takes up, also across calls: a call of one step costs as little more than a step as it
can, so that slow-downs of one in a hundred can be planted in steps.

    gated.py KIND STEPS     a program of its own, for tools that time whole processes
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import serialprof

#: Steps in one call of what a peer times.
DEPTH = 100
#: The step and the slow-down of a peer's process, as variables of its environment.
KIND, PLANTED = "GATE_KIND", "GATE_PLANTED"

Run = Callable[[int], Any]


def native_run() -> Run:
    """One chain of integer multiplies in C++; nothing but the core's clock matters to it."""
    from serialprof import _native

    return _native.Planted(_native.Team([0]), 1000, 32, 64).run


def numpy_run() -> Run:
    """Three operations of numpy, in place: half dispatch, half arithmetic."""
    import numpy as np

    state = np.linspace(0.0, 1.0, 2048)

    def run(steps: int) -> None:
        for _ in range(steps):
            np.multiply(state, 0.5, out=state)
            np.add(state, 1.0, out=state)
            np.sqrt(state, out=state)

    return run


def torch_run() -> Run:
    """A recurrent update in eager mode on one thread: mostly dispatch."""
    import torch

    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 64, generator=draw) / 8
    bias = torch.ones(64)
    state = torch.zeros(64)

    def run(steps: int) -> None:
        nonlocal state
        for _ in range(steps):
            state = torch.tanh(torch.addmv(bias, weight, state))

    return run


def memory_run() -> Run:
    """Copies 64 KiB after 64 KiB from one array to another, each twice as large as the last cache and more."""
    import numpy as np

    from serialprof.machine.topology import caches

    chunk = 64 * 1024
    chunks = 2 * max([cache.bytes for cache in caches()], default=32 * 2**20) // chunk
    source, target = np.ones((2, chunks, chunk), np.uint8)
    place = 0

    def run(steps: int) -> None:
        nonlocal place
        for _ in range(steps):
            np.copyto(target[place], source[place])
            place = (place + 1) % chunks

    return run


RUNS: dict[str, Callable[[], Run]] = {
    "native": native_run,
    "numpy": numpy_run,
    "torch": torch_run,
    "memory": memory_run,
}


def from_environment() -> tuple[Run, int]:
    """A peer's function, and how many steps it is called with."""
    return RUNS[os.environ[KIND]](), round(DEPTH * (1 + float(os.environ[PLANTED])))


class Steps:
    """A stepper around one of the loops."""

    def __init__(self, run: Run) -> None:
        self.run = run


@serialprof.workload(default_depth=DEPTH, modes=("native",))
def native(_: serialprof.Setting) -> Steps:
    """The native step."""
    return Steps(native_run())


@serialprof.workload(default_depth=DEPTH)
def numpy(_: serialprof.Setting) -> Steps:
    """The numpy step."""
    return Steps(numpy_run())


@serialprof.workload(default_depth=DEPTH, requires=("torch",))
def torch(_: serialprof.Setting) -> Steps:
    """The torch step."""
    return Steps(torch_run())


@serialprof.workload(default_depth=DEPTH)
def memory(_: serialprof.Setting) -> Steps:
    """The memory-bound step."""
    return Steps(memory_run())


if __name__ == "__main__":
    RUNS[sys.argv[1]]()(int(sys.argv[2]))
