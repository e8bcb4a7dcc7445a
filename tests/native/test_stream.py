# SPDX-License-Identifier: Apache-2.0
import math
import os
import subprocess
import sys

import pytest

from serialprof import _native

ORDERS = ("up", "down", "pieces", "abreast")
#: A line, odd lines, more than a piece of 16 KiB, and more than two of them on every thread of three.
FOOTPRINTS = [64, 8191, 2**14 + 64, 2**16 + 192, 3 * 2**15 + 5 * 64]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("footprint", FOOTPRINTS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_words_read_and_updated_add_up(threads: int, footprint: int, order: str) -> None:
    reader = _native.Reader(_native.Team([0] * threads), footprint)
    for passes in (1, 2, 3):
        for seconds in (reader.seconds(passes, order), reader.update_seconds(passes, order)):  # raise where they do not
            assert math.isfinite(seconds)
            assert seconds >= 0.0
    assert math.isfinite(reader.seconds(1)), "a pass upwards finds what the updates left"


def test_small_shares_may_leave_a_thread_without_words() -> None:
    reader = _native.Reader(_native.Team([0] * 3), 128)
    assert math.isfinite(reader.update_seconds(2, "down") + reader.seconds(2, "pieces"))


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_adds_up(level: str) -> None:
    program = f"""
from serialprof import _native
for footprint in {FOOTPRINTS}:
    reader = _native.Reader(_native.Team([0, 0]), footprint)
    for order in {ORDERS}:
        reader.update_seconds(2, order)
        reader.seconds(2, order)
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


def test_refuses_no_passes_and_unknown_orders() -> None:
    reader = _native.Reader(_native.Team([0]), 64)
    for timed in (reader.seconds, reader.update_seconds):
        with pytest.raises(ValueError, match="passes = 0 lies outside"):
            timed(0)
        with pytest.raises(ValueError, match="order = 'sideways' is none of up, down, pieces, abreast"):
            timed(1, "sideways")
    reader.update_seconds(1)  # nothing was updated by what was refused
