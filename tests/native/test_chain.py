# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

from serialprof import _native
from serialprof_workloads.chain import OPERATIONS, reference


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 15, 21])
def test_equals_exact_arithmetic(operation: str, width: int) -> None:
    kernel = _native.Chain(_native.Team([0]), operation, width)
    kernel.run(5)
    assert kernel.values() == reference(operation, width, 5, kernel.fused)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("threads", "width"), [(2, 1), (2, 16), (2, 37), (3, 2), (3, 50)])
def test_threads_share_the_lanes(operation: str, threads: int, width: int) -> None:
    kernel = _native.Chain(_native.Team([0] * threads), operation, width)
    kernel.run(3)
    assert kernel.values() == reference(operation, width, 3, kernel.fused)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_wide_step_starts_from_the_initial_values(operation: str, threads: int) -> None:
    kernel = _native.Chain(_native.Team([0] * threads), operation, 11, wide=True)
    kernel.run(6)
    assert kernel.values() == reference(operation, 11, 1, kernel.fused)


def test_a_run_starts_anew() -> None:
    kernel = _native.Chain(_native.Team([0]), "multiply", 3)
    kernel.run(9)
    kernel.run(2)
    assert kernel.values() == reference("multiply", 3, 2, kernel.fused)
    kernel.run(0)
    assert kernel.values() == [1, 3, 5]


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_is_exact(level: str) -> None:
    program = """
from serialprof import _native
from serialprof_workloads.chain import reference
kernel = _native.Chain(_native.Team([0]), "fma", 13)
kernel.run(4)
assert kernel.values() == reference("fma", 13, 4, kernel.fused)
print(_native.instruction_set(), kernel.fused)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"SERIALPROF_ISA": level},
        capture_output=True,
        text=True,
        check=False,
    )
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == level
    if level != "baseline":
        assert done.stdout.split()[1] == "True"


def test_refuses_an_unknown_operation() -> None:
    with pytest.raises(ValueError, match="operation = 'modulo' is none of add, multiply, fma, divide"):
        _native.Chain(_native.Team([0]), "modulo", 1)


@pytest.mark.parametrize(("width", "message"), [(0, "width = 0 lies outside"), (10**12, "width = 1000000000000 needs")])
def test_refuses_a_width_before_allocating(width: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Chain(_native.Team([0]), "add", width)
