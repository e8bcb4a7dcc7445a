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
from serialprof.model.dissected import BANDWIDTH, FLOOR, FLOP, GAPS, HOST, SLOW, TRANSFERS, UNTOLD, DeviceStep
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
        bandwidth: what declared bytes take at the device's bandwidth: those of any batch, and those of the lanes where
            these take longer than the lanes' FLOP.
        flop: what the lanes' declared FLOP take at the device's peak where these take longer.
        slow: what grows with batch beyond that.
        off: by how much the form of the curve leaves the fixed part open, (below, above), as shares of the kernels.
        unread: why `bandwidth` is not known and in the others, empty where it is.
        unsplit: why nothing but the sum is known, empty where more is.
    """

    floor: Array
    bandwidth: Array
    flop: Array
    slow: Array
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
        return Kernels(nothing, nothing, nothing, nothing, unsplit=FEW_WIDTHS)
    width = path.point.setting.width
    shares = growth.fixed(width)
    share = shares if shares.size == path.busy.size else np.full(path.busy.size, float(np.mean(shares)))
    fixed = share * path.busy
    growing = path.busy - fixed
    least = np.minimum(fixed, path.kernels * ((limits.floor if limits else None) or 0.0))
    roof, unread = (None, CONTRADICTED) if contradicted else _roof(path, limits)
    if roof is None:
        return Kernels(fixed, nothing, growing, nothing, growth.off(width), unread)
    weights = np.minimum(roof.weights, fixed - least)
    reading, computing = (np.minimum(seconds, growing) for seconds in (roof.reading, roof.computing))
    lanes = (reading, nothing) if roof.reading > roof.computing else (nothing, computing)
    return Kernels(
        floor=fixed - weights,
        bandwidth=weights + lanes[0],
        flop=lanes[1],
        slow=growing - lanes[0] - lanes[1],
        off=growth.off(width),
    )


@dataclass(frozen=True)
class _Roof:
    """Seconds that the declared work of a step takes at what the device can do: bytes of any batch, of lanes, FLOP."""

    weights: float
    reading: float
    computing: float


def _roof(path: Path, limits: DeviceLimits | None) -> tuple[_Roof | None, str]:
    """The least that the declared work takes, or why that cannot be told."""
    setting, work = path.point.setting, path.point.work
    if work is None:
        return None, UNDECLARED
    bandwidth = limits.bandwidth_at(work.footprint.at(setting.width)) if limits else None
    peak = limits.flops.get(setting.dtype) if limits else None
    if not bandwidth or not peak:
        return None, UNMEASURED
    lanes = setting.width
    reading, computing = work.bytes.per_lane * lanes / bandwidth, work.flops.per_lane * lanes / peak
    return _Roof(work.bytes.fixed / bandwidth, reading, computing), ""


def device_step(dissected: Path, kernels: Kernels, sampled: PointSummary) -> DeviceStep:
    """The parts of a step with their intervals over units, compared with the step as sampled."""
    as_it_was = interval(dissected.step, "s")
    ratio = against(as_it_was, sampled.step)
    path = as_sampled(dissected, sampled.step)
    loose = path.loose * float(np.mean(path.device)) / float(np.mean(path.step))  # so far the share follows the step
    on_cuda = path.point.setting.on_cuda
    wide = float(np.mean(path.spare))
    return DeviceStep(
        width=path.point.setting.width,
        step=interval(path.step, "s"),
        parts=(
            _part(path, HOST, path.dispatch, *(2 * (loose if on_cuda else wide,))),
            _gaps(path, loose, on_cuda=on_cuda),
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
        as_sampled=path is not dissected,
        ratio=ratio,
        apart=sentence(as_it_was, sampled.step, ratio) if factor(ratio) > APART else "",
    )


def _gaps(path: Path, loose: float, *, on_cuda: bool) -> Part:
    if not on_cuda:
        return Part.nothing(GAPS, "operations on a CPU are called, not launched")
    if path.ungapped:
        return Part.unknown(GAPS, f"{path.ungapped}: they are in {HOST} or {UNTOLD}")
    return _part(path, GAPS, path.gaps, loose, loose) if path.ahead else _part(path, GAPS, path.gaps)


def _of_kernels(path: Path, kernels: Kernels, wide: float) -> tuple[Part, ...]:
    """What the kernels' time is made of; brackets where the batches are too few to tell its parts."""
    causes = {FLOOR: kernels.floor, BANDWIDTH: kernels.bandwidth, FLOP: kernels.flop, SLOW: kernels.slow}
    if kernels.unsplit:
        return tuple(_at_most(path, cause, kernels) for cause in causes)
    busy = float(np.mean(path.busy))
    below, above = (busy * share for share in kernels.off)

    def widened(cause: str, seconds: Array, low: float, high: float) -> Part:
        own = wide * float(np.mean(seconds)) / busy if busy else 0.0
        return _part(path, cause, seconds, own + low, own + high)

    # What the form takes from the fixed part it gives to the growing one: that below the roof, where there is some.
    growing = next((cause for cause in (SLOW, FLOP) if causes[cause].any()), BANDWIDTH)
    moved = {FLOOR: (below, above), growing: (above, below)}
    parts = tuple(widened(cause, seconds, *moved.get(cause, (0.0, 0.0))) for cause, seconds in causes.items())
    if not kernels.unread:
        return parts
    floor, _, flop, _ = (part.because(kernels.unread) for part in parts)
    return floor, Part.unknown(BANDWIDTH, kernels.unread), flop, Part.unknown(SLOW, kernels.unread)


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
