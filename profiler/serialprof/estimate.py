# SPDX-License-Identifier: Apache-2.0
"""The one type of every number that has an interval, a one-sided bound, or a reason for not existing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with what is known of its uncertainty.

    Attributes:
        value: the point estimate in `unit`, or None where the data give none.
        low: lower end of the interval, or None where nothing bounds it from below.
        high: upper end, likewise.
        unit: SI unit ("s", "Hz", "B", "FLOP/s", "1" for shares and ratios).
        level: coverage of [low, high], 0.95 unless said otherwise.
        reason: why `value` or an end is missing, or what the interval assumes; empty where there is nothing to say.
        remedy: what would identify a missing value, empty where nothing is missing or nothing is known to help.

    An unknown dispersion is None, never 0. A bracket has both ends and no value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    level: float = 0.95
    reason: str = ""
    remedy: str = ""

    @classmethod
    def unknown(cls, reason: str, unit: str = "1", remedy: str = "") -> Estimate:
        """An estimate that does not exist, with the reason."""
        return cls(None, unit=unit, reason=reason, remedy=remedy)

    @classmethod
    def bracket(cls, low: float, high: float, reason: str, unit: str = "1", remedy: str = "") -> Estimate:
        """Both ends known, no point in between preferred."""
        return cls(None, low, high, unit=unit, reason=reason, remedy=remedy)

    @property
    def identified(self) -> bool:
        """Whether the data give a value."""
        return self.value is not None

    @property
    def bounded(self) -> bool:
        """Whether both ends of the interval are known."""
        return self.low is not None and self.high is not None

    @property
    def half_width(self) -> float | None:
        """Half the interval's width in `unit`, None where an end is missing."""
        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2

    def scaled(self, factor: float, unit: str) -> Estimate:
        """The same estimate times a positive constant, in another unit."""
        value, low, high = (None if end is None else end * factor for end in (self.value, self.low, self.high))
        return Estimate(value, low, high, unit, self.level, self.reason, self.remedy)
