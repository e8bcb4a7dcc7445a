# SPDX-License-Identifier: Apache-2.0
import math
import os
import subprocess
import sys

import pytest

from serialprof import _native


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("footprint", [64, 8191, 2**16 + 192])
def test_the_words_read_add_up(threads: int, footprint: int) -> None:
    seconds = _native.read_bandwidth(_native.Team([0] * threads), footprint, 3)  # raises where the sum is wrong
    assert math.isfinite(seconds)
    assert seconds >= 0.0


@pytest.mark.parametrize("threads", [1, 2])
def test_the_peak_is_a_rate(threads: int) -> None:
    rate = _native.fma_peak(_native.Team([0] * threads), 10**6)
    assert math.isfinite(rate)
    assert rate > 0.0


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_adds_up(level: str) -> None:
    program = """
from serialprof import _native
team = _native.Team([0])
_native.read_bandwidth(team, 2**15 + 64, 2)
_native.fma_peak(team, 10**5)
print(_native.instruction_set())
"""
    environment = os.environ | {"SERIALPROF_ISA": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == level


@pytest.mark.parametrize(
    ("footprint", "repeats", "message"),
    [
        (63, 1, "footprint_bytes = 63 lies outside"),
        (10**12, 1, "footprint_bytes = 1000000000000 needs"),
        (64, 0, "repeats = 0 lies outside"),
    ],
)
def test_bandwidth_refuses_before_allocating(footprint: int, repeats: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.read_bandwidth(_native.Team([0]), footprint, repeats)


def test_peak_refuses_no_work() -> None:
    with pytest.raises(ValueError, match="ops = 0 lies outside"):
        _native.fma_peak(_native.Team([0]), 0)
