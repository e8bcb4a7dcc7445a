# SPDX-License-Identifier: Apache-2.0
"""Runs of a made-up device: what the host, the kernels and the gaps take is known, seeded noise apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from serialprof.catalog import Affine, Description, Work
from serialprof.devicelimits import DeviceLimits, DeviceRung
from serialprof.limits import Limits
from serialprof.planning import Plan, Point
from serialprof.records import Anatomy, Dissection, Profile, Readings, StoredRun, Visit
from serialprof.samples import Sample, Samples
from serialprof.setting import Setting
from tests import made

DEPTH = 10
BLOCKS = 6
WIDTHS = (1, 4, 16, 64, 256)
MICRO = 1e-6

#: On LIMITS a lane takes 1 us to compute, which is more than it takes to read.
WORK = Work(serial_ops=5, flops=Affine(0, 5e7), bytes=Affine(0, 8), footprint=Affine(0, 64), lanes=Affine(0, 1))
LIMITS = DeviceLimits(
    device="cuda:0",
    threads=1,
    name="Example GPU",
    memory=80 << 30,
    cache=50 << 20,
    multiprocessors=132,
    framework="torch 2.13.0",
    launch=5e-6,
    floor=2e-6,
    gap=1e-6,
    replay=8e-6,
    synchronise=6e-6,
    read_back=12e-6,
    bandwidth=(DeviceRung(1 << 20, 4e12), DeviceRung(1 << 30, 2e12)),
    flops={"fp32": 5e13},
)


@dataclass(frozen=True)
class Truth:
    """Of a made-up step, in seconds but for `kernels`.

    Attributes:
        host: that the host takes to enqueue it.
        floor: of its kernels at any batch.
        lane: of its kernels per lane.
        gap: after each kernel.
        transfers: of copies.
        kernels: that it has.
        waits: whether the host waits in every step; its time and the device's then add up.
        cost: of the profiler per step.
    """

    host: float = 30 * MICRO
    floor: float = 20 * MICRO
    lane: float = 1 * MICRO
    gap: float = 1 * MICRO
    transfers: float = 0.0
    kernels: int = 5
    waits: bool = False
    cost: float = 40 * MICRO

    def busy(self, width: int) -> float:
        return self.floor + self.lane * width

    def device(self, width: int) -> float:
        return self.busy(width) + self.kernels * self.gap + self.transfers

    def step(self, width: int, *, on_cuda: bool = True) -> float:
        if not on_cuda:
            return self.host + self.busy(width)
        if self.waits:
            return self.host + self.device(width)
        return max(self.host, self.device(width))

    def anatomy(self, width: int, factor: float = 1.0, *, on_cuda: bool = True) -> Anatomy:
        step = self.step(width, on_cuda=on_cuda) * factor
        waiting = self.device(width) * factor if self.waits else 0.0
        profile = Profile(8, step + self.cost, self.kernels, self.busy(width) * factor, self.transfers, waiting)
        if not on_cuda:
            return Anatomy(step, profile=replace(profile, transfers=0.0, waiting=0.0))
        enqueue = step if self.waits else self.host * factor
        return Anatomy(step, enqueue, self.device(width) * factor, profile)


def run(
    truth: Truth = Truth(),
    widths: Sequence[int] = WIDTHS,
    *,
    others: dict[str, Truth] | None = None,
    device: str = "cuda:0",
    blocks: int = BLOCKS,
    noise: float = 0.0,
    seed: int = 0,
    work: Work | None = WORK,
    limits: DeviceLimits | None = LIMITS,
    threads: int = 1,
) -> StoredRun:
    """A run of mode eager, and of other modes by name, with visits and dissections of every point in every block."""
    on_cuda = device != "cpu"
    truths = {"eager": truth} | (others or {})
    settings = [
        Setting(width, DEPTH, threads, tuple(range(threads)), device, mode) for mode in truths for width in widths
    ]
    points = tuple(Point(number, "toy", setting, work) for number, setting in enumerate(settings))
    described = Description("toy", "toy", depth_name="tokens", width_name="batch", modes=tuple(truths))
    plan = Plan((described,), points, 10.0, 0.02, blocks, 1, seed)
    draw = np.random.default_rng(seed)
    visits, dissections = [], []
    for block in range(blocks):
        for point in points:
            factor = float(np.exp(noise * draw.standard_normal()))
            own, width = truths[point.setting.mode], point.setting.width
            visits.append(visit(point.id, block, own.step(width, on_cuda=on_cuda) * factor))
            factor = float(np.exp(noise * draw.standard_normal()))
            dissections.append(Dissection(point.id, block, own.anatomy(width, factor, on_cuda=on_cuda)))
    return replace(
        made.stored(points, tuple(visits)),
        plan=plan,
        limits=Limits(),
        devices=() if limits is None else (replace(limits, device=device),),
        dissections=tuple(dissections),
    )


def visit(point: int, block: int, seconds: float) -> Visit:
    """A visit of three samples whose midmean is `seconds` per step."""
    samples = Samples.of(Sample(DEPTH * seconds * factor, 0.0, 0) for factor in (0.99, 1.0, 1.01))
    return Visit(point, block, block, "ok", readings=Readings(samples))


def changed(stored: StoredRun, change: Callable[[Dissection], Dissection | None]) -> StoredRun:
    """The run with every dissection changed, or left out."""
    kept = (change(item) for item in stored.dissections)
    return replace(stored, dissections=tuple(item for item in kept if item is not None))
