# SPDX-License-Identifier: Apache-2.0
"""Clock against cores, where more threads start to win, and what depth costs: paired over blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.forecast.conditions import MORE_BLOCKS, NO_CLOCK, TWO_CLOCKS
from serialprof.model.forecast.outlook import Forecast, Outlook
from serialprof.model.results import Crossover, DepthCost, Futility, Tradeoff, Winner
from serialprof.model.statistics import Array, interval, log_interval, too_few
from serialprof.model.steptimes import FamilyTimes, paired
from serialprof.question import Change
from serialprof.units import format_count

#: How much faster a clock is supposed to get for `clock_gains`.
CLOCK_STEP: Final = 0.10

#: A gain below this is as good as none.
NEGLIGIBLE: Final = 0.005

#: More threads that gain less than this, a fifth of CLOCK_STEP, are of no use.
USELESS: Final = CLOCK_STEP / 5

#: Threads' worth of CPU time, in shares, that a step on one thread may seem to keep busy besides it.
_BESIDES: Final = 0.05


def clock_gains(outlook: Outlook | None, places: Sequence[tuple[int, int]]) -> list[Estimate]:
    """Speed-ups minus 1 from CLOCK_STEP more clock, the same that `whatif` gives: brackets where no clock was set.

    Args:
        outlook: what the fit says of other conditions, None where there is no fit.
        places: (width, threads) of the operating points.
    """
    if outlook is None:
        unfitted = Estimate.bracket(0.0, CLOCK_STEP, f"{NO_CLOCK}, and there is no fit", remedy=TWO_CLOCKS)
        return [unfitted] * len(places)
    cells = [outlook.cell(*place) for place in places]
    forecasts = outlook.between([(cell, cell) for cell in cells], Change(clock=1 + CLOCK_STEP))
    return [_clock_gain(outlook, forecast) for forecast in forecasts]


def _clock_gain(outlook: Outlook, forecast: Forecast) -> Estimate:
    low, high = (
        min(max(0.0, _or(end, otherwise) - 1), CLOCK_STEP)
        for end, otherwise in ((forecast.speedup.low, 1.0), (forecast.speedup.high, 1 + CLOCK_STEP))
    )
    told = forecast.speedup
    if outlook.fitted.clocked and told.value is not None:
        known = told.low is not None and told.high is not None
        value = min(max(0.0, told.value - 1), CLOCK_STEP)
        return Estimate(value, low if known else None, high if known else None, reason=told.reason)
    return Estimate.bracket(low, high, told.reason or NO_CLOCK, remedy=told.remedy or TWO_CLOCKS)


def clock_elasticity(gain: Estimate) -> Estimate:
    """-dlnT/dlnf from the gain of CLOCK_STEP more clock: the share of the time that shrinks as 1 / f.

    With x = CLOCK_STEP and a gain g that share is (1 - 1 / (1 + g)) / (1 - 1 / (1 + x)).
    """
    if gain.value is not None:
        value, low, high = (None if end is None else _scaling(end) for end in (gain.value, gain.low, gain.high))
        return Estimate(value, low, high, reason=gain.reason)
    low, high = _scaling(_or(gain.low, 0.0)), _scaling(_or(gain.high, CLOCK_STEP))
    return Estimate.bracket(low, high, gain.reason, remedy=gain.remedy)


def _scaling(gain: float) -> float:
    return min(1.0, (1 - 1 / (1 + gain)) / (1 - 1 / (1 + CLOCK_STEP)))


def tradeoffs(times: FamilyTimes, outlook: Outlook | None) -> tuple[Tradeoff, ...]:
    """Clock against cores at every width that two adjacent thread counts share."""
    return tuple(_tradeoffs(times, outlook))


def crossovers(times: FamilyTimes) -> tuple[Crossover, ...]:
    """Where more threads start to win, for every pair of adjacent thread counts."""
    found = []
    for fewer, more in _thread_pairs(times):
        widths = _shared_widths(times, fewer, more)
        if widths:
            ratios = [_ratio(times, width, fewer, more) for width in widths]
            found.append(Crossover(fewer, more, crossing(widths, ratios)))
    return tuple(found)


def crossing(widths: Sequence[int], ratios: Sequence[Array]) -> Estimate:
    """The width at which ln(T_fewer / T_more) turns from surely negative to surely positive.

    Args:
        widths: ascending.
        ratios: per width, the paired log ratios [unit].

    Returns:
        The width where the mean log ratio, linear in ln W between measured widths, crosses zero; its ends are the last
        sure loss and the first sure win around it. Without both, the reason says which side of the sweep it lies on.
    """
    signs = [_sign(ratio) for ratio in ratios]
    sure = [index for index, sign in enumerate(signs) if sign]
    turns = [(left, right) for left, right in pairwise(sure) if signs[left] < 0 < signs[right]]
    if turns:
        left, right = turns[0]
        again = any(signs[first] > signs[second] for first, second in pairwise(sure))
        reason = "the order changes more than once over the sweep; this is the first turn" if again else ""
        value = _zero(widths[left : right + 1], [float(np.mean(ratio)) for ratio in ratios[left : right + 1]])
        return Estimate(value, float(widths[left]), float(widths[right]), reason=reason)
    if all(sign > 0 for sign in signs):
        reason = "more threads win at every measured width"
        return Estimate(None, high=float(widths[0]), reason=reason, remedy="smaller widths")
    if all(sign < 0 for sign in signs):
        reason = f"beyond W = {format_count(widths[-1])}: more threads lose at every width"
        return Estimate(None, low=float(widths[-1]), reason=reason, remedy=f"widths up to {4 * widths[-1]} and more")
    return Estimate.unknown(f"the data cannot tell: {_undecided(widths, ratios, signs)}", remedy=MORE_BLOCKS)


def _undecided(widths: Sequence[int], ratios: Sequence[Array], signs: Sequence[int]) -> str:
    """What is known of an order that no crossover can be read from."""
    if few := too_few(max(ratio.size for ratio in ratios)):
        return few
    known = []
    for wanted, verb in ((-1, "lose"), (1, "win")):
        sure = [format_count(width) for width, sign in zip(widths, signs, strict=True) if sign == wanted]
        if sure:
            known.append(f"more threads surely {verb} at W = {', '.join(sure)}")
    return "; ".join(known) or "no width has a sure order"


def depth_costs(times: FamilyTimes) -> tuple[DepthCost, ...]:
    """T_serial / T_wide wherever both forms were measured, ascending in threads, then width."""
    shared = set(times.measured("serial")) & set(times.measured("wide"))
    costs = []
    for width, threads in sorted(shared, key=lambda key: (key[1], key[0])):
        logs = paired(times.column(width, threads, "serial"), times.column(width, threads, "wide"))
        if logs.size:
            costs.append(DepthCost(width, threads, log_interval(logs)))
    return tuple(costs)


def _tradeoffs(times: FamilyTimes, outlook: Outlook | None) -> Iterator[Tradeoff]:
    shared = [
        (width, fewer, more) for fewer, more in _thread_pairs(times) for width in _shared_widths(times, fewer, more)
    ]
    gains = clock_gains(outlook, [(width, fewer) for width, fewer, _ in shared])
    for (width, fewer, more), clock in zip(shared, gains, strict=True):
        logs = _ratio(times, width, fewer, more)
        cores = interval(logs / math.log(more / fewer))
        gain = log_interval(logs)
        low, value, high = (None if end is None else end - 1 for end in (gain.low, gain.value, gain.high))
        offers = clock, Estimate(value, low, high, reason=gain.reason)
        yield Tradeoff(width, fewer, more, clock_elasticity(clock), cores, *offers, winner(*offers))


def winner(clock: Estimate, cores: Estimate) -> Winner:
    """Which gain is surely larger, that of CLOCK_STEP more clock or of more threads; "neither" where none counts."""
    if clock.low is None or clock.high is None or cores.low is None or cores.high is None:
        return "unknown"
    if clock.high < NEGLIGIBLE and cores.high < NEGLIGIBLE:
        return "neither"
    if clock.low > max(cores.high, NEGLIGIBLE):  # a clock that may gain nothing beats nobody
        return "clock"
    return "cores" if cores.low > clock.high else "unknown"


def futility(item: Tradeoff) -> Futility | None:
    """What more threads surely do where they are of no use, and yet the clock does not win: it may gain nothing."""
    most, clock = item.cores_gain.high, item.clock_gain
    if item.winner != "unknown" or most is None or clock.low is None or clock.low > NEGLIGIBLE:
        return None
    if most < 0:
        return "lose"
    if item.busy.high is not None and item.busy.high < (1 + _BESIDES) * item.threads:
        return "stay idle"
    return "gain nothing" if most < USELESS else None


def _or(end: float | None, otherwise: float) -> float:
    return otherwise if end is None else end


def _ratio(times: FamilyTimes, width: int, fewer: int, more: int) -> Array:
    return paired(times.column(width, fewer, "serial"), times.column(width, more, "serial"))


def _thread_pairs(times: FamilyTimes) -> list[tuple[int, int]]:
    return list(pairwise(sorted({threads for _, threads in times.measured("serial")})))


def _shared_widths(times: FamilyTimes, fewer: int, more: int) -> list[int]:
    """Widths at which some unit has both thread counts, ascending."""
    measured = set(times.measured("serial"))
    widths = [width for width, threads in sorted(measured) if threads == fewer and (width, more) in measured]
    return [width for width in widths if _ratio(times, width, fewer, more).size]


def _sign(logs: Array) -> int:
    """1 where the mean is surely positive, -1 where surely negative, 0 where the data cannot tell."""
    estimate = interval(logs)
    if estimate.low is None or estimate.high is None:
        return 0
    return int(estimate.low > 0) - int(estimate.high < 0)


def _zero(widths: Sequence[int], means: Sequence[float]) -> float:
    """Where a line through (ln W, mean) of neighbouring widths first rises through zero."""
    for (low, first), (high, second) in pairwise(zip(widths, means, strict=True)):
        if first < 0 <= second:
            share = -first / (second - first)
            return math.exp(math.log(low) + share * math.log(high / low))
    raise ValueError("the means never rise through zero")
