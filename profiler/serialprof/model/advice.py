# SPDX-License-Identifier: Apache-2.0
"""What to do next: a sentence or a few by the case that a family's analysis is."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

from serialprof.intervals import MINIMUM_UNITS
from serialprof.model import wording
from serialprof.model.device.telling import next_measurement, next_move
from serialprof.model.fitting.curves import MINIMUM_VALUES
from serialprof.model.results import PointSummary, Tradeoff
from serialprof.model.verdict import TOO_DISTURBED, Findings
from serialprof.units import format_bytes

#: A step that grows by less than this over a widening of at least _WIDENING is batch-insensitive.
_FLAT = 1.10
_WIDENING = 4

#: Half-width of a paired speed-up from which a longer run is worth it.
_WIDE_INTERVAL = 0.05

#: Of a reason in a sentence.
_MOST_LETTERS = 120


def next_step(findings: Findings, usable: int) -> str:
    """What to do next: the best move where one is sure, then what would make the answer firmer.

    Args:
        findings: what the analysis came to.
        usable: threads that this machine can run at once.
    """
    if not findings.measured and findings.failures:
        return f"Remove what made the points fail ({_short(findings.failures[0])}), then run again."
    if false := _untrusted(findings):
        return false
    device = findings.device
    told = [next_move(device) if device else "", _leak(findings), _too_few(findings) or _few_units(findings)]
    if any(told):
        return " ".join(filter(None, told))
    return (next_measurement(device) if device else "") or _widths_and_threads(findings, usable)


def memory_end(points: Sequence[PointSummary]) -> int | None:
    """The narrowest width of the serial form for which memory did not suffice, None where it did for all."""
    return min(
        (item.point.setting.width for item in points if "memory" in item.ended and item.point.setting.form == "serial"),
        default=None,
    )


def below(end: int) -> str:
    """An option with as many widths as a fit takes, all below the one where memory ends; empty where there are none."""
    octaves = (end - 1).bit_length() - 1
    if octaves >= MINIMUM_VALUES - 1:
        widths = [2 ** round(octaves * index / (MINIMUM_VALUES - 1)) for index in range(MINIMUM_VALUES)]
    else:
        widths = list(range(1, end))[:MINIMUM_VALUES]
    return f"--width {','.join(map(str, widths))}" if len(widths) == MINIMUM_VALUES else ""


def _widths_and_threads(findings: Findings, usable: int) -> str:
    """What is next by the sweeps over threads and width."""
    threads = max(item.point.setting.threads for item in findings.measured)
    on_cpus = not findings.measured[0].point.setting.on_cuda
    if on_cpus and not findings.varied and usable > threads:
        return f"Vary the threads, for example --threads {threads},{2 * threads if 2 * threads <= usable else usable}."
    if _undecided(findings):
        return "Run again with a longer --budget: the intervals of the thread counts still overlap."
    if flat := _flat_until(findings):
        lanes = findings.description.width_name
        return (
            f"Widen each step: up to W = {wording.count(flat)} {lanes} it takes at most 10 % longer than the narrowest."
        )
    if findings.tradeoffs and all(item.futile == "stay idle" for item in findings.tradeoffs):
        return (
            "Spread each step over its threads where lanes are independent, or run several such loops side by side: "
            "threads that it is given stay idle."
        )
    if findings.crossovers and usable > threads and findings.tradeoffs[-1].cores_gain.value:
        last = findings.tradeoffs[-1]
        if last.cores_gain.low is not None and last.cores_gain.low > 0:
            return f"Try more threads at W = {wording.count(last.width)} and above: {usable} can run at once here."
    return _both_sides(findings)


def _both_sides(findings: Findings) -> str:
    """What is next where nothing else is missing: the clock's side, or another machine."""
    if findings.tradeoffs and all(item.clock_gain.value is not None for item in findings.tradeoffs):
        return "Compare it with the same run on another machine: here both sides are measured."
    return (
        "Measure it at several clocks (--clock all) where they may be set, else on a machine with another clock: here "
        "the clock's side stays a bracket."
    )


def _untrusted(findings: Findings) -> str:
    """What has to be settled before anything is advised; empty where nothing has."""
    if findings.disturbed > TOO_DISTURBED:
        return "Run again on a quieter machine: serialprof doctor says what disturbs this one."
    if certain := [item for item in findings.contradictions if item.certain]:
        first = certain[0]
        return f"Settle first why its {first.what} and what was measured contradict each other: {first.remedy}."
    return ""


def _leak(findings: Findings) -> str:
    kept = max((item.leaked or 0.0 for item in findings.points), default=0.0)
    return f"Free what every step keeps (up to {format_bytes(kept)}), then run again." if kept else ""


def _too_few(findings: Findings) -> str:
    """What keeps a fit from the widths that it takes, or a width from being measured; empty where nothing does."""
    serial = [item for item in findings.points if item.point.setting.form == "serial"]
    if failed := [item for item in serial if item.failed]:
        first = failed[0]
        where = f"{findings.axis} = {wording.count(first.point.setting.width)}"
        return f"Remove what made {where} fail ({_short(first.failed)}), then run again."
    if len({item.point.setting.width for item in findings.measured}) >= MINIMUM_VALUES:
        return ""
    if end := memory_end(findings.points):
        where = f"{findings.axis} = {wording.count(end)}"
        if widths := below(end):
            return f"Run again with {widths}: memory ends at {where}."
        return f"Make the steps smaller: memory ends at {where}, and a fit takes {MINIMUM_VALUES} widths."
    if not findings.measured or len({item.point.setting.width for item in serial}) >= MINIMUM_VALUES:
        return "Run again with a longer --budget, or on a quieter machine: too much was disturbed or not reached."
    return f"Run again with at least {MINIMUM_VALUES} widths, for example --width 1,4,16,64."


def _few_units(findings: Findings) -> str:
    if min((item.units for item in findings.measured), default=0) < MINIMUM_UNITS:
        return f"Run again with a longer --budget: an interval needs {MINIMUM_UNITS} blocks."
    return ""


def _short(reason: str) -> str:
    """The beginning of a reason, which stands in full beside the points that failed."""
    return shorten(reason, _MOST_LETTERS, placeholder="...")


def _undecided(findings: Findings) -> bool:
    """Whether more samples would help: a width without a winner whose paired interval is wide and leaves it open."""
    return any(
        item.winner == "unknown" and (item.cores_gain.half_width or 0.0) > _WIDE_INTERVAL and _overlap(item)
        for item in findings.tradeoffs
        if item.futile != "stay idle"
    )


def _overlap(item: Tradeoff) -> bool:
    """Whether the cores' interval holds 0, so that their order is open, or meets the clock's bracket."""
    cores, clock = item.cores_gain, item.clock_gain
    if cores.low is None or cores.high is None:
        return False
    if cores.low <= 0 <= cores.high:
        return True
    return clock.low is not None and clock.high is not None and cores.low <= clock.high and clock.low <= cores.high


def _flat_until(findings: Findings) -> int:
    """The widest width up to which a step at the fewest threads hardly grows; 0 where it grows at once."""
    fewest = min(item.point.setting.threads for item in findings.measured)
    steps = sorted(
        (item.point.setting.width, item.step.value)
        for item in findings.measured
        if item.point.setting.threads == fewest and item.step.value is not None
    )
    narrowest, shortest = steps[0]
    flat = 0
    for width, seconds in steps:
        if seconds > _FLAT * shortest:
            break
        flat = width
    # Worth saying only where it holds for the lower half of the sweep, in octaves.
    return flat if flat >= _WIDENING * narrowest and flat**2 >= narrowest * steps[-1][0] else 0
