# SPDX-License-Identifier: Apache-2.0
"""The grade of the evidence on the clock's side, and why that grade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from serialprof.model import wording
from serialprof.model.answers import Contradiction
from serialprof.model.fitting.clocks import WIDE
from serialprof.model.results import Grade
from serialprof.model.steptimes import FamilyTimes
from serialprof.model.sweep import distinct_clocks
from serialprof.units import format_percent, format_si

#: Share of disturbed samples from which the evidence is called weaker.
MUCH_DISTURBED: Final = 0.2
#: Distinct measured clocks that a sweep needs.
SWEEP: Final = 3


def grade(
    times: FamilyTimes,
    disturbed: float,
    *,
    counters: tuple[bool, str] = (False, ""),
    contradictions: Sequence[Contradiction] = (),
) -> tuple[Grade, str]:
    """The grade and its reason: "A" for a clock sweep, "B" for a partial one, "C" for a model.

    A sweep has `SWEEP` measured clocks, `sweep.LEAST` apart at least, that span `fitting.clocks.WIDE`.

    Args:
        times: of the family, with the clocks as they were measured.
        disturbed: share of disturbed samples.
        counters: whether hardware counters confirm the model, and what is said of them (`counting.standing`).
        contradictions: accounts of the same steps that cannot both be right.
    """
    confirmed, said = counters
    found, reason = _by_clocks(times, said or "no hardware counters were read")
    if confirmed and found == "C":
        found = "B"
    if disturbed > MUCH_DISTURBED:
        reason += f"; {format_percent(disturbed)} of the samples were disturbed and left out: see serialprof doctor"
    certain = [item.what for item in contradictions if item.certain]
    return found, f"its {contradict(certain)} what was measured; {reason}" if certain else reason


def contradict(names: Sequence[str]) -> str:
    """Kinds of contradictions with their verb."""
    return f"{wording.listed(names)} {'contradicts' if names in (['chain'], ['depth']) else 'contradict'}"


def _by_clocks(times: FamilyTimes, counters: str) -> tuple[Grade, str]:
    if all(point.setting.clock is None for point in times.points):
        return "C", f"no clock was set and {counters}: the clock's side is a model"
    clocks = distinct_clocks(times.summaries)
    if not clocks:
        return "C", f"clocks were set, but the clock meter read none of them, and {counters}"
    lowest, highest = format_si(clocks[0], "Hz"), format_si(clocks[-1], "Hz")
    ends = f"{lowest} to {highest}"
    if len(clocks) == 1:
        return "C", f"every point ran at {lowest}, whatever was asked for, and {counters}"
    if len(clocks) < SWEEP:
        return "B", f"{len(clocks)} clocks were measured, {ends}: a sweep takes {SWEEP}"
    if clocks[-1] < WIDE * clocks[0]:
        return "B", f"{len(clocks)} clocks were measured, {ends}: a sweep spans {WIDE:g}x"
    return "A", f"{len(clocks)} clocks were measured, {ends}"
