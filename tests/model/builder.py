# SPDX-License-Identifier: Apache-2.0
"""Runs made of a formula for the step time, with seeded noise and drift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from serialprof.catalog import Affine, Description, Work
from serialprof.limits import Limits
from serialprof.planning import Plan, Point
from serialprof.records import Readings, StoredRun, Visit
from serialprof.samples import Sample, Samples
from serialprof.setting import Form, Setting
from tests import made

DEPTH = 10
RUNS = 3
OCTAVES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
#: How near the ends of exact runs come, relatively: times count as no better known than a ten-thousandth.
NEAR = 1e-4

#: One operation per lane, nothing fixed, everything in L2.
LANES = Work(serial_ops=5, flops=Affine(5, 1), bytes=Affine(0, 8), footprint=Affine(0, 64), lanes=Affine(0, 1))


def run(
    step: Callable[..., float],
    widths: Sequence[int] = OCTAVES,
    threads: Sequence[int] = (1,),
    forms: Sequence[Form] = ("serial",),
    work: Work | None = LANES,
    blocks: int = 8,
    noise: float = 0.0,
    drift: float = 0.0,
    seed: int = 0,
    limits: Limits | None = None,
    mode: str = "native",
    quick: bool = False,
    clocks: Sequence[float] = (),
    measured: Callable[[float], float] = float,
) -> StoredRun:
    """A run in which a step takes step(width, threads, form) seconds, times noise.

    Args:
        step: seconds per step; where there are clocks, step(width, threads, form, measured clock).
        widths, threads, forms: the sweep.
        work: what every point declares.
        blocks: blocks, each with processes of its own but in the quick form.
        noise: standard deviation of ln time from visit to visit.
        drift: standard deviation of ln time from block to block, common to all points.
        seed: of both.
        limits: of the machine, by default none.
        mode: how steps are executed.
        quick: whether the plan says so.
        clocks: that were asked for, in Hz; none for clocks left alone.
        measured: the clock that was measured where one was asked for.
    """
    settings = [
        Setting(width, DEPTH, count, tuple(range(count)), mode=mode, form=form, clock=clock)
        for clock in clocks or (None,)
        for width in widths
        for count in threads
        for form in forms
    ]
    points = tuple(Point(number, "toy", setting, work) for number, setting in enumerate(settings))
    described = Description("toy", "toy", depth_name="steps", width_name="cells", forms=tuple(forms), hatch="a scan")
    plan = Plan((described,), points, 10.0, 0.02, blocks, blocks if quick else 1, seed, quick)
    draw = np.random.default_rng(seed)
    visits = []
    for block in range(blocks):
        level = np.exp(drift * draw.standard_normal())
        for point in points:
            setting = point.setting
            hertz = None if setting.clock is None else measured(setting.clock)
            seconds = step(setting.width, setting.threads, setting.form, *([] if hertz is None else [hertz])) * level
            seconds *= np.exp(noise * draw.standard_normal())
            visits.append(visit(point.id, block, float(seconds), plan.process_round(block), clock=hertz or 3e9))
    stored = made.stored(points, tuple(visits))
    return replace(stored, plan=plan, limits=limits or Limits())


def visit(point: int, block: int, seconds: float, process: int = 0, turn: int = 0, clock: float | None = 3e9) -> Visit:
    """A visit of three samples whose midmean is `seconds` per step, at a measured clock in Hz."""
    samples = (
        Sample(DEPTH * RUNS * seconds * factor, 0.0, 0, clock_before=clock, clock_after=clock)
        for factor in (0.9, 1.0, 1.1)
    )
    # By column as a stored run has them, so that they are not put into columns whenever they are asked for.
    return Visit(point, block, process, "ok", turn=turn, runs=RUNS, readings=Readings(Samples.of(samples)))


def with_visits(stored: StoredRun, number: int, **changes: Any) -> StoredRun:
    """The run with every visit of a point changed."""
    visits = tuple(replace(item, **changes) if item.point == number else item for item in stored.visits)
    return replace(stored, visits=visits)


def with_samples(stored: StoredRun, number: int, *samples: Sample) -> StoredRun:
    """The run with every visit of a point holding these samples."""
    return with_visits(stored, number, readings=Readings(Samples.of(samples)))
