# SPDX-License-Identifier: Apache-2.0
"""A program whose serial share is known by construction: what a profiler of serial shares must recover.

In units of one dependent multiply, one step on p threads takes serial_ops + W / p * lane_ops: all lanes of a thread
form one chain, so neither a compiler nor an out-of-order core finds parallelism in them. Nothing but the serial chain
is independent of W.

With overlap = 1, on one thread, the serial chain and the lanes run side by side, and a step takes
max(serial_ops, W * lane_ops): a knee at W = serial_ops / lane_ops, below which lanes cost nothing.

Loads are counted by what one of them takes, in multiplies. A load_cost that is given makes every process plant the same
number of them; without it (0) each process measures the cost once, and numbers may differ between processes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from serialprof import _native
from serialprof.catalog import Affine, Work, workload
from serialprof.setting import Setting

REFERENCE_WIDTH: Final = 64
MINIMUM_LANE_OPS: Final = 16
SERIAL_MULTIPLIER: Final = 6364136223846793005
MOST_LOAD_COST: Final = 1e6  # multiplies
CHECK_STEPS: Final = 2
LINE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """What one step is made of, in whole operations.

    Attributes:
        serial_ops: dependent multiplies of the serial part.
        lane_ops: dependent multiplies of one lane.
        lane_loads: dependent loads of one lane.
        lane_time: what a lane takes, in multiplies: lane_ops plus the measured cost of its loads.
    """

    serial_ops: int
    lane_ops: int
    lane_loads: int
    lane_time: float

    @property
    def share(self) -> float:
        """The serial part's share of a step's time with 64 lanes on one thread, where nothing overlaps."""
        return self.serial_ops / (self.serial_ops + REFERENCE_WIDTH * self.lane_time)

    @property
    def memory_share(self) -> float:
        """The loads' share of that step's time."""
        loads = self.lane_time - self.lane_ops
        return REFERENCE_WIDTH * loads / (self.serial_ops + REFERENCE_WIDTH * self.lane_time)

    @property
    def knee(self) -> float:
        """The width at which the lanes of one thread take as long as the serial part."""
        return self.serial_ops / self.lane_time


def plan(share: float, step_ops: int, memory: float = 0.0, load_cost: float = 1.0) -> Plan:
    """Chooses whole numbers of operations that meet a serial share.

    Args:
        share: serial share of a step's time with 64 lanes on one thread, in [0.01, 0.99].
        step_ops: length of such a step in multiplies.
        memory: share of a lane's time that it spends in dependent loads, in [0, 1].
        load_cost: what a dependent load takes, in multiplies.

    Raises:
        ValueError: an argument is out of range, or too small a step leaves a lane fewer than 16 multiplies.
    """
    if not 0.01 <= share <= 0.99:
        raise ValueError(f"share = {share} lies outside [0.01, 0.99]")
    if not 0.0 <= memory <= 1.0:
        raise ValueError(f"memory = {memory} lies outside [0, 1]")
    wanted = round(step_ops * (1.0 - share) / REFERENCE_WIDTH)
    if wanted < MINIMUM_LANE_OPS:
        least = MINIMUM_LANE_OPS * REFERENCE_WIDTH / (1.0 - share)
        raise ValueError(f"step_ops = {step_ops} is too small for share = {share}; take at least {least:.0f}")
    lane_loads = round(wanted * memory / load_cost)
    lane_ops = max(0, wanted - round(lane_loads * load_cost))
    lane_time = lane_ops + lane_loads * load_cost
    return Plan(max(1, round(share / (1.0 - share) * REFERENCE_WIDTH * lane_time)), lane_ops, lane_loads, lane_time)


@lru_cache(maxsize=8)
def load_cost(footprint: int, loads: int = 4096) -> float:
    """What a dependent load over a footprint in bytes takes, in dependent multiplies.

    From the least of seven timings of each, once per process, on the CPU that the caller runs on. A share planted with
    loads is as exact as this.
    """
    team = _native.Team([0])
    chase = _native.Planted(team, 1, 0, 1, lane_loads=loads, footprint_bytes=footprint)
    multiplies = _native.Planted(team, 4 * loads, 0, 1)
    for kernel in (chase, multiplies):
        kernel.run(1 + footprint // LINE_BYTES // loads)
    load_seconds = min(_step_seconds(chase) for _ in range(7)) / loads
    multiply_seconds = min(_step_seconds(multiplies) for _ in range(7)) / (4 * loads)
    return load_seconds / multiply_seconds


def _step_seconds(kernel: _native.Planted, steps: int = 32) -> float:
    start = time.perf_counter()
    kernel.run(steps)
    return (time.perf_counter() - start) / steps


def planned(setting: Setting) -> Plan:
    """The operations of a step at a setting; measures what a load costs where the setting has loads and gives no cost.

    Raises:
        ValueError: a parameter is out of range, or does not go with overlap.
    """
    memory = setting.number("memory")
    if overlaps(setting) and (setting.threads > 1 or memory > 0.0):
        given = f"threads = {setting.threads}" if setting.threads > 1 else f"memory = {memory:g}"
        raise ValueError(f"overlap = 1 is for one thread without loads, not for {given}")
    cost = setting.number("load_cost")
    if not 0.0 <= cost <= MOST_LOAD_COST:
        raise ValueError(f"load_cost = {cost} lies outside [0, {MOST_LOAD_COST:g}]")
    if memory > 0.0 and not cost:
        cost = load_cost(setting.integer("footprint"))
    return plan(setting.number("share"), setting.integer("step_ops"), memory, cost or 1.0)


def overlaps(setting: Setting) -> bool:
    """Whether a setting has the two chains run side by side.

    Raises:
        ValueError: overlap is neither 0 nor 1.
    """
    overlap = setting.integer("overlap", least=0)
    if overlap > 1:
        raise ValueError(f"overlap = {overlap} is neither 0 nor 1")
    return overlap == 1


def planted_share(setting: Setting) -> float:
    """The exact serial share that a setting plants with 64 lanes on one thread, after rounding to whole operations."""
    return planned(setting).share


def planted_memory(setting: Setting) -> float:
    """The share of loads that a setting plants with 64 lanes on one thread: as exact as the cost of a load."""
    return planned(setting).memory_share


def planted_knee(setting: Setting) -> float:
    """The width at which the lanes of one thread take as many multiplies as the serial chain.

    Where a setting overlaps the two, steps take no longer up to it, and grow with W from it on.
    """
    return planned(setting).knee


def reference(serial_ops: int, lane_ops: int, width: int, steps: int, seed: int = 0) -> int:
    """The serial form's state after `steps` steps, in exact integers."""
    factor = pow(SERIAL_MULTIPLIER, serial_ops - 1, 2**64)
    for lane in range(width):
        factor = factor * pow(2 * (seed + lane) + 3, lane_ops, 2**64) % 2**64
    return (2 * seed + 1) * pow(factor, steps, 2**64) % 2**64


class PlantedStepper:
    """The native planted program with its known answer."""

    def __init__(self, setting: Setting) -> None:
        self.plan = planned(setting)
        self._setting = setting
        self._team = _native.Team(setting.cpus)
        self._kernel = self._built(setting.form == "wide")
        self.run = self.trace = self._kernel.run

    def _built(self, wide: bool) -> _native.Planted:
        loads = self.plan.lane_loads
        return _native.Planted(
            self._team,
            self.plan.serial_ops,
            self.plan.lane_ops,
            self._setting.width,
            self._setting.seed,
            wide,
            loads,
            self._setting.integer("footprint") if loads else 0,
            overlaps(self._setting),
        )

    def check(self) -> None:
        """Compares the state after two serial steps with exact integers.

        Raises:
            AssertionError: it differs.
        """
        kernel = self._built(wide=False)
        kernel.run(CHECK_STEPS)
        wanted = reference(
            self.plan.serial_ops, self.plan.lane_ops, self._setting.width, CHECK_STEPS, self._setting.seed
        )
        assert kernel.value == wanted, "planted: the state differs from exact arithmetic"


def work(setting: Setting) -> Work:
    """Declared work of one step: nothing but its chain is independent of W."""
    step = planned(setting)
    return Work(
        serial_ops=float(step.serial_ops),
        flops=Affine(float(step.serial_ops), float(step.lane_ops)),
        bytes=Affine(),
        footprint=Affine(float(setting.integer("footprint")) if step.lane_loads else 0.0, 8.0),
        lanes=Affine(0.0, 1.0),
        barriers=2 * int(setting.threads > 1),
        loads=Affine(0.0, float(step.lane_loads)),
        written=Affine(),
        arithmetic="multiplies",
    )


@workload(
    depth="steps",
    width="lanes",
    widths=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    quick_widths=(1, 16, 64, 256),
    default_depth=16,
    parameters={
        "share": 0.5,
        "step_ops": 40_000,
        "memory": 0.0,
        "footprint": 64 * 2**20,
        "load_cost": 0.0,
        "overlap": 0,
    },
    forms=("serial", "wide"),
    modes=("native",),
    work=work,
)
def planted(setting: Setting) -> PlantedStepper:
    """A program whose serial share is known by construction."""
    return PlantedStepper(setting)
