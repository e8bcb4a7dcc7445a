# SPDX-License-Identifier: Apache-2.0
"""Dissected steps against the same steps as sampled: the parts of a step that took another time are not its parts.

But on a CUDA device they are told of the step as sampled: a host of a shared machine is now faster and now slower, by
half for minutes, and only its own time follows; kernels take what they take.
"""

from __future__ import annotations

from typing import Final

from serialprof.estimate import Estimate
from serialprof.model.device.paths import Path
from serialprof.model.statistics import LEVEL
from serialprof.units import format_seconds

#: A dissected step that is surely so many times as long or as short as the sampled one is said to be apart from it.
APART: Final = 1.2
#: From here on its parts are not told.
TOO_FAR: Final = 1.5


def as_sampled(path: Path, sampled: Estimate) -> Path:
    """The path with the host as fast as it was when the step was sampled, on a CUDA device.

    Args:
        path: as dissected.
        sampled: seconds of the same step; without a value the path stays as it is.
    """
    if not sampled.value or not path.point.setting.on_cuda:
        return path
    ends = (sampled.low, sampled.high)
    return path.taking(sampled.value, (ends[1] - ends[0]) / 2 if ends[0] and ends[1] else 0.0)


def against(dissected: Estimate, sampled: Estimate) -> Estimate:
    """The dissected step over the sampled one, the ends of both intervals at their widest.

    Args:
        dissected: seconds of a step.
        sampled: likewise.
    """
    if not dissected.value or not sampled.value:
        return Estimate.unknown(sampled.reason or "the step was not sampled")
    value = dissected.value / sampled.value
    if not sampled.low or not sampled.high or dissected.low is None or dissected.high is None:
        return Estimate(value, level=LEVEL, reason=dissected.reason or sampled.reason)
    return Estimate(value, max(0.0, dissected.low) / sampled.high, dissected.high / sampled.low, level=LEVEL)


def factor(ratio: Estimate) -> float:
    """How many times as long one of the two steps surely is, by their means; 1 where their intervals overlap.

    Where one of them has no interval the means alone decide: to be warned in vain is the lesser harm.
    """
    if not ratio.value:
        return 1.0
    low, high = (ratio.value if end is None else end for end in (ratio.low, ratio.high))
    return max(ratio.value, 1 / ratio.value) if low > 1 or high < 1 else 1.0


def sentence(dissected: Estimate, sampled: Estimate, ratio: Estimate) -> str:
    """What is said of steps that are apart, without a full stop."""
    own, other = (format_seconds(step.value or 0.0) for step in (dissected, sampled))
    return f"a step took {own} when it was dissected and {other} when it was sampled ({ratio.value or 0.0:.3g}x)"


def whose(*, as_sampled: bool) -> str:
    """Whose parts are told, where the steps are apart; to end the sentence."""
    return f": the parts are those of the {'latter' if as_sampled else 'former'}"
