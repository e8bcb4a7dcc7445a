# SPDX-License-Identifier: Apache-2.0
"""Which devices of a plan a framework drives, and their limits: measured before its first visit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from serialprof.devicelimits import DeviceLimits
from serialprof.errors import CannotMeasureError
from serialprof.measure.introspection import probe_device
from serialprof.planning import Plan, Point
from serialprof.setting import CPU, PROCESS_MODE

#: Seconds that the limits of one device take, imports left out; and in the quick form.
SECONDS: Final = 3.0
QUICK_SECONDS: Final = 1.0


def driven(plan: Plan) -> Iterator[Point]:
    """The points whose steps go through PyTorch: what its limits and dissections can be told of."""
    on_torch = {description.reference for description in plan.descriptions if description.on_torch}
    for point in plan.points:
        if point.workload in on_torch and point.setting.mode not in ("native", PROCESS_MODE):
            yield point


def limits_of_devices(plan: Plan, stage: Callable[[str], None] = lambda text: None) -> tuple[DeviceLimits, ...]:
    """The limits of every device that torch drives in a plan, for every thread count; none where it drives nothing.

    Where they cannot be measured, `DeviceLimits.unmeasured` says why: the points can be timed without.

    Args:
        plan: whose points.
        stage: told in a few words what begins.
    """
    points = list(driven(plan))
    places = dict.fromkeys((point.setting.device, point.setting.cpus) for point in points)
    dtypes = {
        device: tuple(dict.fromkeys(point.setting.dtype for point in points if point.setting.device == device))
        for device, _ in places
    }
    found: list[DeviceLimits] = []
    for device, cpus in places:
        threads = f" on {len(cpus)} thread{'s' if len(cpus) > 1 else ''}" if device == CPU else ""
        stage(f"measuring the limits of {device}{threads} as torch drives it")
        try:
            seconds = QUICK_SECONDS if plan.quick else SECONDS
            found.append(probe_device(cpus, device, dtypes[device], seconds))
        except CannotMeasureError as error:
            found.append(DeviceLimits(device, len(cpus), "", 0, unmeasured={"device": error.message}))
    return tuple(found)
