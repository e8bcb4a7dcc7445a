# SPDX-License-Identifier: Apache-2.0
"""scan: a linear recurrence in C channels, h <- a h + b; one step reads one row of inputs and updates all channels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from benchmarks.kernels_tools.core import Case, Core, Job, Ready
from serialprof import _native

STEPS: Final = 256
#: Where a step takes a few nanoseconds, the call is the smaller part of so many.
MANY: Final = 4096
FEW_CHANNELS: Final = 64
#: One rounding per operation, or two, of values up to 10.
TOLERANCE: Final = 1e-5


def kernel_of(job: Job) -> Any:
    """Our kernel."""
    return _native.Scan(_native.Team(job.cpus), job.width, job.setting.seed, job.steps, ring=job.integer("ring"))


def ours(job: Job) -> Ready:
    """The native kernel."""
    kernel = kernel_of(job)
    return Ready(lambda: kernel.run(job.steps), kernel.result)


def numba(job: Job) -> Ready:
    """A loop over channels within one over steps; several threads take blocks of channels through all steps."""
    import numba as library

    from benchmarks.kernels_tools.physics_loops import scan_of

    library.set_num_threads(job.threads)
    function = scan_of(parallel=job.threads > 1)
    inputs = kernel_of(job).inputs()
    h = np.zeros(job.width, np.float32)
    return Ready(lambda: function(inputs["a"], inputs["b"], h, job.steps, job.threads), lambda: h)


def jax_scan(job: Job) -> Ready:
    """jax.lax.scan over the rows."""
    import jax

    def final(rows: tuple[Any, Any]) -> Any:
        start = jax.numpy.zeros(job.width)
        return jax.lax.scan(lambda h, row: (row[0] * h + row[1], None), start, rows)[0]

    return _jax(job, final)


def jax_associative(job: Job) -> Ready:
    """jax.lax.associative_scan over the rows: more arithmetic, of logarithmic depth."""
    import jax

    def final(rows: tuple[Any, Any]) -> Any:
        pair = jax.lax.associative_scan(lambda one, two: (one[0] * two[0], two[0] * one[1] + two[1]), rows)
        return pair[1][-1]

    return _jax(job, final)


def _jax(job: Job, final: Any) -> Ready:
    import jax

    inputs = kernel_of(job).inputs()
    order = np.arange(job.steps) % len(inputs["a"])
    rows = (jax.device_put(inputs["a"][order]), jax.device_put(inputs["b"][order]))
    function = jax.jit(final)
    last: list[Any] = [None]

    def run() -> None:
        last[0] = function(rows).block_until_ready()

    return Ready(run, lambda: np.asarray(last[0]))


def torch_eager(job: Job) -> Ready:
    """torch.addcmul for every step."""
    import torch

    torch.set_num_threads(job.threads)
    inputs = kernel_of(job).inputs()
    rows = list(zip(torch.from_numpy(inputs["a"]), torch.from_numpy(inputs["b"]), strict=True))
    h = torch.zeros(job.width)

    def run() -> None:
        h.zero_()
        with torch.inference_mode():
            for step in range(job.steps):
                a, b = rows[step % len(rows)]
                torch.addcmul(b, a, h, out=h)

    return Ready(run, h.numpy)


def _case(channels: int, share: float | None, one: float | None) -> Case:
    """Rows come in turns, each a row that the step before has not read; of few channels in longer calls."""
    steps = MANY if channels < FEW_CHANNELS else STEPS
    return Case(f"C={channels}", channels, steps, {"ring": STEPS}, share, {1: one} if one else {})


CORES = (
    Core(
        "scan",
        (_case(16, None, 1.3), _case(256, None, 1.0), _case(2048, 0.80, 1.2), _case(65536, None, None)),
        ours,
        {"numba": numba, "jax scan": jax_scan, "jax associative": jax_associative, "torch": torch_eager},
        TOLERANCE,
    ),
)
