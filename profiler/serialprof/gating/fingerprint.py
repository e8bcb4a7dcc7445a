# SPDX-License-Identifier: Apache-2.0
"""Whether a stored baseline is of this machine, and whether this machine is as fast as it was then."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from serialprof.machine import Cache, Machine
from serialprof.measure.yardsticks import Yardsticks
from serialprof.units import format_bytes, format_si

#: Ratio of the clocks at the two ends of a bucket.
_BUCKET: Final = 1.05
_YARDSTICK_NAMES: Final = {"chain": "dependent chain", "chase": "pointer chase", "throughput": "throughput"}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What decides how fast a machine is, as far as it says.

    Attributes:
        processor: its model.
        architecture: "x86_64", "aarch64".
        cores: physical cores among the usable CPUs, as far as the kernel tells.
        cpus: usable CPUs.
        caches: as CPU 0 sees them.
        hypervisor: empty on bare metal.
        governor: of cpufreq, empty where the kernel offers none.
        gpus: names of the CUDA devices.
        clock: measured, in hertz; None where every reading was disturbed.
    """

    processor: str
    architecture: str
    cores: int
    cpus: int
    caches: tuple[Cache, ...]
    hypervisor: str
    governor: str
    gpus: tuple[str, ...]
    clock: float | None

    @property
    def bucket(self) -> int | None:
        """The number of the clock's bucket: each ends 5 % above where it begins."""
        return None if self.clock is None else math.floor(math.log(self.clock) / math.log(_BUCKET))


def fingerprint(machine: Machine, yardsticks: Sequence[Yardsticks]) -> Fingerprint:
    """The fingerprint of a machine whose yardsticks were read."""
    clocks = [reading.clock for reading in yardsticks if reading.clock is not None]
    return Fingerprint(
        processor=machine.processor,
        architecture=machine.architecture,
        cores=machine.cores,
        cpus=len(machine.cpus),
        caches=machine.caches,
        hypervisor=machine.hypervisor,
        governor=machine.clock_governor,
        gpus=tuple(gpu.name for gpu in machine.gpus),
        clock=statistics.median(clocks) if clocks else None,
    )


def differences(then: Fingerprint, now: Fingerprint) -> tuple[str, ...]:
    """What differs, in words: "cores 2, 4 in the baseline"; nothing where it is the same machine.

    Clocks of neighbouring buckets are the same, since one at the edge falls on either side. Clocks of which one could
    not be measured are not.
    """
    told = [
        (name, _shown(one), _shown(other))
        for name, one, other in (
            ("processor", then.processor, now.processor),
            ("architecture", then.architecture, now.architecture),
            ("cores", then.cores, now.cores),
            ("CPUs", then.cpus, now.cpus),
            ("caches", then.caches, now.caches),
            ("hypervisor", then.hypervisor, now.hypervisor),
            ("governor", then.governor, now.governor),
            ("GPUs", then.gpus, now.gpus),
        )
        if one != other
    ]
    if not _same_clock(then.bucket, now.bucket):
        told.append(("clock", _clock(then.clock), _clock(now.clock)))
    return tuple(f"{name} {after}, {before} in the baseline" for name, before, after in told)


def moved(then: Sequence[Yardsticks], now: Sequence[Yardsticks], tolerance: float) -> tuple[str, ...]:
    """Yardsticks by which the machine is no longer as fast as it was, as sentences.

    Args:
        then: beside the baseline's processes.
        now: beside the head's.
        tolerance: share beyond which that is said, in either direction.
    """
    told = []
    for name, ratio in _ratios(then, now).items():
        if abs(math.log(ratio)) > math.log1p(tolerance):
            share, way = (ratio - 1, "slower") if ratio > 1 else (1 - ratio, "faster")
            told.append(f"this machine is {100 * share:.0f} % {way} than it was by its {_YARDSTICK_NAMES[name]}")
    return tuple(told)


def movement(then: Sequence[Yardsticks], now: Sequence[Yardsticks]) -> float:
    """By how much the yardstick moved that moved most, up or down: the size of the log of its ratio."""
    return max(abs(math.log(ratio)) for ratio in _ratios(then, now).values())


def _ratios(then: Sequence[Yardsticks], now: Sequence[Yardsticks]) -> dict[str, float]:
    """Every yardstick now over what it was, by medians."""
    medians = [
        {name: statistics.median(getattr(item, name) for item in readings) for name in _YARDSTICK_NAMES}
        for readings in (then, now)
    ]
    return {name: medians[1][name] / medians[0][name] for name in _YARDSTICK_NAMES}


def _same_clock(then: int | None, now: int | None) -> bool:
    if then is None or now is None:
        return then == now
    return abs(then - now) <= 1


def _shown(fact: object) -> str:
    if isinstance(fact, tuple):
        return ", ".join(_cache(item) if isinstance(item, Cache) else str(item) for item in fact) or "none"
    return str(fact) or "none"


def _cache(cache: Cache) -> str:
    return f"L{cache.level} {cache.kind} {format_bytes(cache.bytes)} of {cache.cpus}"


def _clock(hertz: float | None) -> str:
    return "not measured" if hertz is None else format_si(hertz, "Hz")
