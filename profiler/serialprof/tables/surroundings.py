# SPDX-License-Identifier: Apache-2.0
"""Tables of where a run was made: the machine, its limits and those of its devices, and what spoilt the run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from serialprof.tables.frames import frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from serialprof.devicelimits import DeviceLimits
    from serialprof.limits import Limits
    from serialprof.machine import Machine
    from serialprof.records import StoredRun

#: What a device's limits hold one by one, with units.
_SINGLE: Final = {
    "launch": "s", "floor": "s", "gap": "s", "replay": "s", "synchronise": "s", "read_back": "s", "memory": "B",
    "cache": "B",
}  # fmt: skip


def machine(machine: Machine) -> pd.DataFrame:
    """One row per fact."""
    facts = asdict(machine) | {"usable": machine.usable, "cores": machine.cores}
    return frame(({"fact": name, "value": value} for name, value in facts.items()), ("fact", "value"))


def limits(run: StoredRun) -> pd.DataFrame:
    """One row per limit."""
    rows = [{"device": "host", **row} for row in _of_host(run.limits)]
    for device in run.devices:
        rows += [{"device": device.device, "threads": device.threads, **row} for row in _of_device(device)]
    return frame(rows, ("device", "limit", "threads", "footprint_bytes", "grain_seconds", "value", "unit"))


def _of_host(limits: Limits) -> Iterator[dict[str, Any]]:
    if limits.clock is not None:
        yield _row("clock", limits.clock, "Hz")
    yield from (_row(f"{name} latency", seconds, "s", threads=1) for name, seconds in limits.chains.items())
    yield from (_row(f"fma peak, {level}", rate, "FLOP/s", threads=1) for level, rate in limits.fma.items())
    for chase in limits.chase:
        yield _row("load latency", chase.seconds, "s", threads=chase.threads, footprint_bytes=chase.footprint)
    for stream in limits.stream:
        yield _row("read bandwidth", stream.bandwidth, "B/s", threads=stream.threads, footprint_bytes=stream.footprint)
    for update in limits.updates:
        yield _row(
            "update bandwidth", update.bandwidth, "B/s", threads=update.threads, footprint_bytes=update.footprint
        )
    for barrier in limits.barriers:
        yield _row("barrier", barrier.seconds, "s", threads=barrier.threads, grain_seconds=barrier.grain)
    if limits.dispatch is not None:
        yield _row("dispatch", limits.dispatch, "s", threads=1)


def _of_device(limits: DeviceLimits) -> Iterator[dict[str, Any]]:
    for name, unit in _SINGLE.items():
        if (value := getattr(limits, name)) is not None:
            yield _row(name.replace("_", " "), value, unit)
    for rung in limits.bandwidth:
        yield _row("read bandwidth", rung.bandwidth, "B/s", footprint_bytes=rung.footprint)
    yield from (_row(f"matrix product, {dtype}", rate, "FLOP/s") for dtype, rate in limits.flops.items())


def _row(limit: str, value: float, unit: str, **where: float) -> dict[str, Any]:
    return {"limit": limit, "value": value, "unit": unit, **where}


def findings(run: StoredRun) -> pd.DataFrame:
    """One row per finding, what costs first."""
    from serialprof.model import doctor

    return frame(map(asdict, doctor.findings(run)), ("name", "state", "what", "cost", "remedy"))
