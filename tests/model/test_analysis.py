# SPDX-License-Identifier: Apache-2.0
"""Whole runs: attribution, and an analysis that never breaks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from serialprof.catalog import Affine
from serialprof.limits import BarrierRung, Limits
from serialprof.model import CAUSES, LAUNCH, MEMORY, SERIAL, SYNCHRONISATION, UNATTRIBUTED, FamilyAnalysis, analyse
from serialprof.records import StoredRun, Visit
from serialprof.samples import Sample
from tests.model import builder


def step(width: int, threads: int, form: str) -> float:
    return 1e-6 + 2e-8 * width / min(threads, width) + 3e-7 * (threads > 1)


def family(run: StoredRun) -> FamilyAnalysis:
    return analyse(run).families[0]


def test_shares_add_up_with_the_unattributed() -> None:
    result = family(builder.run(step, threads=(1, 2), noise=0.02))
    assert len(result.attributions) == 18
    for item in result.attributions:
        assert tuple(part.cause for part in item.parts) == CAUSES
        shares = [part.share.value for part in item.parts]
        assert sum(share for share in shares if share is not None) == pytest.approx(1)
        seconds = [part.seconds.value for part in item.parts]
        # ... to the step less its noise, which 2 % over 12 units leave in it.
        assert item.step.value == pytest.approx(sum(second for second in seconds if second is not None), rel=0.02)


def test_shares_of_exact_times() -> None:
    item = next(item for item in family(builder.run(step, threads=(1, 2))).attributions if item.width == 64)
    assert item.threads == 1
    assert item.part(SERIAL).share.value == pytest.approx(1e-6 / (1e-6 + 64 * 2e-8))
    assert item.part(UNATTRIBUTED).share.value == pytest.approx(0, abs=1e-9)
    assert (item.part(SYNCHRONISATION).share.high, item.part(MEMORY).share.high) == (0, 0)
    assert item.part(SYNCHRONISATION).share.reason == "one thread passes no barrier"


def test_what_the_model_misses_is_unattributed() -> None:
    result = family(builder.run(lambda w, p, f: step(w, p, f) * (1.5 if w == 16 else 1.0)))
    item = next(item for item in result.attributions if item.width == 16)
    assert item.part(UNATTRIBUTED).share.value is not None and item.part(UNATTRIBUTED).share.value > 0.2


def test_launch_is_nothing_in_native_code_and_unknown_elsewhere() -> None:
    native = family(builder.run(step)).attributions[0]
    assert native.part(LAUNCH).share.value == 0
    eager = family(builder.run(step, mode="eager")).attributions[0]
    assert eager.part(LAUNCH).share.value is None
    assert "launch" in eager.part(SERIAL).share.reason


def test_a_barrier_that_was_measured_on_its_own_says_so() -> None:
    weights = replace(builder.LANES, bytes=Affine(4096, 8))
    result = family(
        builder.run(step, threads=(1, 2), work=weights, limits=Limits(barriers=(BarrierRung(2, 0.0, 3e-7),)))
    )
    share = next(item for item in result.attributions if item.threads == 2).part(SYNCHRONISATION).share
    assert share.half_width == pytest.approx(0, abs=1e-6)
    assert "measured on its own" in share.reason


def test_declared_work_at_the_widest_point() -> None:
    work = replace(builder.LANES, flops=Affine(10, 2))
    declared = family(builder.run(step, work=work)).declared
    assert declared is not None
    assert (declared.width, declared.work, declared.depth) == (256, 522 * builder.DEPTH, 5 * builder.DEPTH)
    assert declared.ratio == pytest.approx(104.4)
    assert family(builder.run(step, work=None)).declared is None


def test_a_failed_point_is_listed_and_the_rest_is_fitted() -> None:
    run = builder.run(step)
    run = replace(run, visits=(*run.visits, Visit(8, 0, 1, "failed", reason="out of memory")))
    result = family(run)
    assert result.points[8].failed == "out of memory"
    assert result.fit is not None
    assert {item.width for item in result.attributions} == set(builder.OCTAVES[:-1])


def everything_failed(run: StoredRun) -> StoredRun:
    return replace(run, visits=tuple(Visit(item.id, 0, 0, "failed", reason="no torch") for item in run.plan.points))


def weird_samples(run: StoredRun) -> StoredRun:
    samples = (Sample(seconds, math.nan, -1) for seconds in (math.nan, -1.0, 0.0, math.inf))
    return builder.with_samples(run, 0, *samples)


@pytest.mark.parametrize(
    "change",
    [
        everything_failed,
        weird_samples,
        lambda run: replace(run, visits=()),
        lambda run: replace(run, visits=run.visits[:7]),
        lambda run: replace(run, visits=run.visits[:27]),
        lambda run: replace(run, plan=replace(run.plan, descriptions=())),
        lambda run: replace(run, machine=replace(run.machine, caches=())),
        lambda run: replace(run, plan=replace(run.plan, points=())),
        lambda run: replace(run, limits=Limits(barriers=(BarrierRung(2, 0.0, math.nan),))),
        lambda run: builder.with_samples(run, 3, Sample(1.0, 0, 0, clock_before=-1.0, clock_after=math.inf)),
        lambda run: builder.with_samples(run, 3, Sample(1e300, 0, 0)),
        lambda run: builder.with_samples(run, 3, Sample(1e-300, 0, 0)),
    ],
)
@pytest.mark.parametrize("work", [builder.LANES, None, replace(builder.LANES, bytes=Affine(math.nan, -1))])
def test_no_run_breaks_the_analysis(change, work) -> None:  # type: ignore[no-untyped-def]
    run = change(builder.run(step, threads=(1, 2), forms=("serial", "wide"), work=work, noise=0.02))
    for result in analyse(run).families:
        assert result.verdict.sentence.endswith(".")
        assert (result.fit is None) == bool(result.refusal)


def test_families_keep_the_order_of_the_plan() -> None:
    first, second = builder.run(step), builder.run(step, mode="eager")
    shifted = tuple(replace(point, id=point.id + 100) for point in second.plan.points)
    plan = replace(first.plan, points=(*shifted, *first.plan.points))
    result = analyse(replace(first, plan=plan))
    assert [item.family.mode for item in result.families] == ["eager", "native"]
