# SPDX-License-Identifier: Apache-2.0
"""Runs a gate: benchmark by benchmark, pair by pair, until each is settled or its pairs or its time are used up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from serialprof.gating.contest import Contest, RefusedBenchmarkError, Side, contest
from serialprof.gating.contestants import BenchmarkFailedError
from serialprof.gating.judging import final, judge_all, settled
from serialprof.gating.layouts import layout_floor
from serialprof.gating.metrics import refusals
from serialprof.gating.pairing import Pace, pace, time_pair
from serialprof.gating.preflight import WARM_LIMIT, preflight
from serialprof.gating.records import LOOKS, TIMES, Benchmark, Judgement, Metric, Outcome, Pair, Role, Verdict
from serialprof.gating.telling import error_sentence, sentence
from serialprof.machine import Machine

Tell = Callable[[str], None]
Rebuilds = Callable[[], Sequence[Side]]

#: Roles that differ in what they run; the third is the base again.
_SIDES: Final[tuple[Role, ...]] = ("base", "head")
#: What the judgements of a benchmark may come to, the worst last.
_BADNESS: Final[tuple[Verdict, ...]] = ("pass", "inconclusive", "fail")


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a gate goes.

    Attributes:
        budget: seconds per benchmark after which no further pairs are taken; the first looks' are taken in any case.
            Where a failure is weighed against layouts, further pairs have as much again.
        seed: of all orders.
        timeout: seconds in which a side has to be loaded and warm.
    """

    budget: float = 60.0
    seed: int = 0
    timeout: float = WARM_LIMIT


def run_gate(
    benchmarks: Sequence[Benchmark],
    base: Side,
    head: Side,
    machine: Machine,
    effort: Effort = Effort(),
    tell: Tell = lambda what: None,
    *,
    elsewhere: int = 0,
    rebuilds: Rebuilds | None = None,
) -> tuple[Outcome, ...]:
    """One outcome per benchmark, in their order: every one is named, whatever became of it.

    Args:
        benchmarks: that are gated.
        base: the side that they are compared with.
        head: the side that may be slower.
        machine: this computer.
        effort: how far it goes.
        tell: told in a few words what begins.
        elsewhere: benchmarks and metrics that are decided apart from these, and that corrections count too.
        rebuilds: builds the base again with other layouts, asked for where a benchmark would fail; it has to be slower
            than what these alone do. None leaves that out.
    """
    hypotheses = elsewhere + sum(1 + len(benchmark.others) for benchmark in benchmarks)
    outcomes = tuple(
        _gated(benchmark, base, head, machine, effort, hypotheses, tell, rebuilds) for benchmark in benchmarks
    )
    return decided(outcomes, elsewhere)


def decided(outcomes: Sequence[Outcome], elsewhere: int = 0) -> tuple[Outcome, ...]:
    """The outcomes with their last word: what was judged alone is judged beside all else (Holm).

    Args:
        outcomes: of benchmarks; their further metrics are hypotheses too.
        elsewhere: benchmarks and metrics that are decided apart from these.
    """
    judged = [judgement for outcome in outcomes for judgement in outcome.judgements.values()]
    verdicts = iter(final(judged, elsewhere))
    return tuple(_with_words(outcome, [next(verdicts) for _ in outcome.judgements]) for outcome in outcomes)


def _with_words(outcome: Outcome, verdicts: Sequence[Verdict]) -> Outcome:
    """An outcome with the last words of its judgements, of which the worst is its own."""
    if outcome.judgement is None:
        return outcome
    others = {
        metric: replace(judgement, verdict=verdict)
        for (metric, judgement), verdict in zip(outcome.others.items(), verdicts[1:], strict=True)
    }
    return replace(
        outcome,
        verdict=max(verdicts, key=_BADNESS.index),
        sentence=sentence(outcome.benchmark, outcome.judgement, verdicts[0], others, outcome.floor),
        others=others,
    )


def _gated(
    benchmark: Benchmark,
    base: Side,
    head: Side,
    machine: Machine,
    effort: Effort,
    hypotheses: int,
    tell: Tell,
    rebuilds: Rebuilds | None,
) -> Outcome:
    """What the pairs say of one benchmark alone; a side that fails ends it, with its name in the sentence."""
    began = time.monotonic()
    tell(f"{benchmark.name}: starting")
    try:
        opened = contest(benchmark, base, head, machine)
        for role in _SIDES:
            preflight(role, opened.contestants[role], opened.setting, effort.timeout)
        paced = pace(opened.setting, opened.contestants["base"])
        pairs = take_pairs(opened, paced, effort, hypotheses, tell)
        floor = None
        unmeasured = refusals(benchmark.others, paced.step)
        if rebuilds is not None and fails_in_time(judge_all(pairs, benchmark, unmeasured)):
            floor = layout_floor(opened, paced, rebuilds(), effort.seed, tell)
        if floor is not None:
            pairs = take_pairs(opened, paced, effort, hypotheses, tell, floor=floor, taken=pairs)
    except RefusedBenchmarkError as refused:
        return Outcome(benchmark, refused.verdict, error_sentence(benchmark, str(refused)))
    except BenchmarkFailedError as failed:
        role = "head" if failed.role == "head" else "base"
        return Outcome(benchmark, "error", error_sentence(benchmark, f"{role}: {failed}"))
    judgements = judge_all(pairs, benchmark, unmeasured, floor or 0.0)
    judgement = judgements.pop("step")
    return Outcome(
        benchmark,
        judgement.verdict,
        sentence(benchmark, judgement, judgement.verdict, floor=floor),
        setting=paced.setting,
        runs=paced.runs,
        pairs=pairs,
        judgement=judgement,
        floor=floor,
        seconds=time.monotonic() - began,
        others=judgements,
    )


def fails_in_time(judgements: Mapping[Metric, Judgement]) -> bool:
    """Whether one of the times fails, which are what layouts move."""
    return any(judgement.verdict == "fail" for metric, judgement in judgements.items() if metric in TIMES)


def take_pairs(
    opened: Contest,
    paced: Pace,
    effort: Effort,
    hypotheses: int = 1,
    tell: Tell = lambda what: None,
    *,
    floor: float = 0.0,
    taken: Sequence[Pair] = (),
) -> tuple[Pair, ...]:
    """Pairs of fresh processes until the benchmark is settled, or its looks or its time are used up.

    Args:
        opened: the benchmark at one setting.
        paced: how it is sampled.
        effort: how far this goes.
        hypotheses: how many metrics, of all benchmarks, are judged beside each other.
        tell: told in a few words what begins.
        floor: share by which layouts alone move it.
        taken: pairs that are there already, and that further ones come to.

    Raises:
        BenchmarkFailedError: a side does not run it.
    """
    draw = random.Random(f"{effort.seed} {opened.benchmark.name} {len(taken)}")  # noqa: S311 - an order, no secret
    began = time.monotonic()
    pairs = list(taken)
    benchmark = opened.benchmark
    refused = refusals(benchmark.others, paced.step)
    measured = [metric for metric in benchmark.others if metric not in refused]
    for look in LOOKS:
        while len(pairs) < look:
            tell(f"{benchmark.name}: pair {len(pairs) + 1}")
            pairs.append(time_pair(opened.contestants, paced, draw, measured))
        if all(settled(item, hypotheses) for item in judge_all(pairs, benchmark, refused, floor).values()):
            break
        spent, new = time.monotonic() - began, len(pairs) - len(taken)
        if new and spent + spent / new > effort.budget:
            break
    return tuple(pairs)
