# SPDX-License-Identifier: Apache-2.0
"""How a series over time is worded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from serialprof.units import format_seconds
from serialprof_reports.gatewording import change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.gating.history import History, Moment, Series

#: What values of a kind are called.
VALUES: Final = {"step": "time per step", "ratio": "time, head over the one base", "chain": "time over the first base"}
HONESTY: Final = (
    "A change of level is shown where 95 % of the shuffles of a series ask for none; so one that does not change shows "
    "one in 5 % at most, unless it drifts. A link of a chain of gates is a change where its own pairs exclude its "
    "tolerance, corrected for the number of links. Intervals are of 95 % and take the places of changes as given."
)


def headline(history: History) -> str:
    """How many files, in which order, how many series, and how many changed."""
    order = "as given" if history.ordered else "by time"
    changed = sum(bool(series.changes) for series in history.series)
    return f"{_count(history.files, 'file')} {order}, {len(history.series)} series, {changed} changed"


def sentence(series: Series) -> str:
    """What became of a benchmark, without its name."""
    return "; ".join(_parts(series))


def level(value: float | None, series: Series) -> str:
    """A level as people read it: a time, or a ratio."""
    if value is None:
        return "unknown"
    return format_seconds(value) if series.kind == "step" else f"{value:.3f}x"


def when(moment: Moment) -> str:
    """Day and commit or file: "2026-05-28 (6f5e4d3c2b1a)"."""
    return f"{day(moment)} ({moment.label})"


def day(moment: Moment) -> str:
    """Its day in UTC."""
    return datetime.fromtimestamp(moment.started, UTC).strftime("%Y-%m-%d")


def _parts(series: Series) -> Iterator[str]:
    yield _levels(series)
    if series.whole is not None:
        links = len(series.moments) - 1
        yield f"in all {change(series.whole)} over {_count(links, 'gate')}"
    if series.refusal:
        yield series.refusal
    elif not series.changes:
        yield f"no change over {len(series.moments)} values" if series.kind != "chain" else "no gate changed it"
    yield from series.notes


def _levels(series: Series) -> str:
    """Levels one after the other: "1.20 us until 2026-01-05 (c4), 1.30 us since 2026-01-06 (c5): +8.3 % [..]"."""
    first, *others = series.stretches
    told = level(first.level.value, series)
    if series.kind != "step":
        told = f"{VALUES[series.kind]} {told}"
    if not others:
        return told
    parts = [f"{told} until {when(series.moments[first.last])}"]
    for stretch, changed in zip(others, series.changes, strict=True):
        since = when(series.moments[stretch.first])
        parts.append(f"{level(stretch.level.value, series)} since {since}: {change(changed.ratio)}")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
