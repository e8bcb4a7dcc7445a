# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof import _native
from serialprof_workloads.circuit import PRIME, layer_of, reference


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 200),
    steps=st.integers(0, 40),
    threads=st.integers(1, 3),
    seed=st.integers(0, 2**64 - 1),
    reversible=st.booleans(),
)
def test_equals_an_interpreter(width: int, steps: int, threads: int, seed: int, reversible: bool) -> None:
    kernel = _native.Circuit(_native.Team([0] * threads), width, seed, reversible=reversible)
    inputs, before = kernel.values(), kernel.previous()
    wanted = reference(kernel.layers(), inputs, before if reversible else None, steps)
    for _ in range(2):  # a run starts from the same inputs
        kernel.run(steps)
        assert kernel.values() == wanted


@settings(max_examples=20, deadline=None, derandomize=True)
@given(width=st.integers(1, 100), steps=st.integers(1, 150), again=st.integers(0, 20), threads=st.integers(1, 2))
def test_runs_back_to_its_inputs(width: int, steps: int, again: int, threads: int) -> None:
    kernel = _native.Circuit(_native.Team([0] * threads), width, seed=steps, reversible=True)
    inputs, before = kernel.values(), kernel.previous()
    kernel.run(steps)
    end, last_but_one = kernel.values(), kernel.previous()
    kernel.turn_back()
    kernel.run(steps)
    assert (kernel.previous(), kernel.values()) == (inputs, before)
    kernel.turn_back()  # and forth once more, and beyond
    kernel.run(steps)
    assert (kernel.previous(), kernel.values()) == (last_but_one, end)
    kernel.run(steps + again)
    assert kernel.values() == reference(kernel.layers(), inputs, before, steps + again)


def test_runs_back_from_far_away() -> None:
    kernel = _native.Circuit(_native.Team([0]), 333, seed=5, reversible=True)
    inputs, before = kernel.values(), kernel.previous()
    kernel.run(50_001)
    kernel.turn_back()
    kernel.run(50_001)
    assert (kernel.previous(), kernel.values()) == (inputs, before)


def test_values_at_the_edge_of_the_prime() -> None:
    edge = [PRIME - 1, 1, 0, PRIME - 1]
    assert layer_of(2, [0, 0, 0, 2], [1, 0, 3, 0], edge) == [0, PRIME - 2, 1, 0]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("reversible", [False, True])
def test_a_wide_step_is_its_layer_on_the_inputs(threads: int, reversible: bool) -> None:
    kernel = _native.Circuit(_native.Team([0] * threads), 40, seed=4, wide=True, reversible=reversible)
    inputs, before = kernel.values(), kernel.previous()
    steps = 5 + (threads - 1)  # thread 0 has the step of index 4
    kernel.run(steps)
    wanted = layer_of(*kernel.layers()[4], inputs)
    assert kernel.values() == [(a - b * reversible) % PRIME for a, b in zip(wanted, before, strict=True)]
    kernel.run(0)
    assert kernel.values() == inputs


def test_wires_and_kinds_are_drawn() -> None:
    team = _native.Team([0])
    kernel = _native.Circuit(team, 1000, seed=1)
    for sums, left, right in kernel.layers():
        assert 400 < sums < 600
        assert len(left) == len(right) == 1000
        assert max(*left, *right) < 1000
        assert len(set(left)) > 500  # of 632 expected
    assert kernel.layers() == _native.Circuit(team, 1000, seed=1).layers()
    assert kernel.layers() != _native.Circuit(team, 1000, seed=2).layers()


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_equals_an_interpreter_at_the_widths_where_it_changes_its_way(level: str) -> None:
    program = """
from itertools import product
from serialprof import _native
from serialprof_workloads.circuit import reference
for width, reversible, threads in product((1, 4, 5, 8, 9, 16, 17, 32, 33, 64, 65), (False, True), (1, 2)):
    kernel = _native.Circuit(_native.Team([0] * threads), width, seed=width, reversible=reversible)
    inputs, before = kernel.values(), kernel.previous()
    kernel.run(20)
    wanted = reference(kernel.layers(), inputs, before if reversible else None, 20)
    assert kernel.values() == wanted, (width, reversible, threads)
print(_native.instruction_set())
"""
    environment = os.environ | {"SERIALPROF_ISA": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.stdout.strip() == level, done.stderr


def digest_of(level: str) -> str:
    program = """
import hashlib
from serialprof import _native
for reversible in (False, True):
    kernel = _native.Circuit(_native.Team([0]), 1003, seed=8, reversible=reversible)
    kernel.run(3000)
    print(hashlib.sha256(str(kernel.values()).encode()).hexdigest())
print(_native.instruction_set())
"""
    environment = os.environ | {"SERIALPROF_ISA": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def digests() -> list[str]:
    found = []
    for reversible in (False, True):
        kernel = _native.Circuit(_native.Team([0, 0]), 1003, seed=8, reversible=reversible)
        inputs, before = kernel.values(), kernel.previous()
        kernel.run(20)
        assert kernel.values() == reference(kernel.layers(), inputs, before if reversible else None, 20)
        kernel.run(3000)
        found.append(hashlib.sha256(str(kernel.values()).encode()).hexdigest())
    return found


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_gives_one_digest(level: str) -> None:
    assert digest_of(level).split() == [*digests(), level]


@pytest.mark.parametrize(("width", "message"), [(0, "width = 0 lies outside"), (2**31, "width = 2147483648 needs")])
def test_refuses_before_allocating(width: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Circuit(_native.Team([0]), width)


@pytest.mark.parametrize("kernel", [{"reversible": False}, {"reversible": True, "wide": True}])
def test_does_not_turn_back_where_there_is_no_way(kernel: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="turn_back: the circuit is not reversible"):
        _native.Circuit(_native.Team([0]), 8, **kernel).turn_back()
