# SPDX-License-Identifier: Apache-2.0
"""What-if questions: which machine, which operating points, what they cost; and how people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias

from serialprof.errors import UsageError
from serialprof.units import parse_counts

#: Beyond this a factor on a machine is a slip of the pen, and so is its inverse.
MOST_FACTOR: Final = 1000.0

#: What a base or a price per thread lies between; beyond, it is a slip of the pen.
LEAST_COST: Final = 1e-9
MOST_COST: Final = 1e9

_NUMBER: Final = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_HOURS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Change:
    """A machine as factors on the one that was measured; 1 leaves a property alone.

    Attributes:
        clock: the core clock.
        barrier: what a barrier takes.
        dispatch: what launching or dispatching a step takes.
        memory_latency: what a dependent load takes beyond L2.
        bandwidth: at which traffic beyond L2 flows.
    """

    clock: float = 1.0
    barrier: float = 1.0
    dispatch: float = 1.0
    memory_latency: float = 1.0
    bandwidth: float = 1.0

    @property
    def nothing(self) -> bool:
        """Whether it is the measured machine."""
        return all(getattr(self, field.name) == 1 for field in fields(self))


@dataclass(frozen=True, slots=True)
class Times:
    """A count in multiples of the one that was measured."""

    factor: float


Level: TypeAlias = int | Times | None
"""A width or thread count: one and the same for all, a multiple of each, or as measured."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a setting costs by its threads: base + per_thread * p, both from 0 on and not both 0."""

    base: float
    per_thread: float

    def at(self, threads: int) -> float:
        """The cost of so many threads."""
        return self.base + self.per_thread * threads


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a stored run.

    Attributes:
        change: of the machine.
        threads: an exact count is asked of every measured setting, a multiple of each one's own.
        width: an exact one is looked at as it stands, a multiple is compared with each measured width.
        price: of an hour.
        watts: of the machine while it runs.
    """

    change: Change = Change()
    threads: Level = None
    width: Level = None
    price: Cost | None = None
    watts: Cost | None = None

    @property
    def alters(self) -> bool:
        """Whether other conditions are asked for, not only what the measured ones cost."""
        return not self.change.nothing or self.threads is not None or self.width is not None

    @property
    def nothing(self) -> bool:
        """Whether nothing is asked."""
        return self == Question()


def level_of(level: Level, count: int) -> int | None:
    """The count that a level stands for beside a measured one; None where that is no whole number from 1 on."""
    if not isinstance(level, Times):
        return count if level is None else level
    wanted = count * level.factor
    return round(wanted) if round(wanted) >= 1 and math.isclose(wanted, round(wanted), rel_tol=1e-9) else None


def parse_factor(text: str, what: str) -> float:
    """A factor from "+10%", "-5%", "x2" or "0.8x".

    Args:
        text: as it was written.
        what: which option it belongs to, for the message: "clock".

    Raises:
        UsageError: it is none, or none that a machine could change by.
    """
    if match := re.fullmatch(rf"\s*([+-])\s*({_NUMBER})\s*%\s*", text):
        factor = 1 + float(match[1] + match[2]) / 100
    elif match := re.fullmatch(rf"\s*(?:x\s*({_NUMBER})|({_NUMBER})\s*x)\s*", text):
        factor = float(match[1] or match[2])
    else:
        raise UsageError(f"{what} {text!r} is no factor", f"write it like --{what} +10%, -5%, x2 or 0.8x")
    if not 1 / MOST_FACTOR <= factor <= MOST_FACTOR:
        raise UsageError(
            f"{what} {text!r} is {factor:g} times what was measured",
            f"give a factor between x{1 / MOST_FACTOR:g} and x{MOST_FACTOR:g}",
        )
    return factor


def parse_level(text: str, what: str) -> int | Times:
    """A count from "4" or "64Ki", or a multiple from "x2", "0.5x" or "+100%".

    Raises:
        UsageError: it is neither.
    """
    if re.search(r"[x%]", text):
        return Times(parse_factor(text, what))
    try:
        (count,) = parse_counts(text, what)
    except (UsageError, ValueError):
        raise UsageError(
            f"{what} {text!r} is neither a whole number from 1 on nor a factor", f"write it like --{what} 4 or x2"
        ) from None
    return count


def parse_cost(text: str, what: str) -> Cost:
    """A cost from "BASE+PER_THREAD", such as "0.10+0.04".

    Raises:
        UsageError: it is none, or nothing, or nothing that could be meant.
    """
    match = re.fullmatch(rf"\s*({_NUMBER})\s*\+\s*({_NUMBER})\s*", text)
    if match is None:
        raise UsageError(f"{what} {text!r} is no BASE+PER_THREAD", f"write it like --{what} 0.10+0.04")
    base, per_thread = map(float, match.groups())
    if base == per_thread == 0:
        raise UsageError(f"{what} {text!r} costs nothing", "give a base or a price per thread above 0")
    if any(part and not LEAST_COST <= part <= MOST_COST for part in (base, per_thread)):
        raise UsageError(
            f"{what} {text!r} is no cost that could be meant",
            f"give a base and a price per thread of 0, or between {LEAST_COST:g} and {MOST_COST:g}",
        )
    return Cost(base, per_thread)


def per_hour(rate: float) -> float:
    """What a rate per second comes to in an hour."""
    return rate * _HOURS


def question_of(asked: Mapping[str, float | str]) -> Question:
    """A question as people ask it.

    Args:
        asked: by name, factors on the machine (the fields of `Change`), threads and width as counts or factors, price
            and watts as "BASE+PER_THREAD".

    Raises:
        UsageError: something is no factor, count or cost, or nothing that can be asked; the message names it.
    """
    factors = {field.name for field in fields(Change)}
    whole: dict[str, Callable[[str, str], Any]] = {
        "threads": parse_level,
        "width": parse_level,
        "price": parse_cost,
        "watts": parse_cost,
    }
    for name in asked:
        if name not in factors and name not in whole:
            raise UsageError(f"{name!r} is nothing that can be asked", f"ask {', '.join([*sorted(factors), *whole])}")
    change = {name: _factor(asked[name], name) for name in asked if name in factors}
    return Question(Change(**change), **{name: whole[name](str(asked[name]), name) for name in asked if name in whole})


def _factor(factor: float | str, what: str) -> float:
    return parse_factor(factor if isinstance(factor, str) else f"x{factor}", what)
