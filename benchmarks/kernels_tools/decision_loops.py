# SPDX-License-Identifier: Apache-2.0
"""value and rollout as loops that numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

_FIRST = np.uint32(0x85EBCA6B)
_SECOND = np.uint32(0xC2B2AE35)


def _value(rewards: Any, chances: Any, successors: Any, values: Any, other: Any, discount: Any, steps: int) -> None:
    states, actions, branching = successors.shape
    for _ in range(steps):
        for state in numba.prange(states):
            best = np.float32(-np.inf)
            for action in range(actions):
                expected = np.float32(0)
                for outcome in range(branching):
                    expected += chances[state, action, outcome] * values[successors[state, action, outcome]]
                best = max(best, rewards[state, action] + discount * expected)
            other[state] = best
        values, other = other, values


def value_of(*, parallel: bool) -> Callable[..., None]:
    """Some backups, to and fro between two arrays of values."""
    return numba.njit(fastmath=True, parallel=parallel)(_value)


@numba.njit(inline="always")
def _scatter(bits: Any) -> Any:
    """The finaliser of MurmurHash3."""
    bits = np.uint32((bits ^ (bits >> np.uint32(16))) * _FIRST)
    bits = np.uint32((bits ^ (bits >> np.uint32(13))) * _SECOND)
    return np.uint32(bits ^ (bits >> np.uint32(16)))


def _rollout(preferences: Any, rewards: Any, successors: Any, keys: Any, returns: Any) -> None:
    states, actions, branching = successors.shape
    for lane in numba.prange(len(returns)):
        state, total = lane % states, 0
        for key in keys:
            draw = _scatter(_scatter(np.uint32(np.uint32(lane) + key)) ^ key)
            action = 0
            for other in range(1, actions):
                if preferences[state, other] > preferences[state, action]:
                    action = other
            total += rewards[state, action]
            state = successors[state, action, (np.uint64(draw) * np.uint64(branching)) >> np.uint64(32)]
        returns[lane] = total


def rollout_of(*, parallel: bool) -> Callable[..., None]:
    """The sum of every lane's rewards, after as many steps as keys."""
    return numba.njit(parallel=parallel)(_rollout)
