# SPDX-License-Identifier: Apache-2.0
"""How much a step is declared to write, against the size of the states that the kernels hand out."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import pytest

from serialprof.catalog import Affine
from serialprof.loading import load
from serialprof.setting import Setting

CPU = min(os.sched_getaffinity(0))
WIDTH = 64
#: Steps that wait for no memory, or whose work no declaration can say.
UNDECLARED = {"pipeline", "torch-planted"}
FREE = {"barrier", "chase", "planted"}

#: Bytes that a kernel writes in a step, by what it hands out after one.
WRITTEN: dict[str, Callable[[Any], int]] = {
    "automaton": lambda kernel: len(kernel.row()),
    "rule110": lambda kernel: len(kernel.row()),
    "life": lambda kernel: len(kernel.grid()),
    "billiards": lambda kernel: kernel.state().nbytes,
    "chain": lambda kernel: 8 * len(kernel.values()),
    "circuit": lambda kernel: 4 * len(kernel.values()),
    "map": lambda kernel: 8 * len(kernel.values()),
    "mathqa": lambda kernel: 4 * len(kernel.values()),
    # velocities by both halves of the kick; accelerations are as many as places
    "nbody": lambda kernel: 2 * kernel.state()[0].nbytes + 2 * kernel.state()[1].nbytes,
    "rollout": lambda kernel: kernel.states().nbytes + kernel.returns().nbytes,
    "sudoku": lambda kernel: kernel.cells().nbytes,
    "value": lambda kernel: kernel.values().nbytes,
    "rnn": lambda kernel: sum(state.nbytes for state in kernel.state()),
    "gru": lambda kernel: sum(state.nbytes for state in kernel.state()),
    "lstm": lambda kernel: sum(state.nbytes for state in kernel.state()),
}


def setting_of(name: str, width: int = WIDTH, **changed: Any) -> Setting:
    parameters = {**load(name).parameters, **changed}
    threads = max(1, load(name).min_threads)
    return Setting(width=width, depth=4, threads=threads, cpus=(CPU,) * threads, parameters=parameters)


def catalogue() -> list[str]:
    return sorted({point.name for point in entry_points(group="serialprof.workloads")})


@pytest.mark.parametrize("name", catalogue())
def test_every_workload_says_how_much_of_its_traffic_is_written(name: str) -> None:
    work = load(name).declared(setting_of(name))
    if name in UNDECLARED:
        assert work is None
        return
    assert work is not None and work.written is not None
    assert work.written.fixed == 0, "no step writes weights or tables"
    assert (work.written == Affine()) == (name in FREE or name in ("scan", "torch-scan"))


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_as_large_as_the_state(name: str) -> None:
    changed = {"hidden": 48} if name in ("rnn", "gru", "lstm") else {}
    width = 512 if name in ("automaton", "rule110") else WIDTH
    setting = setting_of(name, width, **changed)
    stepper = load(name).stepper(setting)
    stepper.run(1)
    work = load(name).declared(setting)
    assert work is not None and work.written is not None
    kernel = getattr(stepper, "_kernel", None) or stepper.kernel  # type: ignore[attr-defined]
    assert work.written.at(width) == WRITTEN[name](kernel)


def test_the_selective_scan_writes_its_states_and_a_row_of_results() -> None:
    setting = setting_of("scan", kind="selective", states=5, ring=3)
    work = load("scan").declared(setting)
    assert work is not None and work.written is not None
    assert work.written.at(7) == 7 * (5 + 1) * 4


def test_decode_writes_a_key_a_value_and_what_every_product_gives() -> None:
    setting = setting_of("decode", model_dim=8, layers=2, heads=2, vocabulary=16, context=3)
    work = load("decode").declared(setting)
    assert work is not None and work.written is not None
    # norm, q k v, heads, sum; norm, 4 d, sum; embedding and last norm, logits
    assert work.written.per_lane == 4 * (2 * 2 * 8 + 2 * (1 + 3 + 1 + 1 + 1 + 4 + 1) * 8 + 2 * 8 + 16)


@pytest.mark.parametrize(
    ("name", "mode", "rows"),
    [("torch-rnn", "eager", 5), ("torch-gru", "compile", 7), ("torch-lstm", "eager", 23), ("torch-gru", "graph", 18)],
)
def test_torch_cells_write_a_row_for_every_result_of_an_operation(name: str, mode: str, rows: int) -> None:
    setting = Setting(width=3, depth=4, mode=mode, cpus=(CPU,), parameters={**load(name).parameters, "hidden": 48})
    work = load(name).declared(setting)
    assert work is not None and work.written == Affine(0, rows * 48 * 4)
