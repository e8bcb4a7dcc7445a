# SPDX-License-Identifier: Apache-2.0
"""Judging samples that were taken at different times: Welch's t between processes, which share nothing.

What the processes of one day have in common and those of another have not (the state of the machine, its other users)
is in no process's spread. So this says what it can of the processes, and `baselining` how far that may be believed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, median, variance

from serialprof.estimate import Estimate
from serialprof.gating.judging import FAIL_ERROR, PASS_ERROR, verdict_of, widened
from serialprof.gating.records import Criteria, Judgement, Unpaired


def judge_unpaired(samples: Unpaired, criteria: Criteria, floor: float, barred: str = "") -> Judgement:
    """What processes of base and head say, two of each at least; there is one look, and no null.

    Args:
        samples: seconds per step, process by process.
        criteria: of the benchmark.
        floor: share below which nothing is told; neither tolerance nor mde is smaller.
        barred: why nothing can be told all the same, empty where it can.
    """
    bases, heads = ([_level(process) for process in side] for side in (samples.base, samples.head))
    center = fmean(bases)
    coarse = replace(criteria, tolerance=max(criteria.tolerance, floor), mde=max(criteria.mde, floor))
    wide = widened(coarse, math.exp(center), floor=0.0)
    difference = fmean(heads) - center
    low, high = (
        difference + side * half_width(bases, heads, error) for side, error in ((-1, FAIL_ERROR), (1, PASS_ERROR))
    )
    p_value = p_at_most(bases, heads, math.log1p(wide.tolerance))
    verdict = verdict_of(p_value <= FAIL_ERROR, high < math.log1p(wide.mde), biased=False)
    return Judgement(
        verdict="inconclusive" if barred else verdict,
        ratio=Estimate(math.exp(difference), math.exp(low), math.exp(high)),
        null=Estimate.unknown("a stored baseline has no null"),
        biased=False,
        p_value=p_value,
        tolerance=wide.tolerance,
        mde=wide.mde,
        logs=tuple(head - center for head in heads),
        null_logs=(),
        barred=barred,
    )


def half_width(bases: Sequence[float], heads: Sequence[float], error: float) -> float:
    """From the difference of two means to its one-sided bound (Welch 1947); 0 where nothing has any dispersion."""
    from scipy.special import stdtrit  # lazily: the command line's --help must not pay for it

    spread, freedom = _welch(bases, heads)
    return float(stdtrit(freedom, 1 - error)) * spread if spread else 0.0


def p_at_most(bases: Sequence[float], heads: Sequence[float], limit: float) -> float:
    """One-sided p value of "the means differ by at most `limit`"."""
    from scipy.special import stdtr

    spread, freedom = _welch(bases, heads)
    excess = fmean(heads) - fmean(bases) - limit
    if spread == 0:
        return 0.0 if excess > 0 else 1.0
    return float(stdtr(freedom, -excess / spread))


def _welch(bases: Sequence[float], heads: Sequence[float]) -> tuple[float, float]:
    """Standard error of the difference of means, and the degrees of freedom by Welch and Satterthwaite."""
    parts = [(variance(values) / len(values), len(values) - 1) for values in (bases, heads)]
    total = sum(part for part, _ in parts)
    if total == 0:
        return 0.0, 1.0
    return math.sqrt(total), total**2 / sum(part**2 / freedom for part, freedom in parts)


def _level(process: Sequence[float]) -> float:
    """The median of the log seconds of one process."""
    return median(map(math.log, process))
