# SPDX-License-Identifier: Apache-2.0
"""The statistics of the gate: pairs are the units, looks are corrected for, so are many benchmarks.

A pair gives one log ratio: the median over its blocks of log(head) - (log(base) + log(twin)) / 2, and one of the null:
the median of log(twin) - log(base). Over pairs it is Student's t. Every bound is corrected for the number of looks by
Bonferroni's inequality, which holds whatever the looks have to do with one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, median, stdev
from typing import Final

from serialprof.estimate import Estimate
from serialprof.gating.records import LOOKS, Criteria, Judgement, Pair, Verdict

#: One-sided error of a failure, and of a pass.
FAIL_ERROR: Final = 0.025
PASS_ERROR: Final = 0.05
_LEVEL: Final = 0.95


def judge(pairs: Sequence[Pair], criteria: Criteria, floor: float = 0.0) -> Judgement:
    """What pairs say of one benchmark, alone among others.

    Args:
        pairs: two at least.
        criteria: of the benchmark.
        floor: share by which layouts alone move it, which enters the tolerance.
    """
    logs = tuple(map(_head_over_base, pairs))
    nulls = tuple(map(_twin_over_base, pairs))
    least = criteria.least_seconds / median([sample for pair in pairs for sample in pair.base])
    tolerance, mde = max(criteria.tolerance, least, floor), max(criteria.mde, least, floor)
    low, high = bound(logs, FAIL_ERROR / len(LOOKS), -1), bound(logs, PASS_ERROR / len(LOOKS), +1)
    biased = bound(nulls, FAIL_ERROR, -1) > math.log1p(tolerance) or bound(nulls, FAIL_ERROR, +1) < -math.log1p(
        tolerance
    )
    p_value = min(1.0, len(LOOKS) * p_at_most(logs, math.log1p(tolerance)))
    return Judgement(
        verdict=_verdict(p_value <= FAIL_ERROR, high < math.log1p(mde), biased=biased),
        ratio=Estimate(math.exp(fmean(logs)), math.exp(low), math.exp(high)),
        null=_two_sided(nulls),
        biased=biased,
        p_value=p_value,
        tolerance=tolerance,
        mde=mde,
        logs=logs,
        null_logs=nulls,
    )


def settled(judgement: Judgement, benchmarks: int) -> bool:
    """Whether more pairs are not needed: it passes, or it fails however the other benchmarks come out."""
    return judgement.verdict == "pass" or benchmarks * judgement.p_value <= FAIL_ERROR


def holm(p_values: Sequence[float], error: float = FAIL_ERROR) -> list[bool]:
    """Which hypotheses are rejected so that the chance of one false rejection among all is `error` (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    rejected = [False] * len(p_values)
    for rank, index in enumerate(order):
        if p_values[index] * (len(order) - rank) > error:
            break
        rejected[index] = True
    return rejected


def final(judgements: Sequence[Judgement]) -> list[Verdict]:
    """The verdicts of several benchmarks beside each other: a failure has to survive Holm's correction."""
    survivors = holm([judgement.p_value for judgement in judgements])
    return [
        _verdict(
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


def _verdict(failed: bool, passed: bool, *, biased: bool) -> Verdict:
    if failed:
        return "inconclusive" if biased else "fail"
    return "pass" if passed else "inconclusive"


def _head_over_base(pair: Pair) -> float:
    return _median_of_blocks(lambda base, twin, head: head - (base + twin) / 2, pair)


def _twin_over_base(pair: Pair) -> float:
    return _median_of_blocks(lambda base, twin, _: twin - base, pair)


def _median_of_blocks(contrast: Callable[[float, float, float], float], pair: Pair) -> float:
    """The median of a contrast over blocks; of the two samples that a role has in each, the logs are averaged."""
    roles = (_block_logs(pair.base), _block_logs(pair.twin), _block_logs(pair.head))
    return median(contrast(*logs) for logs in zip(*roles, strict=True))


def _block_logs(samples: Sequence[float]) -> list[float]:
    return [(math.log(one) + math.log(two)) / 2 for one, two in zip(samples[::2], samples[1::2], strict=True)]


def _two_sided(logs: Sequence[float]) -> Estimate:
    error = (1 - _LEVEL) / 2
    return Estimate(math.exp(fmean(logs)), math.exp(bound(logs, error, -1)), math.exp(bound(logs, error, +1)))
