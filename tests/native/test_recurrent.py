# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof._native import Gru, Lstm, Rnn, Team

CPUS = sorted(os.sched_getaffinity(0))
TOLERANCE = 1e-6  # a few roundings of states of size 1, fed back

GATES = {Rnn: 1, Gru: 3, Lstm: 4}
every_cell = pytest.mark.parametrize("cell", GATES, ids=lambda cell: cell.__name__)


@pytest.fixture(scope="module")
def team():
    return Team(CPUS[:1])


def cpus(threads):
    """As many as that, some of them twice where there are too few."""
    return (CPUS * threads)[:threads]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_update(cell, weights, x, h, *c):
    ih = np.split(x @ weights["weight_ih"].T + weights["bias_ih"], GATES[cell], axis=1)
    hh = np.split(h @ weights["weight_hh"].T + weights["bias_hh"], GATES[cell], axis=1)
    if cell is Rnn:
        return (np.tanh(ih[0] + hh[0]),)
    if cell is Gru:
        z = sigmoid(ih[1] + hh[1])
        return ((1 - z) * np.tanh(ih[2] + sigmoid(ih[0] + hh[0]) * hh[2]) + z * h,)
    i, f, g, o = map(np.add, ih, hh)
    new = sigmoid(f) * c[0] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(new), new


def in_double(kernel):
    weights = {name: value.astype(np.float64) for name, value in kernel.weights().items()}
    return weights, kernel.inputs().astype(np.float64)


def assert_state(kernel, steps):
    weights, inputs = in_double(kernel)
    states = [np.zeros(inputs.shape[1:])] * len(kernel.state())
    for step in range(steps):
        states = reference_update(type(kernel), weights, inputs[step % len(inputs)], *states)
    for found, wanted in zip(kernel.state(), states, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    cell=st.sampled_from(list(GATES)),
    hidden=st.integers(1, 150),
    width=st.integers(1, 40),
    steps=st.integers(0, 9),
    seed=st.integers(-(2**62), 2**62),
    ahead=st.integers(1, 12),
)
def test_any_shape_equals_numpy(cell, hidden, width, steps, seed, ahead):
    kernel = cell(Team(CPUS[:1]), hidden, width, seed, 9, ahead=ahead)
    kernel.run(steps)
    assert_state(kernel, steps)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    cell=st.sampled_from(list(GATES)),
    hidden=st.integers(1, 150),
    width=st.one_of(st.integers(1, 3), st.integers(4, 200)),
    steps=st.integers(0, 11),
    ahead=st.integers(2, 14),
    threads=st.integers(1, 3),
)
def test_projecting_ahead_changes_no_bit(cell, hidden, width, steps, ahead, threads):
    each = cell(Team(CPUS[:1]), hidden, width, 7, 11)
    blocks = cell(Team(cpus(threads)), hidden, width, 7, 11, ahead=ahead)
    for kernel in (each, blocks):
        kernel.run(steps)
    np.testing.assert_array_equal(each.state(), blocks.state())


@every_cell
@pytest.mark.parametrize(("hidden", "width"), [(70, 1), (33, 2), (40, 100)])
def test_a_state_of_blocks_starts_afresh(team, cell, hidden, width):
    kernel = cell(team, hidden, width, 1, 8, ahead=3)
    kernel.run(5)
    first = np.stack(kernel.state())
    for steps in (8, 2, 5):
        kernel.run(steps)
    np.testing.assert_array_equal(first, kernel.state())


def test_ahead_is_of_no_account_in_the_wide_form(team):
    one, many = (Lstm(team, 40, 3, 1, 8, True, ahead) for ahead in (1, 2**40))
    for kernel in (one, many):
        kernel.run(8)
    np.testing.assert_array_equal(one.state(), many.state())


def test_one_lane_is_a_lane_of_many_to_the_bit(team):
    """The weights of one lane stand otherwise, and are multiplied by another loop."""
    for cell in GATES:
        wide = cell(team, 101, 1, 3, 5, True)
        wide.run(5)
        serial = cell(team, 101, 1, 3, 5)
        serial.run(1)
        for each, first in zip(wide.state(), serial.state(), strict=True):
            np.testing.assert_array_equal(each[0], first)


def test_a_cell_reads_floats_wherever_they_lie():
    packed = np.zeros(3, dtype=[("byte", "u1"), ("value", "<f4")])
    packed["value"] = [1, 2, 3]
    zeros = np.zeros(3, np.float32)
    gates = np.zeros((4, 3), np.float32)
    for found, right in zip(
        *(Lstm.cell(gates, zeros, c) for c in (packed["value"], packed["value"].copy())), strict=True
    ):
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("wrong", ["gates", "before", "cell"])
def test_a_cell_refuses_other_types(wrong):
    arguments = {name: np.zeros((4, 3) if name == "gates" else 3, np.float32) for name in ("gates", "before", "cell")}
    arguments[wrong] = arguments[wrong].astype(float)
    with pytest.raises(TypeError, match=f"{wrong}: needs float32"):
        Lstm.cell(**arguments)


@every_cell
@pytest.mark.parametrize(("hidden", "width"), [(64, 1), (37, 5), (130, 12), (33, 100), (16, 200)])
def test_equals_torch(team, cell, hidden, width):
    torch = pytest.importorskip("torch")
    steps = 6
    kernel = cell(team, hidden, width, 3, steps)
    kernel.run(steps)
    module = getattr(torch.nn, cell.__name__.upper())(hidden, hidden)
    inputs = kernel.inputs()
    with torch.no_grad():
        for name, value in kernel.weights().items():
            getattr(module, f"{name}_l0").copy_(torch.from_numpy(value))
        _, states = module(torch.from_numpy(inputs[np.arange(steps) % len(inputs)]))
    for found, wanted in zip(kernel.state(), states if cell is Lstm else (states,), strict=True):
        np.testing.assert_allclose(found, wanted[0].numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("size", [0.1, 1.0, 4.0, 20.0, 1e3, 1e30])
@every_cell
def test_cells_are_right_at_any_size(cell, size):
    draw = np.random.default_rng(4)
    gates = draw.uniform(-size, size, (2 * GATES[cell] if cell is Gru else GATES[cell], 999)).astype(np.float32)
    before, memory = draw.uniform(-1, 1, (2, 999)).astype(np.float32)
    exact = gates.astype(float)
    with np.errstate(over="ignore"):
        if cell is Rnn:
            wanted = (np.tanh(exact[0]),)
        elif cell is Gru:
            r, z = sigmoid(exact[:2] + exact[3:5])
            wanted = ((1 - z) * np.tanh(exact[2] + r * exact[5]) + z * before,)
        else:
            c = sigmoid(exact[1]) * memory + sigmoid(exact[0]) * np.tanh(exact[2])
            wanted = (sigmoid(exact[3]) * np.tanh(c), c)
    # The sum inside its tanh is rounded at the size of its terms; it is as good as never near zero at the largest.
    tolerance = {20.0: 4e-6, 1e3: 2e-4}.get(size, TOLERANCE) if cell is Gru else TOLERANCE
    for found, right in zip(cell.cell(gates, before, memory), wanted, strict=False):
        np.testing.assert_allclose(found, right, rtol=0, atol=tolerance)


def test_tanh_keeps_its_relative_error_near_zero():
    x = np.concatenate([np.logspace(-30, 1, 4000), [0.0]]).astype(np.float32)
    found, _ = Rnn.cell(np.stack([x]), x, x)
    np.testing.assert_allclose(found, np.tanh(x.astype(float)), rtol=5e-7, atol=0)


@pytest.mark.parametrize(("gates", "before", "cell"), [((3, 5), 5, 5), ((4,), 4, 4), ((4, 5), 4, 5), ((4, 5), 5, 6)])
def test_a_cell_refuses_wrong_shapes(gates, before, cell):
    with pytest.raises(ValueError, match=r"(gates|before|cell): needs"):
        Lstm.cell(*(np.zeros(shape, dtype=np.float32) for shape in (gates, before, cell)))


@every_cell
def test_state_starts_afresh(team, cell):
    kernel = cell(team, 40, 3, 1, 8)
    kernel.run(5)
    first = np.stack(kernel.state())
    kernel.run(8)
    kernel.run(5)
    np.testing.assert_array_equal(first, kernel.state())
    kernel.run(0)
    assert not np.any(kernel.state())


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize(("hidden", "width"), [(256, 1), (70, 7), (5, 3), (40, 300)])
@pytest.mark.parametrize("form", [{"wide": False}, {"wide": True}, {"ahead": 4}], ids=str)
@every_cell
def test_threads_change_no_bit(team, cell, hidden, width, form, threads):
    one = cell(team, hidden, width, 5, 7, **form)
    more = cell(Team(cpus(threads)), hidden, width, 5, 7, **form)
    for kernel in (one, more):
        kernel.run(7)
    np.testing.assert_array_equal(one.state(), more.state())


@pytest.mark.parametrize(("hidden", "width", "steps"), [(48, 1, 9), (33, 7, 6), (20, 130, 3)])
@every_cell
def test_a_lane_does_not_depend_on_the_others(team, cell, hidden, width, steps):
    kernel = cell(team, hidden, width, 2, steps, True)
    kernel.run(steps)
    serial = cell(team, hidden, width, 2, steps)
    serial.run(1)
    for each, first in zip(kernel.state(), serial.state(), strict=True):
        assert each.shape == (steps, width, hidden)
        np.testing.assert_array_equal(each[0], first)


@every_cell
def test_wide_updates_each_start_from_zero(team, cell):
    kernel = cell(team, 33, 5, 2, 6, True)
    kernel.run(6)
    kernel.run(6)  # nothing is left over from the run before
    weights, inputs = in_double(kernel)
    found = kernel.state()
    for step in range(6):
        wanted = reference_update(cell, weights, inputs[step % len(inputs)], *[np.zeros((5, 33))] * len(found))
        for ours, right in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours[step], right, rtol=0, atol=TOLERANCE)


@every_cell
def test_inputs_and_weights_are_drawn(team, cell):
    kernel = cell(team, 24, 6, 1, 4)
    rows = 24 * GATES[cell]
    assert kernel.inputs().shape[1:] == (6, 24)
    assert {name: value.shape for name, value in kernel.weights().items()} == {
        "weight_ih": (rows, 24),
        "weight_hh": (rows, 24),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
    }
    everything = np.concatenate([kernel.inputs().ravel(), *(value.ravel() for value in kernel.weights().values())])
    assert len(np.unique(everything)) > 0.99 * everything.size
    assert np.abs(kernel.weights()["weight_ih"]).max() <= 24**-0.5
    other = cell(team, 24, 6, 2, 4)
    assert not np.array_equal(kernel.weights()["weight_hh"], other.weights()["weight_hh"])


PRINT_STATE = """
import os, sys, numpy as np
from serialprof._native import Gru, Lstm, Rnn, Team, instruction_set
team = Team([min(os.sched_getaffinity(0))])
states = []
for cell in (Rnn, Gru, Lstm):
    for hidden, width in ((45, 9), (70, 1)):
        for ahead in (1, 4):
            kernel = cell(team, hidden, width, 4, 6, ahead=ahead)
            kernel.run(6)
            states += [state.ravel() for state in kernel.state()]
print(instruction_set())
np.save(sys.argv[1], np.concatenate(states))
"""


def states_at(level, path):
    done = subprocess.run(
        [sys.executable, "-c", PRINT_STATE, str(path)],
        env={**os.environ, "SERIALPROF_ISA": level},
        capture_output=True,
        text=True,
    )
    if "no such level" in done.stderr:
        pytest.skip(f"this processor or build has no {level}")
    assert done.stdout.strip() == level, done.stderr
    return np.load(path)


@pytest.mark.parametrize("level", ["avx2", "avx512"])
def test_every_instruction_set_agrees(level, tmp_path):
    plain = states_at("baseline", tmp_path / "baseline.npy")
    assert plain.size == 2 * 4 * (45 * 9 + 70)
    np.testing.assert_allclose(states_at(level, tmp_path / "level.npy"), plain, rtol=0, atol=TOLERANCE)


def test_ticks_are_taken_after_every_step(team):
    kernel = Lstm(team, 8, 1, 0, 5)
    ticks = np.zeros(6, dtype=np.int64)
    kernel.run(5, ticks, 10)
    assert np.all(np.diff(ticks) >= 10)
    assert_state(kernel, 5)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("hidden", 0),
        ("hidden", 2**14 + 1),
        ("width", 0),
        ("width", 10**12),
        ("depth", 0),
        ("depth", -1),
        ("ahead", 0),
        ("ahead", 2**41),
    ],
)
def test_refuses_what_is_out_of_range(team, argument, value):
    arguments = {"team": team, "hidden": 8, "width": 1, "seed": 0, "depth": 4, argument: value}
    with pytest.raises(ValueError, match=f"{argument} = {value} "):
        Lstm(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        (2**14, 2**20, 0, 2**20, True),
        (2**14, 110_000, 0, 1, False),
        (2**14, 2**19, 0, 1, False),
        (8, 2**20, 0, 2**39, True),
    ],
)
def test_refuses_more_memory_than_it_should_take(team, arguments):
    with pytest.raises(
        ValueError, match=f"hidden = {arguments[0]}, width = {arguments[1]}, .*of this machine's memory"
    ):
        Lstm(team, *arguments)


def test_refuses_to_project_more_than_fits_and_names_what_asks_for_it(team):
    with pytest.raises(ValueError, match=r"ahead = 1000000000 need .* choose less of one of them"):
        Lstm(team, 64, 16, 0, 2**31, ahead=10**9)
    Lstm(team, 64, 16, 0, 4, ahead=10**9)  # no more than the longest run has


def test_refuses_runs_that_it_cannot_do(team):
    serial, wide = (Lstm(team, 8, 1, 0, 4, form) for form in (False, True))
    for kernel in (serial, wide):
        for steps in (-1, 5):
            with pytest.raises(ValueError, match=f"steps = {steps} "):
                kernel.run(steps)
    with pytest.raises(ValueError, match="ticks"):
        serial.run(4, np.zeros(4, dtype=np.int64))
    with pytest.raises(ValueError, match="wide form is a single step"):
        wide.run(4, np.zeros(5, dtype=np.int64))
    with pytest.raises(ValueError, match="wide form is a single step"):
        wide.run(4, delay_ticks=1)


def test_a_refused_run_leaves_what_the_last_one_made(team):
    kernel = Lstm(team, 8, 2, 0, 8)
    kernel.run(3)
    before = kernel.state()
    for refused in ({"ticks": np.zeros(5, np.int32)}, {"ticks": np.zeros(2, np.int64)}, {"delay_ticks": -1}):
        with pytest.raises((TypeError, ValueError)):
            kernel.run(4, **refused)
        assert all(map(np.array_equal, kernel.state(), before))


def test_refuses_a_missing_team():
    with pytest.raises(TypeError):
        Lstm(None, 8, 1, 0, 4)
