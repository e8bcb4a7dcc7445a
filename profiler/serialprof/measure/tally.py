# SPDX-License-Identifier: Apache-2.0
"""What the samples of a run say so far, point by point and block by block."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from serialprof.intervals import half_width, midmean
from serialprof.records import Visit


class Tally:
    """Sums up sound samples.

    Attributes:
        logs: ln of seconds per run(D), by point and block: the midmean of the block's samples so far.
    """

    def __init__(self) -> None:
        self._samples: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
        self.logs: defaultdict[int, dict[int, float]] = defaultdict(dict)

    def add(self, visit: Visit) -> None:
        """Takes up a visit."""
        kept = [sample.seconds / visit.runs for sample in visit.sound if sample.seconds > 0]
        if kept:
            seconds = self._samples[visit.point, visit.block]
            seconds += kept
            self.logs[visit.point][visit.block] = math.log(midmean(seconds))

    def seconds(self, calibrated: Mapping[int, float]) -> dict[int, float]:
        """Seconds of one run(D) by point: as sampled, else as calibrated."""
        logs = {point: self.logs[point].values() for point in calibrated if self.logs.get(point)}
        return {**calibrated, **{point: math.exp(midmean(list(own))) for point, own in logs.items()}}

    def precise(self, points: Iterable[int], precision: float) -> bool:
        """Whether the interval of every point is as narrow as asked for; relative widths are those of ln T."""
        for point in points:
            width = half_width(list(self.logs[point].values()))
            if width is None or width > precision:
                return False
        return True
