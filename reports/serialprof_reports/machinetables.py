# SPDX-License-Identifier: Apache-2.0
"""The limits of a machine and of its devices as tables of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serialprof.limits import PART_NAMES
from serialprof.units import format_bytes, format_seconds, format_si
from serialprof_reports import devices, wording
from serialprof_reports.pageparts import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serialprof.devicelimits import DeviceLimits
    from serialprof.limits import BarrierRung, Limits
    from serialprof.store import StoredRun


def limit_tables(run: StoredRun) -> tuple[Table, ...]:
    """Everything that was measured of what the machine and its devices can do at best."""
    return (*_limits(run.limits), *map(_device, run.devices))


def _limits(limits: Limits) -> Iterator[Table]:
    rows = [
        (f"dependent {name}", format_seconds(seconds), _cycles(limits.cycles(name)))
        for name, seconds in limits.chains.items()
    ]
    rows += [(f"fp32 FMA, {level}, 1 thread", format_si(rate, "FLOP/s"), "") for level, rate in limits.fma.items()]
    rows += [(f"64-bit words, {level}, 1 thread", format_si(rate, "ops/s"), "") for level, rate in limits.words.items()]
    if limits.dispatch is not None:
        cycles = None if limits.clock is None else limits.dispatch * limits.clock
        rows.append(("eager torch operation", format_seconds(limits.dispatch), _cycles(cycles)))
    if rows:
        yield Table("Limits of this machine", ("operation", "measured", "cycles"), tuple(rows))
    if limits.barriers:
        yield Table(
            "Barriers",
            ("threads", "work of each in a step", "added by the barrier", "standard error"),
            tuple(_barrier_row(rung) for rung in limits.barriers),
        )
    footprints = sorted({rung.footprint for rung in limits.chase} | {rung.footprint for rung in limits.stream})
    if footprints:
        counts = sorted({rung.threads for rung in limits.chase} | {rung.threads for rung in limits.stream})
        names = [wording.threads(count) for count in counts]
        kinds = ("dependent load", "read", "update") if limits.updates else ("dependent load", "read")
        columns = ("footprint", *(f"{kind}, {name}" for kind in kinds for name in names))
        yield Table("Memory ladder", columns, tuple(_memory_row(limits, size, counts) for size in footprints))
    if limits.unmeasured:
        gaps = tuple((PART_NAMES.get(part, part), reason) for part, reason in limits.unmeasured.items())
        yield Table("Not measured", ("limit", "why"), gaps, ends_in_words=True)


def _device(limits: DeviceLimits) -> Table:
    threads = f", {wording.threads(limits.threads)}" if limits.device == "cpu" else ""
    title = f"{limits.device}: {limits.name}{threads}, by {limits.framework or 'its framework'}"
    return Table(title, ("limit", "measured"), tuple(devices.limit_rows(limits)), ends_in_words=True)


def _memory_row(limits: Limits, footprint: int, counts: list[int]) -> tuple[str, ...]:
    loads = {rung.threads: rung.seconds for rung in limits.chase if rung.footprint == footprint}
    bandwidths = [
        {rung.threads: rung.bandwidth for rung in rungs if rung.footprint == footprint}
        for rungs in ((limits.stream, limits.updates) if limits.updates else (limits.stream,))
    ]
    return (
        format_bytes(footprint),
        *(format_seconds(loads[count]) if count in loads else wording.MISSING for count in counts),
        *(
            format_si(found[count], "B/s") if count in found else wording.MISSING
            for found in bandwidths
            for count in counts
        ),
    )


def _barrier_row(rung: BarrierRung) -> tuple[str, ...]:
    return str(rung.threads), *(format_seconds(value) for value in (rung.grain, rung.seconds, rung.error))


def _cycles(count: float | None) -> str:
    return wording.MISSING if count is None else f"{count:.2f}" if count < 100 else f"{count:.0f}"
