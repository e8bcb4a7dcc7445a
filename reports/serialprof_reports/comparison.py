# SPDX-License-Identifier: Apache-2.0
"""Runs beside each other: as plain text for a terminal, and as one JSON object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from serialprof.model.plain import as_plain
from serialprof.units import format_count, format_json
from serialprof_reports import comparisonwording as told
from serialprof_reports import wording
from serialprof_reports.plaintext import new_table, printed, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from serialprof.model.comparison.records import BesideDevice, Comparison, FamilyRatios, Pair, PointRatio, StepCost

_LABEL: Final = 13


def json(comparison: Comparison) -> str:
    """The comparison as one JSON object, in SI base units.

    Keys: `schema` (name, version), and the records of `serialprof.model.comparison.records.Comparison` by their
    attributes' names: `sides` (the runs) and `pairs` (each run against the first). Each estimate is {value, low, high,
    unit, level, identified, reason, what_would_identify_it}; whatever is unknown, or no finite number, is null.
    """
    document = {"schema": told.SCHEMA} | as_plain(comparison)
    return format_json(document) + "\n"


def terminal(comparison: Comparison, *, width: int = 80, color: bool = False) -> str:
    """Per pair of runs: verdict, comparability, the ratios of every family, and what the serial ones are made of.

    Args:
        comparison: of runs.
        width: columns of the terminal; no line is longer.
        color: whether to add ANSI colours.
    """
    text = printed(_document(comparison), width, color)
    return re.sub("\n{3,}", "\n\n", text)  # tables bring blank lines of their own


def _document(comparison: Comparison) -> Iterator[RenderableType]:
    yield from (styled(pair.verdict, "bold") for pair in comparison.pairs)
    yield ""
    yield from (_line(side.label, told.side(side)) for side in comparison.sides)
    for pair in comparison.pairs:
        yield ""
        yield from _pair(pair)
    yield ""
    yield styled(told.LEGEND, "dim")


def _pair(pair: Pair) -> Iterator[RenderableType]:
    yield styled(f"{pair.second} against {pair.first}", "bold underline")
    yield _line("comparable", told.alone(pair))
    for row in pair.mismatches:
        yield _line("differs", f"{row.what}: {row.first} / {row.second}; {row.matters}")
    yield from (_line("warning", text) for text in pair.warnings)
    yield from _products(pair)
    for family in pair.families:
        yield ""
        yield from _family(family, pair)


def _products(pair: Pair) -> Iterator[RenderableType]:
    """The serial ratios taken apart, over all families and family by family; then why something is not told."""
    known = told.products(pair)
    if not known:
        return
    names = told.factors([pooled for _, pooled in known])
    table = _table("serial work", "ratio", *(f"{'x' if place else '='} {name}" for place, name in enumerate(names)))
    for name, pooled in known:
        factors = [pooled.factor(factor) for factor in names]
        cells = ["1" if factor is None else told.compact(factor) for factor in factors]
        table.add_row(wording.shorten(name, 22), told.compact(pooled.ratio), *cells)
    yield table
    yield from (_line("not told", text) for text in told.untold([pooled for _, pooled in known]))


def _family(family: FamilyRatios, pair: Pair) -> Iterator[RenderableType]:
    yield styled(family.name, "bold underline")
    table = _table("form", "threads", told.axis(family), pair.first, pair.second, "ratio", "faster")
    for item in family.points:
        place = item.place
        table.add_row(
            place.form,
            str(place.threads),
            format_count(place.width),
            wording.compact_step(item.first),
            wording.compact_step(item.second),
            told.compact(item.ratio),
            told.faster(item.ratio, pair),
        )
    for pooled in family.pooled:
        mean = [f"all {pooled.form}", "", "", "", ""]
        table.add_row(*mean, told.compact(pooled.ratio), told.faster(pooled.ratio, pair))
    yield table
    costs = [(item, item.cost) for item in family.points if item.cost is not None]
    if costs:
        yield _costs(family, pair, costs)
    if family.device is not None:
        yield from _device(family.device, pair)


def _costs(family: FamilyRatios, pair: Pair, costs: Sequence[tuple[PointRatio, StepCost]]) -> Table:
    """What steps cost in either run, and how many the second makes for the price of one."""
    labels = [f"{label}, {told.COST_OF}" for label in (pair.first, pair.second)]
    table = _table("form", "threads", told.axis(family), *labels, f"{pair.second} for the money")
    for item, cost in costs:
        place = item.place
        amounts = (told.cost(cost.first), told.cost(cost.second), told.compact(cost.ratio))
        table.add_row(place.form, str(place.threads), format_count(place.width), *amounts)
    for pooled in family.pooled:
        if pooled.cost is not None:
            table.add_row(f"all {pooled.form}", "", "", "", "", told.compact(pooled.cost))
    return table


def _device(device: BesideDevice, pair: Pair) -> Iterator[RenderableType]:
    knees = [(pair.first, device.first_knee), (pair.second, device.second_knee)]
    yield _line("knee", "; ".join(f"{label}: {told.knee(knee)}" for label, knee in knees))
    if device.batch is None:
        yield _line("parts", "no batch was taken apart in both")
        return
    table = _table(f"share at B = {format_count(device.batch)}", pair.first, pair.second)
    for part in device.parts:
        table.add_row(part.cause, wording.compact_percent(part.first), wording.compact_percent(part.second))
    yield table


def _table(*columns: str) -> Table:
    return new_table(columns, left=(columns[0], "faster"))


def _line(name: str, text: str) -> RenderableType:
    """A name, and beside it the text, wrapped under itself."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=_LABEL - 1)
    grid.add_column(overflow="fold")
    grid.add_row(styled(name, "bold"), styled(text))
    return grid
