# SPDX-License-Identifier: Apache-2.0
"""What is seen of a stepper's state changes where its state does, and only there."""

import itertools
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from serialprof.measure.visible import see_state
from serialprof.setting import Setting

GLOBAL = [0]


def counts() -> Callable[[], None]:
    n = 0

    def step() -> None:
        nonlocal n
        n += 1

    return step


def fills() -> Callable[[], None]:
    cells = np.zeros(4)

    def step() -> None:
        cells[0] += 1

    return step


def draws() -> Callable[[], None]:
    generator = np.random.default_rng(0)
    return lambda: generator.normal() and None


def advances() -> Callable[[], None]:
    walk = random.Random(0)

    def step() -> None:
        walk.random()

    return step


def counts_globally() -> Callable[[], None]:
    def step() -> None:
        GLOBAL[0] += 1

    return step


def helped() -> Callable[[], None]:
    helper = counts()

    def step() -> None:
        helper()

    return step


def method() -> Callable[[], None]:
    class Counter:
        __slots__ = ("n",)

        def __init__(self) -> None:
            self.n = 0

        def step(self) -> None:
            self.n += 1

    return Counter().step


def bound() -> Callable[[], None]:
    return partial(lambda cells: cells.append(1), [])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (counts, "n"),
        (fills, "cells"),
        (draws, "generator"),
        (advances, "walk"),
        (counts_globally, "GLOBAL"),
        (helped, "helper.n"),
        (method, "self.n"),
        (bound, "args[0]"),
    ],
)
def test_what_a_step_changes_is_named(make: Callable[[], Callable[[], None]], name: str) -> None:
    step = make()
    before = see_state(step)
    assert see_state(step) == before
    step()
    after = see_state(step)
    assert after.whole
    assert [key for key in after.parts if after.parts[key] != before.parts[key]] == [name]


def test_a_step_that_changes_nothing_shows_none() -> None:
    inputs, weights = np.ones(8), [1.0, 2.0]

    def step() -> Any:
        return np.tanh(inputs).sum() + max(weights)

    before = see_state(step)
    step()
    assert before.whole
    assert see_state(step) == before


@pytest.mark.parametrize("compiled", [itertools.count(), iter([1, 2]), (each for each in "ab")])
def test_what_tells_nothing_of_itself_is_not_seen_whole(compiled: Any) -> None:
    assert not see_state(lambda: next(compiled)).whole


def test_a_native_kernel_is_not_seen_whole() -> None:
    from serialprof import _native

    team = _native.Team([0])
    assert not see_state(lambda: team).whole


def test_what_refers_to_itself_ends_and_the_setting_is_not_read() -> None:
    ring: list[Any] = []
    ring.append(ring)
    setting = Setting()
    assert see_state(lambda: (ring, setting)).whole


def test_sets_have_the_same_digest_in_whatever_order() -> None:
    one, other = {f"a{n}" for n in range(40)}, {f"a{n}" for n in reversed(range(40))}
    assert see_state(lambda: one).parts["one"] == see_state(lambda: other).parts["other"]


def test_a_state_beyond_what_is_looked_at_is_not_seen_whole() -> None:
    many = list(range(200_000))
    assert not see_state(lambda: many).whole


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64"])
def test_tensors_are_seen(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.zeros((), dtype=getattr(torch, dtype))

    def step() -> None:
        tensor.add_(1)

    before = see_state(step)
    step()
    assert before.whole
    assert see_state(step) != before
