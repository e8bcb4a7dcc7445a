# SPDX-License-Identifier: Apache-2.0
"""What is said of a workload that declares no work: what is assumed in its place, and what was measured of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from serialprof.model import wording
from serialprof.model.steptimes import FamilyTimes
from serialprof.model.sweep import at_reference
from serialprof.planning import Point
from serialprof.records import StoredRun
from serialprof.setting import on_cuda
from serialprof.units import format_bytes

#: Bytes by which what steps touch has to grow over the widths before a lane's part is told: below it lies chance.
_CHANCE: Final = 512 << 10


def assumptions(run: StoredRun, times: FamilyTimes) -> tuple[str, ...]:
    """Clauses for a family that declares no work and was measured on the host; none for any other."""
    points = [
        item.point
        for item in at_reference(times.summaries)
        if item.units and item.point.setting.form == "serial" and item.point.work is None
    ]
    if not points or on_cuda(times.family.device):
        return ()
    lanes = next(
        (item.width_name for item in run.plan.descriptions if item.reference == times.family.workload), "lanes"
    )
    assumed = f"no work is declared, so a step is taken for one that can be cut into as many pieces as it has {lanes}"
    return f"{assumed}{_busy(run, points)}", *_touched(run, points)


def _busy(run: StoredRun, points: Sequence[Point]) -> str:
    """Threads that were busy at the widest point of every thread count: CPU time over wall time."""
    widest = {point.setting.threads: point for point in sorted(points, key=lambda item: item.setting.width)}
    found = {threads: _threads_busy(run, point) for threads, point in sorted(widest.items())}
    told = [f"{busy:.2g} of {threads}" for threads, busy in found.items() if busy is not None]
    return f"; by CPU time it kept {wording.listed(told)} threads busy" if told else ""


def _threads_busy(run: StoredRun, point: Point) -> float | None:
    sound = [visit.sound for visit in run.visits if visit.point == point.id]
    wall = sum(sum(samples.seconds) for samples in sound)
    return sum(sum(samples.cpu_seconds) for samples in sound) / wall if wall > 0 else None


def _touched(run: StoredRun, points: Sequence[Point]) -> Iterator[str]:
    """What steps touch at both ends of the sweep, and how much of it is a lane's."""
    width = {point.id: point.setting.width for point in points}
    found = sorted((width[item.point], item.touched) for item in run.footprints if item.point in width)
    if not found:
        return
    (narrow, least), (wide, most) = found[0], found[-1]
    if most - least < _CHANCE:
        largest = format_bytes(max(touched for _, touched in found))
        yield f"its steps touch at most {largest} of memory at any of these widths, interpreter included"
        return
    each = format_bytes((most - least) / (wide - narrow))
    yield (
        f"its steps touch {format_bytes(least)} of memory at W = {wording.count(narrow)}, interpreter included, and "
        f"{format_bytes(most)} at W = {wording.count(wide)}: about {each} more with every lane"
    )
