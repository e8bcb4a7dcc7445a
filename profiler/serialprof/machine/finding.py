# SPDX-License-Identifier: Apache-2.0
"""One thing that was looked at on a machine, and from where on it counts as a cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

State: TypeAlias = Literal["good", "costs", "unknown"]

#: Above these, something counts as a cost; a run aims at step times to 2 %.
LOST: Final = 0.005  # share of a CPU's time in interruptions, or of the samples that were left out
STOLEN: Final = 0.005  # share of the CPUs' time
WANDER: Final = 0.01  # spread of the clock between its 5th and 95th percentile
STEAL_STEP: Final = 0.01  # seconds in which the kernel counts steal
FEWEST_CLOCKS: Final = 20  # readings of a clock that say how far it moved


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what was looked at.
        state: "good" where there is nothing to mend, "costs" where it spoils or limits measurements, "unknown" where
            it cannot be told here.
        what: one sentence.
        cost: how much, where that was measured; else empty.
        remedy: the command that mends it, empty where none does.
    """

    name: str
    state: State
    what: str
    cost: str = ""
    remedy: str = ""


def cpu_list(cpus: Iterable[int]) -> str:
    """CPU numbers for people and for taskset, neighbours joined: (0, 1, 2, 8) is "0-2,8"."""
    runs: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: counted(1, "CPU") is "1 CPU", counted(2, "CPU") "2 CPUs"."""
    return f"{count} {one}" if count == 1 else f"{count} {many or one + 's'}"
