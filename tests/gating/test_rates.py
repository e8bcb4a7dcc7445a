# SPDX-License-Identifier: Apache-2.0
"""Exact bounds of counts against published values and their definition; power against the noncentral t and draws."""

import math
import random

import pytest

from serialprof.gating.judging import FAIL_ERROR, p_at_most
from serialprof.gating.rates import Rate, gates_without_event, pairs_for, pooled_spread, power, smallest_caught
from serialprof.gating.records import LOOKS


def binomial(events: range, trials: int, chance: float) -> float:
    return sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in events)


@pytest.mark.parametrize(
    ("events", "trials", "at_most"),
    [(0, 30, 0.0950), (0, 59, 0.0495), (0, 600, 0.00498), (1, 20, 0.2161), (2, 20, 0.2826), (0, 1, 0.95)],
)
def test_upper_bounds_as_published(events: int, trials: int, at_most: float) -> None:
    # One-sided 95 % of Clopper and Pearson, Biometrika 26 (1934); none of n: 1 - 0.05^(1/n), the exact rule of three.
    assert Rate(events, trials).at_most == pytest.approx(at_most, rel=2e-3)


@pytest.mark.parametrize(("events", "trials"), [(1, 10), (5, 12), (46, 46), (29, 30)])
def test_bounds_by_their_definition(events: int, trials: int) -> None:
    rate = Rate(events, trials)
    assert binomial(range(events, trials + 1), trials, rate.at_least) == pytest.approx(0.05)
    if events < trials:
        assert binomial(range(events + 1), trials, rate.at_most) == pytest.approx(0.05)


def test_bounds_at_the_ends() -> None:
    assert Rate(0, 12).at_least == 0.0
    assert Rate(12, 12).at_most == 1.0
    nothing = Rate(0, 0)
    assert (nothing.value, nothing.at_least, nothing.at_most) == (None, 0.0, 1.0)


def test_how_many_gates_bound_a_rate() -> None:
    assert gates_without_event(0.05) == 59
    assert gates_without_event(0.005) == 598
    assert Rate(0, 598).at_most <= 0.005 < Rate(0, 597).at_most


def test_the_spread_of_pairs_is_pooled_within_gates() -> None:
    # Two gates of one and three degrees of freedom around means of their own.
    gates = [[0.0, 0.02], [0.11, 0.09, 0.10, 0.10]]
    assert pooled_spread(gates) == pytest.approx(math.sqrt((2 * 0.01**2 + 2 * 0.01**2) / 4))


def test_at_the_tolerance_the_power_is_the_level() -> None:
    assert power(9, 0.01, 0.01, 0.01) == pytest.approx(FAIL_ERROR / len(LOOKS))


@pytest.mark.parametrize(("pairs", "spread"), [(5, 0.01), (9, 0.012)])
def test_power_against_draws(pairs: int, spread: float) -> None:
    draw, failed = random.Random(5), 0
    for _ in range(4000):
        logs = [draw.gauss(math.log(1.03), spread) for _ in range(pairs)]
        failed += len(LOOKS) * p_at_most(logs, math.log(1.01)) <= FAIL_ERROR
    assert failed / 4000 == pytest.approx(power(pairs, spread, 0.03, 0.01), abs=0.025)  # 3 standard errors


def test_without_spread_nothing_is_missed() -> None:
    assert power(5, 0.0, 0.03, 0.01) == 1.0
    assert power(5, 1e-6, 0.03, 0.01) == 1.0


def test_the_fewest_pairs_are_the_fewest() -> None:
    pairs = pairs_for(0.01, 0.03, 0.01)
    assert pairs is not None
    assert power(pairs, 0.01, 0.03, 0.01) >= 0.95 > power(pairs - 1, 0.01, 0.03, 0.01)
    assert pairs_for(0.001, 0.03, 0.01) == LOOKS[0]
    assert pairs_for(0.5, 0.03, 0.01) is None


def test_the_smallest_that_is_caught_has_the_wanted_power() -> None:
    slower = smallest_caught(16, 0.02, 0.01)
    assert power(16, 0.02, slower, 0.01) == pytest.approx(0.95, abs=1e-4)
