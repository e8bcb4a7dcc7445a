# SPDX-License-Identifier: Apache-2.0
"""Made-up runs and analyses for the tests of the renderers: plausible numbers from a formula, nothing measured."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from serialprof.catalog import Affine, Description, Work
from serialprof.estimate import Estimate
from serialprof.limits import BarrierRung, ChaseRung, Limits, StreamRung
from serialprof.machine.description import Cache, Machine
from serialprof.model.answers import Dilation, InjectedDelay, MissingStandIn, SerialBenefit, StandIns
from serialprof.model.results import (
    CAUSES,
    COMPUTE,
    LAUNCH,
    MEMORY,
    SERIAL,
    SYNCHRONISATION,
    UNATTRIBUTED,
    Analysis,
    Attribution,
    Crossover,
    Curve,
    DeclaredWork,
    DepthCost,
    FamilyAnalysis,
    Fit,
    Part,
    PointSummary,
    Tradeoff,
    Verdict,
)
from serialprof.model.standins import DELAY_LABEL, DILATION_LABEL
from serialprof.planning import Plan, Point
from serialprof.records import Readings, StoredRun, Visit
from serialprof.samples import Sample, Samples
from serialprof.setting import FORMS, Form, Setting
from serialprof.view import Run

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCKS = 6
NO_CLOCK = "no clock control: from nothing of the serial part to all of it scales with the clock"


@dataclass(frozen=True)
class Shape:
    """What the formula of a made-up family needs: seconds of latency, per lane, of a barrier."""

    name: str
    widths: tuple[int, ...]
    latency: float
    lane: float
    barrier: float
    width_name: str = "lanes"
    depth_name: str = "steps"
    hatch: str = ""

    def step(self, width: float, threads: int, form: Form = "serial") -> float:
        barrier = self.barrier if threads > 1 else 0.0
        seconds = self.latency + barrier + self.lane * width / threads
        return seconds if form == "serial" else seconds * 0.8


DECODE = Shape(
    "decode", (1, 4, 16, 64, 256), 310e-6, 21e-6, 30e-6, "batch", "tokens", "speculative or lookahead decoding"
)
LSTM = Shape(
    "lstm", (1, 4, 16, 64, 256), 21e-6, 1.4e-6, 3e-6, "batch", "time steps", "DEER: a damped Newton solve over time"
)
CELLS = (1 << 15, 1 << 19, 1 << 22, 1 << 25, 1 << 27)
RULE110 = Shape("rule110", CELLS, 0.2e-6, 2e-12, 0.9e-6, "cells", "generations", "HashLife")
LIFE = Shape("life", CELLS, 0.4e-6, 5e-12, 0.8e-6, "cells", "generations", "HashLife")
SHAPES = (DECODE, LSTM, RULE110, LIFE)


def machine(host: str = "workbench") -> Machine:
    return Machine(
        host=host,
        system="Debian GNU/Linux 13 (trixie)",
        kernel="6.12.48",
        architecture="x86_64",
        processor="Example(R) Processor 8000 @ 2.70GHz",
        hypervisor="KVM",
        cpus=(0, 1),
        siblings=((0,), (1,)),
        quota=None,
        caches=(Cache(1, "Data", 48 << 10, 1), Cache(2, "Unified", 2 << 20, 1), Cache(3, "Unified", 33 << 20, 2)),
        memory=16 << 30,
        clock_driver="",
        clock_governor="",
        clock_writable=False,
        instruction_set="AVX-512",
        gpus=(),
        python="3.13.5",
        packages={"numpy": "2.3.1", "torch": "2.13.0"},
    )


def limits() -> Limits:
    footprints = (16 << 10, 256 << 10, 4 << 20, 64 << 20)
    return Limits(
        clock=3.41e9,
        chains={"add": 0.29e-9, "multiply": 0.88e-9, "fma": 1.17e-9, "divide": 3.9e-9},
        chase=tuple(ChaseRung(footprint, 1.4e-9 * 4**i) for i, footprint in enumerate(footprints)),
        stream=tuple(
            StreamRung(footprint, threads, 2e11 / 2**i * (1 + 0.7 * (threads - 1)))
            for threads in (1, 2)
            for i, footprint in enumerate(footprints)
        ),
        fma={"avx2": 1.7e11},
        barriers=(BarrierRung(2, 0.0, 149e-9, 10e-9),),
    )


def describe(shape: Shape) -> Description:
    return Description(
        reference=shape.name,
        name=shape.name,
        summary=f"made-up {shape.name}",
        depth_name=shape.depth_name,
        width_name=shape.width_name,
        widths=shape.widths,
        quick_widths=shape.widths[:4],
        depth=64,
        parameters={"hidden": 256},
        forms=FORMS,
        modes=("native",),
        hatch=shape.hatch,
    )


def stored_run(
    shapes: Iterable[Shape] = SHAPES,
    *,
    host: str = "workbench",
    thread_counts: tuple[int, ...] = (1, 2),
    all_fail: bool = False,
) -> StoredRun:
    """A run of the shapes; the last serial point of lstm fails in its first visit."""
    shapes = tuple(shapes)
    work = Work(500.0, Affine(0, 1e5), Affine(1e6, 100), Affine(1e6, 100), Affine(256, 256))
    points: list[Point] = []
    visits: list[Visit] = []
    for shape in shapes:
        for width in shape.widths:
            for threads in thread_counts:
                for form in FORMS:
                    setting = Setting(
                        width, 64, threads, tuple(range(threads)), form=form, seed=1, parameters={"hidden": 256}
                    )
                    points.append(Point(len(points), shape.name, setting, work))
    for block in range(BLOCKS):
        visits.extend(_visit(point, block, _shape(shapes, point.workload), all_fail) for point in points)
    plan = Plan(tuple(describe(shape) for shape in shapes), tuple(points), 120.0, 0.02, BLOCKS, 1, 20260102)
    return StoredRun(
        run_id="0123456789abcdef",
        started=1767350000.0,
        version="0.1.0",
        code="c0ffee" * 8,
        command=("serialprof", "run", "--budget", "120s", "-o", "a file.serialprof"),
        status="complete",
        machine=machine(host),
        limits=limits(),
        plan=plan,
        visits=tuple(visits),
    )


def view(run: StoredRun, analysis: Analysis | None = None) -> Run:
    """A run as renderers get it; with this analysis instead of that of its samples."""
    seen = Run(run, Path("a.serialprof"))
    if analysis is not None:
        vars(seen)["analysis"] = analysis
    return seen


def analysis(run: StoredRun, shapes: Iterable[Shape] = SHAPES) -> Analysis:
    """What an analysis of `stored_run(shapes)` could look like."""
    return Analysis(tuple(family(run, shape) for shape in shapes))


def family(run: StoredRun, shape: Shape) -> FamilyAnalysis:
    points = tuple(point for point in run.plan.points if point.workload == shape.name)
    counts = sorted({point.setting.threads for point in points})
    summaries = tuple(_summary(run, point, shape) for point in points)
    pairs = list(itertools.pairwise(counts))
    return FamilyAnalysis(
        family=points[0].family,
        description=run.plan.description(shape.name),
        depth=64,
        points=summaries,
        fit=_fit(shape, counts),
        refusal="",
        attributions=tuple(_attribution(shape, width, threads) for threads in counts for width in shape.widths),
        tradeoffs=tuple(_tradeoff(shape, width, *pair) for pair in pairs for width in shape.widths),
        crossovers=tuple(_crossover(shape, *pair) for pair in pairs),
        depth_costs=tuple(
            DepthCost(width, threads, spread(1.25, 0.03)) for threads in counts for width in shape.widths
        ),
        declared=DeclaredWork(shape.widths[-1], 2.6e9, 32000.0),
        verdict=Verdict(
            sentence=f"{shape.name}: up to batch 16, +10 % clock gains 1 to 9 % where doubling the cores loses "
            "3 to 12 %; from 64 on the cores win.",
            grade="C",
            grade_reason="the clock was not swept; the clock gain is a bracket from the footprint model",
            hatch=shape.hatch,
            next_step="Repeat it on a machine that lets its clock be set.",
        ),
    )


def with_stand_ins(known: FamilyAnalysis) -> FamilyAnalysis:
    """The family with a stand-in of every kind at its narrowest and widest point, and one that is missing."""
    low, high = known.points[0].point.setting.width, known.points[-1].point.setting.width
    step = known.points[0].step
    assert step.value is not None
    slack = Estimate(0.6 * step.value, 0.55 * step.value, 0.65 * step.value, "s")
    none = Estimate(0.0, 0.0, 0.01 * step.value, "s")
    dilated = DILATION_LABEL.format("2.00")
    return replace(
        known,
        stand_ins=StandIns(
            delays=(
                InjectedDelay(DELAY_LABEL, low, 1, False, step, spread(1.0, 0.01), none, False, (), (), BLOCKS),
                InjectedDelay(DELAY_LABEL, low, 2, True, step, spread(1.01, 0.02), none, False, (), (), BLOCKS),
                InjectedDelay(DELAY_LABEL, high, 2, True, step, spread(0.99, 0.02), slack, True, (), (), BLOCKS),
            ),
            dilations=(Dilation(dilated, low, 1, 2.0, spread(2.01, 0.01), spread(1.0, 0.02), BLOCKS),),
            benefits=(
                SerialBenefit(
                    low, 2, Estimate.bracket(0.0, 0.081, ""), Estimate.bracket(0.0, 0.08, ""), "injected delay"
                ),
                SerialBenefit(
                    high,
                    2,
                    Estimate.bracket(0.0, 0.01, ""),
                    Estimate.unknown("others share its clock"),
                    "injected delay",
                ),
            ),
            missing=(MissingStandIn(DILATION_LABEL.format("k"), high, 2, "the kernel gives no real-time thread"),),
        ),
    )


def unknown_family(run: StoredRun, shape: Shape, reason: str) -> FamilyAnalysis:
    """A family of which nothing is known but that its points failed."""
    known = family(run, shape)
    nothing = Estimate.unknown(reason)
    points = tuple(
        PointSummary(
            item.point, Estimate.unknown(reason, "s"), 0, 0, 0, Estimate.unknown(reason), item.failed or reason
        )
        for item in known.points
    )
    return replace(
        known,
        points=points,
        fit=None,
        refusal=reason,
        attributions=(),
        tradeoffs=tuple(
            replace(item, clock=nothing, cores=nothing, clock_gain=nothing, cores_gain=nothing, winner="unknown")
            for item in known.tradeoffs[:1]
        ),
        crossovers=tuple(replace(item, width=nothing) for item in known.crossovers),
        depth_costs=tuple(replace(item, ratio=nothing) for item in known.depth_costs[:1]),
        declared=None,
        verdict=Verdict("The data cannot tell.", "C", "nothing was measured", "", "See why the points failed."),
    )


def spread(value: float, relative: float, unit: str = "1") -> Estimate:
    half = abs(value) * relative
    return Estimate(value, value - half, value + half, unit)


def _shape(shapes: tuple[Shape, ...], name: str) -> Shape:
    return next(shape for shape in shapes if shape.name == name)


def _fails(point: Point) -> bool:
    return (
        point.workload == "lstm"
        and (point.setting.width, point.setting.threads) == (256, 2)
        and point.setting.form == "wide"
    )


def _visit(point: Point, block: int, shape: Shape, all_fail: bool) -> Visit:
    setting = point.setting
    if all_fail or _fails(point):
        return Visit(point.id, block, block, "failed", "the worker was killed by signal 9 (out of memory?)")
    seconds = shape.step(setting.width, setting.threads, setting.form) * setting.depth
    samples = Samples.of(
        (
            Sample(seconds, seconds * setting.threads, 0, cpu=0, clock_before=3.41e9),
            Sample(seconds * 1.4, seconds, 3, "kept off the CPU" if block == 0 else "", cpu=0),
        )
    )
    return Visit(point.id, block, block, "ok", started=float(block), position=point.id, readings=Readings(samples))


def _summary(run: StoredRun, point: Point, shape: Shape) -> PointSummary:
    visits = [visit for visit in run.visits if visit.point == point.id]
    if visits and visits[0].status == "failed":
        reason = visits[0].reason
        return PointSummary(point, Estimate.unknown(reason, "s"), 0, 0, 0, Estimate.unknown(reason), reason)
    setting = point.setting
    step = shape.step(setting.width, setting.threads, setting.form)
    return PointSummary(point, spread(step, 0.02, "s"), BLOCKS, 2 * BLOCKS - 1, 1, spread(step * 3.41e9, 0.02))


def _fit(shape: Shape, counts: list[int]) -> Fit:
    low, high = shape.widths[0], shape.widths[-1]
    widths = tuple(low * (high / low) ** (i / 39) for i in range(40))
    return Fit(
        form="sum",
        residual={"sum": 0.011, "max": 0.083},
        latency=spread(shape.latency, 0.04, "s"),
        compute=spread(shape.lane / 1e5, 0.02, "s"),
        memory=Estimate(1.1, 0.0, 2.3, "1"),
        synchronisation={count: spread(shape.barrier, 0.1, "s") for count in counts if count > 1},
        units=BLOCKS,
        curves=tuple(
            Curve(count, widths, tuple(spread(shape.step(width, count), 0.05, "s") for width in widths))
            for count in counts
        ),
        notes=("Synchronisation and serial latency are confounded with 1 and 2 threads alone.",),
    )


def _attribution(shape: Shape, width: int, threads: int) -> Attribution:
    step = shape.step(width, threads)
    shares = {
        SERIAL: shape.latency / step,
        LAUNCH: 0.0,
        SYNCHRONISATION: shape.barrier / step if threads > 1 else 0.0,
        COMPUTE: 0.7 * shape.lane * width / threads / step,
        MEMORY: 0.35 * shape.lane * width / threads / step,
    }
    shares[UNATTRIBUTED] = 1 - sum(shares.values())
    parts = tuple(Part(cause, spread(shares[cause] * step, 0.05, "s"), spread(shares[cause], 0.05)) for cause in CAUSES)
    return Attribution(width, threads, spread(step, 0.02, "s"), parts)


def _tradeoff(shape: Shape, width: int, threads: int, more: int) -> Tradeoff:
    before, after = shape.step(width, threads), shape.step(width, more)
    gain = before / after - 1
    serial = shape.latency / before
    cores = gain / (more / threads - 1)
    clock = Estimate.bracket(0.1 * serial, min(1.0, serial + 0.3), NO_CLOCK)
    assert clock.low is not None and clock.high is not None
    winner = "clock" if clock.low > cores + 0.05 else "cores" if cores - 0.05 > clock.high else "unknown"
    return Tradeoff(
        width=width,
        threads=threads,
        more_threads=more,
        clock=clock,
        cores=Estimate(cores, cores - 0.05, cores + 0.05),
        clock_gain=Estimate.bracket(clock.low / 11, clock.high / 10, NO_CLOCK),
        cores_gain=Estimate(gain, gain - 0.05, gain + 0.05),
        winner=winner,  # type: ignore[arg-type]
    )


def _crossover(shape: Shape, threads: int, more: int) -> Crossover:
    wins = [shape.step(width, more) < shape.step(width, threads) for width in shape.widths]
    if all(wins) or not any(wins):
        end = shape.widths[0] if all(wins) else shape.widths[-1]
        words = "below" if all(wins) else "beyond"
        return Crossover(threads, more, Estimate.unknown(f"{words} W = {end}"))
    first = wins.index(True)
    low, high = shape.widths[first - 1], shape.widths[first]
    return Crossover(threads, more, Estimate((low * high) ** 0.5, low, high))
