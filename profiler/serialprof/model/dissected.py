# SPDX-License-Identifier: Apache-2.0
"""What is said of a step that a framework drives on a device, as plain records: parts, batch sweep, what would help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from serialprof.devicelimits import DeviceLimits
from serialprof.estimate import Estimate
from serialprof.model.answers import Part

HOST: Final = "host dispatch"
GAPS: Final = "launch gaps"
FLOOR: Final = "kernel latency floor"
BANDWIDTH: Final = "bandwidth"
FLOP: Final = "FLOP"
SLOW: Final = "kernels below the roof"
"""What grows with the batch beyond what its declared bytes, or FLOP, take at the device's bandwidth and peak."""
TRANSFERS: Final = "synchronisation and transfers"
UNTOLD: Final = "unattributed"
DEVICE_CAUSES: Final = (HOST, GAPS, FLOOR, BANDWIDTH, FLOP, SLOW, TRANSFERS, UNTOLD)

#: Why nothing is said of a family by its fit over widths that its steps on a device say by measurement.
ON_DEVICE: Final = "told instead are the parts that were measured on the device, and the knee over batch"

Evidence: TypeAlias = Literal["measured", "stand-in", "model", "bracket", "refused"]
"""What a move's gain rests on: paired visits, injected delays, the parts, the parts' bounds; or nothing."""


_UNCOMPARED: Final = Estimate.unknown("not compared with the step as sampled")


@dataclass(frozen=True, slots=True)
class DeviceStep:
    """The parts of a step at one batch.

    Attributes:
        width: the batch.
        step: seconds of a step: as sampled on a CUDA device, else as dissected.
        parts: one per cause of DEVICE_CAUSES, in that order. Where all have values, these add up to the step; a part
            without one has a bracket, or a reason for being in another.
        kernels: that a step has; on the CPU, operations of the framework.
        overhead: what the profiler added to the step, as a share of it; in none of the other times.
        units: blocks behind the intervals.
        held: what held the device's clock down in the point's visits, empty where nothing is known to have.
        as_sampled: whether `step` and the parts are those of the step as sampled: on CUDA devices, where it was.
        ratio: the step as dissected over the step as sampled, with ends where both have an interval.
        apart: what is to be said of that, empty where both are the same within their intervals, or about the same.
    """

    width: int
    step: Estimate
    parts: tuple[Part, ...]
    kernels: Estimate
    overhead: Estimate
    units: int
    held: tuple[str, ...] = ()
    as_sampled: bool = False
    ratio: Estimate = _UNCOMPARED
    apart: str = ""

    def part(self, cause: str) -> Part:
        """The part of one cause."""
        return next(part for part in self.parts if part.cause == cause)


@dataclass(frozen=True, slots=True)
class Throughput:
    """Lanes per second at one batch."""

    width: int
    rate: Estimate


@dataclass(frozen=True, slots=True)
class BatchSweep:
    """How the step time grows over batch.

    Attributes:
        knee: the batch at which the part of a step that grows with it takes as long as the part that does not; below it
            a step is batch-insensitive.
        form: of the curve that fits best: "sum", "norm q" or "max"; empty where none was fitted.
        residual: relative root-mean-square residual, None where nothing was fitted.
        throughput: at every measured batch, ascending.
        cause: what a step at the narrowest batch surely spends most on of what is batch-insensitive; empty where the
            data cannot tell.
        reason: why not, or what the cause rests on.
        ended: why the sweep ended at its widest batch, empty where that was planned or the knee was found.
    """

    knee: Estimate
    form: str
    residual: float | None
    throughput: tuple[Throughput, ...]
    cause: str
    reason: str
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """Something that might help at one batch.

    Attributes:
        name: what to do.
        width: the batch it is said of.
        gain: speed-up minus 1; of a larger batch, that of the lanes per second.
        evidence: what the gain rests on.
        reason: why it is no more than that, or none.
        remedy: what would tell more, empty where nothing is known to.
        batch: that the move changes to, None where the batch stays.
    """

    name: str
    width: int
    gain: Estimate
    evidence: Evidence
    reason: str = ""
    remedy: str = ""
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class Undissected:
    """A batch whose step was to be dissected, and why nothing came of it."""

    width: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceAnalysis:
    """Where the time of a step goes on a device, and what would help.

    Attributes:
        device: "cpu" or "cuda:N".
        threads: of the host.
        limits: of the device, None where they were not measured.
        sweep: over batch.
        steps: the parts at every dissected batch, ascending; without those that were too far from the step as sampled.
        moves: at the narrowest dissected batch.
        best: that whose gain surely exceeds 0, and by its low end all others; None where none does.
        best_here: the same of those that leave the batch as it is.
        missing: batches without parts.
    """

    device: str
    threads: int
    limits: DeviceLimits | None
    sweep: BatchSweep
    steps: tuple[DeviceStep, ...]
    moves: tuple[Move, ...] = ()
    best: Move | None = None
    best_here: Move | None = None
    missing: tuple[Undissected, ...] = ()
