# SPDX-License-Identifier: Apache-2.0
"""What was timed of the dissected steps of a family, unit by unit: the host's path, the device's, the longer one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from serialprof.devicelimits import DeviceLimits
from serialprof.model.statistics import Array, Mask
from serialprof.model.steptimes import block_steps
from serialprof.planning import Point
from serialprof.records import Anatomy, Profile, StoredRun
from serialprof.setting import CUDA_MODES

#: The host is ahead of the device where enqueueing takes at most this share of a step, whatever the kernels take, or
#: less than the kernels and copies alone, and at most the second share: what is between may be noise of either timing.
_WELL_AHEAD: Final = 0.5
_AHEAD: Final = 0.9
#: Share of a step from which on the host's path is what it takes.
_HOSTED: Final = 0.9
#: Share of a step beyond which a bracket has no middle that is worth telling.
_OPEN: Final = 0.5


@dataclass(frozen=True)
class Path:
    """The dissected steps at one point; arrays are [unit] in seconds per step, units being blocks.

    Attributes:
        point: of the serial form.
        blocks: of the units, in order.
        step: until everything is done.
        host: until the host is free again; `step` where it waits in every step, or that was not timed.
        busy: in which a kernel runs.
        gaps: between kernels that are ready to run.
        transfers: of copies, and of waiting for a device that has nothing left to do.
        kernels: how many.
        profiled: the step under the profiler.
        spare: by how much `busy` may be off in either direction, for the profiler's cost lies in or beside it.
        waits: [unit], whether the host waits for the device in every step; always on the CPU.
        ahead: whether the host is surely ahead of the device.
        loose: half of the width of the interval of `step`, where that is as sampled.
        ungapped: why `gaps` are not known, empty where they are.
    """

    point: Point
    blocks: tuple[int, ...]
    step: Array
    host: Array
    busy: Array
    gaps: Array
    transfers: Array
    kernels: Array
    profiled: Array
    spare: Array
    waits: Mask
    ahead: bool = False
    loose: float = 0.0
    ungapped: str = ""

    @property
    def device(self) -> Array:
        """[unit], seconds of the device's path."""
        path: Array = self.busy + self.gaps + self.transfers
        return path

    @property
    def open(self) -> bool:
        """Whether `busy` may be anything within more than half of the step."""
        return 2 * float(np.mean(self.spare)) > _OPEN * float(np.mean(self.step))

    @property
    def dispatch(self) -> Array:
        """[unit], seconds by which the host's path exceeds the device's: what a step is longer for the host's sake."""
        exposed: Array = np.maximum(0.0, self.host - self.device)
        return exposed

    @property
    def unattributed(self) -> Array:
        """[unit], what neither path explains; negative where they promise more than was measured."""
        rest: Array = self.step - np.maximum(self.host, self.device)
        return rest

    @property
    def hosted(self) -> bool:
        """Whether the host's path is what a step on a CUDA device takes."""
        host, step = float(np.mean(self.host)), float(np.mean(self.step))
        return self.point.setting.on_cuda and host >= max(_HOSTED * step, float(np.mean(self.device)))

    def taking(self, seconds: float, loose: float) -> Path:
        """The same steps where each takes so many seconds: the host is so much faster or slower, the kernels are not.

        Where the host is ahead of the device, what is left beside kernels and copies is gaps.

        Args:
            seconds: of a step.
            loose: half of the width of their interval.
        """
        times = seconds / self.step
        step = np.full(self.step.size, seconds)
        gaps = np.maximum(0.0, step - self.busy - self.transfers) if self.ahead else self.gaps
        return replace(self, step=step, host=times * self.host, profiled=times * self.profiled, gaps=gaps, loose=loose)

    def saved_by_host(self, factor: float) -> Array:
        """[unit], seconds that a step is shorter where all that the host does takes 1 / factor of its time."""
        together = np.maximum(self.host, self.device)
        apart = together - np.maximum(self.host / factor, self.device)
        saved: Array = np.where(self.waits, self.dispatch * (1 - 1 / factor), apart)
        return saved

    def saved_by_device(self, seconds: Array) -> Array:
        """[unit], seconds that a step is shorter where the device's path is so many seconds shorter."""
        together = np.maximum(self.host, self.device)
        apart = together - np.maximum(self.host, self.device - seconds)
        saved: Array = np.where(self.waits, seconds, apart)
        return saved

    def gain(self, saved: Array) -> Array:
        """[unit], speed-up minus 1 where a step is so many seconds shorter; of what is nearly all of it, a thousand."""
        gain: Array = self.step / np.maximum(self.step - saved, 1e-3 * self.step) - 1.0
        return gain


def paths(run: StoredRun, points: Sequence[Point], limits: DeviceLimits | None) -> dict[int, Path]:
    """The paths of the points of one family that have sound dissections with a profile, by the points' ids.

    Args:
        run: the stored run.
        points: of the family.
        limits: of the device, None where they were not measured.
    """
    anatomies = sound(run)
    found = {}
    for point in points:
        own = {block: item for block, item in anatomies.get(point.id, {}).items() if item.profile is not None}
        if own:
            found[point.id] = _path(point, own, limits, _graph(run, point, anatomies))
    return found


def sound(run: StoredRun) -> dict[int, dict[int, Anatomy]]:
    """The undisturbed anatomies by point and block; the last one where a block has several."""
    found: dict[int, dict[int, Anatomy]] = defaultdict(dict)
    for item in run.dissections:
        if not item.anatomy.disturbed and item.anatomy.step > 0:
            found[item.point][item.block] = item.anatomy
    return found


def twin(run: StoredRun, point: Point, mode: str) -> Point | None:
    """The point that differs in its mode alone, None where the run has none."""
    wanted = (point.workload, replace(point.setting, mode=mode))
    return next((other for other in run.plan.points if (other.workload, other.setting) == wanted), None)


def _path(point: Point, own: Mapping[int, Anatomy], limits: DeviceLimits | None, graph: Mapping[int, Anatomy]) -> Path:
    blocks = tuple(sorted(own))
    profiles = [_profile(own[block]) for block in blocks]
    step = np.array([own[block].step for block in blocks])
    busy, transfers, kernels, profiled, waiting = (
        np.array([getattr(profile, name) for profile in profiles])
        for name in ("busy", "transfers", "kernels", "step", "waiting")
    )
    if not point.setting.on_cuda:
        return _synchronous(point, blocks, step, busy, kernels, profiled)
    waits = waiting > 0
    host = np.array([_or(own[block].enqueue, own[block].step) for block in blocks])
    gaps = _gaps(own, graph, limits)
    return Path(
        point=point,
        blocks=blocks,
        step=step,
        host=np.where(waits, step, host),
        busy=busy,
        gaps=np.nan_to_num(gaps),
        transfers=_transfers(step, busy, transfers, waits, limits),
        kernels=kernels,
        profiled=profiled,
        spare=np.zeros(len(blocks)),
        waits=waits,
        ahead=_ahead(own.values()),
        ungapped="neither the device's limits nor a graph of the same steps tell them" if np.isnan(gaps).any() else "",
    )


def _synchronous(
    point: Point, blocks: tuple[int, ...], step: Array, busy: Array, kernels: Array, profiled: Array
) -> Path:
    """Steps that are done when the host is free again; the profiler's cost lies in the operations or beside them."""
    cost = np.maximum(0.0, profiled - step)
    least, most = np.clip(busy - cost, 0.0, step), np.clip(busy, 0.0, step)
    nothing = np.zeros(len(blocks))
    return Path(
        point=point,
        blocks=blocks,
        step=step,
        host=step,
        busy=(least + most) / 2,
        gaps=nothing,
        transfers=nothing,
        kernels=kernels,
        profiled=profiled,
        spare=(most - least) / 2,
        waits=np.ones(len(blocks), dtype=bool),
    )


def _or(seconds: float | None, otherwise: float) -> float:
    return otherwise if seconds is None else seconds


def _profile(anatomy: Anatomy) -> Profile:
    assert anatomy.profile is not None
    return anatomy.profile


def _graph(run: StoredRun, point: Point, anatomies: Mapping[int, Mapping[int, Anatomy]]) -> Mapping[int, Anatomy]:
    """The anatomies of the same steps as a replayed graph, by block; none for what is one, or one kernel, itself.

    Their steps are as long as they were when they were sampled.
    """
    other = None if point.setting.mode in CUDA_MODES else twin(run, point, "graph")
    if other is None:
        return {}
    sampled = list(block_steps(run, other).values())
    own = anatomies.get(other.id, {})
    return {block: replace(item, step=float(np.mean(sampled))) for block, item in own.items()} if sampled else own


def _gaps(own: Mapping[int, Anatomy], graph: Mapping[int, Anatomy], limits: DeviceLimits | None) -> Array:
    """[unit], seconds of a step between kernels that are ready to run, NaN where nothing tells them.

    By the steps themselves where these tell, else by the graph of the same steps in proportion to the kernels, else by
    the gap that the device was seen to make.
    """
    blocks = sorted(own)
    kernels = np.array([_profile(own[block]).kernels for block in blocks])
    if _ahead(own.values()):
        return np.array([_idle(own[block]) for block in blocks])
    shortest = np.nan if limits is None or not limits.gap else limits.gap  # 0 is below what can be resolved
    replays = {block: item for block, item in graph.items() if item.profile is not None and item.profile.kernels}
    each = {block: _idle(item) / _profile(item).kernels for block, item in replays.items()}
    if not _ahead(replays.values()):
        each = {}
    found: Array = kernels * np.array([each.get(block, shortest) for block in blocks])
    return found


def _ahead(anatomies: Collection[Anatomy]) -> bool:
    """Whether the host is surely ahead of the device: the next kernel is ready, within a step and from one to the next.

    Judged over all units, so that all have their gaps from the same rule.
    """
    if not anatomies or any(item.enqueue is None or _profile(item).waiting > 0 for item in anatomies):
        return False
    host = float(np.mean([_or(item.enqueue, item.step) for item in anatomies]))
    step = float(np.mean([item.step for item in anatomies]))
    filled = float(np.mean([_profile(item).busy + _profile(item).transfers for item in anatomies]))
    return host <= _WELL_AHEAD * step or host <= min(filled, _AHEAD * step)


def _idle(anatomy: Anatomy) -> float:
    """Seconds of a step that neither a kernel nor a copy fills."""
    profile = _profile(anatomy)
    return max(0.0, anatomy.step - profile.busy - profile.transfers)


def _transfers(step: Array, busy: Array, copies: Array, waits: Mask, limits: DeviceLimits | None) -> Array:
    """Copies; where steps wait, what fetching a number from an idle device takes, or waiting for it, as far as it fits.

    The sizes are those that were measured of the device, not of the step: the time in a call that waits is mostly that
    of the kernels it waits for.
    """
    read_back, wait = (0.0, 0.0) if limits is None else (limits.read_back or 0.0, limits.synchronise or 0.0)
    cost = np.where(waits, np.where(copies > 0, read_back, wait), 0.0)
    idle = np.maximum(0.0, step - busy)
    sized: Array = np.maximum(copies, np.minimum(cost, idle))
    return sized
