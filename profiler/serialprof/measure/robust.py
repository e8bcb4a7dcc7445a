# SPDX-License-Identifier: Apache-2.0
"""Values of readings of which some were disturbed, and what tells that they were."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path


def undisturbed(seconds: Sequence[float]) -> float:
    """The lower quartile of at least one timing: disturbances only add, so they may hit three quarters of them."""
    return sorted(seconds)[len(seconds) // 4]


def midmean(values: Sequence[float]) -> tuple[float, float]:
    """The mean of the middle half of at least two values, and its standard error.

    For differences, which disturbances push either way. The error is that of a trimmed mean by its winsorised deviation
    (Tukey and McLaughlin, "Less vulnerable confidence and significance procedures for location", Sankhya A 25, 1963).
    """
    ordered = sorted(values)
    cut = len(ordered) // 4
    middle = ordered[cut : len(ordered) - cut]
    winsorised = [middle[0]] * cut + middle + [middle[-1]] * cut
    kept = len(middle) / len(ordered)
    return statistics.fmean(middle), statistics.stdev(winsorised) / (kept * math.sqrt(len(ordered)))


def waited(tasks: Path = Path("/proc/self/task")) -> float:
    """Seconds that the threads of this process waited in run queues so far, ready and kept from running.

    0 where the system does not tell.
    """
    try:
        return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks.iterdir()) * 1e-9
    except (OSError, ValueError, IndexError):
        return 0.0
