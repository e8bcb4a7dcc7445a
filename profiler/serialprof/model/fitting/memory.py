# SPDX-License-Identifier: Apache-2.0
"""What traffic and dependent loads beyond L2 cost on a machine, by its measured ladders."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

from serialprof.limits import Limits
from serialprof.model.fitting.cells import Cell


@dataclass(frozen=True)
class Memory:
    """The measured ladders, and where they begin to matter.

    Attributes:
        limits: the ladders.
        l2: bytes of one L2 cache, None where unknown.
    """

    limits: Limits
    l2: int | None

    @classmethod
    def of(cls, limits: Limits, l2: int | None) -> Memory:
        """The same without rungs and caches that are no measurement (not finite, or not positive)."""
        stream = tuple(rung for rung in limits.stream if _sound(rung.footprint, rung.bandwidth, rung.threads))
        chase = tuple(rung for rung in limits.chase if _sound(rung.footprint, rung.seconds, rung.threads))
        barriers = tuple(
            rung
            for rung in limits.barriers
            if _sound(rung.threads) and all(math.isfinite(x) and x >= 0 for x in (rung.grain, rung.seconds, rung.error))
        )
        return cls(replace(limits, stream=stream, chase=chase, barriers=barriers), l2 if l2 and l2 > 0 else None)

    def unknown(self, cell: Cell) -> str:
        """Why the seconds beyond L2 cannot be told at a cell; empty where they can."""
        if cell.work is None:
            return "no bytes are declared, so memory traffic is part of the width compute"
        if self.l2 is None:
            return "the size of the L2 cache is unknown, so memory traffic is part of the width compute"
        if self.fits(cell):
            return ""
        streams = cell.work.bytes.at(cell.width) > 0
        if streams and not self.limits.stream:
            return "no bandwidth ladder was measured, so memory traffic is part of the width compute"
        if (cell.work.loads.at(cell.width) > 0 or cell.work.serial_loads > 0) and not self.limits.chase:
            return "no latency ladder was measured, so dependent loads are part of the serial chain and width compute"
        return ""

    def fits(self, cell: Cell) -> bool:
        """Whether the footprint is known to fit L2."""
        return cell.work is not None and self.l2 is not None and cell.work.footprint.at(cell.width) <= self.l2

    def seconds(self, cell: Cell) -> float:
        """bytes(W) * (1 / bandwidth(footprint, p) - 1 / bandwidth(L2 / 2, p)), at least 0.

        The ladder is of p threads together, so it is not divided by p again; half of L2 is surely inside it.
        """
        if cell.work is None or self.l2 is None or self.fits(cell):
            return 0.0
        outside = self._bandwidth(cell.work.footprint.at(cell.width), cell.threads)
        inside = self._bandwidth(self.l2 / 2, cell.threads)
        if not outside or not inside:
            return 0.0
        return max(0.0, cell.work.bytes.at(cell.width) * (1 / outside - 1 / inside))

    def load(self, cell: Cell) -> float:
        """What one dependent load takes beyond L2: latency(footprint, p) - latency(L2 / 2, p), at least 0."""
        if cell.work is None or self.l2 is None or self.fits(cell):
            return 0.0
        outside = self._latency(cell.work.footprint.at(cell.width), cell.threads)
        inside = self._latency(self.l2 / 2, cell.threads)
        return max(0.0, outside - inside) if outside and inside else 0.0

    @cached_property
    def barrier(self) -> Callable[[int, float], float]:
        """`measured_barrier` of so many threads at a grain, asked for as often as the ladders."""
        return cache(partial(measured_barrier, self.limits))

    @cached_property
    def _bandwidth(self) -> Callable[[float, int], float | None]:
        """`Limits.bandwidth`, which a fit asks for the same few places thousands of times."""
        return cache(self.limits.bandwidth)

    @cached_property
    def _latency(self) -> Callable[[float, int], float | None]:
        return cache(self.limits.latency)


def measured_barrier(limits: Limits, threads: int, grain: float) -> float:
    """Seconds of a barrier of so many threads at a grain; in proportion to p - 1 beyond the largest count measured."""
    counts = {rung.threads for rung in limits.barriers}
    known = threads if threads in counts else max((count for count in counts if count < threads), default=0)
    rung = limits.barrier(known, grain) if known > 1 else None
    return 0.0 if rung is None else rung.seconds * (threads - 1) / (known - 1)


def _sound(*quantities: float) -> bool:
    return all(0 < quantity < math.inf for quantity in quantities)
