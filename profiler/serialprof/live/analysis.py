# SPDX-License-Identifier: Apache-2.0
"""A recording analysed: pure functions of what its file holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile
from typing import Final

from serialprof.estimate import Estimate
from serialprof.live import telling
from serialprof.live.batches import Batches, batched, drift, grouped, ratio_of
from serialprof.live.records import Block, DeviceStep, Loop, Place, Spread, StoredLive
from serialprof.live.results import (
    Curve,
    LiveAnalysis,
    LoopAnalysis,
    Outside,
    Part,
    Slow,
    Stretch,
    Tail,
    WarmUp,
)

#: A quantile is given where at least so many steps lie beyond it.
_BEYOND: Final = 10
#: Groups of device steps that intervals are over.
_MOST_GROUPS: Final = 16
#: Steps at the beginning that are longer than so many medians are its warm-up.
_WARM: Final = 2.0
#: Steps from which on the slowest ones are told apart from the others.
_MANY: Final = 1000
_ENQUEUED: Final = "torch used CUDA and no events were taken: host times are those of enqueueing, no split of the step"
_REMEDY: Final = "record longer, with torch's CUDA in use before the loop begins"


def analyse(live: StoredLive) -> LiveAnalysis:
    """All that is said of a recording."""
    loops = tuple(map(_loop, live.loops))
    return LiveAnalysis(
        duration=live.duration,
        loops=loops,
        outside=tuple(_outside(place) for place in live.outside),
        losses=telling.losses(live.losses),
        next=telling.FOLLOWING,
    )


def quantile(spread: Spread, share: float) -> float | None:
    """The duration that this share of all does not exceed, linear within its bucket; None where nothing was counted."""
    total = sum(spread.counts)
    wanted, below = share * total, 0
    for low, width, count in zip(spread.lows, spread.widths, spread.counts, strict=True):
        if below + count >= wanted:
            return low + width * max(0.0, wanted - below) / count
        below += count
    return None


def tail_of(spread: Spread, longest: float | None = None) -> Tail:
    """Quantiles beyond which enough lie; `longest` where it is known better than by its bucket."""
    total = sum(spread.counts)
    if longest is None and total:
        longest = spread.lows[-1] + spread.widths[-1]

    def at(share: float) -> float | None:
        found = quantile(spread, share) if total * (1 - share) >= _BEYOND else None
        return found if found is None or longest is None else min(found, longest)

    return Tail(at(0.5), at(0.95), at(0.99), longest)


def _loop(loop: Loop) -> LoopAnalysis:
    batches = batched(loop.blocks)
    tail = tail_of(loop.spread, loop.longest)
    parts = tuple(sorted(_parts(loop, batches), key=lambda part: -(part.own.value or 0.0)))
    made = LoopAnalysis(
        name=loop.name,
        lanes=loop.lanes,
        seen=loop.seen,
        kept=len(loop.kept),
        cut=loop.cut,
        left_out=loop.left_out,
        batches=len(batches.groups),
        step=batches.ratio(lambda block: block.seconds, lambda block: block.steps, "s"),
        tail=tail,
        curve=_curve(loop.spread),
        parts=parts,
        device=loop.device.times,
        device_step=_device_step(loop.device.steps),
        waiting=_waiting(batches),
        threads=batches.ratio(lambda block: block.process, lambda block: block.covered),
        drift=drift(batches.groups),
        warm_up=_warm_up(loop.first, tail.p50),
        slow=_slow(loop),
        stretches=_stretches(loop.blocks),
        sentence="",
        notes=(),
    )
    return replace(made, sentence=telling.sentence(made), notes=tuple(telling.notes(made, loop, batches.dependent)))


def _parts(loop: Loop, batches: Batches) -> Iterable[Part]:
    for index, place in enumerate(loop.places):
        inner = _inner(loop.places, place.path)
        yield Part(
            path=place.path,
            loop=place.loop,
            calls=place.calls / max(1, loop.seen),
            raised=place.raised,
            whole=batches.ratio(_own(index, ()), _steps, "s"),
            own=batches.ratio(_own(index, inner), _steps, "s"),
            share=_share(loop, place.path, batches, _own(index, inner)),
            tail=tail_of(place.spread),
        )
    top = _inner(loop.places, ())
    rest = _own(None, top)
    own = batches.ratio(rest, _steps, "s")
    yield Part((), False, 1.0, 0, own, own, _share(loop, (), batches, rest), None)


def _steps(block: Block) -> float:
    return block.steps


def _inner(places: Sequence[Place], path: tuple[str, ...]) -> tuple[int, ...]:
    """Numbers of the places right under a path."""
    return tuple(
        index for index, place in enumerate(places) if len(place.path) == len(path) + 1 and place.path[:-1] == path
    )


def _own(index: int | None, inner: Sequence[int]) -> Callable[[Block], float]:
    """Seconds of a block in a place, or in the steps where it is None, without those in the places `inner`."""

    def seconds(block: Block) -> float:
        whole = block.seconds if index is None else block.places[index]
        return whole - math.fsum(block.places[each] for each in inner)

    return seconds


def _share(loop: Loop, path: tuple[str, ...], batches: Batches, own: Callable[[Block], float]) -> Estimate:
    if loop.device.times == "enqueue":
        return Estimate.unknown(_ENQUEUED, remedy=_REMEDY)
    if loop.device.times == "events":
        return _by_group([(_device_own(step, path), step.seconds) for step in loop.device.steps], most=1.0)
    return batches.ratio(own, lambda block: block.seconds, most=1.0)


def _device_own(step: DeviceStep, path: tuple[str, ...]) -> float:
    """A device step's seconds in a path, without what is nested in it."""
    parts = dict(zip(step.paths, step.parts, strict=True))
    whole = parts.get(path, 0.0) if path else step.seconds
    return whole - math.fsum(
        seconds for each, seconds in parts.items() if len(each) == len(path) + 1 and each[:-1] == path
    )


def _device_step(steps: Sequence[DeviceStep]) -> Estimate:
    if not steps:
        return Estimate.unknown("no CUDA events were taken", "s")
    return _by_group([(step.seconds, 1.0) for step in steps], "s")


def _by_group(pairs: Sequence[tuple[float, float]], unit: str = "1", most: float = math.inf) -> Estimate:
    """The ratio of sums over groups of consecutive device steps."""
    groups = grouped(pairs, min(_MOST_GROUPS, len(pairs)))
    return ratio_of([(math.fsum(a for a, _ in group), math.fsum(b for _, b in group)) for group in groups], unit, most)


def _waiting(batches: Batches) -> Estimate:
    """One minus the driving thread's CPU time per second; the CPU clock's grain can put it a little below 0."""
    return batches.ratio(lambda block: max(0.0, block.covered - block.thread), lambda block: block.covered, most=1.0)


def _warm_up(first: Sequence[float], median: float | None) -> WarmUp:
    if median is None:
        return WarmUp(0, 0.0)
    slow = tuple(takewhile(lambda seconds: seconds > _WARM * median, first))
    return WarmUp(len(slow), math.fsum(slow) - len(slow) * median)


def _slow(loop: Loop) -> Slow | None:
    """Which part the slowest steps take longer for; by host times, so not where those are of enqueueing."""
    if loop.seen < _MANY or not loop.slowest or loop.device.times != "none":
        return None
    mean = loop.seconds / loop.seen
    count = len(loop.slowest)
    excess = math.fsum(step.seconds for step in loop.slowest) / count - mean
    gains: dict[tuple[str, ...], float] = {(): excess}
    for index, place in enumerate(loop.places):
        more = math.fsum(step.places[index] for step in loop.slowest) / count - place.seconds / loop.seen
        gains[place.path] = gains.get(place.path, 0.0) + more
        gains[place.path[:-1]] = gains.get(place.path[:-1], 0.0) - more
    path = max(gains, key=lambda each: gains[each])
    if not excess > 0:
        return None
    return Slow(count, min(step.seconds for step in loop.slowest), excess, path, min(1.0, gains[path] / excess))


def _curve(spread: Spread) -> Curve:
    total = sum(spread.counts)
    ends = tuple(low + width for low, width in zip(spread.lows, spread.widths, strict=True))
    return Curve(ends, tuple(count / total for count in accumulate(spread.counts)))


def _stretches(blocks: Sequence[Block]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(
            block.start,
            block.end,
            block.seconds / block.steps,
            block.longest,
            block.process / block.covered if block.covered > 0 else None,
        )
        for block in blocks
        if block.steps
    )


def _outside(place: Place) -> Outside:
    return Outside(place.path, place.calls, place.raised, place.seconds, tail_of(place.spread))
