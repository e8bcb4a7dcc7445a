# SPDX-License-Identifier: Apache-2.0
"""The example that `serialprof workload new` writes: it runs as it is, and comments say where to put one's own code."""

from __future__ import annotations

import keyword
from string import Template
from typing import Final

from serialprof.errors import UsageError

_HEAD: Final = '''\
"""A loop of your own as a workload of serialprof. It runs as it is; put your own code in the places marked YOURS.

    serialprof workload check $file:$name    does it measure what it should? In seconds
    serialprof run $file:$name               measures it, and says what bounds it
"""

'''

_WORK: Final = '''
def work(setting: Setting) -> Work:
    """What one step does, by your own count. Leave it out, and work= below, if you do not know.

    A quantity is Affine(fixed, per_lane): what every step has to do, and what each lane of the width adds.
    """
    hidden = setting.integer("hidden")
    return Work(
        serial_ops=hidden.bit_length() + 20,  # longest chain of operations of which each waits for the one before
        flops=Affine(per_lane=2 * hidden**2),  # operations
        bytes=Affine(fixed=4 * hidden**2, per_lane=8 * hidden),  # that are read and written
        footprint=Affine(fixed=4 * hidden**2, per_lane=8 * hidden),  # that are touched again in every step
        lanes=Affine(per_lane=hidden),  # independent pieces that one step could be cut into
    )

'''

_NUMPY: Final = (
    _HEAD
    + """\
import numpy as np

from serialprof import Affine, Setting, Work, workload

"""
    + _WORK
    + '''
class Loop:
    """YOURS: what is built once for a setting, and the steps that follow one another."""

    def __init__(self, setting: Setting) -> None:
        hidden = setting.integer("hidden")
        draw = np.random.default_rng(setting.seed)  # the same seed always gives the same loop
        self.weights = draw.standard_normal((hidden, hidden), dtype=np.float32) / np.float32(hidden**0.5)
        self.start = draw.standard_normal((hidden, setting.width), dtype=np.float32)
        self.state = self.start

    def run(self, steps: int) -> None:
        """Runs so many steps, always from the same start."""
        self.state = self.start
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """YOURS: one step, which begins from what the last one left."""
        self.state = np.tanh(self.weights @ self.state)

    def check(self) -> None:
        """A known answer, compared once before anything is timed. Leave it out if you have none."""
        expected = self.start.astype(np.float64)
        for _ in range(3):
            expected = np.tanh(self.weights @ expected)
        self.run(3)
        assert np.allclose(self.state, expected, atol=1e-4), "the state after three steps is another one"


@workload(
    depth="updates",  # YOURS: what a step is
    width="batch",  # YOURS: what a lane is, of which a step handles many at once
    widths=(1, 4, 16, 64, 256),
    default_depth=64,  # steps in one run
    parameters={"hidden": 128},  # knobs of your own: serialprof run ... --param hidden=512
    work=work,
    # hatch="...",                  the known way round the chain, if there is one; a verdict names it
    # forms=("serial", "wide"),     setting.form says which: "wide" does the same work without dependence
)
def $name(setting: Setting) -> Loop:
    """YOURS: one line that says what it is."""
    return Loop(setting)
'''
)

_TORCH: Final = (
    _HEAD
    + """\
import torch

from serialprof import Affine, Setting, Work, workload

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

"""
    + _WORK.replace("4 * hidden**2", "size * hidden**2")
    .replace("8 * hidden", "2 * size * hidden")
    .replace('integer("hidden")\n', 'integer("hidden")\n    size = DTYPES[setting.dtype].itemsize\n')
    + '''
class Loop:
    """YOURS: what is built once for a setting, and the steps that follow one another.

    On a GPU steps are waited for with torch.cuda.synchronize; give it a sync() of its own if that is not enough.
    """

    def __init__(self, setting: Setting) -> None:
        hidden, dtype = setting.integer("hidden"), DTYPES[setting.dtype]
        draw = torch.Generator().manual_seed(setting.seed)  # the same seed always gives the same loop
        weights = torch.randn(hidden, hidden, generator=draw) / hidden**0.5
        self.weights = weights.to(setting.device, dtype)
        self.start = torch.randn(setting.width, hidden, generator=draw).to(setting.device, dtype)
        self.state = self.start

    @torch.inference_mode()
    def run(self, steps: int) -> None:
        """Runs so many steps, always from the same start."""
        self.state = self.start
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """YOURS: one step, which begins from what the last one left."""
        self.state = torch.tanh(self.state @ self.weights)

    def check(self) -> None:
        """A known answer, compared once before anything is timed. Leave it out if you have none."""
        expected = self.start.double()
        for _ in range(3):
            expected = torch.tanh(expected @ self.weights.double())
        self.run(3)
        error = (self.state.double() - expected).abs().max().item()
        assert error < 0.05, f"the state after three steps is off by {error}"


@workload(
    depth="updates",  # YOURS: what a step is
    width="batch",  # YOURS: what a lane is, of which a step handles many at once
    widths=(1, 4, 16, 64, 256),
    default_depth=64,  # steps in one run
    parameters={"hidden": 128},  # knobs of your own: serialprof run ... --param hidden=512
    requires=("torch",),
    devices=("cpu", "cuda"),  # serialprof run ... --device cuda
    dtypes=("fp32", "bf16"),  # serialprof run ... --dtype bf16
    work=work,
    # hatch="...",                  the known way round the chain, if there is one; a verdict names it
    # forms=("serial", "wide"),     setting.form says which: "wide" does the same work without dependence
)
def $name(setting: Setting) -> Loop:
    """YOURS: one line that says what it is."""
    return Loop(setting)
'''
)

#: Names that the examples use themselves.
_TAKEN: Final = frozenset({"Affine", "DTYPES", "Loop", "Setting", "Work", "np", "torch", "work", "workload"})


def example(name: str, file: str, *, torch: bool = False) -> str:
    """The source of an example workload.

    Args:
        name: of the workload, and of its function.
        file: in which it will stand, for the commands in its comments.
        torch: whether its steps go through PyTorch, on a CPU or a GPU.

    Raises:
        UsageError: a function cannot have this name.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(f"{name!r} is no name of a Python function", "take letters, digits and underscores: my_loop")
    if name in _TAKEN:
        raise UsageError(f"{name!r} is a name that the example uses itself", "take another one, such as my_loop")
    return Template(_TORCH if torch else _NUMPY).substitute(name=name, file=file)
