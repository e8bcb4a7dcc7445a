# SPDX-License-Identifier: Apache-2.0
"""What README says of benchmarks/kernels.py: how near to the limit the cores are for which there is a goal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.kernels_tools.table import Row

HEAD = ("| core | share of the limit on one thread |", "|---|---|")


def headline(rows: Sequence[Row]) -> Iterator[str]:
    """A line of Markdown per core, such as "| life | arithmetic 56 % at 512 x 512 |", the limit that binds first."""
    yield from HEAD
    shown = [row for row in rows if row["threads"] == 1 and row["goals"]["share"] is not None and row["share"]]
    for core in dict.fromkeys(row["core"] for row in shown):
        by_limit: dict[str, list[str]] = {}
        for row in shown:
            if row["core"] == core:
                told = f"{100 * row['share']:.0f} % at {row['shape'].replace(', in cache', '')}"
                by_limit.setdefault(row["limit"]["binding"], []).append(told)
        told = "; ".join(f"{limit} {', '.join(shares)}" for limit, shares in by_limit.items())
        yield f"| `{core}` | {told} |"
