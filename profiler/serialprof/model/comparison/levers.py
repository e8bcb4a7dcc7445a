# SPDX-License-Identifier: Apache-2.0
"""How strongly the step times of two runs follow the clock and the threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from serialprof.estimate import Estimate
from serialprof.model.comparison.records import BesideLever, Lever
from serialprof.model.examination import Examined
from serialprof.model.tradeoff import clock_elasticity, clock_gains, tradeoffs
from serialprof.planning import Family
from serialprof.setting import on_cuda


def levers(families: Sequence[Examined]) -> Mapping[Family, Mapping[Lever, Estimate]]:
    """The elasticities of a run's families by their fits, in the order of their widths; takes a second or two.

    Families without a fit are left out, and those on a CUDA device: one thread drives it, and its clock is another.
    """
    return {
        replace(item.times.family, device=item.times.family.device.partition(":")[0]): dict(_levers(item))
        for item in families
        if not on_cuda(item.times.family.device) and item.outlook is not None
    }


def beside(first: Mapping[Lever, Estimate] | None, second: Mapping[Lever, Estimate] | None) -> tuple[BesideLever, ...]:
    """What two runs say of the same lever at the same operating point; empty where one of them has no fit."""
    ours, theirs = first or {}, second or {}
    return tuple(BesideLever(lever, ours[lever], theirs[lever]) for lever in ours if lever in theirs)


def _levers(examined: Examined) -> Iterator[tuple[Lever, Estimate]]:
    """The clock on the fewest threads; more threads, between adjacent thread counts."""
    measured = [
        point.setting
        for point, summary in zip(examined.times.points, examined.times.summaries, strict=True)
        if summary.units and point.setting.form == "serial"
    ]
    fewest = min((setting.threads for setting in measured), default=1)
    widths = sorted({setting.width for setting in measured if setting.threads == fewest})
    gains = clock_gains(examined.outlook, [(width, fewest) for width in widths])
    for width, gain in zip(widths, gains, strict=True):
        yield Lever("clock", width, fewest), clock_elasticity(gain)
    for item in tradeoffs(examined.times, examined.outlook):
        yield Lever("threads", item.width, item.threads, item.more_threads), item.cores
