# SPDX-License-Identifier: Apache-2.0
"""Student's t interval of a mean: the only interval that held its level with few independent units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

#: Fewest independent units that an interval is given for.
MINIMUM_UNITS: Final = 5


def half_width(values: Sequence[float], level: float = 0.95) -> float | None:
    """Half the width of the t interval of the mean of independent values; None below MINIMUM_UNITS of them."""
    count = len(values)
    if count < MINIMUM_UNITS:
        return None
    from scipy.special import stdtrit  # lazily: the command line's --help must not pay for it

    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return float(stdtrit(count - 1, (1 + level) / 2)) * math.sqrt(variance / count)
