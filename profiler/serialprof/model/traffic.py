# SPDX-License-Identifier: Apache-2.0
"""Declared bytes against what memory was seen to move: at the footprint, where they may be right, and anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.planning import Point
from serialprof.records import StoredRun

#: Bandwidth may exceed the ladder's where part of a footprint stays in a nearer cache from step to step.
_REUSE: Final = 1.5
#: By how much a rate must exceed the fastest rung: the clock wanders by a tenth between the limits and the run.
_WANDER: Final = 1.1


@dataclass(frozen=True, slots=True)
class Overdrawn:
    """Declared bytes that would take more bandwidth than was measured at their footprint.

    Attributes:
        traffic: bytes of a step.
        seconds: of a step, the upper end where there is one.
        bandwidth: bytes per second that were measured at the footprint.
        fastest: that were measured anywhere, in the nearest cache.
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
    known = (
        _of_device(run, setting.device, footprint)
        if setting.on_cuda
        else _of_host(run.limits, footprint, setting.threads)
    )
    if known is None:
        return None
    found = Overdrawn(point.work.bytes.at(setting.width), seconds, *known)
    return found if found.rate > _REUSE * found.bandwidth else None


def _of_host(limits: Limits, footprint: float, threads: int) -> tuple[float, float] | None:
    """What so many threads read at a footprint, and at best; of fewer measured threads, in proportion."""
    counts = [rung.threads for rung in limits.stream if rung.threads <= threads]
    bandwidth = limits.bandwidth(footprint, threads)
    if not bandwidth or not counts:
        return None
    fastest = max(rung.bandwidth for rung in limits.stream if rung.threads == max(counts))
    more = threads / max(counts)
    return bandwidth * more, fastest * more


def _of_device(run: StoredRun, device: str, footprint: float) -> tuple[float, float] | None:
    """What a device reads at a footprint, and at best."""
    limits = next((item for item in run.devices if item.device == device), None)
    bandwidth = None if limits is None else limits.bandwidth_at(footprint)
    if limits is None or not bandwidth:
        return None
    return bandwidth, max(rung.bandwidth for rung in limits.bandwidth)
