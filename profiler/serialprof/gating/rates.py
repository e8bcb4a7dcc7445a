# SPDX-License-Identifier: Apache-2.0
"""How often gates come out in a way, with exact bounds, and how many pairs a gate needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import variance
from typing import Final

from serialprof.gating.judging import FAIL_ERROR
from serialprof.gating.records import LOOKS

#: One-sided error of the bounds of a rate, and share of regressions that a gate should catch.
RATE_ERROR: Final = 0.05
WANTED_POWER: Final = 0.95
#: Most pairs that are looked through for enough of them.
_MOST_PAIRS: Final = 1000
#: Standard errors beyond the tolerance from which on nothing is missed; the library loses its digits further out.
_FAR: Final = 30.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A count of gates among all that were tried.

    Attributes:
        events: gates that came out in the way in question.
        trials: all of them.
    """

    events: int
    trials: int

    @property
    def value(self) -> float | None:
        """The share, None where nothing was tried."""
        return self.events / self.trials if self.trials else None

    @property
    def at_most(self) -> float:
        """Exact one-sided upper bound of the chance, 95 % (Clopper and Pearson 1934)."""
        from scipy.special import betaincinv  # lazily: the command line's --help must not pay for it

        if self.events == self.trials:
            return 1.0
        return float(betaincinv(self.events + 1, self.trials - self.events, 1 - RATE_ERROR))

    @property
    def at_least(self) -> float:
        """Exact one-sided lower bound of the chance, 95 %."""
        from scipy.special import betaincinv

        if self.events == 0:
            return 0.0
        return float(betaincinv(self.events, self.trials - self.events + 1, RATE_ERROR))


def gates_without_event(share: float) -> int:
    """How many gates, none of which comes out in a way, bound its chance by a share: (1 - share)^n <= RATE_ERROR."""
    return math.ceil(math.log(RATE_ERROR) / math.log1p(-share))


def pooled_spread(gates: Sequence[Sequence[float]]) -> float:
    """Standard deviation of a pair's log ratio within gates, pooled over them.

    Args:
        gates: log ratios per pair, two at least of each gate; every gate has a mean of its own.
    """
    freedom = sum(len(logs) - 1 for logs in gates)
    return math.sqrt(math.fsum((len(logs) - 1) * variance(logs) for logs in gates) / freedom)


def power(pairs: int, spread: float, slower: float, tolerance: float) -> float:
    """The chance that one look at so many pairs fails what is slower.

    By Student's noncentral t, for pairs that are normal, at the level that is corrected for all looks. What a gate may
    do before, at fewer pairs, is left out: a failure there adds to the chance, a pass (1 % per look at the most, where
    it is slower by the mde) takes from it.

    Args:
        pairs: two at least.
        spread: standard deviation of a pair's log ratio.
        slower: the true slow-down, as a share.
        tolerance: of the gate, as a share.
    """
    from scipy.special import nctdtr

    distance = (math.log1p(slower) - math.log1p(tolerance)) * math.sqrt(pairs)
    if distance >= _FAR * spread:
        return 1.0
    return 1 - float(nctdtr(pairs - 1, distance / spread, _critical(pairs)))


def pairs_for(spread: float, slower: float, tolerance: float) -> int | None:
    """The fewest pairs, as many as a first look has at least, of WANTED_POWER; None where a thousand do not suffice."""
    for pairs in range(LOOKS[0], _MOST_PAIRS + 1):
        if power(pairs, spread, slower, tolerance) >= WANTED_POWER:
            return pairs
    return None


def smallest_caught(pairs: int, spread: float, tolerance: float) -> float:
    """The smallest slow-down, as a share, that one look at so many pairs fails with WANTED_POWER."""
    from scipy.special import nctdtrinc

    distance = float(nctdtrinc(pairs - 1, 1 - WANTED_POWER, _critical(pairs)))
    return math.expm1(math.log1p(tolerance) + distance * spread / math.sqrt(pairs))


def _critical(pairs: int) -> float:
    """The t value that a look at so many pairs has to exceed."""
    from scipy.special import stdtrit

    return float(stdtrit(pairs - 1, 1 - FAIL_ERROR / len(LOOKS)))
