# SPDX-License-Identifier: Apache-2.0
"""The table of benchmarks/kernels.py, from its rows as they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.kernels_tools.core import OURS

Row = dict[str, Any]

_HEAD = ("core", "shape", "T", "step", "limit", "share", "goal", "best peer", "ratio", "[quartiles]", "rounds", "goal")


def lines_of(rows: Sequence[Row]) -> Iterator[str]:
    """The table, then every peer's ratio, then what is missing, each line once."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    for line in cells:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
    yield ""
    yield "ratios per round over every peer: the median, and the quartiles over rounds"
    for row in rows:
        for name, ratio in sorted(row["ratios"].items(), key=lambda item: item[1]["median"]):
            spread = f"[{number(ratio['low'])}, {number(ratio['high'])}]"
            note = f"  ({row['notes'][name]})" if name in row["notes"] else ""
            place = f"{row['core']} {row['shape']} {row['threads']}T"
            times = f"{number(ratio['median']):>7} x  {spread:<16} {ratio['rounds']} rounds"
            yield f"  {place:<34} {name:<16} {times}{note}"
    yield ""
    yield "slower than on one thread by the barrier at most"
    yield from (f"  {line}" for line in losses(rows))
    yield ""
    yield "missing"
    yield from (f"  {line}" for line in missing(rows))


def _cells(row: Row) -> tuple[str, ...]:
    limit, best = row["limit"] or {}, row["ratios"].get(row["best"])
    return (
        row["core"],
        row["shape"],
        str(row["threads"]),
        seconds(row["step"]),
        f"{seconds(limit.get('seconds'))} {limit.get('binding', '')}".strip(),
        "-" if row["share"] is None else f"{100 * row['share']:.0f} %",
        _goal(row, "share"),
        row["best"] or "-",
        f"{number(best['median'])} x" if best else "-",
        f"[{number(best['low'])}, {number(best['high'])}]" if best else "-",
        str(best["rounds"]) if best else "-",
        _goal(row, "ratio"),
    )


def _goal(row: Row, name: str) -> str:
    goal, verdict = row["goals"][name], row["verdicts"][name]
    if goal is None:
        return str(verdict)
    return f"{100 * goal:.0f} % {verdict}" if name == "share" else f"{goal:g} x {verdict}"


def losses(rows: Sequence[Row]) -> Iterator[str]:
    """For each shape on several threads of which that is asked, by how much a step is longer."""
    for row in rows:
        if loss := row.get("loss"):
            by = f"{1e9 * loss['seconds']:+.0f} ns, barrier {1e9 * loss['barrier']:.0f} ns"
            yield f"{row['core']} {row['shape']} {row['threads']}T: {by}: {loss['verdict']}"


def missing(rows: Sequence[Row]) -> Iterator[str]:
    """Who was not timed and why, with the shapes where it was; ours comes first where it is among them."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for name, reason in row["missing"].items():
            places.setdefault((row["core"], name, reason), []).append(f"{row['shape']} {row['threads']}T")
    for (core, name, reason), shapes in sorted(places.items(), key=lambda item: (item[0][1] != OURS, item[0])):
        everywhere = len(shapes) == sum(row["core"] == core for row in rows)
        where = "" if everywhere else f" ({', '.join(shapes)})"
        yield f"{core}: {name}: {reason}{where}"


def seconds(value: float | None) -> str:
    """A time with its unit, such as "12.3 us"; "-" where there is none."""
    if value is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def number(value: float) -> str:
    """A ratio with three digits, whole from 100 on."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
