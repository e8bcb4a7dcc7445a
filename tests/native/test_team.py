# SPDX-License-Identifier: Apache-2.0
import os
import time
from array import array
from collections.abc import Callable
from threading import Thread

import numpy as np
import pytest

from serialprof import _native
from serialprof_workloads.planted import reference

CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 7, 8])
def test_many_runs_on_all_cpus(threads: int) -> None:
    team = _native.Team([CPUS[rank % len(CPUS)] for rank in range(threads)])
    assert team.size == threads
    kernel = _native.Planted(team, 3, 2, 8)
    for run in range(40):
        kernel.run(run)
        assert kernel.value == reference(3, 2, 8, steps=run)


def test_more_threads_than_cpus_on_one_cpu() -> None:
    """Steps of a few multiplies, each of which reads what all threads wrote: a leaky barrier changes the product."""
    team = _native.Team([CPUS[0]] * 6)
    kernel = _native.Planted(team, 2, 3, 13)
    kernel.run(300)
    assert kernel.value == reference(2, 3, 13, steps=300)


def test_the_barrier_holds_over_many_short_steps() -> None:
    team = _native.Team((CPUS * 2)[:2])
    kernel = _native.Planted(team, 1, 1, 2)
    kernel.run(50_000)
    assert kernel.value == reference(1, 1, 2, steps=50_000)


def test_kernels_of_one_team_take_turns() -> None:
    team = _native.Team([CPUS[0]] * 3)
    first = _native.Planted(team, 4, 5, 6, seed=1)
    second = _native.Barrier(team, 50)
    for _ in range(5):
        first.run(3)
        second.run(2)
    assert first.value == reference(4, 5, 6, steps=3, seed=1)
    assert second.value == pow(6364136223846793005, 100, 2**64)


def test_teams_come_and_go() -> None:
    for _ in range(50):
        assert _native.Team([CPUS[0]] * 3).size == 3


def test_refuses_a_second_thread_while_one_is_inside() -> None:
    team = _native.Team([CPUS[0]])
    kernel = _native.Barrier(team, 1)
    others = {
        "row": _native.Automaton(team, 64),
        "grid": _native.Life(team, 64, 64),
        "balls": _native.Billiards(team, 4),
        "circuit": _native.Circuit(team, 4, reversible=True),
        "bodies": _native.NBody(team, 4),
    }
    others["circuit"].run(2)
    ticks = array("q", [0] * 6)
    running = Thread(target=kernel.run, args=(5, ticks), kwargs={"delay_ticks": 100_000_000})
    running.start()
    while running.is_alive() and not ticks[0]:
        time.sleep(1e-3)
    for enter in (
        lambda: kernel.run(1),
        lambda: kernel.seconds(1),
        lambda: _native.Chain(team, "add", 1).run(1),
        lambda: others["row"].set_row(bytes(8)),
        lambda: others["grid"].set_grid(bytes(512)),
        lambda: others["balls"].turn(),
        lambda: others["circuit"].turn_back(),
        lambda: others["bodies"].set_state(np.zeros((3, 4)), np.zeros((3, 4))),
    ):
        with pytest.raises(RuntimeError, match="team: another thread runs something on it"):
            enter()
    running.join()
    kernel.run(2)
    assert kernel.value == pow(6364136223846793005, 2, 2**64)


def test_refuses_no_cpus() -> None:
    with pytest.raises(ValueError, match="cpus: a team needs at least one CPU"):
        _native.Team([])


def test_refuses_a_cpu_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="cpus: this machine has no CPU 100000"):
        _native.Team([0, 100_000])


def test_refuses_a_cpu_that_is_not_there_for_the_caller() -> None:
    with pytest.raises(ValueError, match="cpus: this machine has no CPU 2147483647"):
        _native.Team([2**31 - 1])


@pytest.mark.parametrize(
    "build",
    [
        lambda: _native.Automaton(None, 64),
        lambda: _native.Barrier(None, 1),
        lambda: _native.Chain(None, "add", 1),
        lambda: _native.Chase(None, 4096, 1),
        lambda: _native.Circuit(None, 1),
        lambda: _native.Life(None, 1, 64),
        lambda: _native.Map(None, 1),
        lambda: _native.MathQa(None, 1),
        lambda: _native.Planted(None, 1, 1, 1),
        lambda: _native.Reader(None, 64),
        lambda: _native.Walk(None, 4096),
        lambda: _native.fma_peak(None, 1),
    ],
)
def test_kernels_refuse_a_missing_team(build: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="incompatible"):
        build()
