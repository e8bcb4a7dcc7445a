# SPDX-License-Identifier: Apache-2.0
"""The compiler kept the chains that are measured: read off the instructions that a run executes (tracing.py)."""

import platform
import shutil

import pytest

from serialprof import _native
from tests.native.tracing import Chains, NoTracingError, chains, trace

pytestmark = [
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads the instructions of x86-64"),
    pytest.mark.skipif(shutil.which("objdump") is None, reason="needs objdump, of Debian's binutils"),
]

STEPS = 2
WIDTH = 15  # a group each of 8, 4, 2 and 1 interleaved lanes
IMUL = r"imulq?"
DIVIDE = r"v?divsd"
BOTH = r"addsd|mulsd"  # of the baseline, which has no fused multiply-add
FUSED = r"vfn?m(add|sub)\w+sd"


def traced(before: str, call: str, operation: str, level: str = "baseline") -> Chains:
    try:
        return chains(trace(before, call, level), operation)
    except NoTracingError:
        pytest.skip("this machine lets no process trace another")


@pytest.mark.parametrize(("name", "operation"), [("add", r"addq?"), ("multiply", IMUL), ("divide", DIVIDE)])
def test_lanes_of_chain_are_64_dependent_operations_a_step(name: str, operation: str) -> None:
    found = traced(f"kernel = _native.Chain(team, {name!r}, {WIDTH})", f"kernel.run({STEPS})", operation)
    assert found.deepest == 64 * STEPS
    assert found.reached[64 * STEPS] == WIDTH


@pytest.mark.parametrize(
    ("level", "operation", "per_link"), [("baseline", BOTH, 2), ("avx2", FUSED, 1), ("avx512", FUSED, 1)]
)
def test_multiply_adds_of_chain_wait_for_each_other(level: str, operation: str, per_link: int) -> None:
    if level not in _native.instruction_sets():
        pytest.skip(f"this processor has no {level}")
    found = traced(f"kernel = _native.Chain(team, 'fma', {WIDTH})", f"kernel.run({STEPS})", operation, level)
    assert found.deepest == 64 * per_link * STEPS
    assert found.reached[64 * per_link * STEPS] == WIDTH


@pytest.mark.parametrize(
    ("name", "operation", "level", "per_link"),
    [
        ("add", r"addq?", "baseline", 1),
        ("multiply", IMUL, "baseline", 1),
        ("divide", DIVIDE, "baseline", 1),
        ("fma", BOTH, "baseline", 2),
        ("fma", FUSED, "avx2", 1),
        ("fma", FUSED, "avx512", 1),
    ],
)
def test_the_limits_are_taken_from_whole_chains(name: str, operation: str, level: str, per_link: int) -> None:
    if level not in _native.instruction_sets():
        pytest.skip(f"this processor has no {level}")
    found = traced("", f"_native.chain_seconds({name!r}, 600)", operation, level)
    assert found.deepest == 600 * per_link
    assert found.reached[found.deepest] == 1


def test_the_clock_meter_times_whole_chains() -> None:
    assert traced("_native.read_meter(64)", "_native.read_meter(300)", IMUL).deepest == 300
    assert traced("_native.read_meter(64)", "_native.read_meter(300)", "addq?").deepest >= 300


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_few_lanes_of_map_are_16_dependent_multiplies_a_step(level: str) -> None:
    if level not in _native.instruction_sets():
        pytest.skip(f"this processor has no {level}")
    found = traced("kernel = _native.Map(team, 3)", f"kernel.run({STEPS})", IMUL, level)
    assert found.deepest == 16 * STEPS
    assert found.reached[16 * STEPS] == 3


def test_planted_is_one_chain_of_its_serial_and_its_lanes_multiplies() -> None:
    found = traced("kernel = _native.Planted(team, 40, 20, 3)", f"kernel.run({STEPS})", IMUL)
    assert found.deepest == (40 + 3 * 20) * STEPS


def test_planted_chains_that_overlap_do_not_wait_for_each_other() -> None:
    found = traced("kernel = _native.Planted(team, 80, 20, 3, overlap=True)", f"kernel.run({STEPS})", IMUL)
    assert found.deepest == 80 * STEPS
    assert found.reached[30] == 2  # both wait for the state before, and neither for the other


def test_barrier_multiplies_one_after_the_other() -> None:
    assert traced("kernel = _native.Barrier(team, 50)", f"kernel.run({STEPS})", IMUL).deepest == 50 * STEPS


def test_chase_follows_16_pointers_a_step() -> None:
    """Of the kernel's own pointers a few may come on top."""
    found = traced(f"kernel = _native.Chase(team, 65536, {WIDTH})", f"kernel.run({STEPS})", "load")
    assert 16 * STEPS <= found.deepest <= 16 * STEPS + 8
    assert found.reached[16 * STEPS] >= WIDTH


def test_the_walk_that_measures_memory_follows_every_pointer() -> None:
    found = traced("kernel = _native.Walk(team, 65536)", "kernel.seconds(100)", "load")
    assert 100 <= found.deepest <= 108
