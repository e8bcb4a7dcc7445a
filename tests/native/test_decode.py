# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serialprof._native import Decode, Team

CPUS = sorted(os.sched_getaffinity(0))
TOLERANCE = 5e-5  # of logits with a spread of about 1

SMALL = {"model_dim": 32, "layers": 2, "heads": 4, "vocabulary": 101, "context": 9, "depth": 8, "width": 3, "seed": 1}
SHAPES = [
    SMALL,
    {**SMALL, "model_dim": 30, "heads": 3, "vocabulary": 7, "width": 1},
    {**SMALL, "model_dim": 1, "heads": 1, "vocabulary": 3},
    {**SMALL, "layers": 1, "context": 0, "width": 14},
    {**SMALL, "context": 1, "depth": 1},
    {**SMALL, "model_dim": 144, "heads": 2, "context": 70, "depth": 40, "width": 2},
    {**SMALL, "model_dim": 20, "heads": 20, "vocabulary": 64, "context": 31, "width": 130},
]


@pytest.fixture(scope="module")
def team():
    return Team(CPUS[:1])


def norm(x, gain):
    return gain * x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)


def reference_logits(weights, layers, heads, tokens):
    """Logits [positions, vocabulary] of one lane in double precision: the whole sequence at once, without a cache."""
    weights = {name: value.astype(np.float64) for name, value in weights.items()}
    count = len(tokens)
    x = weights["embedding"][tokens] + weights["positions"][:count]
    size = x.shape[1] // heads
    future = np.triu(np.full((count, count), -np.inf), 1)
    for layer in range(layers):
        part = {
            name.rpartition(".")[2]: value for name, value in weights.items() if name.startswith(f"layers.{layer}.")
        }
        qkv = norm(x, part["attention_gain"]) @ part["qkv"].T
        q, k, v = qkv.reshape(count, 3, heads, size).transpose(1, 2, 0, 3)
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(size) + future
        chances = np.exp(scores - scores.max(axis=-1, keepdims=True))
        chances /= chances.sum(axis=-1, keepdims=True)
        x = x + (chances @ v).transpose(1, 0, 2).reshape(count, -1) @ part["out"].T
        x = x + np.maximum(norm(x, part["mlp_gain"]) @ part["up"].T, 0) @ part["down"].T
    return norm(x, weights["final_gain"]) @ weights["head"].T


def forced_logits(kernel, shape, lane):
    """Reference logits [steps, vocabulary] that decide the kernel's tokens, given its own tokens before them.

    Where their largest are the kernel's tokens, decoding by the reference alone chooses the same, by induction.
    """
    inputs = [*kernel.prompt()[lane], kernel.first()[lane], *kernel.tokens()[lane, :-1]]
    return reference_logits(kernel.weights(), shape["layers"], shape["heads"], inputs)[shape["context"] :]


@pytest.mark.parametrize("shape", SHAPES)
def test_tokens_and_logits_equal_the_reference(team, shape):
    kernel = Decode(team, **shape)
    kernel.run(shape["depth"])
    for lane in range(min(shape["width"], 3)):
        logits = forced_logits(kernel, shape, lane)
        np.testing.assert_array_equal(kernel.tokens()[lane], np.argmax(logits, axis=1))
        np.testing.assert_allclose(kernel.logits()[lane, 0], logits[-1], rtol=0, atol=TOLERANCE)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    head_dim=st.integers(1, 40),
    heads=st.integers(1, 5),
    layers=st.integers(1, 3),
    vocabulary=st.integers(1, 90),
    context=st.integers(0, 40),
    depth=st.integers(1, 9),
    width=st.integers(1, 20),
    seed=st.integers(-(2**62), 2**62),
)
def test_any_shape_gives_the_reference_logits(head_dim, heads, layers, vocabulary, context, depth, width, seed):
    kernel = Decode(Team(CPUS[:1]), head_dim * heads, layers, heads, vocabulary, context, depth, width, seed, True)
    kernel.run(depth)
    for lane in {0, width - 1}:
        logits = forced_logits(kernel, {"layers": layers, "heads": heads, "context": context}, lane)
        # A row of few entries can be near zero, and its norm then amplifies rounding.
        np.testing.assert_allclose(kernel.logits()[lane], logits, rtol=0, atol=10 * TOLERANCE)
        chosen = np.take_along_axis(logits, kernel.tokens()[lane, :, None], axis=1)[:, 0]
        assert np.all(chosen >= logits.max(axis=1) - 20 * TOLERANCE)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_prefill_equals_decoding_to_the_bit(team, shape, seed):
    shape = {**shape, "seed": seed}
    serial, wide = Decode(team, **shape), Decode(team, **shape, wide=True)
    for steps in {shape["depth"], 1}:
        serial.run(steps)
        wide.run(steps)
        assert wide.tokens().shape == (shape["width"], steps)
        np.testing.assert_array_equal(serial.tokens(), wide.tokens())
        np.testing.assert_array_equal(serial.logits()[:, 0], wide.logits()[:, -1])


def to_bf16(values):
    """To the nearest value whose lower 16 bits are zeros, of two as near the even one."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wide", [False, True])
def test_bf16_gives_what_fp32_gives_with_the_same_values(team, shape, wide):
    full, rounded, half = (Decode(team, **shape, wide=wide, weights=kept) for kept in ("fp32", "rounded", "bf16"))
    for name, values in full.weights().items():
        np.testing.assert_array_equal(rounded.weights()[name], to_bf16(values))
        np.testing.assert_array_equal(half.weights()[name], to_bf16(values))
    for kernel in (rounded, half):
        kernel.run(shape["depth"])
    np.testing.assert_array_equal(rounded.tokens(), half.tokens())
    np.testing.assert_array_equal(rounded.logits(), half.logits())
    full.run(shape["depth"])
    assert not np.array_equal(full.logits(), half.logits())


@pytest.mark.parametrize("shape", SHAPES)
def test_bf16_prefill_equals_decoding_to_the_bit(team, shape):
    serial, wide = Decode(team, **shape, weights="bf16"), Decode(team, **shape, wide=True, weights="bf16")
    for kernel in (serial, wide):
        kernel.run(shape["depth"])
    np.testing.assert_array_equal(serial.tokens(), wide.tokens())
    np.testing.assert_array_equal(serial.logits()[:, 0], wide.logits()[:, -1])


def test_bf16_tokens_equal_the_reference(team):
    kernel = Decode(team, **SMALL, weights="bf16")
    kernel.run(SMALL["depth"])
    for lane in range(SMALL["width"]):
        logits = forced_logits(kernel, SMALL, lane)
        np.testing.assert_array_equal(kernel.tokens()[lane], np.argmax(logits, axis=1))
        np.testing.assert_allclose(kernel.logits()[lane, 0], logits[-1], rtol=0, atol=TOLERANCE)


def test_refuses_weights_of_an_unknown_kind(team):
    with pytest.raises(ValueError, match="weights = 'fp8' is none of"):
        Decode(team, **SMALL, weights="fp8")


@pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wide", [False, True])
def test_two_threads_change_no_bit(team, shape, wide):
    one, two = Decode(team, **shape, wide=wide), Decode(Team(CPUS[:2]), **shape, wide=wide)
    for kernel in (one, two):
        kernel.run(shape["depth"])
    np.testing.assert_array_equal(one.tokens(), two.tokens())
    np.testing.assert_array_equal(one.logits(), two.logits())


def test_a_run_starts_at_the_context(team):
    kernel = Decode(team, **SMALL)
    kernel.run(8)
    tokens = kernel.tokens()
    kernel.run(3)
    np.testing.assert_array_equal(kernel.tokens(), tokens[:, :3])
    kernel.run(8)
    np.testing.assert_array_equal(kernel.tokens(), tokens)
    kernel.run(0)
    assert kernel.tokens().shape == (3, 0)


def test_lanes_and_seeds_differ_and_sequences_are_not_constant(team):
    kernel = Decode(team, **{**SMALL, "width": 16, "depth": 16})
    kernel.run(16)
    tokens = kernel.tokens()
    assert len(np.unique(tokens, axis=0)) == 16
    assert min(len(np.unique(lane)) for lane in tokens) >= 4
    assert kernel.prompt().shape == (16, 9)
    assert len(np.unique(kernel.prompt(), axis=0)) == 16
    other = Decode(team, **{**SMALL, "width": 16, "depth": 16, "seed": 2})
    assert not np.array_equal(kernel.prompt(), other.prompt())
    assert not np.array_equal(kernel.weights()["head"], other.weights()["head"])


PRINT_LOGITS = """
import os, sys, numpy as np
from serialprof._native import Decode, Team, instruction_set
team = Team([min(os.sched_getaffinity(0))])
kernel, half = (Decode(team, 36, 2, 3, 50, 5, 6, 7, 4, weights=kept) for kept in ("fp32", "bf16"))
kernel.run(6)
half.run(6)
print(instruction_set())
np.savez(sys.argv[1], tokens=kernel.tokens(), logits=kernel.logits(), half=half.logits(), half_tokens=half.tokens())
"""


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_agrees(team, level, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PRINT_LOGITS, str(tmp_path / "found.npz")],
        env={**os.environ, "SERIALPROF_ISA": level},
        capture_output=True,
        text=True,
    )
    if "no such level" in done.stderr:
        pytest.skip(f"this processor or build has no {level}")
    assert done.stdout.strip() == level, done.stderr
    kernel = Decode(team, 36, 2, 3, 50, 5, 6, 7, 4)
    half = Decode(team, 36, 2, 3, 50, 5, 6, 7, 4, weights="bf16")
    for each in (kernel, half):
        each.run(6)
    with np.load(tmp_path / "found.npz") as found:
        np.testing.assert_array_equal(found["tokens"], kernel.tokens())
        np.testing.assert_allclose(found["logits"], kernel.logits(), rtol=0, atol=TOLERANCE)
        np.testing.assert_array_equal(found["half_tokens"], half.tokens())
        np.testing.assert_allclose(found["half"], half.logits(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("model_dim", 0),
        ("model_dim", 2**14 + 1),
        ("layers", 0),
        ("heads", 0),
        ("heads", 33),
        ("heads", 5),
        ("vocabulary", 0),
        ("context", -1),
        ("depth", 0),
        ("width", 0),
        ("width", 10**12),
    ],
)
def test_refuses_what_is_out_of_range(team, argument, value):
    with pytest.raises(ValueError, match=f"{argument} = {value} "):
        Decode(team, **{**SMALL, argument: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 2**20, "depth": 2**20, "wide": True},
        {"width": 2**20, "context": 2**20},
        {"model_dim": 2**14, "layers": 2**10},
        {"vocabulary": 2**20, "model_dim": 2**13},
        {"vocabulary": 2**20, "width": 2**14},
    ],
)
def test_refuses_more_memory_than_it_should_take(team, changes):
    argument, value = next(iter(changes.items()))
    with pytest.raises(ValueError, match=f"{argument} = {value}\\b.*half of this machine's memory"):
        Decode(team, **{**SMALL, **changes})


def test_refuses_runs_that_it_cannot_do(team):
    serial, wide = (Decode(team, **SMALL, wide=form) for form in (False, True))
    for kernel in (serial, wide):
        for steps in (-1, 9):
            with pytest.raises(ValueError, match=f"steps = {steps} "):
                kernel.run(steps)
    ticks = np.zeros(9, dtype=np.int64)
    serial.run(8, ticks)
    assert np.all(np.diff(ticks) > 0)
    with pytest.raises(ValueError, match="ticks"):
        serial.run(8, ticks[:8])
    with pytest.raises(ValueError, match="wide form is a single step"):
        wide.run(8, ticks)


def test_refuses_a_missing_team():
    with pytest.raises(TypeError):
        Decode(None, **SMALL)
