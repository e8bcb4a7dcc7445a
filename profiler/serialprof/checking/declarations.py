# SPDX-License-Identifier: Apache-2.0
"""Findings on what a workload says of itself: its width, its declared work, its wide form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from serialprof.catalog import Work
from serialprof.checking.evidence import Evidence
from serialprof.checking.finding import Finding
from serialprof.measure.observation import Effort
from serialprof.measure.observing import GROWN, growth
from serialprof.units import format_bytes, format_count, format_seconds, format_si

#: Multiple of what this machine was measured to do from which a declaration cannot be true.
BEYOND: Final = 2.0
#: The same of the memory that a declared footprint lies in: its bandwidth is known less well.
BEYOND_FAR: Final = 4.0
#: Growth of time over all widths below which they make no difference.
FLAT: Final = 1.1
#: A wide form that takes so many times as long as the serial one does more than its work.
SLOWER: Final = 4.0
#: Memory that may come with width beside the declared footprint: a multiple of it, and bytes.
UNDECLARED: Final = 4.0
_UNDECLARED_BYTES: Final = 64 << 20
#: Share of the CPU time from which a second thread counts as at work.
BUSY: Final = 0.05
#: Seconds of a step from which splitting it over threads could pay.
_WORTH_SPLITTING: Final = 1e-4
_GREATEST: Final = 1e15  # from which numbers have no prefix that people know
_HELD: Final = 1.1  # multiple of what a process holds, beyond which it cannot touch more


def width(evidence: Evidence) -> Iterator[Finding]:
    """A width that changes nothing."""
    description, seen = evidence.description, evidence.observations
    if not seen or len(description.widths) < 2:
        return
    name, numbers = description.width_name, {f"{each.width}": each.seconds for each in evidence.widths}
    if all("width" not in each.reads for each in seen):
        yield Finding(
            "width-ignored",
            "warning",
            f"It never looks at setting.width ({name}): every width is the same program, and the sweep over it says "
            "nothing.",
            "build setting.width lanes; or declare widths=(1,) where there is nothing to widen",
            dict(numbers),
        )
    elif len(evidence.widths) > 1:
        narrow, broad = evidence.widths[0], evidence.widths[-1]
        if broad.seconds < FLAT * narrow.seconds:
            yield Finding(
                "width-flat",
                "note",
                f"From width {format_count(narrow.width)} to {format_count(broad.width)} ({name}) a run takes the same "
                f"time: {format_seconds(narrow.seconds)} and {format_seconds(broad.seconds)}.",
                "take greater widths, until the time grows: --width, or widths= in the declaration",
                dict(numbers),
            )


def work(evidence: Evidence) -> Iterator[Finding]:
    """Declared work that this machine could not do in the time that it takes."""
    declared, step = evidence.work, evidence.step_seconds
    if declared is None:
        yield Finding(
            "undeclared",
            "note",
            "It declares no work, so that a verdict cannot tell arithmetic from memory.",
            "add work=, a function of the setting that returns a serialprof.Work: serialprof workload new shows one",
        )
        return
    if step is None:
        return
    yield from _arithmetic(evidence, declared, step)
    yield from _traffic(evidence, declared, step)
    yield from _footprint(evidence, declared)


def _arithmetic(evidence: Evidence, declared: Work, step: float) -> Iterator[Finding]:
    peaks = evidence.peaks
    flops = declared.flops.at(evidence.setting.width)
    if peaks.flops and flops > BEYOND * peaks.flops * step:
        yield Finding(
            "impossible-flops",
            "error",
            f"It declares {_amount(flops, 'FLOP')} a step, which would be {_amount(flops / step, 'FLOP/s')}; this "
            f"machine was measured at {format_si(peaks.flops, 'FLOP/s')}.",
            "count the operations of one step, not of a run, and per lane where they grow with width",
            {"flops": flops, "step": step, "peak": peaks.flops},
        )
    chain = declared.serial_ops
    if peaks.operation and chain * peaks.operation > BEYOND * step:
        yield Finding(
            "impossible-chain",
            "error",
            f"It declares a chain of {_amount(chain, 'operations')} in a step, which takes "
            f"{format_seconds(chain * peaks.operation)} at least; a step takes {format_seconds(step)}.",
            "count in serial_ops only operations of which each waits for the one before",
            {"serial_ops": chain, "step": step, "operation": peaks.operation},
        )


def _amount(value: float, unit: str) -> str:
    """A value with its prefix, in powers of ten where there is none."""
    return format_si(value, unit) if value < _GREATEST else f"{value:.1e} {unit}"


def _traffic(evidence: Evidence, declared: Work, step: float) -> Iterator[Finding]:
    width, peaks = evidence.setting.width, evidence.peaks
    moved, footprint = declared.bytes.at(width), declared.footprint.at(width)
    if peaks.bandwidth and moved > BEYOND * peaks.bandwidth * step:
        yield Finding(
            "impossible-bytes",
            "error",
            f"It declares {_amount(moved, 'B')} of traffic a step, which would be "
            f"{_amount(moved / step, 'B/s')}; the fastest cache of this machine was measured at "
            f"{format_si(peaks.bandwidth, 'B/s')}.",
            "count the bytes that one step reads and writes, not those of a run",
            {"bytes": moved, "step": step, "peak": peaks.bandwidth},
        )
    elif peaks.far and moved > BEYOND_FAR * peaks.far * step:
        yield Finding(
            "unlikely-footprint",
            "warning",
            f"It declares {_amount(moved, 'B')} of traffic a step over a footprint of {format_bytes(footprint)}, "
            f"which would be {_amount(moved / step, 'B/s')}; memory of that size was measured at "
            f"{format_si(peaks.far, 'B/s')}.",
            "declare as footprint what steps touch again and again, and as bytes what one step moves",
            {"bytes": moved, "footprint": footprint, "step": step, "peak": peaks.far},
        )


def _footprint(evidence: Evidence, declared: Work) -> Iterator[Finding]:
    footprint = declared.footprint.at(evidence.setting.width)
    held = [seen.resident for seen in evidence.observations if seen.resident is not None]
    if held and footprint > _HELD * max(held):
        yield Finding(
            "impossible-footprint",
            "error",
            f"It declares a footprint of {format_bytes(footprint)}, but holds {format_bytes(max(held))} in all.",
            "declare the bytes that steps touch again and again; one that grows with width goes per lane",
            {"footprint": footprint, "held": max(held)},
        )
    yield from _undeclared_memory(evidence, declared)


def _undeclared_memory(evidence: Evidence, declared: Work) -> Iterator[Finding]:
    """Memory that comes with width although the footprint does not."""
    seen, at, spread = evidence.spread, evidence.spread_setting, evidence.spread_work
    base = evidence.observations[0].taken
    if seen is None or at is None or spread is None or seen.taken is None or base is None:
        return
    grew, said = seen.taken - base, spread.footprint.at(at.width) - declared.footprint.at(evidence.setting.width)
    if grew > UNDECLARED * max(0.0, said) + _UNDECLARED_BYTES:
        yield Finding(
            "undeclared-memory",
            "warning",
            f"From width {format_count(evidence.setting.width)} to {format_count(at.width)} it takes "
            f"{format_bytes(grew)} more memory; it declares {format_bytes(max(0.0, said))} more footprint.",
            "declare per lane, in footprint, what every lane touches again and again",
            {"taken": grew, "declared": said},
        )


def lanes(evidence: Evidence) -> Iterator[Finding]:
    """Threads that are given and not used, although the work is said to split."""
    seen, at, declared = evidence.spread, evidence.spread_setting, evidence.spread_work
    if seen is None or at is None or at.threads < 2 or declared is None or seen.effort is None:
        return
    count = declared.lanes.at(at.width)
    if count < 2 or min(seen.series) / seen.steps < _WORTH_SPLITTING or _at_work(seen.effort) > 1:
        return
    yield Finding(
        "threads-unused",
        "note",
        f"At width {format_count(at.width)} it declares {format_count(round(count))} independent pieces, but of "
        f"{at.threads} threads one does all the work.",
        "split a step over setting.threads threads, or expect no gain from cores in this implementation",
        {"lanes": count, "threads": list(seen.effort.threads)},
    )


def _at_work(effort: Effort) -> int:
    """How many threads took part, those that ended meanwhile as one."""
    ended = effort.process - sum(effort.threads)
    return sum(seconds > BUSY * effort.process for seconds in (*effort.threads, ended))


def wide_form(evidence: Evidence) -> Iterator[Finding]:
    """A wide form that does other work than the serial one."""
    wide = evidence.wide
    if wide is None:
        return
    numbers = {
        "steps": wide.deep.steps,
        "serial": wide.serial.seconds,
        "wide": wide.deep.seconds,
        "shallow_steps": wide.shallow.steps,
        "wide_shallow": wide.shallow.seconds,
    }
    remedy = "have the wide form do the work of setting.depth steps at once, no more and no less"
    steps = f"{wide.deep.steps} steps"
    if wide.deep.seconds > SLOWER * wide.serial.seconds:
        yield Finding(
            "wide-other-work",
            "warning",
            f"The wide form takes {wide.deep.seconds / wide.serial.seconds:.3g} times as long as the serial one for "
            f"{steps}: {format_seconds(wide.deep.seconds)} and {format_seconds(wide.serial.seconds)}.",
            remedy,
            dict(numbers),
        )
    elif wide.shallow.steps < wide.deep.steps and growth(wide.shallow, wide.deep) < GROWN / 2:
        yield Finding(
            "wide-other-work",
            "warning",
            f"The wide form takes as long for {wide.shallow.steps} as for {steps}: "
            f"{format_seconds(wide.shallow.seconds)} and {format_seconds(wide.deep.seconds)}; it does not do the work "
            "of each.",
            remedy,
            dict(numbers),
        )
    yield from _wide_beyond(evidence, dict(numbers))


def _wide_beyond(evidence: Evidence, numbers: dict[str, float]) -> Iterator[Finding]:
    """A wide form that is faster than this machine could do the declared work."""
    wide, declared, peak = evidence.wide, evidence.work, evidence.peaks.flops
    assert wide is not None
    if declared is None or peak is None:
        return
    rate = wide.deep.steps * declared.flops.at(evidence.setting.width) / wide.deep.seconds
    if rate > BEYOND * peak:
        yield Finding(
            "wide-other-work",
            "error",
            f"The wide form would do {_amount(rate, 'FLOP/s')} of the declared work; this machine was measured at "
            f"{format_si(peak, 'FLOP/s')}: it does less.",
            "have the wide form do the work of setting.depth steps, or declare the work of one step",
            {**numbers, "peak": peak},
        )
