# SPDX-License-Identifier: Apache-2.0
"""Runs a gate: benchmark by benchmark, pair by pair, until each is settled or its pairs or its time are used up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from serialprof.gating.contest import Contest, RefusedBenchmarkError, Side, contest
from serialprof.gating.contestants import BenchmarkFailedError
from serialprof.gating.judging import final, judge, settled
from serialprof.gating.pairing import Pace, pace, time_pair
from serialprof.gating.records import LOOKS, Benchmark, Outcome, Pair
from serialprof.gating.telling import error_sentence, sentence
from serialprof.machine import Machine

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a gate goes.

    Attributes:
        budget: seconds per benchmark after which no further pairs are taken; the first looks' are taken in any case.
        seed: of all orders.
    """

    budget: float = 60.0
    seed: int = 0


def run_gate(
    benchmarks: Sequence[Benchmark],
    base: Side,
    head: Side,
    machine: Machine,
    effort: Effort = Effort(),
    tell: Tell = lambda what: None,
) -> tuple[Outcome, ...]:
    """One outcome per benchmark, in their order: every one is named, whatever became of it."""
    outcomes = tuple(_gated(benchmark, base, head, machine, effort, len(benchmarks), tell) for benchmark in benchmarks)
    return decided(outcomes)


def decided(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes with their last word: what was judged alone is judged beside the others (Holm)."""
    judged = [outcome.judgement for outcome in outcomes if outcome.judgement is not None]
    verdicts = iter(final(judged))
    words = []
    for outcome in outcomes:
        if outcome.judgement is None:
            words.append(outcome)
            continue
        verdict = next(verdicts)
        words.append(
            replace(outcome, verdict=verdict, sentence=sentence(outcome.benchmark, outcome.judgement, verdict))
        )
    return tuple(words)


def _gated(
    benchmark: Benchmark, base: Side, head: Side, machine: Machine, effort: Effort, benchmarks: int, tell: Tell
) -> Outcome:
    """What the pairs say of one benchmark alone; a side that fails ends it, with its name in the sentence."""
    began = time.monotonic()
    tell(f"{benchmark.name}: starting")
    try:
        opened = contest(benchmark, base, head, machine)
        paced = pace(opened.setting, opened.contestants["base"])
        pairs = take_pairs(opened, paced, effort, benchmarks, tell)
    except RefusedBenchmarkError as refused:
        return Outcome(benchmark, refused.verdict, error_sentence(benchmark, str(refused)))
    except BenchmarkFailedError as failed:
        role = "head" if failed.role == "head" else "base"
        return Outcome(benchmark, "error", error_sentence(benchmark, f"{role}: {failed}"))
    judgement = judge(pairs, benchmark.criteria)
    return Outcome(
        benchmark,
        judgement.verdict,
        sentence(benchmark, judgement, judgement.verdict),
        setting=paced.setting,
        runs=paced.runs,
        pairs=pairs,
        judgement=judgement,
        seconds=time.monotonic() - began,
    )


def take_pairs(
    opened: Contest, paced: Pace, effort: Effort, benchmarks: int = 1, tell: Tell = lambda what: None
) -> tuple[Pair, ...]:
    """Pairs of fresh processes until the benchmark is settled, or its looks or its time are used up.

    Raises:
        BenchmarkFailedError: a side does not run it.
    """
    draw = random.Random(f"{effort.seed} {opened.benchmark.name}")  # noqa: S311 - an order, no secret
    end = time.monotonic() + effort.budget
    pairs: list[Pair] = []
    for look in LOOKS:
        while len(pairs) < look:
            tell(f"{opened.benchmark.name}: pair {len(pairs) + 1}")
            pairs.append(time_pair(opened.contestants, paced, draw))
        if settled(judge(pairs, opened.benchmark.criteria), benchmarks):
            break
        if time.monotonic() + (time.monotonic() - end + effort.budget) / len(pairs) > end:
            break
    return tuple(pairs)
