# SPDX-License-Identifier: Apache-2.0
"""What a gate says of a benchmark, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping

from serialprof.estimate import Estimate
from serialprof.gating.records import METRIC_NAMES, TIMES, Benchmark, Judgement, Metric, Verdict


def sentence(
    benchmark: Benchmark,
    judgement: Judgement,
    verdict: Verdict,
    others: Mapping[Metric, Judgement] | None = None,
    floor: float | None = None,
) -> str:
    """The verdict of what was judged, with its numbers.

    Args:
        benchmark: that was gated.
        judgement: of the time of a step.
        verdict: the last word on that.
        others: judgements of further metrics, with their last words.
        floor: share by which layouts alone move it, None where that was not tried.
    """
    told = [f"{benchmark.name}: {_told('step', judgement, verdict)}"]
    told += [] if floor is None else [f"built again, the base alone moves by {_share(floor)}"]
    told += [
        f"{METRIC_NAMES[metric]} {_told(metric, other, other.verdict)}" for metric, other in (others or {}).items()
    ]
    return "; ".join(told)


def _told(metric: Metric, judgement: Judgement, verdict: Verdict) -> str:
    """The numbers and the verdict of one metric."""
    units = "pairs" if judgement.null_logs else "processes, against a stored baseline"
    found = f"{_change(judgement.ratio)} over {len(judgement.logs)} {units}"
    if judgement.barred:
        return f"{found if judgement.logs else ''}; inconclusive: {judgement.barred}".removeprefix("; ")
    more, growth = ("slower", "a slow-down") if metric in TIMES else ("more", "an increase")
    if verdict == "fail":
        return f"{found}; {more} than the tolerance of {_share(judgement.tolerance)}"
    if verdict == "pass":
        return f"{found}; {growth} of {_share(judgement.mde)} is excluded"
    return f"{found}; inconclusive: {_undecided(judgement)}"


def _undecided(judgement: Judgement) -> str:
    """Why the numbers of a metric neither pass nor fail."""
    low, high = judgement.ratio.low or 0.0, judgement.ratio.high or math.inf
    tolerance, mde = _share(judgement.tolerance), _share(judgement.mde)
    if judgement.biased and judgement.verdict == "inconclusive":
        return f"the base against itself gives {_change(judgement.null)}, so nothing here can be told"
    if low > 1 + judgement.tolerance and judgement.p_value == 1:
        return f"in half of the pairs or more the head is not slower than the slower of both bases by {tolerance}"
    if low > 1 + judgement.tolerance:
        return f"above the tolerance of {tolerance}, but not surely among so many that are judged"
    if high < 1 + judgement.tolerance:
        return f"within the tolerance of {tolerance}, but not surely below {mde}"
    if judgement.mde <= judgement.tolerance:
        return f"the data do not tell whether it is more than {tolerance}"
    return f"the data exclude neither the tolerance of {tolerance} nor {mde}"


def error_sentence(benchmark: Benchmark, reason: str) -> str:
    """Why there is nothing to judge; the benchmark is named."""
    return f"{benchmark.name}: {' '.join(reason.split())}"


def _change(ratio: Estimate) -> str:
    """A ratio as change of time in percent with its ends, such as "+2.3 % [+1.1 %, +3.6 %]"."""
    if ratio.value is None or ratio.low is None or ratio.high is None:
        return "no ratio"
    return f"{_signed(ratio.value)} [{_signed(ratio.low)}, {_signed(ratio.high)}]"


def _signed(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"
