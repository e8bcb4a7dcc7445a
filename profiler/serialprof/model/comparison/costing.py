# SPDX-License-Identifier: Apache-2.0
"""What steps cost on two machines whose prices are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

from serialprof.estimate import Estimate
from serialprof.model.comparison.records import StepCost
from serialprof.question import Cost, per_hour

#: Of an hour of the first machine and of the second.
Prices: TypeAlias = tuple[Cost, Cost]

#: The unit of a cost is that in which prices were given.
_UNIT: Final = "price"


def step_cost(first: Estimate, second: Estimate, ratio: Estimate, threads: int, prices: Prices) -> StepCost:
    """What one step costs on either machine, and on the first over the second: above 1, the second is cheaper.

    Args:
        first: seconds per step on the first machine.
        second: on the second.
        ratio: of the two, with its interval.
        threads: that share the step.
        prices: known exactly.
    """
    rates = [price.at(threads) / per_hour(1.0) for price in prices]
    costs = [step.scaled(rate, _UNIT) for step, rate in zip((first, second), rates, strict=True)]
    return StepCost(costs[0], costs[1], for_the_money(ratio, [threads], prices))


def for_the_money(ratio: Estimate, threads: Sequence[int], prices: Prices) -> Estimate:
    """How many steps the second machine makes for the price of one on the first: the geometric mean over points.

    Args:
        ratio: geometric mean of step times of the first over those of the second.
        threads: of every point.
        prices: known exactly.
    """
    logs = [math.log(prices[0].at(count) / prices[1].at(count)) for count in threads]
    return ratio.scaled(math.exp(math.fsum(logs) / len(logs)), "1")
