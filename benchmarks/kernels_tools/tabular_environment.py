# SPDX-License-Identifier: Apache-2.0
"""The world model of rollout as an environment of gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium

from serialprof_workloads.rollout import WORD, scatter


class Tabular(gymnasium.Env[int, int]):
    """One rollout: rewards and successors in tables, outcomes drawn by its lane and the step.

    Args:
        tables: as our kernel holds them.
        keys: of the draws, by step.
        lane: which rollout.
    """

    def __init__(self, tables: dict[str, Any], keys: list[int], lane: int) -> None:
        self._rewards, self._successors = tables["rewards"], tables["successors"]
        self._keys, self._lane = keys, lane
        states, actions, _ = self._successors.shape
        self.observation_space = gymnasium.spaces.Discrete(states)
        self.action_space = gymnasium.spaces.Discrete(actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Starts anew where its lane starts."""
        super().reset(seed=seed, options=options)
        self._state, self._at = self._lane % len(self._successors), 0
        return self._state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Takes an action."""
        key = self._keys[self._at]
        draw = scatter(scatter(self._lane + key & WORD) ^ key)
        reward = self._rewards[self._state, action]
        self._state = int(self._successors[self._state, action, draw * self._successors.shape[2] >> 32])
        self._at += 1
        return self._state, float(reward), False, False, {}
