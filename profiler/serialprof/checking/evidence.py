# SPDX-License-Identifier: Apache-2.0
"""What a check of a workload has seen: the records that its findings are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serialprof.catalog import Description, Work
from serialprof.limits import Limits
from serialprof.measure.observation import DepthTime, Observation
from serialprof.setting import Setting

FP32: Final = "fp32"


@dataclass(frozen=True, slots=True)
class Peaks:
    """What this machine can do at best with the threads of a check; None where unknown.

    Attributes:
        flops: FLOP per second in the workload's element type.
        bandwidth: bytes per second, of the nearest memory.
        far: bytes per second, of the memory that holds the declared footprint.
        operation: seconds of the fastest dependent operation.
    """

    flops: float | None = None
    bandwidth: float | None = None
    far: float | None = None
    operation: float | None = None


def peaks_of(limits: Limits, setting: Setting, footprint: float) -> Peaks:
    """The peaks of the CPU at a setting, for a declared footprint in bytes."""
    threads = setting.threads
    fma = max(limits.fma.values(), default=None) if setting.dtype == FP32 else None
    return Peaks(
        flops=None if fma is None else fma * threads,
        bandwidth=max((rung.bandwidth for rung in limits.stream if rung.threads <= threads), default=None),
        far=limits.bandwidth(footprint, threads),
        operation=min(limits.chains.values(), default=None),
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """A workload that did not get through.

    Attributes:
        reason: one sentence.
        hung: whether it gave no answer in time.
        exhausted: whether memory did not suffice.
    """

    reason: str
    hung: bool = False
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class WidthTime:
    """Seconds of one run of a setting's depth at a width."""

    width: int
    seconds: float


@dataclass(frozen=True, slots=True)
class WideForm:
    """The wide form beside the serial one.

    Attributes:
        serial: a run of the serial form.
        shallow, deep: runs of the wide form; the deep one is as deep as the serial one.
    """

    serial: DepthTime
    shallow: DepthTime
    deep: DepthTime


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a check has seen.

    Attributes:
        description: of the workload.
        setting: at which most was looked at; its depth is the workload's.
        work: declared there, None where nothing is declared.
        observations: of fresh processes at this setting, as many as came to an end.
        failure: how building or running failed; None where it did not.
        wrong: how its `check()` failed, empty where it did not.
        widths: times over width, ascending.
        wide: None where there is no wide form.
        spread: at the greatest width that was looked at, with two threads where the machine has them.
        spread_setting, spread_work: of that observation.
        peaks: what the machine can do at best; empty where nothing is declared.
        gaps: what was not looked at, and why.
    """

    description: Description
    setting: Setting
    work: Work | None = None
    observations: tuple[Observation, ...] = ()
    failure: Failure | None = None
    wrong: str = ""
    widths: tuple[WidthTime, ...] = ()
    wide: WideForm | None = None
    spread: Observation | None = None
    spread_setting: Setting | None = None
    spread_work: Work | None = None
    peaks: Peaks = Peaks()
    gaps: tuple[str, ...] = ()

    @property
    def step_seconds(self) -> float | None:
        """Seconds of a step, the shortest that was seen; None where none was timed."""
        timed = [min(seen.series) / seen.steps for seen in self.observations if seen.series]
        return min(timed, default=None)
