# SPDX-License-Identifier: Apache-2.0
"""Operating points of the serial form, and what declared work comes to there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, log
from typing import Final

import numpy as np

from serialprof.catalog import Work

#: Lanes that are a whole number but for rounding are one.
_ROUNDING: Final = 1e-9
#: So many lanes split evenly over any number of threads.
_MANY: Final = 1e12


@dataclass(frozen=True, slots=True)
class Cell:
    """An operating point of the serial form: width, threads, and the work that a step declares.

    Attributes:
        width: independent lanes.
        threads: threads that share a step.
        work: declared per step, None where undeclared.
        step: measured seconds per step here or nearby, 0 where unknown; it only says how far apart barriers lie.
        clock: measured core clock over the highest at the reference clock; 1 where clocks were left alone.
        lowered: whether another clock than the reference of the sweep (`sweep.reference_clock`) was asked for here.
    """

    width: float
    threads: int
    work: Work | None
    step: float = 0.0
    clock: float = 1.0
    lowered: bool = False

    @property
    def share(self) -> float:
        """By how much p threads shorten the width work: lanes / ceil(lanes / p), for a lane is not cut in two."""
        declared = self.width if self.work is None else self.work.lanes.at(self.width)
        lanes = max(1, ceil(min(max(0.0, declared), _MANY) - _ROUNDING))  # what is no number counts as none
        return lanes / -(-lanes // self.threads)

    @property
    def operations(self) -> float:
        """flops(W) less those on the chain, which no thread can take over (Brent 1974); lanes where undeclared."""
        if self.work is None:
            return self.width
        declared = self.work.flops.at(self.width)  # what is no number of operations stays one, for the fit to refuse
        return float(np.minimum(declared, np.maximum(0.0, declared - self.work.serial_ops)))

    @property
    def barriers(self) -> int:
        """Barriers of a step: none on one thread, one where undeclared."""
        if self.threads < 2:
            return 0
        return 1 if self.work is None else self.work.barriers

    @property
    def grain(self) -> float:
        """Seconds between two barriers, 0 where unknown."""
        return self.step / self.barriers if self.barriers else 0.0


def nearest(cells: Sequence[Cell], width: float, threads: int | None = None) -> Cell:
    """A cell at a width (and a thread count), with work, step and clock of the one measured nearest to it in ratio.

    It is one at the reference clock of the sweep.
    """

    def distance(cell: Cell) -> float:
        other = cell.threads if threads is None else threads
        return abs(log(cell.width / width)) + abs(log(cell.threads / other))

    closest = min((cell for cell in cells if not cell.lowered), key=distance)
    return replace(closest, width=width, threads=closest.threads if threads is None else threads)
