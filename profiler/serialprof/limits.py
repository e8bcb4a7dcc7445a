# SPDX-License-Identifier: Apache-2.0
"""What a machine can do at best, as measured by `measure.probes` and kept in the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class ChaseRung:
    """Seconds of one dependent load at a footprint in bytes."""

    footprint: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StreamRung:
    """Read bandwidth in bytes per second of a number of threads together, at a footprint in bytes."""

    footprint: int
    threads: int
    bandwidth: float


@dataclass(frozen=True, slots=True)
class Limits:
    """Measured limits of a machine.

    Attributes:
        clock: core clock in hertz by the clock meter while the limits were measured.
        chains: seconds per dependent operation, by operation ("add", "multiply", "fma", "divide").
        chase: pointer chase over rising footprints, one thread.
        stream: read bandwidth over rising footprints, for one thread and for more.
        fma: FLOP/s of fp32 fused multiply-adds on one thread.
        barrier: seconds of one barrier, by number of threads.
    """

    clock: float | None = None
    chains: dict[str, float] = field(default_factory=dict)
    chase: tuple[ChaseRung, ...] = ()
    stream: tuple[StreamRung, ...] = ()
    fma: float | None = None
    barrier: dict[int, float] = field(default_factory=dict)

    def bandwidth(self, footprint: float, threads: int) -> float | None:
        """Read bandwidth in bytes per second at a footprint in bytes, interpolated between rungs in log-log.

        The rungs of the nearest measured number of threads not above `threads` are used; beyond the ends the last rung
        holds. None where nothing was measured.
        """
        measured = sorted({rung.threads for rung in self.stream if rung.threads <= threads})
        if not measured:
            return None
        rungs = sorted((rung.footprint, rung.bandwidth) for rung in self.stream if rung.threads == measured[-1])
        return _log_interpolate(rungs, footprint)


def _log_interpolate(rungs: Sequence[tuple[float, float]], x: float) -> float:
    """Piecewise linear in ln x and ln y, constant beyond the ends; rungs sorted by x, positive, at least one."""
    if x <= rungs[0][0]:
        return rungs[0][1]
    for (x0, y0), (x1, y1) in pairwise(rungs):
        if x <= x1:
            share = math.log(x / x0) / math.log(x1 / x0)
            return math.exp(math.log(y0) + share * math.log(y1 / y0))
    return rungs[-1][1]
