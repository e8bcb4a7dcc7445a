# SPDX-License-Identifier: Apache-2.0
"""The steps that every tool times: three kinds, two sizes of each, the same loop for everybody.

One call is `run(DEPTH)`: DEPTH dependent steps of 2 to 5 us. A tool's cost of a call is below a hundredth of that, so
that what is compared is how tools sample, not how they call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import serialprof

#: Dependent steps in one call.
DEPTH = 64
#: The two sizes that are compared, by kind.
WIDTHS = {"native": (64, 80), "numpy": (2048, 2560), "torch": (64, 128)}
#: Dependent multiplies of a native step: its serial part, and each lane's.
SERIAL_OPS, LANE_OPS = 1000, 32
#: The ratio of the smaller to the larger step, where it is known by construction.
KNOWN_RATIO = {"native": (SERIAL_OPS + 64 * LANE_OPS) / (SERIAL_OPS + 80 * LANE_OPS)}


def native_run(width: int) -> Callable[[int], Any]:
    """One chain of integer multiplies in C++; nothing but the core's clock matters to it."""
    from serialprof import _native

    return _native.Planted(_native.Team([0]), SERIAL_OPS, LANE_OPS, width).run


def numpy_run(width: int) -> Callable[[int], Any]:
    """Three operations of numpy, in place: half dispatch, half arithmetic."""
    import numpy as np

    def run(steps: int) -> None:
        state = np.linspace(0.0, 1.0, width)
        for _ in range(steps):
            np.multiply(state, 0.5, out=state)
            np.add(state, 1.0, out=state)
            np.sqrt(state, out=state)

    return run


def torch_run(width: int) -> Callable[[int], Any]:
    """A recurrent update in eager mode on one thread: mostly dispatch."""
    import torch

    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(width, width, generator=draw) / width**0.5
    bias = torch.ones(width)

    def run(steps: int) -> torch.Tensor:
        with torch.inference_mode():
            state = torch.zeros(width)
            for _ in range(steps):
                state = torch.tanh(torch.addmv(bias, weight, state))
        return state

    return run


RUNS = {"native": native_run, "numpy": numpy_run, "torch": torch_run}


def both(kind: str) -> tuple[Callable[[int], Any], Callable[[int], Any]]:
    """The smaller and the larger step of a kind, as `run(steps)`."""
    first, second = WIDTHS[kind]
    return RUNS[kind](first), RUNS[kind](second)


class Steps:
    """A stepper around one of the loops."""

    def __init__(self, run: Callable[[int], Any]) -> None:
        self.run = run


@serialprof.workload(widths=WIDTHS["native"], default_depth=DEPTH, modes=("native",))
def native(setting: serialprof.Setting) -> Steps:
    """The native step."""
    return Steps(native_run(setting.width))


@serialprof.workload(widths=WIDTHS["numpy"], default_depth=DEPTH)
def numpy(setting: serialprof.Setting) -> Steps:
    """The numpy step."""
    return Steps(numpy_run(setting.width))


@serialprof.workload(widths=WIDTHS["torch"], default_depth=DEPTH, requires=("torch",))
def torch(setting: serialprof.Setting) -> Steps:
    """The torch step."""
    return Steps(torch_run(setting.width))


def main() -> None:
    """`steps.py KIND WIDTH CALLS`: a program of its own, for tools that time whole processes."""
    kind, width, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    run = RUNS[kind](width)
    for _ in range(calls):
        run(DEPTH)


#: This file, for tools that start it.
FILE = Path(__file__).resolve()

if __name__ == "__main__":
    main()
