# SPDX-License-Identifier: Apache-2.0
"""What a gate says of a benchmark, in one sentence."""

from __future__ import annotations

from serialprof.estimate import Estimate
from serialprof.gating.records import Benchmark, Judgement, Verdict


def sentence(benchmark: Benchmark, judgement: Judgement, verdict: Verdict) -> str:
    """The verdict of what was judged, with its numbers."""
    found = f"{benchmark.name}: {_change(judgement.ratio)} over {len(judgement.logs)} pairs"
    if verdict == "fail":
        return f"{found}; slower than the tolerance of {_share(judgement.tolerance)}"
    if verdict == "pass":
        return f"{found}; a slow-down of {_share(judgement.mde)} is excluded"
    if judgement.biased and judgement.verdict == "inconclusive":
        null = _change(judgement.null)
        return f"{found}; inconclusive: the base against itself gives {null}, so nothing here can be told"
    return (
        f"{found}; inconclusive: the data exclude neither the tolerance of {_share(judgement.tolerance)} nor "
        f"{_share(judgement.mde)}"
    )


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
