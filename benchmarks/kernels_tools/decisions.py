# SPDX-License-Identifier: Apache-2.0
"""value and rollout: one step is one Bellman backup of all states, or one transition of every rollout."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

import numpy as np

from benchmarks.kernels_tools.core import Case, Core, Job, Missing, Ready, require_same
from serialprof import _native

#: Values are up to 20, in float32; our tables may be held in fewer bits than those that a peer is given.
TOLERANCE: Final = 1e-4
STEPS: Final = 32
#: Of a run of rollout. A run is repeated: of fewer transitions branch predictors would learn the way by heart.
TRANSITIONS: Final = 2**18
#: Steps that gymnasium makes, and environments above which it takes minutes.
FEW: Final = 8
ENVIRONMENTS: Final = 256


def process_of(job: Job) -> Any:
    """Our kernel of value."""
    sizes = job.integer("actions"), job.integer("branching")
    discount = job.setting.number("discount")
    return _native.Value(_native.Team(job.cpus), job.width, job.setting.seed, job.steps, False, *sizes, discount)


def ours_value(job: Job) -> Ready:
    """The native kernel."""
    kernel = process_of(job)
    return Ready(lambda: kernel.run(job.steps), kernel.values)


def numba_value(job: Job) -> Ready:
    """Loops over states, actions and outcomes; several threads share the states of a backup."""
    import numba as library

    from benchmarks.kernels_tools.decision_loops import value_of

    library.set_num_threads(job.threads)
    function = value_of(parallel=job.threads > 1)
    kernel = process_of(job)
    tables, start = kernel.tables(), kernel.start()
    rewards, chances, successors = _plain(tables)
    values, other = start.copy(), start.copy()
    discount = np.float32(job.setting.number("discount"))

    def run() -> None:
        values[:] = start
        function(rewards, chances, successors, values, other, discount, job.steps)

    return Ready(run, lambda: (values, other)[job.steps % 2])


def _plain(tables: dict[str, Any]) -> tuple[Any, Any, Any]:
    rewards = np.ascontiguousarray(tables["rewards"], np.float32)
    chances = np.ascontiguousarray(tables["probabilities"], np.float32)
    return rewards, chances, np.ascontiguousarray(tables["successors"], np.int32)


def jax_value(job: Job) -> Ready:
    """jax.lax.fori_loop over gathers, jitted."""
    import jax
    import jax.numpy as jnp

    kernel = process_of(job)
    rewards, chances, successors = (jax.device_put(table) for table in _plain(kernel.tables()))
    discount = np.float32(job.setting.number("discount"))

    def backup(_: Any, values: Any) -> Any:
        return (rewards + discount * (chances * values[successors]).sum(axis=2)).max(axis=1)

    function = jax.jit(partial(jax.lax.fori_loop, 0, job.steps, backup))
    start = jnp.asarray(kernel.start())
    last: list[Any] = [None]

    def run() -> None:
        last[0] = function(start).block_until_ready()

    return Ready(run, lambda: np.asarray(last[0]))


def torch_value(job: Job) -> Ready:
    """Gather, product, sum and maximum in torch, eager."""
    import torch

    torch.set_num_threads(job.threads)
    kernel = process_of(job)
    rewards, chances, successors = (torch.from_numpy(table) for table in _plain(kernel.tables()))
    places, start = successors.long(), torch.from_numpy(kernel.start())
    discount = job.setting.number("discount")
    last: list[Any] = [None]

    def run() -> None:
        values = start
        with torch.inference_mode():
            for _ in range(job.steps):
                values = (rewards + discount * (chances * values[places]).sum(dim=2)).amax(dim=1)
        last[0] = values

    return Ready(run, lambda: np.asarray(last[0]))


def model_of(job: Job) -> Any:
    """Our kernel of rollout."""
    sizes = [job.integer(name) for name in ("states", "actions", "branching")]
    return _native.Rollout(_native.Team(job.cpus), job.width, job.setting.seed, job.steps, False, *sizes)


def ours_rollout(job: Job) -> Ready:
    """The native kernel."""
    kernel = model_of(job)
    return Ready(lambda: kernel.run(job.steps), kernel.returns)


def numba_rollout(job: Job) -> Ready:
    """A loop over rollouts around one over steps; several threads share the rollouts."""
    import numba as library

    from benchmarks.kernels_tools.decision_loops import rollout_of

    library.set_num_threads(job.threads)
    function = rollout_of(parallel=job.threads > 1)
    kernel = model_of(job)
    tables = [np.ascontiguousarray(kernel.tables()[name]) for name in ("preferences", "rewards", "successors")]
    keys = np.array(kernel.keys(job.steps), np.uint32)
    returns = np.zeros(job.width, np.int64)
    return Ready(lambda: function(*tables, keys, returns), lambda: returns)


def gymnasium(job: Job) -> Ready:
    """One environment per rollout with the same tables, its steps called from Python; few steps, scaled."""
    import gymnasium as library

    from benchmarks.kernels_tools.tabular_environment import Tabular

    if job.width > ENVIRONMENTS:
        raise Missing(f"its {job.width} environments are stepped from Python one by one")
    kernel = model_of(job)
    kernel.run(FEW)
    tables, keys = kernel.tables(), kernel.keys(FEW)
    greedy = tables["preferences"].argmax(axis=1)
    environments: list[library.Env[Any, Any]] = [Tabular(tables, keys, lane) for lane in range(job.width)]

    def rolled() -> Any:
        returns = np.zeros(job.width, np.int64)
        for lane, environment in enumerate(environments):
            state, _ = environment.reset()
            for _ in range(FEW):
                state, reward, _, _, _ = environment.step(greedy[state])
                returns[lane] += int(reward)
        return returns

    require_same(kernel.returns(), rolled())

    def run() -> float:
        begun = time.perf_counter()
        rolled()
        return (time.perf_counter() - begun) * job.steps / FEW

    return Ready(run, None, f"one thread, {FEW} steps, scaled")


CORES = (
    Core(
        "value",
        tuple(Case(f"{name} states", count, STEPS, ratio={1: 3}) for name, count in (("1 k", 1024), ("64 k", 65536))),
        ours_value,
        {"numba": numba_value, "jax": jax_value, "torch": torch_value},
        TOLERANCE,
    ),
    Core(
        "rollout",
        tuple(Case(f"W={width}", width, TRANSITIONS // width) for width in (1, 64, 4096)),
        ours_rollout,
        {"numba": numba_rollout, "gymnasium": gymnasium},
    ),
)
