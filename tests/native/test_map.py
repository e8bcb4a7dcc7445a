# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof import _native
from serialprof_workloads.map import reference


@settings(max_examples=40, deadline=None, derandomize=True)
@given(width=st.integers(1, 300), steps=st.integers(0, 5), threads=st.integers(1, 3), seed=st.integers(0, 2**64 - 1))
def test_equals_pythons_integers(width: int, steps: int, threads: int, seed: int) -> None:
    kernel = _native.Map(_native.Team([0] * threads), width, seed)
    start = kernel.values()
    assert len(start) == width and max(start) < 2**32
    for _ in range(2):  # a run starts from the same lanes
        kernel.run(steps)
        assert kernel.values() == [reference(value, steps * kernel.iterations) for value in start]


def test_a_single_iteration_is_the_logistic_map() -> None:
    x = 0x12345678
    exact = 4 * (x / 2**32) * (1 - x / 2**32)
    assert reference(x, 1) / 2**32 == pytest.approx(exact, abs=2**-30)
    assert reference(0, 9) == 0
    assert [reference(2**31, n) for n in (1, 2)] == [2**32 - 2, 3]  # a half goes to one, and one to nothing, nearly


@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_step_starts_from_the_beginning(threads: int) -> None:
    kernel = _native.Map(_native.Team([0] * threads), 37, seed=5, wide=True)
    start = kernel.values()
    kernel.run(7)
    assert kernel.values() == [reference(value, kernel.iterations) for value in start]
    kernel.run(0)
    assert kernel.values() == start


def test_the_seed_decides_the_lanes() -> None:
    team = _native.Team([0])
    assert _native.Map(team, 9, 1).values() == _native.Map(team, 9, 1).values()
    assert _native.Map(team, 9, 1).values() != _native.Map(team, 9, 2).values()


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_gives_equal_lanes(level: str) -> None:
    program = """
from serialprof import _native
from serialprof_workloads.map import reference
for width in (*range(1, 10), 103, 200):  # few lanes go one by one, and vectors in groups
    kernel = _native.Map(_native.Team([0]), width, seed=8)
    start = kernel.values()
    kernel.run(5)
    assert kernel.values() == [reference(value, 5 * kernel.iterations) for value in start]
print(_native.instruction_set())
"""
    environment = os.environ | {"SERIALPROF_ISA": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == level


@pytest.mark.parametrize(("width", "message"), [(0, "width = 0 lies outside"), (10**12, "width = 1000000000000 needs")])
def test_refuses_before_allocating(width: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Map(_native.Team([0]), width)
