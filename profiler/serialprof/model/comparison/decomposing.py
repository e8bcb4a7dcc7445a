# SPDX-License-Identifier: Apache-2.0
"""A ratio of serial step times as a product: clock, cycles per step, latency of the chain's loads, and the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from serialprof.estimate import Estimate
from serialprof.limits import Limits
from serialprof.model.comparison.pairing import Measured, levels
from serialprof.model.comparison.ratios import LogRatio, less, welch
from serialprof.model.comparison.records import CLOCK, CYCLES, LATENCY, OTHER, Factor
from serialprof.model.wording import listed
from serialprof.setting import CPU

#: What chains are made of; divisions are left out, for hardly a chain waits for them.
_OPERATIONS: Final = ("add", "multiply", "fma")
#: ln of what cycles of an operation may be off by: repeated probes of one core came out within 2.5 %.
_CHAIN_HALF: Final = 0.025
#: Operations whose ratios spread further (in ln) do not tell what a chain of unknown operations gains.
_MOST_SPREAD: Final = 0.05
#: Half of the interval of a load measured apart, in ln: twice the 10 % by which docs/model.md lets it be off.
_LOAD_HALF: Final = 0.2

_NO_METER: Final = "the clock meter gave no reading beside some of the points"
_CLOCKS: Final = "runs with the clock meter on"
_LIMITS: Final = "runs whose limits hold the latency of arithmetic"
_LADDER: Final = "runs whose limits hold the latency of memory"


@dataclass(frozen=True)
class Joint:
    """Points that two runs share, in the same order, and the limits of their machines."""

    first: tuple[Measured, ...]
    second: tuple[Measured, ...]
    limits: tuple[Limits, Limits]

    def between(self, logs: Callable[[Measured], dict[int, float]]) -> LogRatio | None:
        """The first less the second of a logarithm that points have by block; None where a point has none."""
        sides = [levels([logs(item) for item in side]) for side in (self.first, self.second)]
        return None if not all(side.size for side in sides) else welch(*sides)


def steps_ratio(joint: Joint) -> LogRatio | None:
    """The logarithm of the first run's step times over the second's, the mean over the points."""
    return joint.between(lambda item: dict(item.steps))


def factors(joint: Joint, ratio: LogRatio) -> tuple[Factor, ...]:
    """The factors of a ratio of step times, whose values multiply to it exactly.

    clock = clock of the second by meter over that of the first, over the same points; what is left are cycles per step
    (measured, block by block). Of these, what the limits of the machines explain: cycles of dependent operations, and
    the latency in cycles of the chain's declared loads. OTHER is what is left. Whatever has no value is in OTHER.
    """
    if any(item.place.family.device != CPU for item in joint.first):
        return (_untold(CLOCK, "steps run on a device, whose clock is not that of the meter"), _all(ratio))
    clock = joint.between(lambda item: {block: -log for block, log in item.clocks.items()})
    cycles = joint.between(_cycles)
    if clock is None or cycles is None:
        return (_untold(CLOCK, _NO_METER, _CLOCKS), _untold(CYCLES, _NO_METER, _CLOCKS), _all(ratio))
    weights = _load_weights(joint)
    chain = _chain(joint, 1 - math.fsum(weights) / len(weights))
    loads = _loads(joint, weights) if any(weights) else None
    told = [item for item in (chain, loads) if isinstance(item, LogRatio)]
    rest = less(cycles, *told)
    # what single visits lack readings of the clock makes is in the rest, so that the product is exact
    rest = LogRatio(ratio.value - clock.value - math.fsum(item.value for item in told), rest.half, rest.reason)
    found = [Factor(CLOCK, clock.estimate()), _factor(CYCLES, chain)]
    found += [_factor(LATENCY, loads)] if loads is not None else []
    return (*found, Factor(OTHER, rest.estimate()))


def _cycles(item: Measured) -> dict[int, float]:
    """The logarithm of cycles per step of a point, by block."""
    return {block: log + item.clocks[block] for block, log in item.steps.items() if block in item.clocks}


def _chain(joint: Joint, weight: float) -> LogRatio | Estimate:
    """The logarithm of the ratio of cycles of dependent operations, as far as steps are made of them; or why not.

    Args:
        joint: the points.
        weight: the share of the steps that are no loads.
    """
    if any(item.place.family.mode != "native" for item in joint.first):
        return Estimate.unknown("steps of a framework or program are more than a chain of operations")
    first, second = joint.limits
    pairs = {name: (first.cycles(name), second.cycles(name)) for name in _OPERATIONS}
    logs = {name: math.log(a / b) for name, (a, b) in pairs.items() if _sound(a) and _sound(b) and a and b}
    if not logs:
        return Estimate.unknown("the cycles of dependent operations are not among the limits of both", remedy=_LIMITS)
    if first.chains == second.chains and first.measured == second.measured:
        return LogRatio(0.0, 0.0, "one measurement of the limits serves both runs")
    low, high = min(logs.values()), max(logs.values())
    if high - low > _MOST_SPREAD:
        each = listed([f"{math.exp(log):.2f}x of {name}" for name, log in logs.items()])
        reason = f"the machines differ by operation ({each}), and which ones the steps wait for is not declared"
        least, most = (math.exp(weight * end) for end in (low - _CHAIN_HALF, high + _CHAIN_HALF))
        return Estimate.bracket(least, most, reason)
    half = max(_CHAIN_HALF, (high - low) / 2)
    return LogRatio(weight * math.fsum(logs.values()) / len(logs), weight * half, "by the limits of the machines")


def _load_weights(joint: Joint) -> list[float]:
    """Per point the share of a step that the chain's declared loads take by the limits, the mean of both runs."""
    return [
        (_load_share(first, joint.limits[0]) + _load_share(second, joint.limits[1])) / 2
        for first, second in zip(joint.first, joint.second, strict=True)
    ]


def _load_share(item: Measured, limits: Limits) -> float:
    seconds, step = _load_seconds(item, limits), item.summary.step.value
    loads = 0.0 if item.point.work is None else item.point.work.serial_loads
    return min(1.0, loads * seconds / step) if seconds and step else 0.0


def _load_seconds(item: Measured, limits: Limits) -> float | None:
    """Seconds of one dependent load at a point's footprint, None where no load is declared or none was measured."""
    work, setting = item.point.work, item.point.setting
    if work is None or not work.serial_loads > 0:
        return None
    seconds = limits.latency(max(1.0, work.footprint.at(setting.width)), setting.threads)
    return seconds if _sound(seconds) else None


def _loads(joint: Joint, weights: Sequence[float]) -> LogRatio | Estimate:
    """The logarithm of the ratio of the chain's loads in cycles, each point by the share that they take of its step."""
    total = 0.0
    for first, second, weight in zip(joint.first, joint.second, weights, strict=True):
        pair = [_load_seconds(item, own) for item, own in zip((first, second), joint.limits, strict=True)]
        if not weight:
            continue
        if pair[0] is None or pair[1] is None:
            return Estimate.unknown("the latency of memory is not among the limits of both", remedy=_LADDER)
        clock = _mean_clock(first) - _mean_clock(second)
        total += weight * (math.log(pair[0] / pair[1]) + clock)
    mean = math.fsum(weights) / len(weights)
    return LogRatio(total / len(weights), _LOAD_HALF * mean, "declared loads of the chain by the limits")


def _mean_clock(item: Measured) -> float:
    return math.fsum(item.clocks.values()) / len(item.clocks)


def _factor(name: str, told: LogRatio | Estimate) -> Factor:
    return Factor(name, told.estimate() if isinstance(told, LogRatio) else told)


def _untold(name: str, reason: str, remedy: str = "") -> Factor:
    return Factor(name, Estimate.unknown(reason, remedy=remedy))


def _all(ratio: LogRatio) -> Factor:
    return Factor(OTHER, ratio.estimate())


def _sound(quantity: float | None) -> bool:
    return quantity is not None and 0 < quantity < math.inf
