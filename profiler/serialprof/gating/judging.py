# SPDX-License-Identifier: Apache-2.0
"""The statistics of the gate: pairs are the units, looks are corrected for, so are many benchmarks.

A pair gives one log ratio of the null, the median over its blocks of log(twin) - log(base), and one of the head, the
mean of two such medians: head over base, and head over twin. Sides that are the same differ symmetrically, so each of
these medians is 0 in the long run; that of log(head) - (log(base) + log(twin)) / 2 is not where noise is skewed, as
times are. Over pairs it is Student's t. Every bound is corrected for the number of looks by Bonferroni's inequality,
which holds whatever the looks have to do with one another.

Processes that come in two speeds are no normal noise: few pairs can agree by chance. So a failure also wants that, in
the median pair, the head is slower than the slower one of both bases by more than the tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean, median, stdev
from typing import Final

from serialprof.estimate import Estimate
from serialprof.gating.records import LOOKS, METRIC_NAMES, Benchmark, Criteria, Judgement, Metric, Pair, Verdict

#: One-sided error of a failure, and of a pass.
FAIL_ERROR: Final = 0.025
PASS_ERROR: Final = 0.05
#: Seconds of a single step that are not told apart: two ticks of the slowest counters in use (19.2 MHz).
CLOCK_SECONDS: Final = 1e-7
_LEVEL: Final = 0.95


def judge(pairs: Sequence[Pair], criteria: Criteria, floor: float = 0.0) -> Judgement:
    """What pairs say of the step time of one benchmark, alone among others.

    Args:
        pairs: two at least.
        criteria: of the benchmark.
        floor: share by which layouts alone move it, which enters the tolerance.
    """
    logs = tuple(map(_head_over_base, pairs))
    nulls = tuple(map(_twin_over_base, pairs))
    return _judged(logs, nulls, widened(criteria, median([sample for pair in pairs for sample in pair.base]), floor))


def judge_metric(metric: Metric, pairs: Sequence[Pair], criteria: Criteria, floor: float = 0.0) -> Judgement:
    """What pairs say of a further metric, of which every process has one value; arguments as of `judge`.

    The smallest difference and the floor of layouts are about times, so they enter where the metric is one. So does
    what the clock cannot tell: where it ticks in tens of nanoseconds, a percentile of single steps jumps by so much,
    and by the same in every pair.
    """
    trios = [pair.others[metric] for pair in pairs]
    if min(min(trio.base, trio.twin, trio.head) for trio in trios) <= 0:
        return unjudged(f"{METRIC_NAMES[metric]} is zero, which has no ratio", criteria)
    logs = tuple(math.log(trio.head) - (math.log(trio.base) + math.log(trio.twin)) / 2 for trio in trios)
    nulls = tuple(math.log(trio.twin) - math.log(trio.base) for trio in trios)
    if metric == "p99":
        seen = replace(criteria, least_seconds=max(criteria.least_seconds, CLOCK_SECONDS))
        criteria = widened(seen, median([trio.base for trio in trios]), floor)
    return _judged(logs, nulls, criteria)


def judge_all(
    pairs: Sequence[Pair], benchmark: Benchmark, refused: Mapping[Metric, str], floor: float = 0.0
) -> dict[Metric, Judgement]:
    """What pairs say of every metric of a benchmark, that of the time of a step first.

    Args:
        pairs: two at least.
        benchmark: that they are of.
        refused: why metrics were not measured.
        floor: share by which layouts alone move it.
    """
    found: dict[Metric, Judgement] = {"step": judge(pairs, benchmark.criteria, floor)}
    for metric in benchmark.others:
        found[metric] = (
            unjudged(refused[metric], benchmark.criteria)
            if metric in refused
            else judge_metric(metric, pairs, benchmark.criteria, floor)
        )
    return found


def unjudged(reason: str, criteria: Criteria) -> Judgement:
    """The judgement of what was not measured, which can neither pass nor fail."""
    missing = Estimate.unknown(reason)
    return Judgement(
        "inconclusive", missing, missing, False, 1.0, criteria.tolerance, criteria.mde, (), (), barred=reason
    )


def widened(criteria: Criteria, seconds: float, floor: float) -> Criteria:
    """Criteria whose shares let through what the smallest difference does, and whose tolerance lets a floor through.

    A slow-down that layouts may explain is no failure, and no pass either where it is not below the mde.

    Args:
        criteria: of the benchmark.
        seconds: per step of the base.
        floor: as a share.
    """
    least = criteria.least_seconds / seconds
    return replace(criteria, tolerance=max(criteria.tolerance, least, floor), mde=max(criteria.mde, least))


def _judged(logs: tuple[float, ...], nulls: tuple[float, ...], criteria: Criteria) -> Judgement:
    """What log ratios say by criteria that were widened."""
    tolerance = math.log1p(criteria.tolerance)
    low, high = bound(logs, FAIL_ERROR / len(LOOKS), -1), bound(logs, PASS_ERROR / len(LOOKS), +1)
    biased = bound(nulls, FAIL_ERROR, -1) > tolerance or bound(nulls, FAIL_ERROR, +1) < -tolerance
    beaten = median(log - abs(null) / 2 for log, null in zip(logs, nulls, strict=True)) if nulls else math.inf
    p_value = min(1.0, len(LOOKS) * p_at_most(logs, tolerance)) if beaten > tolerance else 1.0
    return Judgement(
        verdict=verdict_of(p_value <= FAIL_ERROR, high < math.log1p(criteria.mde), biased=biased),
        ratio=Estimate(math.exp(fmean(logs)), math.exp(low), math.exp(high)),
        null=_two_sided(nulls),
        biased=biased,
        p_value=p_value,
        tolerance=criteria.tolerance,
        mde=criteria.mde,
        logs=logs,
        null_logs=nulls,
    )


def settled(judgement: Judgement, hypotheses: int) -> bool:
    """Whether more pairs are not needed.

    It passes, or it fails however the other hypotheses (metrics, benchmarks) come out, or no pairs would help.
    """
    return bool(judgement.barred) or judgement.verdict == "pass" or hypotheses * judgement.p_value <= FAIL_ERROR


def holm(p_values: Sequence[float], error: float = FAIL_ERROR, elsewhere: int = 0) -> list[bool]:
    """Which hypotheses are rejected so that the chance of one false rejection among all is `error` (Holm 1979).

    Args:
        p_values: of the hypotheses.
        error: that chance.
        elsewhere: further hypotheses of which nothing is known here, and that therefore count as not rejected.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    rejected = [False] * len(p_values)
    for rank, index in enumerate(order):
        if p_values[index] * (len(order) - rank + elsewhere) > error:
            break
        rejected[index] = True
    return rejected


def final(judgements: Sequence[Judgement], elsewhere: int = 0) -> list[Verdict]:
    """The verdicts of several judgements beside each other: a failure has to survive Holm's correction.

    Args:
        judgements: one per benchmark and metric.
        elsewhere: further ones that are decided apart from these.
    """
    survivors = holm([judgement.p_value for judgement in judgements], elsewhere=elsewhere)
    return [
        "inconclusive"
        if judgement.barred
        else verdict_of(
            failed,
            judgement.ratio.high is not None and judgement.ratio.high < 1 + judgement.mde,
            biased=judgement.biased,
        )
        for judgement, failed in zip(judgements, survivors, strict=True)
    ]


def bound(values: Sequence[float], error: float, side: int) -> float:
    """The end of a one-sided t interval of a mean: the upper one for side +1, the lower one for -1.

    Values that are all equal have no dispersion to speak of, and the bound is their value.
    """
    from scipy.special import stdtrit  # lazily: the command line's --help must not pay for it

    spread = stdev(values) / math.sqrt(len(values))
    return fmean(values) + side * float(stdtrit(len(values) - 1, 1 - error)) * spread


def p_at_most(values: Sequence[float], limit: float) -> float:
    """One-sided p value of "the mean is at most `limit`", by Student's t."""
    from scipy.special import stdtr

    spread = stdev(values) / math.sqrt(len(values))
    if spread == 0:
        return 0.0 if fmean(values) > limit else 1.0
    return float(stdtr(len(values) - 1, (limit - fmean(values)) / spread))


def verdict_of(failed: bool, passed: bool, *, biased: bool) -> Verdict:
    """The word for what bounds say: a failure outranks a pass, and a biased null takes it back."""
    if failed:
        return "inconclusive" if biased else "fail"
    return "pass" if passed else "inconclusive"


def _head_over_base(pair: Pair) -> float:
    return (_over(pair.head, pair.base) + _over(pair.head, pair.twin)) / 2


def _twin_over_base(pair: Pair) -> float:
    return _over(pair.twin, pair.base)


def _over(one: Sequence[float], other: Sequence[float]) -> float:
    """The median over blocks of a log ratio; of the two samples that a role has in each, the logs are averaged."""
    return median(log - beside for log, beside in zip(_block_logs(one), _block_logs(other), strict=True))


def _block_logs(samples: Sequence[float]) -> list[float]:
    return [(math.log(one) + math.log(two)) / 2 for one, two in zip(samples[::2], samples[1::2], strict=True)]


def _two_sided(logs: Sequence[float]) -> Estimate:
    error = (1 - _LEVEL) / 2
    return Estimate(math.exp(fmean(logs)), math.exp(bound(logs, error, -1)), math.exp(bound(logs, error, +1)))
