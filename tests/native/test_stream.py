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
    reader = _native.Reader(_native.Team([0] * threads), footprint)
    for passes in (1, 3):
        seconds = reader.seconds(passes)  # raises where the sum is wrong
        assert math.isfinite(seconds)
        assert seconds >= 0.0


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_adds_up(level: str) -> None:
    program = """
from serialprof import _native
_native.Reader(_native.Team([0]), 2**15 + 64).seconds(2)
print(_native.instruction_set())
"""
    environment = os.environ | {"SERIALPROF_ISA": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == level


@pytest.mark.parametrize(
    ("footprint", "message"),
    [(63, "footprint_bytes = 63 lies outside"), (10**12, "footprint_bytes = 1000000000000 needs")],
)
def test_refuses_before_allocating(footprint: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Reader(_native.Team([0]), footprint)


def test_refuses_no_passes() -> None:
    with pytest.raises(ValueError, match="passes = 0 lies outside"):
        _native.Reader(_native.Team([0]), 64).seconds(0)
