# SPDX-License-Identifier: Apache-2.0
"""What being sampled costs a step: serialprof's own sampler and a bare loop around the same stepper take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from serialprof.intervals import half_width
from serialprof.measure.instruments import Instruments
from serialprof.measure.sampler import sample, settle
from serialprof.setting import Setting

#: Seconds of the step, and steps in one run.
STEP: Final = 1e-3
DEPTH: Final = 8
#: Runs in one timed stretch, and stretches in one visit.
_RUNS: Final = 4
_STRETCHES: Final = 5
#: Pairs of visits, of which the first is bare and sampled in turn, and blocks into which they are counted.
BLOCKS: Final = 10
_PAIRS: Final = 6
_SIZE: Final = 128


@dataclass(frozen=True)
class Overhead:
    """Seconds a step as serialprof samples it and in a bare loop; what the first takes longer, with its interval."""

    sampled: float
    bare: float
    extra: float
    half_width: float


class Products:
    """Dependent operations of torch, so many that a step takes about STEP."""

    def __init__(self, device: str) -> None:
        import torch

        self.torch: Final[Any] = torch
        self.device: Final = device
        self.matrix: Final = torch.eye(_SIZE, device=device)
        self.count = 1
        self.run(DEPTH)
        self.sync()
        while (took := self._seconds()) < STEP / 2:
            self.count *= 2
        self.count = max(1, round(self.count * STEP / took))

    def run(self, steps: int, /) -> None:
        """Multiplies a state by the same matrix, step after step."""
        with self.torch.inference_mode():
            state = self.torch.ones(_SIZE, 4, device=self.device)
            for _ in range(steps * self.count):
                state = self.torch.mm(self.matrix, state)

    def sync(self) -> None:
        """Waits for the device."""
        if self.device != "cpu":
            self.torch.cuda.synchronize(self.device)

    def _seconds(self) -> float:
        """Seconds of a step: the least of some."""
        return min(bare(self, 1) for _ in range(5))


def bare(stepper: Products, runs: int) -> float:
    """Seconds a step of so many run(DEPTH), by two readings of a clock and nothing else."""
    stepper.sync()
    began = time.perf_counter()
    for _ in range(runs):
        stepper.run(DEPTH)
    stepper.sync()
    return (time.perf_counter() - began) / (runs * DEPTH)


def overhead(device: str, blocks: int = BLOCKS) -> Overhead:
    """Compares both in one process on one thread; the median of a visit each, ratios of neighbours, t over blocks."""
    import torch

    torch.set_num_threads(1)
    stepper = Products(device)
    setting = Setting(depth=DEPTH, device=device, mode="eager", cpus=(0,))
    instruments = Instruments([0])
    settle(stepper, setting)

    def sampled() -> float:
        readings = sample(stepper, setting, _RUNS, _RUNS * _STRETCHES * DEPTH * STEP, instruments)
        return statistics.median(item.seconds for item in readings.samples) / (_RUNS * DEPTH)

    return compared(sampled, lambda: statistics.median(bare(stepper, _RUNS) for _ in range(_STRETCHES)), blocks)


def compared(sampled: Callable[[], float], alone: Callable[[], float], blocks: int) -> Overhead:
    """What the first takes longer than the second, as a share; pairs go ABBA, a block counts by its median pair."""
    seconds: dict[Callable[[], float], list[float]] = {sampled: [], alone: []}
    shares = []
    for _ in range(blocks):
        for pair in range(_PAIRS):
            for measure in (sampled, alone) if pair % 2 else (alone, sampled):
                seconds[measure].append(measure())
        pairs = zip(seconds[sampled][-_PAIRS:], seconds[alone][-_PAIRS:], strict=True)
        shares.append(statistics.median(first / second - 1 for first, second in pairs))
    return Overhead(
        sampled=statistics.median(seconds[sampled]),
        bare=statistics.median(seconds[alone]),
        extra=statistics.fmean(shares),
        half_width=half_width(shares) or float("nan"),
    )
