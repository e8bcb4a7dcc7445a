# SPDX-License-Identifier: Apache-2.0
"""Tables of the page of a comparison: what differs, and the numbers behind its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from serialprof.model.comparison.records import CLOCK, OTHER
from serialprof.model.wording import ratio
from serialprof.units import format_count
from serialprof_reports import comparisonwording as told
from serialprof_reports import wording
from serialprof_reports.pageparts import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.estimate import Estimate
    from serialprof.model.comparison.records import BesideDevice, FamilyRatios, Pair, PointRatio, Pooled

#: What factors are known by that say nothing of it themselves.
_BY: Final = {CLOCK: "the clock meter beside the samples", OTHER: "what is left of the ratio", "ratio": "step times"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, and what it is sorted by: a number as text, or words; empty where nothing is known, which comes last."""

    text: str
    key: str


@dataclass(frozen=True, slots=True)
class SortedTable:
    """A table whose rows the reader may put in the order of any column; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def mismatches(pair: Pair) -> tuple[Table, ...]:
    """In what two runs differ beside their machines; nothing where they do not."""
    rows = tuple((item.what, item.first, item.second, item.matters) for item in pair.mismatches)
    title = f"What differs beside the machines, {pair.second} against {pair.first}"
    columns = ("what", pair.first, pair.second, "why it matters")
    return (Table(title, columns, rows, ends_in_words=True),) if rows else ()


def means(pair: Pair) -> Table:
    """Geometric means of every family and over all of them."""
    rows = tuple(
        (name, item.form, str(item.points), ratio(item.ratio), told.faster(item.ratio, pair))
        for name, item in _pooled(pair)
    )
    return Table("Geometric means", ("family", "form", "points", "ratio", "faster"), rows)


def costs(pair: Pair) -> Table:
    """What the second run makes for the price of a step on the first, the geometric means."""
    rows = tuple(
        (name, item.form, str(item.points), ratio(item.cost)) for name, item in _pooled(pair) if item.cost is not None
    )
    return Table("Cost of a step", ("family", "form", "points", f"{pair.first} / {pair.second}"), rows)


def _pooled(pair: Pair) -> list[tuple[str, Pooled]]:
    families = [(family.name, item) for family in pair.families for item in family.pooled]
    return families + [(told.everything(kind.device), item) for kind in pair.kinds for item in kind.pooled]


def points(family: FamilyRatios, pair: Pair) -> Table:
    """The shared points of a family."""
    columns = ("form", "threads", told.axis(family), pair.first, pair.second, "ratio", "faster")
    rows = tuple(
        (
            item.place.form,
            str(item.place.threads),
            format_count(item.place.width),
            wording.compact_step(item.first),
            wording.compact_step(item.second),
            ratio(item.ratio),
            told.faster(item.ratio, pair),
        )
        for item in family.points
    )
    return Table(f"Shared points, {family.name}", columns, rows)


def products(pair: Pair) -> tuple[Table, ...]:
    """The serial ratios taken apart, over all families and one by one; nothing where no serial point is shared."""
    known = told.products(pair)
    names = told.factors([pooled for _, pooled in known])
    rows = tuple(
        (
            name,
            told.compact(pooled.ratio),
            *("1" if each is None else told.compact(each) for each in map(pooled.factor, names)),
        )
        for name, pooled in known
    )
    title = f"Factors of the serial ratio, {pair.second} against {pair.first}"
    return (Table(title, ("serial work", "ratio", *names), rows),) if rows else ()


def factors(pooled: Pooled) -> Table:
    """The factors of one serial ratio with their intervals, and what they assume or why they are not told."""
    named = [(item.name, item.factor) for item in pooled.factors] + [("ratio", pooled.ratio)]
    rows = [(name, _times(factor), factor.reason or _BY.get(name, wording.MISSING)) for name, factor in named]
    return Table("Factors", ("factor", "times", "by"), tuple(rows), ends_in_words=True)


def _times(estimate: Estimate) -> str:
    return told.compact(estimate) if estimate.value is None else ratio(estimate)


def levers(pair: Pair) -> tuple[Table, ...]:
    """How strongly both runs follow clock and threads, at all the operating points."""
    rows = tuple(
        (
            family.name,
            "clock"
            if item.lever.more_threads is None
            else f"{item.lever.threads} to {item.lever.more_threads} threads",
            format_count(item.lever.width),
            _elasticity(item.first),
            _elasticity(item.second),
        )
        for family in pair.families
        for item in family.levers
    )
    columns = ("family", "more of", "width", pair.first, pair.second)
    return (Table("Time saved per per cent", columns, rows),) if rows else ()


def _elasticity(estimate: Estimate) -> str:
    return wording.with_interval(estimate, "{:.2f}".format)


def device(item: BesideDevice, pair: Pair) -> Iterator[Table]:
    """Knees over batch, and parts of a step on its device, in both runs."""
    knees = (("knee", told.knee(item.first_knee), told.knee(item.second_knee)),)
    yield Table("Batch from which on a step grows", ("", pair.first, pair.second), knees)
    if item.batch is not None:
        rows = tuple(
            (part.cause, wording.compact_percent(part.first), wording.compact_percent(part.second))
            for part in item.parts
        )
        title = f"Share of a step at B = {format_count(item.batch)}"
        yield Table(title, ("cause", pair.first, pair.second), rows)


def every_point(pair: Pair) -> SortedTable:
    """All shared points of two runs, with what their steps cost where prices are given."""
    priced = any(item.cost is not None for family in pair.families for item in family.points)
    columns = ["family", "form", "threads", "width", "ratio", "faster", pair.first, pair.second]
    columns += [
        f"{pair.first}, {told.COST_OF}", f"{pair.second}, {told.COST_OF}", f"{pair.second} for the money",
    ] if priced else []  # fmt: skip
    rows = tuple(_row(family, item, pair) for family in pair.families for item in family.points)
    return SortedTable(f"All shared points, {pair.second} against {pair.first}", tuple(columns), rows)


def _row(family: FamilyRatios, item: PointRatio, pair: Pair) -> tuple[Cell, ...]:
    place, cost = item.place, item.cost
    cells = [
        Cell(family.name, family.name),
        Cell(place.form, place.form),
        Cell(str(place.threads), str(place.threads)),
        Cell(format_count(place.width), str(place.width)),
        Cell(ratio(item.ratio), _key(item.ratio)),
        Cell(told.faster(item.ratio, pair), told.faster(item.ratio, pair)),
        Cell(wording.compact_step(item.first), _key(item.first)),
        Cell(wording.compact_step(item.second), _key(item.second)),
    ]
    if cost is not None:
        cells += [Cell(told.cost(each), _key(each)) for each in (cost.first, cost.second)]
        cells.append(Cell(ratio(cost.ratio), _key(cost.ratio)))
    return tuple(cells)


def _key(estimate: Estimate) -> str:
    return "" if estimate.value is None else repr(estimate.value)
