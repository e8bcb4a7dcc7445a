# SPDX-License-Identifier: Apache-2.0
"""From dissections to everything that is said of a family's steps on their device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from serialprof.devicelimits import DeviceLimits
from serialprof.model.answers import InjectedDelay
from serialprof.model.device.batch import batch_sweep
from serialprof.model.device.moves import best_move, moves
from serialprof.model.device.parts import Kernels, device_step, split
from serialprof.model.device.paths import Path, paths
from serialprof.model.device.sampled import TOO_FAR, as_sampled, factor, whose
from serialprof.model.dissected import DeviceAnalysis, DeviceStep, Move, Undissected
from serialprof.model.steptimes import FamilyTimes
from serialprof.model.traffic import overdrawn
from serialprof.planning import Point
from serialprof.records import StoredRun


@dataclass(frozen=True)
class Dissected:
    """A family's dissected steps on one number of threads, ascending in width.

    Attributes:
        threads: of the host, the fewest that were dissected.
        limits: of the device, None where they were not measured.
        paths: what was timed.
        kernels: what the kernels' time is made of, by width.
        steps: the parts, of paths that are near enough to the step as sampled.
        withheld: why the others have none, by width.
    """

    threads: int
    limits: DeviceLimits | None
    paths: tuple[Path, ...]
    kernels: Mapping[int, Kernels]
    steps: tuple[DeviceStep, ...]
    withheld: Mapping[int, str]


def dissected(run: StoredRun, times: FamilyTimes) -> Dissected | None:
    """The dissected steps of a family's serial form at the reference clock, None where there are none to speak of."""
    points = [point for point in times.points if _counts(point, times)]
    asked = {item.point for item in run.dissections} | {gap.point for gap in run.dissection_gaps}
    counts = [point.setting.threads for point in points if point.id in asked]
    if not counts:
        return None
    threads = min(counts)
    own = [point for point in points if point.setting.threads == threads]
    limits = _limits(run, times.family.device, threads)
    found = sorted(paths(run, own, limits).values(), key=lambda path: path.point.setting.width)
    kernels = split(found, limits, contradicted=_contradicted(run, times))
    sampled = {item.point.id: item for item in times.summaries}
    steps = [device_step(path, kernels[path.point.setting.width], sampled[path.point.id]) for path in found]
    near, withheld = [], {}
    for path, step in zip(found, steps, strict=True):
        if path.hosted or factor(step.ratio) <= TOO_FAR:
            near.append(replace(step, apart=step.apart and step.apart + whose(as_sampled=step.as_sampled)))
        else:
            withheld[step.width] = f"{step.apart}, so its parts are not told"
    return Dissected(threads, limits, tuple(found), kernels, tuple(near), withheld)


def device_analysis(
    run: StoredRun, times: FamilyTimes, found: Dissected, delays: Sequence[InjectedDelay]
) -> DeviceAnalysis:
    """Everything that is said of a family's steps on their device.

    Args:
        run: the stored run.
        times: of the family.
        found: its dissected steps.
        delays: injected ones, of the family.
    """
    sweep = batch_sweep(times, found.threads, found.steps)
    helpful: tuple[Move, ...] = ()
    if found.paths:
        first = found.paths[0]
        width = first.point.setting.width
        sampled = next(item.step for item in times.summaries if item.point.id == first.point.id)
        first = as_sampled(first, sampled)
        helpful = moves(run, times, first, found.kernels[width], sweep, delays, withheld=width in found.withheld)
    return DeviceAnalysis(
        device=times.family.device,
        threads=found.threads,
        limits=found.limits,
        sweep=sweep,
        steps=found.steps,
        moves=helpful,
        best=best_move(helpful),
        best_here=best_move([item for item in helpful if item.batch is None]),
        missing=tuple(_missing(run, times, found)),
    )


def _counts(point: Point, times: FamilyTimes) -> bool:
    return point.setting.form == "serial" and point.setting.clock == times.reference


def _contradicted(run: StoredRun, times: FamilyTimes) -> bool:
    """Whether the declared bytes cannot be right at some point of the family."""
    found = (overdrawn(run, item.point, item.step) for item in times.summaries if _counts(item.point, times))
    return any(item is not None and item.certain for item in found)


def _limits(run: StoredRun, device: str, threads: int) -> DeviceLimits | None:
    """Limits of a device, those on as many threads if they were measured."""
    own = [item for item in run.devices if item.device == device]
    return next((item for item in own if item.threads == threads), own[0] if own else None)


def _missing(run: StoredRun, times: FamilyTimes, found: Dissected) -> Iterator[Undissected]:
    """Batches that were to be dissected and have no parts, each with the first reason that is known."""
    told = {path.point.id for path in found.paths if path.point.setting.width not in found.withheld}
    own = {point.id: point.setting.width for point in times.points
           if _counts(point, times) and point.setting.threads == found.threads and point.id not in told}  # fmt: skip
    reasons = {number: found.withheld[width] for number, width in own.items() if width in found.withheld}
    for gap in run.dissection_gaps:
        if gap.point in own:
            reasons.setdefault(gap.point, gap.reason)
    for item in run.dissections:
        if item.point in own:
            reason = item.anatomy.disturbed or item.anatomy.unprofiled or "a step that takes no time"
            reasons.setdefault(item.point, reason)
    for number in sorted(reasons, key=lambda number: own[number]):
        yield Undissected(own[number], reasons[number])
