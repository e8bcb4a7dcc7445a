# SPDX-License-Identifier: Apache-2.0
"""Runs beside each other: as plain text for a terminal, and as one JSON object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from serialprof.estimate import Estimate
from serialprof.model.plain import as_plain
from serialprof.model.wording import ratio
from serialprof.units import format_count, format_si
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from serialprof.model.comparison.records import BesideDevice, Comparison, FamilyRatios, Pair, Pooled, Side

#: Name and version of the JSON object; the version rises when a key changes its meaning or disappears.
SCHEMA: Final = {"name": "serialprof.comparison", "version": 1}

_LABEL: Final = 13
_DEVICES: Final = {"cpu": "all", "cuda": "all on CUDA"}
_LEGEND: Final = (
    "ratio: step time of the first over that of the second, so above 1x the second is faster; intervals count the "
    "blocks of two independent runs, and tell these runs, not another hour"
)


def json(comparison: Comparison) -> str:
    """The comparison as one JSON object, in SI base units.

    Keys: `schema` (name, version), and the records of `serialprof.model.comparison.records.Comparison` by their
    attributes' names: `sides` (the runs) and `pairs` (each run against the first). Each estimate is {value, low, high,
    unit, level, identified, reason, what_would_identify_it}; whatever is unknown, or no finite number, is null.
    """
    import msgspec

    document = {"schema": SCHEMA} | as_plain(comparison)
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def terminal(comparison: Comparison, *, width: int = 80, color: bool = False) -> str:
    """Per pair of runs: verdict, comparability, the ratios of every family, and what makes up for the serial ones.

    Args:
        comparison: of runs.
        width: columns of the terminal; no line is longer.
        color: whether to add ANSI colours.
    """
    from rich.console import Console

    console = Console(
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for item in _document(comparison):
            console.print(item)
    text = "\n".join(line.rstrip() for line in capture.get().splitlines())
    return re.sub("\n{3,}", "\n\n", text).rstrip("\n") + "\n"  # tables bring blank lines of their own


def _document(comparison: Comparison) -> Iterator[RenderableType]:
    yield from (_text(pair.verdict, "bold") for pair in comparison.pairs)
    yield ""
    yield from (_line(side.label, _side(side)) for side in comparison.sides)
    for pair in comparison.pairs:
        yield ""
        yield from _pair(pair)
    yield ""
    yield _text(_LEGEND, "dim")


def _side(side: Side) -> str:
    facts = [
        f"{side.name}: {side.processor} on {side.host}",
        "clock not read" if side.clock is None else f"{format_si(side.clock, 'Hz')} by meter",
        f"in {side.hypervisor}" if side.hypervisor else "no hypervisor known",
        *side.gpus,
        wording.date(side.started),
    ]
    return ", ".join(facts)


def _pair(pair: Pair) -> Iterator[RenderableType]:
    yield _text(f"{pair.second} against {pair.first}", "bold underline")
    points = f"{pair.shared} points shared"
    alone = [(pair.first, pair.first_only), (pair.second, pair.second_only)]
    yield _line("comparable", ", ".join([points, *(f"{count} only in {label}" for label, count in alone if count)]))
    for row in pair.mismatches:
        yield _line("differs", f"{row.what}: {row.first} / {row.second}; {row.matters}")
    yield from (_line("warning", text) for text in pair.warnings)
    yield from _products(pair)
    for family in pair.families:
        yield ""
        yield from _family(family, pair)


def _products(pair: Pair) -> Iterator[RenderableType]:
    """The serial ratios taken apart, over all families and family by family; then why something is not told."""
    rows = [(_DEVICES.get(kind.device, f"all on {kind.device}"), _serial(kind.pooled)) for kind in pair.kinds]
    rows += [(family.name, _serial(family.pooled)) for family in pair.families if len(pair.families) > 1]
    told = [(name, pooled) for name, pooled in rows if pooled is not None]
    if not told:
        return
    names = list(dict.fromkeys(factor.name for _, pooled in told for factor in pooled.factors))
    names.sort(key=lambda name: name == "other")
    table = _table("serial work", "ratio", *(f"{'x' if place else '='} {name}" for place, name in enumerate(names)))
    for name, pooled in told:
        factors = [pooled.factor(factor) for factor in names]
        cells = ["1" if factor is None else _compact(factor) for factor in factors]
        table.add_row(wording.shorten(name, 22), _compact(pooled.ratio), *cells)
    yield table
    yield from (_line("not told", text) for text in _untold([pooled for _, pooled in told]))


def _serial(pooled: Sequence[Pooled]) -> Pooled | None:
    return next((item for item in pooled if item.form == "serial"), None)


def _untold(told: Sequence[Pooled]) -> list[str]:
    """Why factors have no value, each reason once."""
    found = (
        f"{item.name}, which lies in other: {item.factor.reason}"
        + (f"; told by {item.factor.remedy}" if item.factor.remedy else "")
        for pooled in told
        for item in pooled.factors
        if item.factor.value is None
    )
    return list(dict.fromkeys(found))


def _family(family: FamilyRatios, pair: Pair) -> Iterator[RenderableType]:
    yield _text(family.name, "bold underline")
    table = _table("form", "threads", _axis(family), pair.first, pair.second, "ratio", "faster")
    for item in family.points:
        place = item.place
        table.add_row(
            place.form,
            str(place.threads),
            format_count(place.width),
            wording.compact_step(item.first),
            wording.compact_step(item.second),
            _compact(item.ratio),
            _faster(item.ratio, pair),
        )
    for pooled in family.pooled:
        mean = [f"all {pooled.form}", "", "", "", ""]
        table.add_row(*mean, _compact(pooled.ratio), _faster(pooled.ratio, pair))
    yield table
    if family.device is not None:
        yield from _device(family.device, pair)


def _device(device: BesideDevice, pair: Pair) -> Iterator[RenderableType]:
    knees = [(pair.first, device.first_knee), (pair.second, device.second_knee)]
    yield _line("knee", "; ".join(f"{label}: {_knee(knee)}" for label, knee in knees))
    if device.batch is None:
        yield _line("parts", "no batch was taken apart in both")
        return
    table = _table(f"share at B = {format_count(device.batch)}", pair.first, pair.second)
    for part in device.parts:
        table.add_row(part.cause, wording.compact_percent(part.first), wording.compact_percent(part.second))
    yield table


def _knee(knee: Estimate) -> str:
    if knee.value is None and knee.reason:
        return knee.reason
    return f"B = {wording.with_interval(knee, lambda width: format_si(width, ''))}"


def _axis(family: FamilyRatios) -> str:
    return "W" if family.device is None else "B"


def _compact(estimate: Estimate) -> str:
    """A ratio with half its interval in per cent: "1.34x ±4%"; a bracket by its ends."""
    if estimate.value is not None:
        return ratio(Estimate(estimate.value)) + wording.spread(estimate)
    if estimate.low is not None and estimate.high is not None:
        return f"{estimate.low:.2f}..{estimate.high:.2f}x"
    return "not told"


def _faster(found: Estimate, pair: Pair) -> str:
    if found.low is None or found.high is None:
        return wording.MISSING
    if found.low > 1:
        return pair.second
    return pair.first if found.high < 1 else "unclear"


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    for place, column in enumerate(columns):
        left = not place or column == "faster"
        table.add_column(wording.plain(column), justify="left" if left else "right", overflow="fold")
    return table


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(wording.plain(text), style=style)


def _line(name: str, text: str) -> RenderableType:
    """A name, and beside it the text, wrapped under itself."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=_LABEL - 1)
    grid.add_column(overflow="fold")
    grid.add_row(_text(name, "bold"), _text(text))
    return grid
