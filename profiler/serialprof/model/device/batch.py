# SPDX-License-Identifier: Apache-2.0
"""The sweep over batch: knee, throughput, and what makes a step batch-insensitive below the knee."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from serialprof.estimate import Estimate
from serialprof.intervals import MINIMUM_UNITS
from serialprof.model.answers import Part
from serialprof.model.device.growth import MINIMUM_WIDTHS, Growth, fit_growth, knee_of
from serialprof.model.dissected import BANDWIDTH, FLOOR, GAPS, HOST, BatchSweep, DeviceStep, Throughput
from serialprof.model.forecast.uniting import inverse
from serialprof.model.steptimes import FamilyTimes
from serialprof.model.wording import count

DISPATCH: Final = "dispatch"
WEIGHTS: Final = "weight bandwidth, which is width memory"
EITHER: Final = "kernel latency floor or weight bandwidth"


def batch_sweep(times: FamilyTimes, threads: int, steps: Sequence[DeviceStep]) -> BatchSweep:
    """What the step times over batch say on so many threads, with the cause below the knee from the dissected steps.

    Args:
        times: of the family.
        threads: of the host.
        steps: dissected, ascending in width.
    """
    widths = [width for width, count in times.measured("serial") if count == threads]
    growth = _growth(times, widths, threads)
    if growth is None:
        reason = f"a knee takes step times at {MINIMUM_WIDTHS} batches or more"
        knee = Estimate.unknown(reason, remedy=f"at least {MINIMUM_WIDTHS} batches, for example --width 1,4,16,64")
    else:
        knee = knee_of(growth)
    cause, reason = _cause(knee, steps)
    return BatchSweep(
        knee=knee,
        form=growth.form if growth else "",
        residual=growth.residual if growth else None,
        throughput=tuple(Throughput(width, _rate(times, width, threads)) for width in widths),
        cause=cause,
        reason=reason,
        ended=_ended(times, threads),
    )


def _growth(times: FamilyTimes, widths: Sequence[int], threads: int) -> Growth | None:
    """The curve through the batches that enough units have, over the units that have all of these."""
    columns = {width: times.logs[:, _index(times, width, threads)] for width in widths}
    full = [width for width, logs in columns.items() if np.count_nonzero(np.isfinite(logs)) >= MINIMUM_UNITS]
    chosen = full if len(full) >= MINIMUM_WIDTHS else list(columns)
    if len(chosen) < MINIMUM_WIDTHS:
        return None
    logs = np.stack([columns[width] for width in chosen], axis=1)
    whole = logs[np.isfinite(logs).all(axis=1)]
    return fit_growth(np.array(chosen, dtype=float), np.exp(whole)) if len(whole) else None


def _index(times: FamilyTimes, width: int, threads: int) -> int:
    index = times.index(width, threads, "serial")
    assert index is not None
    return index


def _rate(times: FamilyTimes, width: int, threads: int) -> Estimate:
    return inverse(times.summaries[_index(times, width, threads)].step).scaled(width, "1/s")


def _ended(times: FamilyTimes, threads: int) -> str:
    """Why the narrowest batch that was not measured for a planned end was not, empty where none was."""
    for summary in sorted(times.summaries, key=lambda item: item.point.setting.width):
        setting = summary.point.setting
        if summary.ended and (setting.form, setting.threads) == ("serial", threads):
            return f"at B = {count(setting.width)}: {summary.ended}"
    return ""


def _cause(knee: Estimate, steps: Sequence[DeviceStep]) -> tuple[str, str]:
    """What a step at the narrowest dissected batch surely spends most on of what does not grow; or why that is open."""
    if not steps:
        return "", "no step was dissected"
    first = steps[0]
    if knee.high is not None and knee.high <= first.width:
        return "", f"the knee lies below B = {count(first.width)}: every lane costs time"
    candidates = _candidates(first)
    open_ends = [name for name, low, high in candidates if low is None or high is None]
    if open_ends:
        return "", f"the data cannot tell: {_why(first)}"
    ranked = sorted(candidates, key=lambda item: item[1] or 0.0, reverse=True)
    (name, low, _), *others = ranked
    rivals = sorted(others, key=lambda item: item[2] or 0.0, reverse=True)
    if (low or 0.0) > (rivals[0][2] or 0.0):
        return name, f"the largest part of a step at B = {count(first.width)} that does not grow with batch"
    return "", f"the data cannot tell {name} from {rivals[0][0]}"


def _candidates(step: DeviceStep) -> list[tuple[str, float | None, float | None]]:
    """(name, low, high) in seconds of what may make a step batch-insensitive."""
    host, gaps = step.part(HOST).seconds, step.part(GAPS).seconds
    floor, bandwidth = step.part(FLOOR).seconds, step.part(BANDWIDTH).seconds
    found = [(DISPATCH, *_sum(host, gaps))]
    if bandwidth.value is None and bandwidth.low is None:  # it is in the floor
        return [*found, (EITHER, floor.low, floor.high)]
    return [*found, (FLOOR, floor.low, floor.high), (WEIGHTS, bandwidth.low, bandwidth.high)]


def _sum(first: Estimate, second: Estimate) -> tuple[float | None, float | None]:
    """The ends of a sum, at their widest; what is unknown counts nothing at the low end."""
    if second.value is None and second.low is None and second.high is None:
        return first.low, first.high
    if None in (first.low, first.high, second.low, second.high):
        return None, None
    assert first.low is not None and first.high is not None and second.low is not None and second.high is not None
    return first.low + second.low, first.high + second.high


def _why(step: DeviceStep) -> str:
    parts: list[Part] = [step.part(cause) for cause in (HOST, FLOOR, BANDWIDTH, GAPS)]
    return next((part.seconds.reason for part in parts if part.seconds.low is None and part.seconds.reason), "")
