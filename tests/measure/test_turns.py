# SPDX-License-Identifier: Apache-2.0
"""Turns on a clock that only work moves."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serialprof.measure.turns import in_turns


@dataclass
class Bench:
    """A fake clock, and things that take time on it."""

    now: float = 0.0
    order: list[str] = field(default_factory=list)

    def thing(self, name: str, *costs: float) -> Callable[[], list[float]]:
        """A thing whose visits take these seconds in turn, the last one for ever."""
        left = list(costs)

        def visit() -> list[float]:
            self.order.append(name)
            cost = left.pop(0) if len(left) > 1 else left[0]
            self.now += cost
            return [cost]

        return visit


def test_things_are_visited_forward_and_backward() -> None:
    bench = Bench()
    things = {name: bench.thing(name, 1.0) for name in "abc"}
    readings = in_turns(things, 9.0, 2.0, clock=lambda: bench.now)
    assert "".join(bench.order) == "abccbaab", "the ninth might take half as long again as before, until 9.5"
    assert readings == {"a": [1.0] * 3, "b": [1.0] * 3, "c": [1.0] * 2}


def test_what_would_not_fit_is_not_begun_and_nor_is_what_takes_longer() -> None:
    bench = Bench()
    things = {"a": bench.thing("a", 1.0), "b": bench.thing("b", 4.0, 1.0), "c": bench.thing("c", 0.1)}
    readings = in_turns(things, 4.5, 4.0, clock=lambda: bench.now)
    assert set(readings) == {"a"}
    assert "c" not in bench.order


def test_a_long_visit_stops_while_shorter_ones_go_on() -> None:
    bench = Bench()
    things = {"short": bench.thing("short", 1.0), "long": bench.thing("long", 5.0)}
    readings = in_turns(things, 12.0, 5.0, clock=lambda: bench.now)
    assert [len(values) for values in readings.values()] == [6, 1]
    assert bench.now <= 12.0


def test_a_first_visit_that_builds_something_does_not_set_what_later_ones_are_expected_to_take() -> None:
    bench = Bench()
    readings = in_turns({"a": bench.thing("a", 6.0, 1.0)}, 17.0, 2.0, clock=lambda: bench.now)
    assert len(readings["a"]) == 11


def test_enough_is_enough() -> None:
    bench = Bench()
    readings = in_turns({"a": bench.thing("a", 1.0)}, 1e6, 2.0, clock=lambda: bench.now)
    assert len(readings["a"]) == 100
    readings = in_turns({"a": bench.thing("a", 1.0)}, 1e6, 2.0, most=5, clock=lambda: bench.now)
    assert len(readings["a"]) == 5


@given(
    first=st.floats(0.01, 1.0),
    steps=st.lists(st.floats(0.1, 3.0), min_size=1, max_size=6),
    wander=st.floats(1.0, 1.5),
    seconds=st.floats(1.0, 20.0),
)
def test_the_time_is_kept(first: float, steps: list[float], wander: float, seconds: float) -> None:
    bench = Bench()
    things = {}
    for number, step in enumerate(steps):
        things[str(number)] = bench.thing(str(number), first, first / wander, first)
        first *= step
    in_turns(things, seconds, 3.0, clock=lambda: bench.now)
    assert bench.now <= seconds + 1e-9


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_without_time_there_is_at_most_one_reading(seconds: float) -> None:
    bench = Bench()
    in_turns({name: bench.thing(name, 1.0) for name in "ab"}, seconds, 2.0, clock=lambda: bench.now)
    assert len(bench.order) <= 1
