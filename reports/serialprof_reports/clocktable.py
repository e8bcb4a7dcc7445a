# SPDX-License-Identifier: Apache-2.0
"""The clocks of a run as cells of a table: asked for, read back, measured. For runs that set clocks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serialprof.model.reached import TOLERANCE, clock_rows, reached
from serialprof.units import format_percent, format_si
from serialprof_reports.wording import MISSING

if TYPE_CHECKING:
    from serialprof.model.reached import ClockRow
    from serialprof.store import StoredRun

#: The last column holds words.
COLUMNS: Final = ("asked for", "policies", "read back", "measured", "off", "points", "remarks")


def cells(run: StoredRun) -> tuple[tuple[str, ...], ...]:
    """One row per clock and answer of the kernel, ascending; none where clocks were left alone."""
    return tuple(_cells(row) for row in clock_rows(reached(run)))


def _cells(row: ClockRow) -> tuple[str, ...]:
    return (
        _hertz(row.requested),
        row.policies[0] if len(row.policies) == 1 else str(len(row.policies)),
        MISSING if row.read_back is None else _hertz(row.read_back),
        MISSING if row.measured is None else _hertz(row.measured),
        MISSING if row.measured is None else _off(row.measured / row.requested - 1),
        str(row.points),
        "; ".join(_remarks(row)) or "as asked for",
    )


def _remarks(row: ClockRow) -> list[str]:
    remarks = list(row.notes)
    if row.off:
        points = "all points" if row.off == row.points else f"{row.off} of {row.points} points"
        remarks.insert(0, f"{points} off the request by more than {format_percent(TOLERANCE)}")
        if row.low is not None and row.high is not None and row.high > row.low * (1 + TOLERANCE):
            remarks.insert(1, f"measured from {_hertz(row.low)} to {_hertz(row.high)}")
    return remarks


def _off(share: float) -> str:
    rounded = round(share * 100, 1)
    return f"{rounded:+.1f} %" if rounded else "0 %"


def _hertz(value: float) -> str:
    return format_si(value, "Hz")
