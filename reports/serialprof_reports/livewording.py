# SPDX-License-Identifier: Apache-2.0
"""A recording of live loops in words and rows, the same for every outlet."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from serialprof.live.telling import name_of
from serialprof.units import format_seconds
from serialprof_reports import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serialprof.live.results import LiveAnalysis, LoopAnalysis, Outside, Part, Tail
    from serialprof.live.view import Live

#: Name and version of the JSON document.
SCHEMA: Final = {"name": "serialprof.live", "version": 1}
PART_COLUMNS: Final = ("part", "own per step", "own share", "calls", "p50", "p99", "longest")
OUTSIDE_COLUMNS: Final = ("region", "calls", "in all", "p50", "p99", "longest")
HONESTY: Final = (
    "Own time is that of a part without what is nested in it. Intervals are of 95 %, over stretches of consecutive "
    "steps; quantiles are over every step of the recording, without one."
)


def heading(live: Live) -> str:
    """Where and when."""
    stored = live.stored
    return (
        f"live recording of {format_seconds(stored.duration)} on {stored.machine.host}, {wording.date(stored.started)}"
    )


def machine(live: Live) -> str:
    """What it ran on."""
    found = live.stored.machine
    cores = f"{found.usable} usable core{'s' if found.usable > 1 else ''}"
    return ", ".join(
        [found.processor or found.architecture, cores, *([f"in {found.hypervisor}"] if found.hypervisor else [])]
    )


def command(live: Live) -> str:
    """What was recorded."""
    return shlex.join(live.stored.command)


def counts(loop: LoopAnalysis) -> str:
    """How many steps: "3000 steps on 1 thread, 512 of them kept one by one"."""
    return f"{loop.seen} steps on {wording.threads(loop.lanes)}, {loop.kept} of them kept one by one"


def quantiles(tail: Tail) -> str:
    """Quantiles on one line."""
    named = (("p50", tail.p50), ("p95", tail.p95), ("p99", tail.p99), ("longest", tail.longest))
    return ", ".join(f"{name} {seconds(value)}" for name, value in named)


def seconds(value: float | None) -> str:
    """Seconds as people read them, or the sign of what is missing."""
    return wording.MISSING if value is None else format_seconds(value)


def part_row(part: Part) -> tuple[str, ...]:
    """A part as PART_COLUMNS name it."""
    tail = ("", "", "") if part.tail is None else tuple(map(seconds, (part.tail.p50, part.tail.p99, part.tail.longest)))
    calls = "" if not part.path else f"{part.calls:.3g}"
    own, share = wording.compact_step(part.own), wording.compact_percent(part.share)
    return name_of(part.path), own, share, calls, *tail


def outside_row(region: Outside) -> tuple[str, ...]:
    """A region outside steps as OUTSIDE_COLUMNS name it."""
    tail = region.tail
    return (
        name_of(region.path),
        str(region.calls),
        format_seconds(region.seconds),
        *map(seconds, (tail.p50, tail.p99, tail.longest)),
    )


def absence(analysis: LiveAnalysis) -> Sequence[str]:
    """What is said where no loop was recorded; nothing where one was."""
    return () if analysis.loops else ("no loop was recorded: put serialprof.steps around one that runs meanwhile",)
