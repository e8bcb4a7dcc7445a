# SPDX-License-Identifier: Apache-2.0
"""The floor of layouts, by made pairs: how it is defined, when it is asked for, and what becomes of a failure."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serialprof.gating import gate as carried
from serialprof.gating import layouts, running
from serialprof.gating.contest import Contest, Side
from serialprof.gating.contestants import BenchmarkFailedError, Contestant
from serialprof.gating.judging import unjudged
from serialprof.gating.layouts import PAIRS, layout_floor
from serialprof.gating.pairing import Pace
from serialprof.gating.records import Benchmark, Criteria, Metric, Outcome, Pair, Role, Trio
from serialprof.gating.running import run_gate
from serialprof.setting import Setting
from tests.gating.made import MACHINE

SETTING = Setting(width=1, depth=10)
PACE = Pace(SETTING, 3, 1e-3, 6)


def side(label: str) -> Side:
    return Side("head" if label == "head" else "base", label, Path("/"))


def contest(benchmark: Benchmark, *_: object) -> Contest:
    base, head = (Contestant(label, "mine", Path("/")) for label in ("base", "head"))
    return Contest(benchmark, SETTING, {"base": base, "twin": base, "head": head})


class Clock:
    """Pairs as they would be timed: by what is in the head's place, its log ratio, around which pairs lie evenly."""

    def __init__(self, **ratios: float) -> None:
        self.ratios = ratios
        self.taken: list[str] = []

    def __call__(self, contestants: Mapping[Role, Contestant], *_: object) -> Pair:
        assert contestants["base"].python == contestants["twin"].python == "base"
        who = contestants["head"].python
        self.taken.append(who)
        if who not in self.ratios:
            raise BenchmarkFailedError("head", "died")
        log = self.ratios[who] + (self.taken.count(who) % PAIRS - 2) * 1e-3
        return Pair((1e-6,) * 4, (1e-6,) * 4, (1e-6 * math.exp(log),) * 4)


def gated(
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    rebuilds: Sequence[str] | None,
    timed: Callable[..., Pair] | None = None,
    metrics: tuple[Metric, ...] = ("step",),
) -> Outcome:
    """One benchmark's outcome, timed by a made clock; in its own pairs by another one, where that is given."""
    monkeypatch.setattr(layouts, "time_pair", clock)
    monkeypatch.setattr(running, "time_pair", timed or clock)
    monkeypatch.setattr(running, "contest", contest)
    monkeypatch.setattr(running, "preflight", lambda *_: None)
    monkeypatch.setattr(running, "pace", lambda *_: PACE)
    build = None if rebuilds is None else lambda: list(map(side, rebuilds))
    return run_gate([Benchmark("mine", "mine", metrics=metrics)], side("base"), side("head"), MACHINE, rebuilds=build)[
        0
    ]


@pytest.mark.parametrize(
    ("ratios", "floor"), [({"one": 0.04, "two": -0.06}, 0.06), ({"one": -0.01}, 0.01), ({"one": 0.0}, 0.0), ({}, None)]
)
def test_the_floor_is_the_largest_movement(
    monkeypatch: pytest.MonkeyPatch, ratios: dict[str, float], floor: float | None
) -> None:
    clock = Clock(**ratios)
    monkeypatch.setattr(layouts, "time_pair", clock)
    told: list[str] = []
    found = layout_floor(contest(Benchmark("mine", "mine")), PACE, [*map(side, (*ratios, "dead"))], 1, told.append)
    assert found == (None if floor is None else pytest.approx(math.expm1(floor)))
    assert clock.taken == [name for name in ratios for _ in range(PAIRS)] + ["dead"]
    assert told[-1] == "mine: the base that was built again: died"


def test_each_rebuild_has_an_order_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []

    def draws(contestants: Mapping[Role, Contestant], paced: Pace, draw: random.Random) -> Pair:
        drawn.append(draw.random())
        return Pair((1e-6,) * 2, (1e-6,) * 2, (1e-6,) * 2)

    monkeypatch.setattr(layouts, "time_pair", draws)
    layout_floor(contest(Benchmark("mine", "mine")), PACE, [side("one"), side("two")], 1)
    assert len(set(drawn)) == 2 * PAIRS


def test_a_failure_within_the_floor_is_none_and_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    found = gated(monkeypatch, Clock(head=0.05, one=-0.08), ["one"])
    assert found.verdict == "inconclusive"
    assert found.floor == pytest.approx(math.expm1(0.08))
    assert found.judgement is not None
    assert found.judgement.tolerance == found.floor
    assert "the base alone moves by 8.33 %" in found.sentence


def test_a_failure_of_single_steps_alone_is_weighed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(head=0.0, one=0.0)

    def timed(*given: Any) -> Pair:
        return replace(clock(*given), others={"p99": Trio(1e-4, 1e-4, 1.2e-4)})

    assert gated(monkeypatch, clock, ["one"], timed, metrics=("step", "p99")).verdict == "fail"
    assert "one" in clock.taken


def test_a_failure_above_the_floor_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(head=0.05, one=0.02)
    found = gated(monkeypatch, clock, ["one"])
    assert found.verdict == "fail"
    assert "slower than the tolerance of 2.02 %; built again, the base alone moves by 2.02 %" in found.sentence
    assert clock.taken == ["head"] * 5 + ["one"] * 5


def test_failures_that_no_rebuild_was_weighed_against_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    slower = gated(monkeypatch, Clock(head=0.05), [])
    assert carried._unweighed([slower]) == ("mine: no rebuild of the base differs and runs, so no layout was weighed",)
    assert not carried._unweighed([gated(monkeypatch, Clock(head=0.05, one=0.01), ["one"])])
    assert not carried._unweighed([gated(monkeypatch, Clock(head=0.0), [])])
    more = unjudged("", Criteria())
    assert not carried._unweighed([replace(slower, judgement=more, others={"memory": slower.judgement or more})])


def test_near_the_floor_more_pairs_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(head=0.05, one=0.05)
    found = gated(monkeypatch, clock, ["one"])
    assert found.verdict == "inconclusive"
    assert clock.taken == ["head"] * 5 + ["one"] * 5 + ["head"] * 11
    assert len(found.pairs) == 16


@pytest.mark.parametrize(("head", "rebuilds"), [(0.0, ["one"]), (0.05, None), (0.05, [])])
def test_a_pass_asks_for_no_rebuild_and_without_one_there_is_no_floor(
    monkeypatch: pytest.MonkeyPatch, head: float, rebuilds: list[str] | None
) -> None:
    clock = Clock(head=head, one=0.08)
    found = gated(monkeypatch, clock, rebuilds)
    assert found.floor is None
    assert found.verdict == ("fail" if head else "pass")
    assert set(clock.taken) == {"head"}
    assert "alone" not in found.sentence
