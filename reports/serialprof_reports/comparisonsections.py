# SPDX-License-Identifier: Apache-2.0
"""Sections of the page of a comparison in their order, each with the figures that answer it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from serialprof_reports import comparisoncurves as curves
from serialprof_reports import comparisonforest as forest
from serialprof_reports import comparisonlevers as levers
from serialprof_reports import comparisontables as tables
from serialprof_reports import comparisonwording as told
from serialprof_reports.comparisonwaterfall import waterfall
from serialprof_reports.pageparts import Panel, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from serialprof.model.comparison.records import Comparison, FamilyRatios, Pair
    from serialprof_reports.pageparts import Table

_RATIOS: Final = (
    "Step times of one run over those of the other, with 95 % intervals: right of 1x the second is faster. Hollow "
    "marks are the wide form, the same work without dependence between steps; diamonds are geometric means. Grey, "
    "where the interval holds 1x: the data cannot tell."
)
_COST: Final = (
    "Seconds of a step times the price of an hour of its machine: right of 1x the second makes more steps for the same "
    "money. Prices are taken as exact; what single points cost stands in the table of all points."
)
_PRODUCT: Final = (
    "What the ratio on serial work is made of: the clock by the meter, the cycles of a dependent operation and the "
    "latency of declared loads by the limits of the machines, and the rest: caches, traffic, barriers, instruction "
    "sets and code. Upwards a factor makes the second run faster, downwards slower; each begins where the one before "
    "it ends, and the last bar is what they multiply to."
)
_LEVERS: Final = (
    "Whether a faster clock or more threads would help one machine more than the other: by the fits of both runs for "
    "the clock, as measured for the threads. At 1 a step takes 1 % less time for 1 % more of it; at 0 nothing is "
    "gained; below 0, time is lost. Hollow marks are the ends of a bracket: anywhere between them. All on the fewest "
    "threads; the tables have all widths."
)
_CURVES: Final = (
    "The same serial points in both runs, with bands between the ends of their intervals: on the fewest threads and, "
    "dashed, on the most; at the narrowest width and, dashed, at the widest."
)


def sections(comparison: Comparison) -> tuple[Section, ...]:
    """What stands between comparability and the table of all points; sections that have nothing are left out."""
    pairs = comparison.pairs
    products = tuple(table for pair in pairs for table in tables.products(pair))
    found = (
        Section("ratios", "Ratios", _RATIOS, _panels(pairs, _ratios)),
        Section("cost", "Cost per step", _COST, _panels(pairs, _costs)),
        Section("product", "What it is made of", _PRODUCT, _panels(pairs, _product), products),
        Section("levers", "Clock and threads", _LEVERS, _panels(pairs, _levers)),
        Section("curves", "Step times", _CURVES, _panels(pairs, _curves)),
    )
    return tuple(section for section in found if section.panels)


def _panels(pairs: tuple[Pair, ...], panels_of: Callable[[Pair, str], Iterator[Panel]]) -> tuple[Panel, ...]:
    """The panels of all pairs, each named after its pair where there are several."""
    found = []
    for number, pair in enumerate(pairs):
        name = f"{pair.second} against {pair.first}: " if len(pairs) > 1 else ""
        found += [replace(panel, name=name + panel.name) for panel in panels_of(pair, str(number))]
    return tuple(found)


def _ratios(pair: Pair, number: str) -> Iterator[Panel]:
    yield Panel("All families", forest.means(pair, f"m{number}"), (tables.means(pair),))
    for index, family in enumerate(pair.families):
        own = (tables.points(family, pair), *_device(family, pair))
        yield Panel(family.name, forest.points(family, pair, f"f{number}-{index}"), own)


def _costs(pair: Pair, number: str) -> Iterator[Panel]:
    if any(item.cost is not None for kind in pair.kinds for item in kind.pooled):
        yield Panel("All families", forest.costs(pair, f"c{number}"), (tables.costs(pair),))


def _device(family: FamilyRatios, pair: Pair) -> Iterator[Table]:
    if family.device is not None:
        yield from tables.device(family.device, pair)


def _product(pair: Pair, number: str) -> Iterator[Panel]:
    products = told.products(pair)
    for index, (name, pooled) in enumerate(products):
        plot = waterfall(pooled, name, pair, f"p{number}-{index}")
        notes = tuple(told.untold([pooled])) if plot.markup else ()
        yield Panel(name, plot, (tables.factors(pooled),), notes=notes)


def _levers(pair: Pair, number: str) -> Iterator[Panel]:
    behind = tables.levers(pair)
    yield Panel("More clock", levers.clock(pair, f"lc{number}"), behind)
    yield Panel("More threads", levers.threads(pair, f"lt{number}"), behind)


def _curves(pair: Pair, number: str) -> Iterator[Panel]:
    for index, family in enumerate(pair.families):
        behind = (tables.points(family, pair),)
        yield Panel(family.name, curves.over_width(family, pair, f"w{number}-{index}"), behind)
        if len({item.place.threads for item in family.points}) > 1:
            yield Panel(family.name, curves.over_threads(family, pair, f"t{number}-{index}"), behind)
