# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof import _native
from serialprof_workloads.mathqa import ADD, MULTIPLY, NUMBERS, PRIME, SUBTRACT, combine, reference


def answers(kernel: _native.MathQa, steps: int) -> list[int]:
    return [reference(kernel.facts(), list(given), steps)[-1] for given in zip(*kernel.given(), strict=True)]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(width=st.integers(1, 150), steps=st.integers(0, 100), threads=st.integers(1, 3), seed=st.integers(0, 2**64 - 1))
def test_equals_an_interpreter(width: int, steps: int, threads: int, seed: int) -> None:
    kernel = _native.MathQa(_native.Team([0] * threads), width, seed)
    wanted = answers(kernel, steps)
    for _ in range(2):  # a run starts from the same numbers
        kernel.run(steps)
        assert kernel.values() == wanted


def test_the_three_operations() -> None:
    assert combine(ADD, PRIME - 1, 5) == 4
    assert combine(SUBTRACT, 3, 5) == PRIME - 2
    assert combine(MULTIPLY, PRIME - 1, PRIME - 1) == 1


def test_every_fact_hangs_on_the_one_before() -> None:
    """A template of sums, differences and products with earlier facts and numbers, all drawn."""
    kernel = _native.MathQa(_native.Team([0]), 500, seed=3)
    operations = {operation for operation, _, _ in kernel.facts()}
    distances = {distance for _, distance, _ in kernel.facts()}
    assert operations == {ADD, SUBTRACT, MULTIPLY}
    assert distances <= {0, 2, 3, 4, 5, 6, 7} and len(distances) > 4
    assert {number for _, _, number in kernel.facts()} == set(range(NUMBERS))
    assert {value for row in kernel.given() for value in row} == set(range(1, 101))
    assert kernel.facts() != _native.MathQa(_native.Team([0]), 500, seed=4).facts()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_step_is_a_fact_from_what_is_given(threads: int) -> None:
    kernel = _native.MathQa(_native.Team([0] * threads), 21, seed=6, wide=True)
    given = list(zip(*kernel.given(), strict=True))
    for index in range(0, 20, threads):
        kernel.run(index + threads)  # the last step of thread 0 is that of `index`
        assert kernel.values() == [reference([kernel.facts()[index]], list(row), 1)[-1] for row in given]
    kernel.run(0)
    assert kernel.values() == [row[-1] for row in given]


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_gives_equal_answers(level: str) -> None:
    program = """
from serialprof import _native
from serialprof_workloads.mathqa import reference
for seed in range(2):
    kernel = _native.MathQa(_native.Team([0]), 77, seed)
    kernel.run(500)
    questions = list(zip(*kernel.given(), strict=True))
    assert kernel.values() == [reference(kernel.facts(), list(given), 500)[-1] for given in questions]
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
        _native.MathQa(_native.Team([0]), width)
