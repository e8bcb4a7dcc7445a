# SPDX-License-Identifier: Apache-2.0
import math
import os
import subprocess
import sys

import pytest

from serialprof import _native


def test_the_level_that_the_loops_run_on_is_one_of_those_that_this_machine_has() -> None:
    levels = _native.instruction_sets()
    assert levels[0] == "baseline"
    assert _native.instruction_set() in levels


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("level", ["", *_native.instruction_sets()])
def test_the_peak_is_a_rate(threads: int, level: str) -> None:
    for peak in (_native.fma_peak, _native.word_peak):
        rate = peak(_native.Team([0] * threads), 10**6, level)
        assert math.isfinite(rate)
        assert rate > 0.0


@pytest.mark.parametrize("operation", ["add", "multiply", "fma", "divide"])
@pytest.mark.parametrize("ops", [64, 1000, 100_003])
def test_a_chain_takes_at_least_its_operations(operation: str, ops: int) -> None:
    seconds = _native.chain_seconds(operation, ops)
    assert math.isfinite(seconds)
    assert seconds > ops * 5e-11  # nothing of the kind takes less than 50 ps: the compiler kept the chain


def test_a_forced_level_does_not_hide_the_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from serialprof import _native as n; print(n.instruction_set(), n.instruction_sets())"],
        env=os.environ | {"SERIALPROF_ISA": "baseline"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"baseline {_native.instruction_sets()}"


def test_refuses_what_there_is_not() -> None:
    team = _native.Team([0])
    with pytest.raises(ValueError, match="ops = 0 lies outside"):
        _native.fma_peak(team, 0)
    for peak in (_native.fma_peak, _native.word_peak):
        with pytest.raises(ValueError, match="level = 'avx1024': this processor or build has no such"):
            peak(team, 1, "avx1024")
    with pytest.raises(ValueError, match="operation = 'root' is none of add, multiply, fma, divide"):
        _native.chain_seconds("root", 64)
    with pytest.raises(ValueError, match="ops = 63 lies outside"):
        _native.chain_seconds("add", 63)
