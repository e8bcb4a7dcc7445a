# SPDX-License-Identifier: Apache-2.0
"""Made-up machines, plans and runs for tests that must not measure anything."""

from __future__ import annotations

from collections.abc import Sequence

from serialprof.catalog import Affine, Description, Work
from serialprof.limits import BarrierRung, ChaseRung, Limits, StreamRung
from serialprof.machine import Cache, Machine
from serialprof.planning import Plan, Point
from serialprof.policyclock import Clock
from serialprof.records import Readings, StoredRun, Visit
from serialprof.samples import Sample
from serialprof.setting import Form, Setting

WORK = Work(
    serial_ops=10,
    flops=Affine(0, 100),
    bytes=Affine(0, 8),
    footprint=Affine(0, 64),
    lanes=Affine(0, 1),
)


def machine(cpus: Sequence[int] = (0, 1), quota: float | None = None) -> Machine:
    """A small x86 machine."""
    return Machine(
        host="testbed",
        system="Linux",
        kernel="6.1",
        architecture="x86_64",
        processor="Test CPU",
        hypervisor="",
        cpus=tuple(cpus),
        siblings=tuple((cpu,) for cpu in cpus),
        quota=quota,
        caches=(Cache(1, "Data", 48 << 10, 1), Cache(2, "Unified", 1 << 20, 1), Cache(3, "Unified", 32 << 20, 2)),
        memory=16 << 30,
        clock_driver="",
        clock_governor="",
        clock_writable=False,
        instruction_set="avx2",
        gpus=(),
        python="3.11.7",
        packages={"numpy": "2.4.6"},
    )


def limits() -> Limits:
    """Limits of that machine."""
    return Limits(
        clock=3.0e9,
        chains={"add": 1 / 3e9, "multiply": 1e-9},
        chase=(ChaseRung(1 << 15, 1.3e-9), ChaseRung(1 << 26, 1e-7)),
        stream=(StreamRung(1 << 15, 1, 1e11), StreamRung(1 << 26, 1, 1e10)),
        updates=(StreamRung(1 << 15, 1, 1.2e11), StreamRung(1 << 26, 1, 1.1e10)),
        fma={"avx2": 1e11},
        barriers=(BarrierRung(2, 0.0, 150e-9),),
    )


def description(reference: str = "toy", forms: tuple[Form, ...] = ("serial",)) -> Description:
    """A workload's description."""
    return Description(
        reference=reference,
        name=reference,
        widths=(1, 2, 4, 8),
        quick_widths=(1, 2, 4, 8),
        depth=10,
        parameters={"hidden": 8, "kind": "a"},
        forms=forms,
        modes=("native", "eager"),
    )


def points(
    widths: Sequence[int] = (1, 4),
    threads: Sequence[int] = (1,),
    forms: Sequence[Form] = ("serial",),
    clocks: Sequence[float | None] = (None,),
) -> tuple[Point, ...]:
    """Points of one workload, ids ascending."""
    settings = [
        Setting(width=width, depth=10, threads=count, cpus=tuple(range(count)), form=form, clock=clock)
        for width in widths
        for count in threads
        for form in forms
        for clock in clocks
    ]
    return tuple(Point(number, "toy", setting, WORK) for number, setting in enumerate(settings))


def plan(
    cells: tuple[Point, ...], budget: float = 10.0, blocks: int = 6, blocks_per_process: int = 3, seed: int = 1
) -> Plan:
    """A plan over points."""
    hertz = sorted({cell.setting.clock for cell in cells if cell.setting.clock is not None})
    clocks = tuple(Clock(round(each)) for each in hertz)
    return Plan((description(),), cells, budget, 0.02, blocks, blocks_per_process, seed, clocks=clocks)


def stored(cells: tuple[Point, ...], visits: tuple[Visit, ...] = ()) -> StoredRun:
    """A run as stored."""
    return StoredRun(
        "cafe", 1.7e9, "0.1.0", "hash", ("serialprof", "run"), "running", machine(), limits(), plan(cells), visits
    )


def visit(point: int, block: int = 0, seconds: Sequence[float] = (1.0, 1.1)) -> Visit:
    """A sound visit."""
    samples = tuple(Sample(second, second, 0, cpu=0, clock_before=3e9, clock_after=3.1e9) for second in seconds)
    return Visit(point, block, 0, "ok", started=0.5, spent=1.5, position=point, runs=2, readings=Readings(samples))
