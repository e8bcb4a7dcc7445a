# SPDX-License-Identifier: Apache-2.0
"""The plan of a run: which points, in which randomized blocks, within which budget."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from serialprof.catalog import Description, Work
from serialprof.setting import Setting


@dataclass(frozen=True, slots=True)
class Family:
    """What one fit is about: a workload with its parameters, mode, device and element type; width, threads and form vary.

    Two points are comparable where their families are equal.
    """

    workload: str
    mode: str
    device: str
    dtype: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One cell of the sweep.

    Attributes:
        id: its number in the plan, from 0.
        workload: the reference by which the workload was asked for.
        setting: the knobs.
        work: what a step of the serial form declares, None where undeclared.
    """

    id: int
    workload: str
    setting: Setting
    work: Work | None = None

    @property
    def family(self) -> Family:
        """The fit that this point belongs to."""
        setting = self.setting
        parameters = tuple(sorted((name, str(value)) for name, value in setting.parameters.items()))
        return Family(self.workload, setting.mode, setting.device, setting.dtype, parameters)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run sets out to do.

    Attributes:
        descriptions: the workloads, as their worker described them.
        points: every cell, ids ascending.
        budget: seconds of sampling, an upper bound.
        precision: relative half-width of the step time at which sampling stops early.
        blocks: blocks that the budget is divided into, at least intervals.MINIMUM_UNITS.
        processes: rounds of fresh worker processes that the blocks are spread over.
        seed: of the drawn order.
        quick: whether this is the short form.
    """

    descriptions: tuple[Description, ...]
    points: tuple[Point, ...]
    budget: float
    precision: float
    blocks: int
    processes: int
    seed: int
    quick: bool = False

    def description(self, reference: str) -> Description:
        """The description of a workload of this plan."""
        return next(item for item in self.descriptions if item.reference == reference)

    def order(self, block: int) -> list[Point]:
        """The points of a block in the order of their visits: drawn from seed and block, so that it can be redrawn.

        Workloads, and the widths within each, are shuffled. The points of one width, which will be compared (serial and
        wide form, thread counts), stay together, and every second block visits them in reverse: ABBA, so that a linear
        drift cancels from their ratios.
        """
        draw = random.Random(f"{self.seed}/{block // 2}")  # noqa: S311 - an order, not a secret
        order: list[Point] = []
        for family in _shuffled(draw, _grouped(self.points, lambda point: point.family)):
            for group in _shuffled(draw, _grouped(family, lambda point: point.setting.width)):
                members = group[:]
                draw.shuffle(members)
                order.extend(members)
        return order if block % 2 == 0 else order[::-1]

    def process_round(self, block: int) -> int:
        """Which round of worker processes visits a block."""
        return block * self.processes // self.blocks


def _grouped(points: Sequence[Point], key) -> list[list[Point]]:  # type: ignore[no-untyped-def]
    return [list(group) for _, group in groupby(sorted(points, key=lambda point: str(key(point))), key=key)]


def _shuffled(draw: random.Random, groups: list[list[Point]]) -> Iterator[list[Point]]:
    return iter(draw.sample(groups, len(groups)))
