# SPDX-License-Identifier: Apache-2.0
import os
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof import _native
from serialprof_workloads.automaton import reference


def kernel_row(kernel: _native.Automaton) -> int:
    return int.from_bytes(kernel.row(), "little")


@pytest.mark.parametrize("words", [1, 2, 3, 7, 8, 9, 16, 31, 100])
def test_equals_big_integers_for_hundreds_of_generations(words: int) -> None:
    cells = 64 * words
    start = random.Random(words).getrandbits(cells)
    kernel = _native.Automaton(_native.Team([0]), cells)
    kernel.set_row(start.to_bytes(cells // 8, "little"))
    for generations in (0, 1, 2, 63, 300):
        kernel.run(generations)
        assert kernel_row(kernel) == reference(start, cells, generations)


@pytest.mark.parametrize("rule", [30, 90, 110])
@pytest.mark.parametrize("words", [1, 5, 16])
def test_equals_big_integers_for_thousands_of_generations(words: int, rule: int) -> None:
    kernel = _native.Automaton(_native.Team([0]), 64 * words, rule, seed=words)
    start = kernel_row(kernel)
    kernel.run(4000)
    assert kernel_row(kernel) == reference(start, 64 * words, 4000, rule)


def test_all_rules_equal_big_integers() -> None:
    """On rings that strips divide evenly, that they hang over the end of, and that they have one cell each of."""
    team = _native.Team([0])
    for rule in range(256):
        for words in (1, 4, 5, 32, 61):
            kernel = _native.Automaton(team, 64 * words, rule, seed=rule)
            assert kernel.rule == rule
            start = kernel_row(kernel)
            kernel.run(16)
            assert kernel_row(kernel) == reference(start, 64 * words, 16, rule), (rule, words)


def test_rule_90_of_one_cell_is_pascals_triangle_modulo_two() -> None:
    kernel = _native.Automaton(_native.Team([0]), 64 * 41, 90)
    kernel.set_row((1 << 1300).to_bytes(8 * 41, "little"))
    kernel.run(1000)
    assert kernel_row(kernel) == sum(1 << 300 + 2 * k for k in range(1001) if k & (1000 - k) == 0)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    words=st.integers(1, 70),
    rule=st.integers(0, 255),
    threads=st.integers(1, 4),
    generations=st.integers(0, 60),
    seed=st.integers(0, 2**64 - 1),
)
def test_random_shapes(words: int, rule: int, threads: int, generations: int, seed: int) -> None:
    kernel = _native.Automaton(_native.Team([0] * threads), 64 * words, rule, seed)
    start = kernel_row(kernel)
    for _ in range(2):  # a run starts from the same row
        kernel.run(generations)
        assert kernel_row(kernel) == reference(start, 64 * words, generations, rule)


@pytest.mark.parametrize("threads", [2, 3, 5])
@pytest.mark.parametrize("words", [1, 8, 9, 40])
def test_threads_share_the_row(threads: int, words: int) -> None:
    kernel = _native.Automaton(_native.Team([0] * threads), 64 * words, seed=words)
    start = kernel_row(kernel)
    kernel.run(120)
    assert kernel_row(kernel) == reference(start, 64 * words, 120)


def test_the_eight_neighbourhoods_give_wolframs_number() -> None:
    """A row that holds the neighbourhood (left, cell, right) in its lowest three bits; the new cell is bit 1."""
    kernel = _native.Automaton(_native.Team([0]), 64)
    number = 0
    for left in (0, 1):
        for cell in (0, 1):
            for right in (0, 1):
                kernel.set_row((left | cell << 1 | right << 2).to_bytes(8, "little"))
                kernel.run(1)
                number |= (kernel_row(kernel) >> 1 & 1) << (4 * left + 2 * cell + right)
    assert number == 110


def test_a_single_cell_grows_to_the_left() -> None:
    """The first rows of rule 110 from one cell: 1, 11, 111, 1101, 11111, 110001."""
    kernel = _native.Automaton(_native.Team([0]), 128)
    kernel.set_row((1 << 100).to_bytes(16, "little"))
    rows = []
    for generations in range(6):
        kernel.run(generations)
        cells = f"{kernel_row(kernel):0128b}"[::-1]  # from the left: cell 0 first
        rows.append(cells[: 100 + 1].lstrip("0"))
    assert rows == ["1", "11", "111", "1101", "11111", "110001"]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_wide_step_is_the_first_generation(threads: int) -> None:
    kernel = _native.Automaton(_native.Team([0] * threads), 640, seed=4, wide=True)
    start = kernel_row(kernel)
    kernel.run(9)
    assert kernel_row(kernel) == reference(start, 640, 1)
    kernel.run(0)
    assert kernel_row(kernel) == start


def test_the_seed_decides_the_row() -> None:
    team = _native.Team([0])
    assert _native.Automaton(team, 256, seed=1).row() == _native.Automaton(team, 256, seed=1).row()
    assert _native.Automaton(team, 256, seed=1).row() != _native.Automaton(team, 256, seed=2).row()


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_gives_equal_bits(level: str) -> None:
    program = """
from serialprof import _native
from serialprof_workloads.automaton import reference
for rule in range(256):
    for words in (3, 8, 37):
        kernel = _native.Automaton(_native.Team([0]), 64 * words, rule, seed=8)
        start = int.from_bytes(kernel.row(), "little")
        kernel.run(20)
        assert int.from_bytes(kernel.row(), "little") == reference(start, 64 * words, 20, rule), rule
print(_native.instruction_set())
"""
    environment = os.environ | {"SERIALPROF_ISA": level}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if "no such level" in done.stderr:
        pytest.skip(f"this processor has no {level}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == level


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (0, "cells = 0 lies outside"),
        (100, "cells = 100 is no multiple of 64"),
        (10**13 - 10**13 % 64, "cells = 10000000000000 needs"),
    ],
)
def test_refuses_before_allocating(cells: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Automaton(_native.Team([0]), cells)


@pytest.mark.parametrize("rule", [-1, 256])
def test_refuses_what_is_no_wolfram_number(rule: int) -> None:
    with pytest.raises(ValueError, match=f"rule = {rule} lies outside"):
        _native.Automaton(_native.Team([0]), 64, rule)


def test_refuses_a_row_of_another_length() -> None:
    with pytest.raises(ValueError, match="row: needs 16 bytes, not 8"):
        _native.Automaton(_native.Team([0]), 128).set_row(bytes(8))
