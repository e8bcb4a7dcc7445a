# SPDX-License-Identifier: Apache-2.0
"""How a comparison is worded: shared by all its renderers, pure functions of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof.estimate import Estimate
from serialprof.model.comparison.records import OTHER
from serialprof.model.wording import ratio
from serialprof.units import format_si
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serialprof.model.comparison.records import FamilyRatios, Pair, Pooled, Side
    from serialprof.question import Cost

#: Name and version of the JSON object; the version rises when a key changes its meaning or disappears.
SCHEMA: Final = {"name": "serialprof.comparison", "version": 1}
LEGEND: Final = (
    "ratio: step time of the first over that of the second, so above 1x the second is faster; intervals count the "
    "blocks of two independent runs, and tell these runs, not another hour"
)
#: Costs are told of so many steps.
STEPS: Final = 1e9
COST_OF: Final = "10^9 steps"

_DEVICES: Final = {"cpu": "all", "cuda": "all on CUDA"}


def everything(device: str) -> str:
    """All families on a kind of device, in a word or three."""
    return _DEVICES.get(device, f"all on {device}")


def side(side: Side) -> str:
    """A run in a line."""
    facts = [
        f"{side.name}: {side.processor} on {side.host}",
        cores(side),
        clock(side),
        f"in {side.hypervisor}" if side.hypervisor else "no hypervisor known",
        *side.gpus,
        wording.date(side.started),
        *([price(side.price)] if side.price is not None else []),
    ]
    return ", ".join(facts)


def cores(side: Side) -> str:
    """How many CPUs on how many cores."""
    return f"{side.cpus} CPU{'s' if side.cpus != 1 else ''} on {side.cores} core{'s' if side.cores != 1 else ''}"


def clock(side: Side) -> str:
    """The clock of a run's machine."""
    return "clock not read" if side.clock is None else f"{format_si(side.clock, 'Hz')} by meter"


def price(price: Cost) -> str:
    """A price in words: "0.1 + 0.04 per thread an hour"."""
    threads = f" + {price.per_thread:g} per thread" if price.per_thread else ""
    return f"{price.base:g}{threads} an hour"


def cost(estimate: Estimate) -> str:
    """What STEPS steps cost, to three digits, with half the interval."""
    if estimate.value is None:
        return wording.MISSING
    told = estimate.value * STEPS
    return (f"{told:.3g}" if told < 1000 else f"{told:.0f}") + wording.spread(estimate)


def alone(pair: Pair) -> str:
    """How many points two runs share, and how many one of them has alone."""
    counts = [(pair.first, pair.first_only), (pair.second, pair.second_only)]
    return ", ".join(
        [f"{pair.shared} points shared", *(f"{count} only in {label}" for label, count in counts if count)]
    )


def serial(pooled: Sequence[Pooled]) -> Pooled | None:
    """The geometric mean over the serial form, None where no serial point is shared."""
    return next((item for item in pooled if item.form == "serial"), None)


def products(pair: Pair) -> list[tuple[str, Pooled]]:
    """The serial ratios over all families, and family by family where there are several."""
    rows = [(everything(kind.device), serial(kind.pooled)) for kind in pair.kinds]
    rows += [(family.name, serial(family.pooled)) for family in pair.families if len(pair.families) > 1]
    return [(name, pooled) for name, pooled in rows if pooled is not None]


def factors(known: Sequence[Pooled]) -> list[str]:
    """The names of all their factors, the rest last."""
    names = dict.fromkeys(item.name for pooled in known for item in pooled.factors)
    return sorted(names, key=lambda name: name == OTHER)


def untold(told: Sequence[Pooled]) -> list[str]:
    """Why factors have no value, each reason once."""
    found = (
        f"{item.name}, which lies in other: {item.factor.reason}"
        + (f"; told by {item.factor.remedy}" if item.factor.remedy else "")
        for pooled in told
        for item in pooled.factors
        if item.factor.value is None
    )
    return list(dict.fromkeys(found))


def knee(knee: Estimate) -> str:
    """From which batch on steps grow, or why that is not told."""
    if knee.value is None and knee.reason:
        return knee.reason
    return f"B = {wording.with_interval(knee, lambda width: format_si(width, ''))}"


def axis(family: FamilyRatios) -> str:
    """What stands for the width; B would be taken for the second run."""
    return "W" if family.device is None else "batch"


def compact(estimate: Estimate) -> str:
    """A ratio with half its interval in per cent: "1.34x ±4%"; a bracket by its ends."""
    if estimate.value is not None:
        return ratio(Estimate(estimate.value)) + wording.spread(estimate)
    if estimate.low is not None and estimate.high is not None:
        return f"{estimate.low:.2f}..{estimate.high:.2f}x"
    return "not told"


def faster(found: Estimate, pair: Pair) -> str:
    """The label of the run that surely is, "unclear" where the interval holds 1."""
    if found.low is None or found.high is None:
        return wording.MISSING
    if found.low > 1:
        return pair.second
    return pair.first if found.high < 1 else "unclear"
