# SPDX-License-Identifier: Apache-2.0
"""rollout: greedy rollouts through a world model in tables; the wide form is one model-free pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serialprof._native import Rollout, Team
from serialprof.catalog import Affine, Work, workload
from serialprof_workloads.declared import reduction_chain

if TYPE_CHECKING:
    from serialprof.setting import Setting

WORD: Final = 2**32 - 1
DRAW_OPS: Final = 20  # two scatters of eight operations, key and lane, scaling
INDEX_OPS: Final = 4
CHECKED_LANES: Final = 32
CHECKED_STEPS: Final = 64


def scatter(bits: int) -> int:
    """The finaliser of MurmurHash3."""
    bits = (bits ^ bits >> 16) * 0x85EBCA6B & WORD
    bits = (bits ^ bits >> 13) * 0xC2B2AE35 & WORD
    return bits ^ bits >> 16


def reference(tables: dict[str, Any], lane: int, keys: list[int], wide: bool) -> tuple[int, int]:
    """State and return of a lane after as many steps as keys, in Python's integers."""
    states, _, branching = tables["successors"].shape
    state, total = lane % states, 0
    for key in keys:
        draw = scatter(scatter(lane + key & WORD) ^ key)
        if wide:
            state = scatter(draw ^ key) * states >> 32
        action = int(tables["preferences"][state].argmax())
        total += int(tables["rewards"][state, action])
        state = int(tables["successors"][state, action, draw * branching >> 32])
    return state, total


class RolloutStepper:
    """The native kernel with its known answer, for one setting."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._team = Team(setting.cpus)
        self._kernel = self._built(setting.width, setting.depth)
        self.run = self.trace = self._kernel.run

    def _built(self, width: int, depth: int) -> Rollout:
        setting = self._setting
        states, actions, branching = (setting.integer(name) for name in ("states", "actions", "branching"))
        return Rollout(self._team, width, setting.seed, depth, setting.form == "wide", states, actions, branching)

    def check(self) -> None:
        """Compares a short run of up to 32 rollouts with Python's integers.

        Raises:
            AssertionError: a state or a return differs.
        """
        wide, steps = self._setting.form == "wide", min(self._setting.depth, CHECKED_STEPS)
        kernel = self._built(min(self._setting.width, CHECKED_LANES), steps)
        kernel.run(steps)
        tables, keys, returns = kernel.tables(), kernel.keys(steps), kernel.returns().tolist()
        wanted = [reference(tables, lane, keys, wide) for lane in range(len(returns))]
        assert returns == [total for _, total in wanted], "rollout: a return differs"
        assert wide or kernel.states().tolist() == [state for state, _ in wanted], "rollout: a state differs"


def work(setting: Setting) -> Work:
    """Declared work of one step, in integer operations.

    The chain is two loads, preferences and then the outcome that depends on their maximum, with a comparison and a
    selection per level of the maximum's tree. Loads of other rollouts overlap with them; draws depend on counters alone
    and are no part of the chain. Bytes: state and return of every lane, read and written; the lines of the tables that
    many rollouts bring nearer have no limit, and are not declared.
    """
    states, actions, branching = (setting.integer(name) for name in ("states", "actions", "branching"))
    return Work(
        serial_ops=2 * reduction_chain(actions) + INDEX_OPS,
        flops=Affine(0, (DRAW_OPS + 2 * (actions - 1) + INDEX_OPS + 1) / 2),  # two numbers of 32 bits share a word
        bytes=Affine(0, 24),
        footprint=Affine(4 * states * actions * (2 + branching), 12),
        barriers=0,
        serial_loads=2,
        written=Affine(0, 12),
        arithmetic="words",
    )


@workload(
    depth="steps",
    width="rollouts",
    widths=(1, 16, 256, 4096, 65536),
    quick_widths=(1, 16, 256, 4096),
    default_depth=1024,
    parameters={"states": 4096, "actions": 4, "branching": 4},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="model-free estimates, as the wide form; or steps composed as tables over all states, log2(steps) rounds",
)
def rollout(setting: Setting) -> RolloutStepper:
    """Model-based rollouts: every rollout goes to its next state by a greedy policy and a drawn outcome."""
    return RolloutStepper(setting)
