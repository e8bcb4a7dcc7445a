# SPDX-License-Identifier: Apache-2.0
"""Why a benchmark is inconclusive: the sentence and its numbers do not contradict each other."""

from dataclasses import replace

from serialprof.gating.judging import judge
from serialprof.gating.records import Benchmark, Criteria, Judgement
from serialprof.gating.telling import sentence
from tests.gating.test_judging import pairs

SLOWER = [0.030, 0.031, 0.029, 0.030, 0.0305]


def told(judgement: Judgement) -> str:
    text = sentence(Benchmark(name="mine", reference="mine"), judgement, "inconclusive")
    return text.partition("inconclusive: ")[2]


def test_an_interval_around_both_ends() -> None:
    found = judge(pairs([0.020, 0.000, 0.050, 0.010, 0.0400]), Criteria())
    assert told(found) == "the data exclude neither the tolerance of 1 % nor 3 %"
    assert told(replace(found, mde=0.01)) == "the data do not tell whether it is more than 1 %"


def test_a_head_that_beats_the_slower_base() -> None:
    nulls = [0.06, -0.06, 0.061, -0.059, 0.06]
    found = judge(pairs(SLOWER, nulls), Criteria())
    assert found.ratio.low is not None
    assert found.ratio.low > 1.01
    assert told(found) == "in half of the pairs or more the head is not slower than the slower of both bases by 1 %"


def test_a_failure_that_others_take_back() -> None:
    found = replace(judge(pairs(SLOWER), Criteria()), p_value=0.02)
    assert told(found) == "above the tolerance of 1 %, but not surely among so many that are judged"


def test_what_layouts_may_explain() -> None:
    assert told(judge(pairs(SLOWER), Criteria(), floor=0.05)) == "within the tolerance of 5 %, but not surely below 3 %"


def test_a_base_that_differs_from_itself() -> None:
    found = judge(pairs(SLOWER, [0.02, 0.021, 0.019, 0.02, 0.0205]), Criteria())
    assert told(found).startswith("the base against itself gives +2.0 % [+1.9 %, +2.1 %]")
