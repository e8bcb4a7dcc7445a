# SPDX-License-Identifier: Apache-2.0
"""How near steps come to what this machine allows: declared work against measured limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from serialprof.catalog import Arithmetic, Work
from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.model.traffic import least_seconds
from serialprof.setting import Setting

if TYPE_CHECKING:
    from serialprof.model.results import PointSummary

Limit: TypeAlias = Literal["chain", "loads", "bandwidth", "arithmetic", "barriers"]
LIMITS: Final[tuple[Limit, ...]] = get_args(Limit)
"""Latency of dependent operations, of dependent loads, bandwidth at the footprint, peak of arithmetic, barriers."""

#: Whose latency the chain of each arithmetic has.
_LATENCIES: Final[dict[Arithmetic, str]] = {
    "fp32": "fma",
    "fp64": "fma",
    "words": "add",
    "multiplies": "multiply",
    "divides": "divide",
}
#: Element types of a setting whose peak is no higher than what was measured.
_MEASURED_TYPES: Final = frozenset({"fp32", "fp64", "float32", "float64"})


@dataclass(frozen=True, slots=True)
class Floor:
    """The least time of a step by one limit alone, in seconds."""

    limit: Limit
    seconds: float


@dataclass(frozen=True, slots=True)
class LimitShare:
    """How near a step of the serial form comes to the limit that binds it.

    Attributes:
        point: id of the point.
        width, threads: the operating point.
        floors: what each limit asks for, the longest first; at least one.
        share: the longest floor over the time of the step. Its interval is that of the step; what the limits are off
            by is not in it, so it may come out above 1.
    """

    point: int
    width: int
    threads: int
    floors: tuple[Floor, ...]
    share: Estimate

    @property
    def binding(self) -> Limit:
        """The limit with the longest floor."""
        return self.floors[0].limit


def limit_shares(points: Sequence[PointSummary], limits: Limits) -> tuple[LimitShare, ...]:
    """The share of the limit at every measured point of the serial form that declares work.

    Chains and arithmetic are taken at the clock of the point, where both clocks were measured. The limits are the
    host's: there are none for steps on a CUDA device.

    Args:
        points: of one family, at one clock.
        limits: of the machine.
    """
    found = []
    for summary in points:
        setting, work = summary.point.setting, summary.point.work
        if setting.form != "serial" or setting.on_cuda or work is None or summary.step.value is None:
            continue
        faster = summary.clock / limits.clock if summary.clock and limits.clock else 1.0
        floors = sorted(floors_of(setting, work, limits, faster), key=lambda floor: -floor.seconds)
        if floors and floors[0].seconds > 0:
            share = _over(floors[0].seconds, summary.step)
            found.append(LimitShare(summary.point.id, setting.width, setting.threads, tuple(floors), share))
    return tuple(found)


def floors_of(setting: Setting, work: Work, limits: Limits, faster: float = 1.0) -> Iterator[Floor]:
    """Every floor that is known of a step.

    Args:
        setting: the operating point.
        work: declared work of one step there.
        limits: of the machine.
        faster: how many times as high as theirs the clock is.
    """
    footprint, threads = work.footprint.at(setting.width), setting.threads
    if work.arithmetic is not None and (latency := limits.chains.get(_LATENCIES[work.arithmetic])):
        yield Floor("chain", work.serial_ops * latency / faster)
    loads = work.serial_loads + work.loads.per_lane
    if loads and (load := limits.latency(footprint, threads)):
        yield Floor("loads", loads * load)
    if moving := least_seconds(work, setting.width, limits, footprint, threads):
        yield Floor("bandwidth", moving)
    if peak := _peak(setting, work, limits):
        yield Floor("arithmetic", work.flops.at(setting.width) / (peak * threads * faster))
    barrier = limits.barrier(threads, 0.0) if threads > 1 else None
    if barrier is not None:
        yield Floor("barriers", work.barriers * barrier.seconds)


def _peak(setting: Setting, work: Work, limits: Limits) -> float | None:
    """Operations per second of one thread, None where none was measured or the element type may exceed it."""
    if work.arithmetic == "words":
        return max(limits.words.values(), default=None)
    fp32 = max(limits.fma.values(), default=None)
    if work.arithmetic not in ("fp32", "fp64") or fp32 is None:
        return None
    if str(setting.parameters.get("dtype", setting.dtype)) not in _MEASURED_TYPES:
        return None
    return fp32 / 2 if work.arithmetic == "fp64" else fp32


def _over(floor: float, step: Estimate) -> Estimate:
    """A floor in seconds over the time of a step."""
    value, low, high = (None if not end else floor / end for end in (step.value, step.high, step.low))
    return replace(step, value=value, low=low, high=high, unit="1")
