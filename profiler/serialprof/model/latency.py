# SPDX-License-Identifier: Apache-2.0
"""Step-level times of a point: quantiles, the longest step, and how they went over the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.model.results import Latency, Moment
from serialprof.model.statistics import Array, log_interval
from serialprof.store import StepTicks, Visit
from serialprof.units import format_percent

#: Fewest steps of a unit on either side of a quantile that is taken from it.
_FEWEST_BEYOND: Final = 1
_QUANTILES: Final = (0.50, 0.95, 0.99)


def latency(visits: Sequence[Visit]) -> Latency | None:
    """Quantiles of single steps over the sound visits of a point, None where no step was told apart.

    A quantile is that of each unit (block), averaged in the logarithm with its t interval over units; units with too
    few steps beyond the quantile have none. All quantiles come from the same units, those that have the highest one
    that any unit has, so that they never decrease.
    """
    units: dict[int, list[Array]] = defaultdict(list)
    timeline = []
    for visit in visits:
        ticks = visit.readings.ticks
        steps = seconds_of(ticks) if ticks is not None and visit.sound else np.empty(0)
        if steps.size:
            steps.sort()
            units[visit.block].append(steps)
            timeline.append(Moment(visit.started, visit.block, at(steps, 0.50), at(steps, 0.99), float(steps[-1])))
    if not timeline:
        return None
    whole = [np.sort(np.concatenate(parts)) for parts in units.values()]
    same = _having_the_highest(whole)
    p50, p95, p99 = (_quantile(same, quantile) for quantile in _QUANTILES)
    return Latency(
        sum(unit.size for unit in whole), p50, p95, p99, max(item.worst for item in timeline), tuple(timeline)
    )


def seconds_of(ticks: StepTicks) -> Array:
    """Seconds of every recorded step; steps that took no time or less (a clock that jumped) are left out."""
    steps: Array = np.frombuffer(ticks.steps, dtype="<i8").astype(float) * ticks.seconds_per_tick
    return steps[np.isfinite(steps) & (steps > 0)]


def at(ordered: Array, quantile: float) -> float:
    """A quantile of values in ascending order, linear between two of them, as `numpy.quantile` has it."""
    place = quantile * (len(ordered) - 1)
    below = int(place)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return float(low + (high - low) * (place - below))


def _having_the_highest(units: Sequence[Array]) -> list[Array]:
    """The units that have the highest quantile that any has; all where none has any."""
    for quantile in reversed(_QUANTILES):
        if found := [unit for unit in units if _has(unit, quantile)]:
            return found
    return list(units)


def _has(unit: Array, quantile: float) -> bool:
    return unit.size * (1 - quantile) >= _FEWEST_BEYOND


def _quantile(units: Sequence[Array], quantile: float) -> Estimate:
    enough = [unit for unit in units if _has(unit, quantile)]
    if not enough:
        needed = round(_FEWEST_BEYOND / (1 - quantile))
        remedy = f"a longer --budget, or --depth {needed}"
        return Estimate.unknown(f"the {format_percent(quantile)} quantile needs {needed} steps in a block", "s", remedy)
    return log_interval(np.log([at(unit, quantile) for unit in enough]), "s")
