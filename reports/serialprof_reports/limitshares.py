# SPDX-License-Identifier: Apache-2.0
"""How near steps come to the limit that binds them, in words and cells."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from serialprof.units import format_count
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from serialprof.model.limitshares import Limit, LimitShare
    from serialprof.model.results import FamilyAnalysis
    from serialprof.planning import Point

NAMES: Final[dict[Limit, str]] = {
    "chain": "latency of the chain",
    "loads": "latency of loads",
    "bandwidth": "bandwidth",
    "arithmetic": "peak of arithmetic",
    "barriers": "cost of barriers",
}

_CORE: Final = frozenset({"chain", "arithmetic"})
#: By how much a share may surely exceed 1 as the clock wanders between the limits and the run.
_WANDER: Final = 0.1
_ABOVE: Final = "what exceeds 100 % met a faster machine than its limits, or a nearer cache"
_SILENT: Final = "what its operations are was not declared, so by memory and barriers alone"


def told(family: FamilyAnalysis) -> str:
    """Which limit binds where, and how near the steps come to it; empty where no work is declared."""
    shares = sorted(family.limit_shares, key=lambda item: (item.threads, item.width))
    parts = [
        f"on {wording.threads(threads)} {', '.join(_stretches(list(items), wording.axis(family)))}"
        for threads, items in groupby(shares, key=lambda item: item.threads)
    ]
    if shares and not any(floor.limit in _CORE for item in shares for floor in item.floors):
        parts.append(_SILENT)
    if any((item.share.low or 0.0) > 1 + _WANDER for item in shares):
        parts.append(_ABOVE)
    return "; ".join(parts)


def of_point(family: FamilyAnalysis, point: Point) -> LimitShare | None:
    """The share of a point of the serial form at the reference clock."""
    return next((item for item in family.limit_shares if item.point == point.id), None)


def share_of(family: FamilyAnalysis, width: int, threads: int) -> str:
    """The share of the limit at an operating point, for a narrow column."""
    here = (item for item in family.limit_shares if (item.width, item.threads) == (width, threads))
    return next(map(percent, here), wording.MISSING)


def percent(item: LimitShare) -> str:
    """The share: "85 %"."""
    return f"{round(100 * (item.share.value or 0.0))} %"


def _stretches(items: Sequence[LimitShare], axis: str) -> Iterator[str]:
    """Neighbouring widths that the same limit binds: "bandwidth 85 % at W = 4, 82 % at 16"."""
    for binding, stretch in groupby(items, key=lambda item: item.binding):
        first, *others = ((percent(item), format_count(item.width)) for item in stretch)
        places = [f"{first[0]} at {axis} = {first[1]}", *(f"{share} at {width}" for share, width in others)]
        yield f"{NAMES[binding]} {', '.join(places)}"
