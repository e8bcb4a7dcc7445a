# SPDX-License-Identifier: Apache-2.0
"""The verdict of a comparison, in sentences made of its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from serialprof.model.comparison.records import OTHER, Kind, Pooled
from serialprof.model.wording import listed, ratio

_WHERE: Final = {"cpu": "", "cuda": " on CUDA devices"}


def verdict(kinds: Sequence[Kind], first: str, second: str) -> str:
    """What two runs say of each other, a sentence per kind of device.

    Args:
        kinds: geometric means over the shared points.
        first: label of the run that is the measure.
        second: label of the run that is compared with it.
    """
    return " ".join(_sentence(kind, first, second) for kind in kinds)


def _sentence(kind: Kind, first: str, second: str) -> str:
    told = [
        _clause(pooled, first, second, after=place > 0 and _told_apart(kind.pooled[place - 1]))
        for place, pooled in enumerate(kind.pooled)
    ]
    serial = next((pooled for pooled in kind.pooled if pooled.form == "serial"), None)
    product = "" if serial is None else _product(serial)
    where = _WHERE.get(kind.device, f" on {kind.device}")
    return f"{', and '.join(told)}{where}{product}.{_money(kind, first, second)}"


def _money(kind: Kind, first: str, second: str) -> str:
    """What either machine makes for the same money: a sentence; empty without prices."""
    told = [f"{ratio(pooled.cost)} the {pooled.form} steps" for pooled in kind.pooled if pooled.cost is not None]
    return f" For the same money {second} makes {listed(told)} of {first}." if told else ""


def _clause(pooled: Pooled, first: str, second: str, *, after: bool) -> str:
    """One form in words; after a clause that says which run is faster, who is compared is not said again."""
    work = f"on {pooled.form} work"
    found = pooled.ratio
    subject, than = ("", "") if after else (f"{second} is ", f" than {first}")
    if found.low is None or found.high is None:
        return f"{second} is {ratio(found)} as fast as {first} {work} (no interval: too few blocks)"
    if found.low > 1:
        return f"{subject}{ratio(found)} faster{than} {work}"
    if found.high < 1:
        return f"{subject}slower{than} {work}, {ratio(found)} as fast"
    if found.low == found.high:
        return f"{second} is exactly as fast as {first} {work}"
    return f"the data cannot tell {first} from {second} {work} ({ratio(found)})"


def _told_apart(pooled: Pooled) -> bool:
    """Whether one run is surely faster."""
    low, high = pooled.ratio.low, pooled.ratio.high
    return low is not None and high is not None and (low > 1 or high < 1)


def _product(serial: Pooled) -> str:
    """The factors with values: "of the 1.34, 1.21 is clock and 1.03 other"; empty where only the rest is told."""
    told = [(item.name, item.factor.value) for item in serial.factors if item.factor.value is not None]
    if serial.ratio.value is None or all(name == OTHER for name, _ in told):
        return ""
    words = list(_words(told))
    return f"; of the {serial.ratio.value:.2f}, {listed(words)}"


def _words(told: Sequence[tuple[str, float]]) -> Iterator[str]:
    for position, (name, value) in enumerate(told):
        yield f"{value:.2f} is {name}" if not position else f"{value:.2f} {name}"
