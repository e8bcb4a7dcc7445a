# SPDX-License-Identifier: Apache-2.0
"""value: value iteration over a Markov decision process in sparse tables; one step backs up every state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof._native import Team, Value
from serialprof.catalog import Affine, Work, workload
from serialprof_workloads.declared import FLOAT, dot_chain, reduction_chain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serialprof.setting import Setting

SETS: Final = 16  # of values, that the wide form takes through the tables together
COMPACT_STATES: Final = 65536  # as many successors as 16 bits can name
CHECKED_STATES: Final = 4096
CHECKED_STEPS: Final = 8
TOLERANCE: Final = 1e-5  # values are up to 1 / (1 - discount) = 20; float32 has 6e-8 of that, a backup a few roundings


class ValueStepper:
    """The native kernel with its known answer, for one setting."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._team = Team(setting.cpus)
        self._kernel = self._built(setting.width, setting.depth)
        self.run = self.trace = self._kernel.run

    def _built(self, width: int, depth: int) -> Value:
        setting = self._setting
        actions, branching = setting.integer("actions"), setting.integer("branching")
        wide, discount = setting.form == "wide", discount_of(setting)
        return Value(self._team, width, setting.seed, depth, wide, actions, branching, discount)

    def check(self) -> None:
        """Compares a few backups of up to 4096 states with NumPy in double precision.

        Raises:
            AssertionError: a value is off by more than the tolerance.
        """
        import numpy as np  # a worker is started often, and checks once

        steps = min(self._setting.depth, CHECKED_STEPS)
        kernel = self._built(min(self._setting.width, CHECKED_STATES), steps)
        kernel.run(steps)
        wanted, discount = kernel.start().astype(float), self._setting.number("discount")
        for _ in range(1 if self._setting.form == "wide" else steps):
            wanted = backed_up(kernel.tables(), wanted, discount)
        error = np.abs(kernel.values() - wanted).max()
        assert error <= TOLERANCE, f"value: off by {error}"


def backed_up(
    tables: dict[str, NDArray[np.float64]], values: NDArray[np.float64], discount: float
) -> NDArray[np.float64]:
    """One backup in double precision: values [S] or [S, sets] to the same."""
    import numpy as np

    expected = np.einsum("sak,sak...->sa...", tables["probabilities"], values[tables["successors"]])
    rewards = tables["rewards"].reshape(tables["rewards"].shape + (1,) * (values.ndim - 1))
    best: NDArray[np.float64] = (rewards + discount * expected).max(axis=1)
    return best


def discount_of(setting: Setting) -> float:
    """The discount of later rewards.

    Raises:
        ValueError: it is none from 0 to below 1.
    """
    discount = setting.number("discount")
    if not 0 <= discount < 1:
        raise ValueError(f"discount = {discount!r} lies outside [0, 1)")
    return discount


def work(setting: Setting) -> Work:
    """Declared work of one backup; conventions in declared.py.

    FLOP: conversion, multiplication and addition per outcome; discount, reward and maximum per action. Bytes: the
    tables, which a step reads from end to end, and the values read and written once; successors' values are found in a
    nearer cache than the tables. In the wide form SETS sets of values pass through the tables together.

    Raises:
        ValueError: there are no such actions, outcomes or discount.
    """
    discount_of(setting)
    actions, branching = setting.integer("actions"), setting.integer("branching")
    outcome = 2 + (2 if setting.width <= COMPACT_STATES else 4)
    tables = actions * (FLOAT + branching * outcome)
    sets = SETS if setting.form == "wide" else 1
    return Work(
        serial_ops=dot_chain(branching) + 1 + reduction_chain(actions),
        flops=Affine(0, actions * (3 * branching + 3)),
        bytes=Affine(0, tables / sets + 2 * FLOAT),
        footprint=Affine(0, tables + 2 * FLOAT * sets),
        barriers=int(setting.threads > 1),
        written=Affine(0, FLOAT),
        arithmetic="fp32",
    )


@workload(
    depth="backups",
    width="states",
    widths=(256, 1024, 8192, 65536, 524288),
    quick_widths=(256, 1024, 8192, 65536),
    default_depth=32,
    parameters={"actions": 4, "branching": 4, "discount": 0.95},
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
    hatch="log(error) / log(discount) backups are enough; those of one fixed policy can be squared, log2 as many",
)
def value(setting: Setting) -> ValueStepper:
    """Value iteration: one Bellman backup of all states per step."""
    return ValueStepper(setting)
