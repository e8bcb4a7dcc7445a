# SPDX-License-Identifier: Apache-2.0
"""Planted steps, and how near what serialprof says of them is to what `torch-planted` says it planted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.gpu_tools.scoring import Score, knee, part
from serialprof.estimate import Estimate
from serialprof.model.dissected import BANDWIDTH, FLOOR, FLOP, HOST, SLOW, DeviceAnalysis, DeviceStep
from serialprof.setting import ParameterValue, Setting
from serialprof_workloads.torch_planted import Truth, truth

#: Batches: an octave is one step of the sweep.
WIDTHS: Final = tuple(1 << power for power in range(4, 12))


@dataclass(frozen=True)
class Plant:
    """Microseconds of host and kernel a step, nanoseconds a lane, and whether kernel and lanes add up."""

    name: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)

    def truth(self, width: int, device: str) -> Truth:
        """What it plants at a batch."""
        return truth(Setting(width=width, device=device, mode="eager", parameters=dict(self.parameters)))

    def knee(self, device: str) -> float:
        """The batch at which lanes take as long as what does not grow."""
        told = self.truth(1, device)
        fixed = max(told.host, told.kernel) if told.beside else told.host + told.kernel
        return fixed / told.width


PLANTS: Final = (
    Plant("host and kernel", {"host": 400.0, "kernel": 600.0, "lane": 4000.0, "join": "sum"}),
    Plant("host", {"host": 1000.0, "kernel": 200.0, "lane": 4000.0, "join": "sum"}),
    Plant("kernel", {"host": 200.0, "kernel": 1000.0, "lane": 4000.0, "join": "sum"}),
    Plant("kernel beside lanes", {"host": 40.0, "kernel": 1000.0, "lane": 4000.0, "join": "max"}),
)


def planted(told: Truth) -> dict[str, float]:
    """Seconds of what the host adds to a step, of the kernel's fixed part, and of what grows with the batch."""
    grows = told.width if not told.joined else told.width * (told.width >= told.kernel)
    return {
        "host": told.step - told.busy,
        "kernel": told.busy - grows,
        "batch": grows,
    }


def found(step: DeviceStep) -> dict[str, tuple[float | None, str]]:
    """The same of what serialprof found, and why not; no work is declared, so that what grows is called FLOP."""
    causes = {"host": (HOST,), "kernel": (FLOOR,), "batch": (FLOP, BANDWIDTH, SLOW)}
    told = {}
    for name, own in causes.items():
        parts = [step.part(cause).seconds for cause in own]
        known = [item.value for item in parts if item.value is not None]
        told[name] = (math.fsum(known) if known else None, parts[0].reason)
    return told


def undissected(analysis: DeviceAnalysis | None) -> str:
    """Why no step was dissected."""
    return "; ".join(dict.fromkeys(item.reason for item in analysis.missing)) if analysis else "no step was dissected"


def scores_of(plant: Plant, analysis: DeviceAnalysis | None, device: str, widths: Sequence[int]) -> Iterator[Score]:
    """Every part at every batch, those without parts included, then the knee."""
    steps = {step.width: step for step in analysis.steps} if analysis else {}
    why = {item.width: item.reason for item in analysis.missing} if analysis else {}
    for width in widths:
        told, own = plant.truth(width, device), found(steps[width]) if width in steps else {}
        for name, seconds in planted(told).items():
            value, reason = own.get(name, (None, why.get(width, "no step was dissected")))
            yield part(f"{plant.name}, batch {width}", name, seconds, value, told.step, reason)
    middle = analysis.sweep.knee if analysis else Estimate.unknown("no step was dissected")
    yield knee(plant.name, plant.knee(device), middle.value, widths, middle.reason)
