# SPDX-License-Identifier: Apache-2.0
"""rule110: an elementary automaton on a ring, 64 cells to a word; one step is one generation."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.kernels_tools.core import Case, Core, Job, Missing, Ready, require_same
from serialprof import _native

RULE: Final = 110
#: Generations that cellpylib makes: it calls a Python function for every cell.
FEW: Final = 4
#: Cells above which it takes minutes.
CALLS: Final = 2**16


def kernel_of(job: Job) -> Any:
    """Our kernel."""
    return _native.Automaton(_native.Team(job.cpus), job.width, RULE, job.setting.seed)


def words_of(kernel: Any) -> NDArray[np.uint64]:
    """Its row: cell i is bit i % 64 of word i // 64."""
    return np.frombuffer(kernel.row(), dtype="<u8")


def ours(job: Job) -> Ready:
    """The native kernel."""
    kernel = kernel_of(job)
    return Ready(lambda: kernel.run(job.steps), lambda: words_of(kernel))


def numba(job: Job) -> Ready:
    """A loop over packed words, as one would write it; several threads share every generation."""
    import numba as library

    from benchmarks.kernels_tools.packed_loops import rule110_of

    library.set_num_threads(job.threads)
    generations = rule110_of(parallel=job.threads > 1)
    start = words_of(kernel_of(job))
    rows = [start.copy(), start.copy()]

    def run() -> None:
        rows[0][:] = start
        generations(rows[0], rows[1], job.steps)

    return Ready(run, lambda: rows[job.steps % 2])


def jax(job: Job) -> Ready:
    """Packed words in jax.lax.fori_loop, 32 cells to a word."""
    import jax as library
    import jax.numpy as jnp

    start = library.device_put(words_of(kernel_of(job)).view(np.uint32))

    def generation(_: Any, row: Any) -> Any:
        left = (row << 1) | (jnp.roll(row, 1) >> 31)
        right = (row >> 1) | (jnp.roll(row, -1) << 31)
        return (row | right) & ~(left & row & right)

    after = library.jit(lambda row: library.lax.fori_loop(0, job.steps, generation, row))
    last: list[Any] = [None]

    def run() -> None:
        last[0] = after(start).block_until_ready()

    return Ready(run, lambda: np.asarray(last[0]).view(np.uint64))


def cellpylib(job: Job) -> Ready:
    """cellpylib.evolve with its rule by number; few generations, scaled."""
    import cellpylib as library

    if job.width > CALLS:
        raise Missing(f"it calls a Python function for each of {job.width} cells")
    kernel = kernel_of(job)
    start = np.unpackbits(np.frombuffer(kernel.row(), np.uint8), bitorder="little").astype(np.int64)[None]

    def evolve() -> Any:
        return library.evolve(start, FEW + 1, lambda near, _, __: library.nks_rule(near, RULE), memoize=True)

    kernel.run(FEW)
    require_same(np.frombuffer(kernel.row(), np.uint8), np.packbits(evolve()[-1].astype(bool), bitorder="little"))

    def run() -> float:
        begun = time.perf_counter()
        evolve()
        return (time.perf_counter() - begun) * job.steps / FEW

    return Ready(run, None, f"{FEW} generations, scaled")


CORES = (
    Core(
        "rule110",
        (
            Case("2048 cells, in registers", 2**11, 8192, ratio={1: 15}),
            Case("64 k cells, in cache", 2**16, 1024, share=0.60, ratio={1: 30}),
            Case("1 M cells, in cache", 2**20, 256, share=0.60, ratio={1: 30}),
            Case("16 M cells", 2**24, 64),
            Case("1 G cells, in memory", 2**30, 4, ratio={1: 12}),
        ),
        ours,
        {"numba": numba, "jax": jax, "cellpylib": cellpylib},
    ),
)
