# SPDX-License-Identifier: Apache-2.0
"""The limits of a machine as plain tables."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from serialprof.limits import PART_NAMES, Limits
from serialprof.units import format_bytes, format_seconds, format_si

_MISSING: Final = "-"
_GAP: Final = "  "
_COLUMNS: Final = 6  # of the memory ladder in one table
_COUNTS_ABREAST: Final = 3  # thread counts in one table of barriers


def limit_lines(limits: Limits, width: int) -> list[str]:
    """Everything that was measured, as tables; and what was not, and why.

    Args:
        limits: the limits.
        width: columns of text; tables of several thread counts fit 80.
    """
    blocks = [_arithmetic(limits), *_memory(limits), _barriers(limits), _missing(limits, width)]
    return [line for block in blocks if block for line in (*block, "")][:-1]


def _arithmetic(limits: Limits) -> list[str]:
    lines = []
    if limits.clock is not None:
        lines.append(f"core clock by the meter     {format_si(limits.clock, 'Hz')}")
    rows = [
        (f"dependent {name}", _number(limits.cycles(name)), format_seconds(seconds))
        for name, seconds in limits.chains.items()
    ]
    if limits.dispatch is not None:
        cycles = None if limits.clock is None else limits.dispatch * limits.clock
        rows.append(("eager torch operation", _number(cycles), format_seconds(limits.dispatch)))
    lines += _table(("", "cycles", "time"), rows) if rows else []
    peaks = [(f"fp32 FMA, {level}", format_si(rate, "FLOP/s")) for level, rate in limits.fma.items()]
    peaks += [(f"64-bit words, {level}", format_si(rate, "ops/s")) for level, rate in limits.words.items()]
    return lines + (["", *_table(("", "1 thread"), peaks)] if peaks else [])


def _memory(limits: Limits) -> Iterator[list[str]]:
    """A table of latency and bandwidths by footprint for every few thread counts; updates where they were measured."""
    loads = {(rung.threads, rung.footprint): format_seconds(rung.seconds) for rung in limits.chase}
    reads = {(rung.threads, rung.footprint): format_si(rung.bandwidth, "B/s") for rung in limits.stream}
    updates = {(rung.threads, rung.footprint): format_si(rung.bandwidth, "B/s") for rung in limits.updates}
    kinds = {"load": loads, "read": reads} | ({"update": updates} if updates else {})
    counts = sorted({count for cells in kinds.values() for count, _ in cells})
    abreast = _COLUMNS // len(kinds)
    for start in range(0, len(counts), abreast):
        some = counts[start : start + abreast]
        footprints = sorted({size for cells in kinds.values() for count, size in cells if count in some})
        heads = [f"{what}, {count}T" for what in kinds for count in some]
        rows = [
            (format_bytes(size), *(cells.get((count, size), _MISSING) for cells in kinds.values() for count in some))
            for size in footprints
        ]
        what = "dependent load, reads and updates" if updates else "dependent load and read bandwidth"
        note = f"{what} of all threads (T) together, by footprint"
        yield [note, *_table(("", *heads), rows)]


def _barriers(limits: Limits) -> list[str]:
    cells = {(rung.threads, _half_decade(rung.grain)): rung for rung in limits.barriers}
    counts = sorted({count for count, _ in cells})
    lines = []
    for start in range(0, len(counts), _COUNTS_ABREAST):
        some = counts[start : start + _COUNTS_ABREAST]
        rows = []
        for key in sorted({key for count, key in cells if count in some}):
            rungs = [cells.get((count, key)) for count in some]
            grain = next(rung.grain for rung in rungs if rung)
            added = (
                f"{format_seconds(rung.seconds)} +- {format_seconds(rung.error)}" if rung else _MISSING
                for rung in rungs
            )
            rows.append((format_seconds(grain) if grain else "none", *added))
        heads = ("work", *(f"{count} threads" for count in some))
        lines += ["what a barrier adds to a step, by the work of each thread in it", *_table(heads, rows), ""]
    return lines[:-1]


def _half_decade(grain: float) -> float:
    """A number that the same planned grain has on every thread count, whatever it was measured to be."""
    return round(2 * math.log10(grain)) if grain > 0 else -math.inf


def _missing(limits: Limits, width: int) -> list[str]:
    lines = []
    for part, reason in limits.unmeasured.items():
        text = f"{PART_NAMES.get(part, part)}: {reason}"
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")
    return ["not measured:", *lines] if lines else []


def _number(cycles: float | None) -> str:
    return _MISSING if cycles is None else f"{cycles:.2f}" if cycles < 100 else f"{cycles:.0f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, the first column flush left, the others flush right."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    return [
        _GAP.join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    ]
