# SPDX-License-Identifier: Apache-2.0
"""The parts of a step at each batch: the host's, the gaps', and what the kernels' time is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from serialprof.devicelimits import DeviceLimits
from serialprof.estimate import Estimate
from serialprof.model.answers import Part
from serialprof.model.device.growth import MINIMUM_WIDTHS, Growth, fit_growth
from serialprof.model.device.paths import Path
from serialprof.model.device.sampled import APART, against, as_sampled, factor, sentence
from serialprof.model.dissected import BANDWIDTH, FLOOR, FLOP, GAPS, HOST, TRANSFERS, UNTOLD, DeviceStep
from serialprof.model.results import PointSummary
from serialprof.model.statistics import LEVEL, Array, interval

UNDECLARED: Final = "the workload declares no work, so the bandwidth's part is in here"
UNMEASURED: Final = "the device's bandwidth or peak was not measured, so the bandwidth's part is in here"
PROFILER: Final = "the profiler's cost lies in the operations or beside them, and is most of the step"
CONTRADICTED: Final = "the declared bytes are more than memory can move in a step, so the bandwidth's part is in here"
FEW_WIDTHS: Final = f"what of the kernels grows takes profiles at {MINIMUM_WIDTHS} batches to tell"
MORE_WIDTHS: Final = f"at least {MINIMUM_WIDTHS} batches, for example --width 1,4,16,64"


#: (an interval, how far its ends move out, the most that there is) to what is known with that.
_Rule: TypeAlias = Callable[[Estimate, float, float, float], Estimate]


@dataclass(frozen=True)
class Kernels:
    """What the kernels' time at one batch is made of, [unit] in seconds.

    Attributes:
        floor: latency that no width of the step fills.
        bandwidth: reading and writing memory; weights at any batch, and what grows where that is what it waits for.
        flop: arithmetic that grows with batch.
        off: by how much the form of the curve leaves the fixed part open, (below, above), as shares of the kernels.
        unread: why `bandwidth` is not known and in the others, empty where it is.
        unsplit: why nothing but the sum is known, empty where more is.
    """

    floor: Array
    bandwidth: Array
    flop: Array
    off: tuple[float, float] = (0.0, 0.0)
    unread: str = ""
    unsplit: str = ""


def split(found: Sequence[Path], limits: DeviceLimits | None, *, contradicted: bool = False) -> dict[int, Kernels]:
    """What the kernels' time is made of at every batch of one thread count, by the width.

    Args:
        found: what was timed.
        limits: of the device, None where they were not measured.
        contradicted: whether the declared bytes cannot be right.
    """
    shares = _fixed_shares(found)
    return {path.point.setting.width: _split(path, shares, limits, contradicted=contradicted) for path in found}


def _fixed_shares(found: Sequence[Path]) -> Growth | None:
    """How the kernels' time grows, over the units that have every batch, or else over one of the means."""
    ordered = sorted(found, key=lambda path: path.point.setting.width)
    if len(ordered) < MINIMUM_WIDTHS or any(not np.mean(path.busy) > 0 for path in ordered):
        return None
    widths = np.array([float(path.point.setting.width) for path in ordered])
    common = sorted(set.intersection(*(set(path.blocks) for path in ordered)))
    times = np.array([[path.busy[path.blocks.index(block)] for path in ordered] for block in common])
    if not common or not (times > 0).all():
        times = np.array([[float(np.mean(path.busy)) for path in ordered]])
    return fit_growth(widths, times)


def _split(path: Path, growth: Growth | None, limits: DeviceLimits | None, *, contradicted: bool) -> Kernels:
    nothing = np.zeros(len(path.blocks))
    if growth is None:
        return Kernels(nothing, nothing, nothing, unsplit=FEW_WIDTHS)
    width = path.point.setting.width
    shares = growth.fixed(width)
    share = shares if shares.size == path.busy.size else np.full(path.busy.size, float(np.mean(shares)))
    fixed = share * path.busy
    growing = path.busy - fixed
    least = np.minimum(fixed, path.kernels * ((limits.floor if limits else None) or 0.0))
    streamed, reading, unread = (0.0, False, CONTRADICTED) if contradicted else _declared(path, limits)
    weights = np.minimum(streamed, fixed - least)
    return Kernels(
        floor=fixed - weights,
        bandwidth=weights + (growing if reading else nothing),
        flop=nothing if reading else growing,
        off=growth.off(width),
        unread=unread,
    )


def _declared(path: Path, limits: DeviceLimits | None) -> tuple[float, bool, str]:
    """Seconds that what is read at any batch takes; whether a lane waits for memory; why neither can be told."""
    setting, work = path.point.setting, path.point.work
    if work is None:
        return 0.0, False, UNDECLARED
    bandwidth = limits.bandwidth_at(work.footprint.at(setting.width)) if limits else None
    peak = limits.flops.get(setting.dtype) if limits else None
    if not bandwidth or not peak:
        return 0.0, False, UNMEASURED
    reading = work.bytes.per_lane / bandwidth > work.flops.per_lane / peak
    return work.bytes.fixed / bandwidth, reading, ""


def device_step(dissected: Path, kernels: Kernels, sampled: PointSummary) -> DeviceStep:
    """The parts of a step with their intervals over units, compared with the step as sampled."""
    as_it_was = interval(dissected.step, "s")
    ratio = against(as_it_was, sampled.step)
    path = as_sampled(dissected, sampled.step)
    on_cuda = path.point.setting.on_cuda
    wide = float(np.mean(path.spare))
    return DeviceStep(
        width=path.point.setting.width,
        step=interval(path.step, "s"),
        parts=(
            _part(path, HOST, path.dispatch, wide, wide),
            _gaps(path, on_cuda=on_cuda),
            *_of_kernels(path, kernels, wide),
            _part(path, TRANSFERS, path.transfers) if on_cuda else Part.nothing(TRANSFERS, "a CPU shares its memory"),
            _part(path, UNTOLD, path.unattributed)
            if on_cuda
            else Part.nothing(UNTOLD, "what is no operation of the framework counts as dispatch"),
        ),
        kernels=interval(path.kernels),
        overhead=interval(path.profiled / path.step - 1.0),
        units=len(path.blocks),
        held=sampled.held,
        as_sampled=dissected.hosted and path is not dissected,
        ratio=ratio,
        apart=sentence(as_it_was, sampled.step, ratio) if factor(ratio) > APART else "",
    )


def _gaps(path: Path, *, on_cuda: bool) -> Part:
    if not on_cuda:
        return Part.nothing(GAPS, "operations on a CPU are called, not launched")
    if path.ungapped:
        return Part.unknown(GAPS, f"{path.ungapped}: they are in {HOST} or {UNTOLD}")
    return _part(path, GAPS, path.gaps)


def _of_kernels(path: Path, kernels: Kernels, wide: float) -> tuple[Part, ...]:
    """Floor, bandwidth and FLOP; brackets where the batches are too few to tell them apart."""
    if kernels.unsplit:
        return tuple(_at_most(path, cause, kernels) for cause in (FLOOR, BANDWIDTH, FLOP))
    busy = float(np.mean(path.busy))
    below, above = (busy * share for share in kernels.off)

    def widened(cause: str, seconds: Array, low: float, high: float) -> Part:
        own = wide * float(np.mean(seconds)) / busy if busy else 0.0
        return _part(path, cause, seconds, own + low, own + high)

    # What the form takes from the fixed part it gives to the growing one, which lies in bandwidth or in FLOP.
    reading = bool((kernels.flop == 0).all())
    floor = widened(FLOOR, kernels.floor, below, above)
    flop = widened(FLOP, kernels.flop, *((0.0, 0.0) if reading else (above, below)))
    if kernels.unread:
        return (
            floor.because(kernels.unread),
            Part.unknown(BANDWIDTH, kernels.unread),
            flop.because(kernels.unread),
        )
    return floor, widened(BANDWIDTH, kernels.bandwidth, *((above, below) if reading else (0.0, 0.0))), flop


def _at_most(path: Path, cause: str, kernels: Kernels) -> Part:
    """Anything from nothing to all of the kernels' time."""
    wide = float(np.mean(path.spare))
    ends = (
        Estimate(None, 0.0, known.high, known.unit, LEVEL, kernels.unsplit, MORE_WIDTHS)
        for known in _ends(path, path.busy, _bracket, wide, wide)
    )
    return Part(cause, *ends)


def _part(path: Path, cause: str, seconds: Array, below: float = 0.0, above: float = 0.0) -> Part:
    """A part with the ends of its interval so many seconds further out; what is unattributed may be negative.

    Where the profiler's cost leaves most of the step open there is no value: the middle of a bracket is no estimate.
    """
    if cause == UNTOLD:
        return Part(cause, interval(seconds, "s"), interval(seconds / path.step))
    return Part(cause, *_ends(path, seconds, _bracket if path.open and seconds.any() else _widened, below, above))


def _ends(path: Path, seconds: Array, rule: _Rule, below: float, above: float) -> tuple[Estimate, Estimate]:
    """Seconds and the share of the step by one of the next two."""
    step = float(np.mean(path.step))
    share = rule(interval(seconds / path.step), below / step, above / step, 1.0)
    return rule(interval(seconds, "s"), below, above, step), share


def _widened(known: Estimate, below: float, above: float, most: float) -> Estimate:
    """Ends further out, between 0 and the most that there is, or the value where that exceeds it."""
    if known.value is None or known.low is None or known.high is None:
        return known
    return replace(known, low=max(0.0, known.low - below), high=min(known.high + above, max(most, known.value)))


def _bracket(known: Estimate, below: float, above: float, most: float) -> Estimate:
    """The same without a value, and with ends however few the units are."""
    low, high = ((known.value if end is None else end) or 0.0 for end in (known.low, known.high))
    return Estimate.bracket(max(0.0, low - below), min(most, high + above), PROFILER, known.unit)
