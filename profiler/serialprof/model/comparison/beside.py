# SPDX-License-Identifier: Apache-2.0
"""Steps that a framework drives, in two runs: the knee over batch of each, and the parts of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from serialprof.model.analysis import analyse
from serialprof.model.comparison.records import BesideDevice, BesidePart
from serialprof.model.dissected import DeviceAnalysis
from serialprof.model.examination import Examined
from serialprof.planning import Family
from serialprof.store import StoredRun


def devices(run: StoredRun, examined: Sequence[Examined]) -> Mapping[Family, DeviceAnalysis]:
    """What a run says of steps on devices, by family with the kind of device only; empty where none was dissected."""
    if not run.dissections:
        return {}
    return {
        replace(item.family, device=item.family.device.partition(":")[0]): item.device
        for item in analyse(run, examined).families
        if item.device is not None
    }


def beside(first: DeviceAnalysis | None, second: DeviceAnalysis | None) -> BesideDevice | None:
    """Both beside each other; None where one of them has nothing to say."""
    if first is None or second is None:
        return None
    shared = sorted({step.width for step in first.steps} & {step.width for step in second.steps})
    parts: tuple[BesidePart, ...] = ()
    if shared:
        ours, theirs = (next(step for step in item.steps if step.width == shared[0]) for item in (first, second))
        parts = tuple(BesidePart(part.cause, part.share, theirs.part(part.cause).share) for part in ours.parts)
    return BesideDevice(first.sweep.knee, second.sweep.knee, shared[0] if shared else None, parts)
