# SPDX-License-Identifier: Apache-2.0
"""Declared bytes against what memory was seen to move: at the footprint, where they may be right, and anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serialprof.catalog import Work
from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.planning import Point
from serialprof.records import StoredRun

#: Bandwidth may exceed the ladder's where part of a footprint stays in a nearer cache from step to step.
_REUSE: Final = 1.5
#: By how much a rate must exceed the fastest rung: the clock wanders by a tenth between the limits and the run.
_WANDER: Final = 1.1


def least_seconds(work: Work, width: float, limits: Limits, footprint: float, threads: int) -> float | None:
    """The least seconds in which the declared bytes of a step are moved, None where no bandwidth was measured.

    Where r are read and w written, neither the reads alone nor an update of min(r, w) bytes, both ways, take less than
    they do at best: max(r / read, 2 min(r, w) / update). Of bytes of which nobody knows how many are written it is the
    least over all w <= r, where both are equal. Without measured updates the reads alone are left.

    Args:
        work: of the step.
        width: of the step.
        limits: of the machine.
        footprint: bytes that decide where they are moved from and to.
        threads: that move them together.
    """
    moved = work.bytes.at(width)
    read, update = limits.bandwidth(footprint, threads), limits.update_bandwidth(footprint, threads)
    if not read:
        return None
    if work.written is None:
        return 2 * moved / (2 * read + min(update, 2 * read)) if update else moved / read
    written = min(moved, work.written.at(width))
    reads = (moved - written) / read
    return max(reads, 2 * min(moved - written, written) / update) if update else reads


@dataclass(frozen=True, slots=True)
class Overdrawn:
    """Declared bytes that would take more bandwidth than was measured at their footprint.

    Attributes:
        traffic: bytes of a step.
        seconds: of a step, the upper end where there is one.
        bandwidth: bytes per second that can be moved at the footprint, so many of them written as are declared.
        fastest: that can be moved anywhere, in the nearest cache.
    """

    traffic: float
    seconds: float
    bandwidth: float
    fastest: float

    @property
    def rate(self) -> float:
        """Bytes per second that the declaration comes to."""
        return self.traffic / self.seconds

    @property
    def certain(self) -> bool:
        """Whether no cache was seen to be as fast: the declaration cannot be right."""
        return self.rate > _WANDER * self.fastest


def overdrawn(run: StoredRun, point: Point, step: Estimate) -> Overdrawn | None:
    """What is wrong with the declared bytes at a point, None where nothing is, or nothing is known.

    Args:
        run: with the limits.
        point: that declares the work.
        step: seconds of its step.
    """
    seconds = step.value if step.high is None else step.high
    if point.work is None or not seconds:
        return None
    setting, footprint = point.setting, point.work.footprint.at(point.setting.width)
    known = _of_device(run, setting.device, footprint) if setting.on_cuda else _of_host(run.limits, point)
    if known is None:
        return None
    found = Overdrawn(point.work.bytes.at(setting.width), seconds, *known)
    return found if found.rate > _REUSE * found.bandwidth else None


def _of_host(limits: Limits, point: Point) -> tuple[float, float] | None:
    """What the threads of a point move at its footprint, and at best; of fewer measured threads, in proportion."""
    work, width, threads = point.work, point.setting.width, point.setting.threads
    counts = [rung.threads for rung in limits.stream if rung.threads <= threads]
    if work is None or not counts:
        return None
    measured = max(counts)
    here = least_seconds(work, width, limits, work.footprint.at(width), measured)
    sizes = [rung.footprint for rung in limits.stream if rung.threads == measured]
    anywhere = [least_seconds(work, width, limits, size, measured) for size in sizes]
    least = min((seconds for seconds in anywhere if seconds), default=None)
    if not here or not least:
        return None
    more = work.bytes.at(width) * threads / measured
    return more / here, more / least


def _of_device(run: StoredRun, device: str, footprint: float) -> tuple[float, float] | None:
    """What a device reads at a footprint, and at best."""
    limits = next((item for item in run.devices if item.device == device), None)
    bandwidth = None if limits is None else limits.bandwidth_at(footprint)
    if limits is None or not bandwidth:
        return None
    return bandwidth, max(rung.bandwidth for rung in limits.bandwidth)
