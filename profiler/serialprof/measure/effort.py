# SPDX-License-Identifier: Apache-2.0
"""How long the machine's limits are measured: three forms, each with a bound that it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serialprof.limits import Part


@dataclass(frozen=True, slots=True)
class Effort:
    """One form of measuring the limits.

    Attributes:
        quick: whether it has fewer rungs and grains.
        bound: seconds in which everything is done, processes, torch's import and all; what is not done by then is given
            up.
        seconds: what each part aims at once its process runs, in the order in which they are measured; torch's import
            comes on top.
    """

    quick: bool
    bound: float
    seconds: dict[Part, float]


QUICK: Final = Effort(
    quick=True,
    bound=8.0,
    seconds={"chains": 0.2, "fma": 0.2, "chase": 2.8, "stream": 1.2, "barriers": 1.0, "dispatch": 0.2},
)
"""The form of ten seconds, with what else a command does."""

BRIEF: Final = Effort(
    quick=False,
    bound=28.0,
    seconds={"chains": 1.0, "fma": 1.0, "chase": 7.0, "stream": 4.0, "barriers": 6.0, "dispatch": 1.0},
)
"""Every rung of the full form, in less time: what a run measures where nothing is known yet."""

FULL: Final = Effort(
    quick=False,
    bound=116.0,
    seconds={"chains": 3.0, "fma": 3.0, "chase": 28.0, "stream": 16.0, "barriers": 24.0, "dispatch": 2.0},
)
"""The form of two minutes, with what else a command does."""
