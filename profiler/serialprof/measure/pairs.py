# SPDX-License-Identifier: Apache-2.0
"""The pair probe: finds CPUs that share a physical core although a guest's topology does not say so.

A loop of independent multiply-adds fills the ports of a core by itself. Two CPUs on two cores do twice the work of one;
two SMT siblings do hardly more than one, however well their threads are interleaved.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from serialprof._native import Team, fma_peak

#: Below this share of what the two CPUs do one at a time, they count as siblings: the middle between what siblings
#: (0.5) and separate cores (1) give. Cores would have to lose a quarter in every repetition, siblings to gain a half.
SIBLING_RATIO: Final = 0.75

_ROUNDS: Final = (5, 25)  # fewest, for many CPUs, and most
_SECONDS: Final = 0.8  # of all timings together
_LONGEST: Final = 2e-3  # seconds of one timing; the shortest is one in which a barrier does not show
_SHORTEST: Final = 50e-6
_FIRST_OPS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class PairReading:
    """What two CPUs do one at a time and together, each the best of some timings.

    Attributes:
        first, second: the CPUs.
        alone: FLOP/s of the one plus FLOP/s of the other, each by itself.
        together: FLOP/s of both at once.
    """

    first: int
    second: int
    alone: float
    together: float

    @property
    def ratio(self) -> float:
        """What is left of the two when they work at once: near 0.5 for siblings, near 1 for separate cores."""
        return self.together / self.alone


def probe_pairs(cpus: Sequence[int]) -> tuple[PairReading, ...]:
    """Reads the pairs of CPUs in which guests place siblings (`pairings`), in about a second up to 1600 CPUs.

    Binds the calling thread to one CPU after the other and gives it back its CPUs at the end, so it belongs in a
    process, or at least a thread, of its own. Timings of all pairs take turns, so that a disturbance that passes does
    not meet all repetitions of one pair. Empty where the system cannot bind threads to CPUs.

    Args:
        cpus: CPUs that this process may use; those that the kernel already calls siblings may be among them.

    Raises:
        OSError: a CPU may not be used.
    """
    pairs = pairings(cpus)
    if not pairs or not hasattr(os, "sched_setaffinity"):
        return ()
    members = sorted({cpu for pair in pairs for cpu in pair})
    timings = len(members) + len(pairs)
    rounds = max(_ROUNDS[0], min(_ROUNDS[1], int(_SECONDS / (timings * _LONGEST))))
    best: dict[tuple[int, ...], float] = {}
    with _own_cpus_kept():
        ops = _ops_for(members[0], max(_SHORTEST, min(_LONGEST, _SECONDS / (rounds * timings))))
        teams = {key: _team(key) for key in (*((cpu,) for cpu in members), *pairs)}
        for _ in range(rounds):
            for key, team in teams.items():
                os.sched_setaffinity(0, key[:1])
                best[key] = max(best.get(key, 0.0), fma_peak(team, ops))
    return tuple(
        PairReading(first, second, best[first,] + best[second,], best[first, second]) for first, second in pairs
    )


def hidden_siblings(readings: Iterable[PairReading]) -> tuple[tuple[int, int], ...]:
    """The pairs that share a physical core: those whose ratio lies below `SIBLING_RATIO`; pure."""
    return tuple((reading.first, reading.second) for reading in readings if reading.ratio < SIBLING_RATIO)


def pairings(cpus: Iterable[int], total: int | None = None) -> tuple[tuple[int, int], ...]:
    """The pairs in which guests place siblings, by CPU number: (0, 1), (2, 3).., and i with i + half of all CPUs; pure.

    Args:
        cpus: CPUs that may be used; a pair with another one is left out.
        total: how many CPUs the machine has, as the system tells unless it is said.
    """
    usable = sorted(set(cpus))
    half = (total or os.cpu_count() or 0) // 2
    wanted = {(cpu, cpu + 1) for cpu in usable if cpu % 2 == 0} | {
        (cpu, cpu + half) for cpu in usable if 0 <= cpu < half
    }
    return tuple(sorted(pair for pair in wanted if pair[1] in usable))


def _ops_for(cpu: int, seconds: float) -> int:
    """Operations per thread that take about `seconds` on a CPU by itself."""
    os.sched_setaffinity(0, {cpu})
    team = Team([cpu])
    rate = max(fma_peak(team, _FIRST_OPS) for _ in range(_ROUNDS[0]))
    return max(1, int(rate * seconds))


def _team(cpus: tuple[int, ...]) -> Team:
    os.sched_setaffinity(0, cpus[:1])
    return Team(list(cpus))


@contextmanager
def _own_cpus_kept() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
