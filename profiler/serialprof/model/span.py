# SPDX-License-Identifier: Apache-2.0
"""How well two clocks tell the share of a step that does not scale with the clock."""

from __future__ import annotations

import math
from typing import Final

#: Two-sided 95 % quantile of the normal distribution.
_NORMAL: Final = 1.96

#: Half-width of the non-scaling share above which a clock sweep spans too little.
WIDEST: Final = 0.1


def non_scaling_share(ratio: float, noise: float, units: int, share: float = 0.0) -> tuple[float, float]:
    """The 95 % interval of the non-scaling share n of a step, cut to [0, 1], where n is `share`.

    At the lower of two clocks a step takes T = n T + (1 - n) T, at `ratio` r times that clock n T + (1 - n) T / r. So
    n = (R - 1 / r) / (1 - 1 / r) with the measured R = T' / T, whose relative standard error is noise x sqrt(2 / units)
    where every unit has both. The half-width is therefore 1.96 noise sqrt(2 / units) (1 + n (r - 1)) / (r - 1).

    Args:
        ratio: the higher clock over the lower, above 1.
        noise: relative standard deviation of one unit's step time.
        units: independent units (blocks) that have both clocks.
        share: the true one.
    """
    half = _NORMAL * noise * math.sqrt(2 / units) * (1 + share * (ratio - 1)) / (ratio - 1)
    return max(0.0, share - half), min(1.0, share + half)


def needed_ratio(noise: float, units: int, widest: float = WIDEST) -> float:
    """The ratio of two clocks from which the interval of a step that scales in full (n = 0) ends at `widest`."""
    return 1 + _NORMAL * noise * math.sqrt(2 / units) / widest
