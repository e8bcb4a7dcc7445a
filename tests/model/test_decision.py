# SPDX-License-Identifier: Apache-2.0
"""The decision map against laws whose answer is known by hand, and against what-if answers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from serialprof.catalog import Affine
from serialprof.limits import Limits, StreamRung
from serialprof.model import analyse
from serialprof.model.answers import Refusal
from serialprof.model.decision import CLOCKS, DecisionMap, decision_map
from serialprof.model.examination import examine
from serialprof.model.fitting.cells import Cell
from serialprof.model.fitting.memory import Memory
from serialprof.model.forecast.outlook import OVERLAP
from serialprof.model.results import FamilyAnalysis
from serialprof.model.whatif import ask
from serialprof.question import question_of
from serialprof.store import StoredRun
from tests.model import builder

L, TAU, S = 1e-6, 2e-8, 3e-7


def law(width: int, threads: int, form: str = "serial", clock: float = 3e9) -> float:
    """All but the barrier follows the clock."""
    return (L + TAU * width / min(threads, width)) * 3e9 / clock + S * (threads > 1)


def mapped(run: StoredRun) -> tuple[DecisionMap | Refusal, FamilyAnalysis]:
    (examined,) = examine(run)
    (family,) = analyse(run, (examined,)).families
    return decision_map(examined, family), family


@pytest.fixture(scope="module")
def clocked() -> StoredRun:
    return builder.run(law, threads=(1, 2), clocks=(1.5e9, 2.25e9, 3e9))


def test_its_speed_ups_are_those_of_whatif(clocked: StoredRun) -> None:
    found, _ = mapped(clocked)
    assert isinstance(found, DecisionMap)
    assert (found.clocks, found.threads, found.most_measured) == (CLOCKS, (1, 2, 4), 2)
    for clock, threads in ((0.7, 1), (0.7, 2), (1.0, 2), (1.5, 2), (1.2, 4)):
        (answer,) = ask(clocked, question_of({"clock": f"x{clock}", "threads": threads, "width": found.width}))
        told = next(item.speedup for item in answer.predictions if item.threads == 1)
        speed_up = found.speedups[CLOCKS.index(clock)][found.threads.index(threads)]
        assert (speed_up.value, speed_up.low, speed_up.high) == pytest.approx((told.value, told.low, told.high))
    assert found.speedups[3][1].value == pytest.approx(law(found.width, 1) / law(found.width, 2, clock=4.5e9), rel=1e-3)


def test_it_lies_nearest_to_where_more_threads_start_to_pay(clocked: StoredRun) -> None:
    found, family = mapped(clocked)
    assert isinstance(found, DecisionMap)
    crossover = family.crossovers[0].width.value
    assert crossover is not None
    assert found.width == min(builder.OCTAVES, key=lambda width: abs(math.log(width / crossover)))
    assert "nearest" in found.chosen


def test_the_surface_goes_through_what_was_asked_and_as_a_sum_of_parts_between(clocked: StoredRun) -> None:
    found, _ = mapped(clocked)
    assert isinstance(found, DecisionMap)
    surface = found.surface("low", np.array([0.7, 1.1]), np.array([1.0, math.sqrt(2), 2.0]))
    assert [surface[0, 0], surface[2, 0]] == pytest.approx([item.low for item in found.speedups[0][:2]])
    exact = [law(found.width, 1) / law(found.width, threads, clock=3.3e9) for threads in (1, 2)]
    assert [surface[0, 1], surface[2, 1]] == pytest.approx(exact, rel=1e-3)
    assert surface[1, 1] == pytest.approx(math.sqrt(surface[0, 1] * surface[2, 1]))


def test_each_leads_where_it_alone_surely_gains_more() -> None:
    found, _ = mapped(builder.run(lambda width, threads, form="serial": (L + TAU * width) / threads, threads=(1, 2)))
    assert isinstance(found, DecisionMap)
    clock, cores = found.leads(np.array([1.0, 1.2, 1.5]), np.array([1.0, 1.1, 2.0]))
    assert cores[2].min() > 0, "two threads give twice as much, the clock 1.5 times at most"
    assert clock[2].max() < 0
    assert clock[0, 1] > 0 and clock[0, 2] > 0, "a thread that is not added gives nothing"
    assert clock[0, 0] < 0 and cores[0, 0] < 0, "neither is changed"


def test_a_width_where_other_clocks_are_not_told_is_passed_over_or_refused() -> None:
    """Three widths bound by the chain and one by traffic: there, sum and max forms disagree about the clock."""
    ladder = tuple(StreamRung(1 << power, n, 1e11 if power <= 20 else 1e10) for n in (1, 2) for power in range(15, 28))
    limits = Limits(stream=ladder)
    memory, wide = Memory.of(limits, 1 << 20), 1 << 16
    work = replace(builder.LANES, bytes=Affine(0, 64))

    def step(width: int, threads: int, form: str) -> float:
        return 1e-4 + memory.seconds(Cell(width, 1, work))

    run = builder.run(step, (1, 2, 4, wide), (1, 2), work=work, limits=limits, noise=0.01, seed=1)
    (examined,) = examine(run)
    (family,) = analyse(run, (examined,)).families
    order = {item.width: item for item in family.tradeoffs}
    passed = decision_map(examined, replace(family, tradeoffs=(order[wide], order[2]), crossovers=()))
    assert isinstance(passed, DecisionMap)
    assert passed.width == 2 and "at which other clocks are told" in passed.chosen
    refused = decision_map(examined, replace(family, tradeoffs=(order[wide],), crossovers=()))
    assert isinstance(refused, Refusal)
    assert OVERLAP in refused.reason and "widths around the knee" in refused.remedy


def test_what_stands_in_the_way_is_told(clocked: StoredRun) -> None:
    (examined,) = examine(clocked)
    (family,) = analyse(clocked, (examined,)).families
    alone = decision_map(examined, replace(family, tradeoffs=()))
    assert isinstance(alone, Refusal)
    assert "one thread count" in alone.reason
    few, _ = mapped(builder.run(law, threads=(1, 2), blocks=2))
    assert isinstance(few, Refusal) and few.reason
