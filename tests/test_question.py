# SPDX-License-Identifier: Apache-2.0
"""What-if questions as people write them."""

from __future__ import annotations

import pytest

from serialprof.errors import UsageError
from serialprof.question import (
    Change,
    Cost,
    Question,
    Times,
    level_of,
    parse_cost,
    parse_factor,
    parse_level,
    per_hour,
    question_of,
)


@pytest.mark.parametrize(
    ("text", "factor"),
    [("+10%", 1.1), ("-5 %", 0.95), ("x2", 2.0), ("0.8x", 0.8), (" x 1.5 ", 1.5), ("x.5", 0.5), ("+100%", 2.0)],
)
def test_factors(text: str, factor: float) -> None:
    assert parse_factor(text, "clock") == pytest.approx(factor)


@pytest.mark.parametrize("text", ["3GHz", "10%", "2", "", "x", "x-2", "xnan", "+ten%", "x2x", "1e3x"])
def test_what_is_no_factor_says_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match=r"clock '.*' is no factor; write it like --clock \+10%"):
        parse_factor(text, "clock")


@pytest.mark.parametrize("text", ["x0", "-100%", "-250%", "x1001", "x0.0001"])
def test_absurd_factors_are_refused_with_what_they_come_to(text: str) -> None:
    with pytest.raises(UsageError, match=r"times what was measured; give a factor between x0\.001 and x1000"):
        parse_factor(text, "clock")


def test_levels_are_counts_or_factors() -> None:
    assert parse_level("4", "threads") == 4
    assert parse_level("64Ki", "width") == 65536
    assert parse_level("x2", "threads") == Times(2.0)
    assert parse_level("+50%", "threads") == Times(1.5)
    for text in ("0", "1,2", "2.5", "two"):
        with pytest.raises(UsageError, match="neither a whole number from 1 on nor a factor"):
            parse_level(text, "threads")


def test_a_level_beside_a_measured_count() -> None:
    assert (level_of(None, 3), level_of(8, 3), level_of(Times(2.0), 3)) == (3, 8, 6)
    assert 50 * 1.1 != 55 and level_of(Times(1.1), 50) == 55, "a product that is whole but for rounding"
    assert level_of(Times(1.5), 3) is None
    assert level_of(Times(0.5), 1) is None


def test_costs() -> None:
    cost = parse_cost("0.10+0.04", "price")
    assert cost == Cost(0.1, 0.04)
    assert cost.at(4) == pytest.approx(0.26)
    assert per_hour(2.0) == 7200
    for text in ("0.1", "0.1+", "a+b", "-1+2", "1+2+3"):
        with pytest.raises(UsageError, match=r"no BASE\+PER_THREAD; write it like --price"):
            parse_cost(text, "price")
    with pytest.raises(UsageError, match="costs nothing"):
        parse_cost("0+0", "price")


def test_absurd_costs_are_refused() -> None:
    assert parse_cost("1000000000+0.000000001", "watts") == Cost(1e9, 1e-9)
    for text in (
        "1000000001+1",
        "0+1000000001",
        "0.0000000009+1",
        "1+0.0000000009",
        "0+0." + 30 * "0" + "1",
        400 * "9" + "+0",
    ):
        with pytest.raises(
            UsageError, match=r"is no cost that could be meant; give a base .* between 1e-09 and 1e\+09"
        ):
            parse_cost(text, "watts")


def test_a_question_from_names() -> None:
    question = question_of({"clock": 1.1, "memory_latency": "x0.8", "threads": 4, "width": "x2", "watts": "20+5"})
    assert question == Question(Change(clock=1.1, memory_latency=0.8), 4, Times(2.0), None, Cost(20, 5))
    assert question.alters and not question.nothing
    assert question_of({}).nothing
    priced = question_of({"price": "1+1"})
    assert not priced.alters and not priced.nothing
    with pytest.raises(UsageError, match="'clok' is nothing that can be asked; ask bandwidth, barrier, clock"):
        question_of({"clok": 1.1})
    for wrong in (-1.0, float("nan"), 0.0):
        with pytest.raises(UsageError, match="clock"):
            question_of({"clock": wrong})
