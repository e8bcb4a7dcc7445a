# SPDX-License-Identifier: Apache-2.0
"""Accounts of the same steps that cannot all be right: declared, counted, measured, fitted."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from serialprof.catalog import Affine, Work
from serialprof.limits import Limits, StreamRung
from serialprof.model import FamilyAnalysis, analyse
from serialprof.model.answers import Contradiction
from serialprof.records import StepTicks, StoredRun, Visit
from serialprof.samples import Sample
from tests.model import builder

STEP = 1e-6


def family(run: StoredRun) -> FamilyAnalysis:
    return analyse(run).families[0]


def found(run: StoredRun) -> dict[str, Contradiction]:
    return {item.what: item for item in family(run).contradictions}


def declaring(work: Work, limits: Limits, threads: tuple[int, ...] = (1,)) -> StoredRun:
    """One microsecond at every point, with some work declared."""
    return builder.run(lambda w, p, f: STEP, (1, 2, 4, 8), threads, work=work, limits=limits)


def test_nothing_is_said_where_all_accounts_agree() -> None:
    limits = Limits(chains={"add": 1e-10}, fma={"avx2": 1e11}, stream=(StreamRung(1 << 20, 1, 1e10),))
    run = builder.run(lambda w, p, f: STEP + 1e-8 * w, limits=limits)
    assert found(run) == {}


def test_more_bytes_than_the_machine_can_read() -> None:
    # 100 kB in 1 us are 100 GB/s; the ladder has 10 GB/s at that footprint.
    work = replace(builder.LANES, bytes=Affine(0, 12500))
    run = declaring(work, Limits(stream=(StreamRung(1 << 10, 1, 1e10), StreamRung(1 << 20, 1, 1e10))))
    item = found(run)["bytes"]
    assert (item.width, item.threads) == (8, 1)
    assert "a step declares 97.7 KiB, which in its 1.00 us would be 100 GB/s" in item.sentence
    assert "above the 10.0 GB/s that this machine moves" in item.sentence
    assert "the declaration cannot be right" in item.sentence and "width memory are not to be trusted" in item.sentence
    assert item.remedy
    assert "likewise at 2 other points" in item.sentence, "at 2 and 4 lanes, 25 and 50 GB/s"


@pytest.mark.parametrize(
    ("written", "contradicts"), [(Affine(0, 1000), None), (Affine(0, 50), "above the 10.3 GB/s"), (None, None)]
)
def test_what_is_written_at_the_same_time_as_others_are_read_is_no_contradiction(
    written: Affine | None, contradicts: str | None
) -> None:
    # 16 kB in 1 us are 16 GB/s: more than is read, and no more than is moved in place.
    rungs = tuple(StreamRung(1 << power, 1, 1e10) for power in (10, 20))
    limits = Limits(stream=rungs, updates=tuple(replace(rung, bandwidth=2e10) for rung in rungs))
    item = found(declaring(replace(builder.LANES, bytes=Affine(0, 2000), written=written), limits)).get("bytes")
    assert (item is None) == (contradicts is None)
    assert item is None or contradicts in item.sentence


@pytest.mark.parametrize(("per_lane", "contradicts"), [(1250 * 1.4, False), (1250 * 1.6, True)])
def test_reuse_in_a_nearer_cache_is_no_contradiction(per_lane: float, contradicts: bool) -> None:
    # 10 kB in 1 us are 10 GB/s, what the ladder has.
    work = replace(builder.LANES, bytes=Affine(0, per_lane))
    run = declaring(work, Limits(stream=(StreamRung(1 << 10, 1, 1e10), StreamRung(1 << 20, 1, 1e10))))
    assert ("bytes" in found(run)) == contradicts


def test_bytes_that_a_nearer_cache_may_move_are_no_certain_contradiction() -> None:
    ladder = Limits(stream=(StreamRung(1 << 9, 1, 5e10), StreamRung(1 << 10, 1, 1e10), StreamRung(1 << 20, 1, 1e10)))
    near = replace(builder.LANES, bytes=Affine(0, 5000), footprint=Affine(1 << 20, 0))  # 40 GB/s at 8 lanes
    item = found(declaring(near, ladder))["bytes"]
    assert not item.certain
    assert "above the 10.0 GB/s that this machine moves at that footprint: right only where part" in item.sentence
    assert family(declaring(near, ladder)).verdict.sentence.startswith("Threads were not varied")
    false = found(declaring(replace(near, bytes=Affine(0, 7500)), ladder))["bytes"]  # 60 GB/s
    assert false.certain
    assert "above the 50.0 GB/s that this machine moves at best: the declaration cannot be right" in false.sentence


def test_threads_whose_bandwidth_was_not_measured_get_their_share_of_it() -> None:
    work = replace(builder.LANES, bytes=Affine(0, 1250 * 2))  # 20 GB/s at 8 lanes: 2 threads may have it
    ladder = Limits(stream=(StreamRung(1 << 10, 1, 1e10), StreamRung(1 << 20, 1, 1e10)))
    assert found(declaring(work, ladder, threads=(2,))) == {}
    assert "bytes" in found(declaring(work, ladder, threads=(1,)))


def test_more_operations_than_the_peak() -> None:
    # 8 million in 1 us are 8 TFLOP/s, on two threads of 1 TFLOP/s each.
    work = replace(builder.LANES, flops=Affine(0, 1e6))
    item = found(declaring(work, Limits(fma={"avx2": 5e11, "avx512": 1e12}), threads=(2,)))["operations"]
    assert "8.00 TFLOP/s, above this machine's fp32 peak of 2.00 TFLOP/s" in item.sentence
    assert "the declaration cannot be right" in item.sentence and item.certain
    assert found(declaring(replace(work, flops=Affine(0, 2.7e5)), Limits(fma={"avx2": 1e12}), threads=(2,))) == {}


def of_type(run: StoredRun, dtype: str, *, parameter: bool = False) -> StoredRun:
    """The run with another element type, named by the setting or by a parameter of the workload."""
    change = {"parameters": {"dtype": dtype}} if parameter else {"dtype": dtype}
    points = tuple(replace(item, setting=replace(item.setting, **change)) for item in run.plan.points)
    return replace(run, plan=replace(run.plan, points=points))


@pytest.mark.parametrize(("dtype", "certain"), [("fp32", True), ("fp64", True), ("bf16", False), ("int8", False)])
@pytest.mark.parametrize("parameter", [False, True])
def test_narrower_types_may_exceed_the_peak_of_fp32(dtype: str, certain: bool, parameter: bool) -> None:
    run = declaring(replace(builder.LANES, flops=Affine(0, 1e6)), Limits(fma={"avx2": 5e11}))
    analysed = family(of_type(run, dtype, parameter=parameter))
    (item,) = analysed.contradictions
    assert (item.what, item.certain) == ("operations", certain)
    assert ("the declaration cannot be right" in item.sentence) == certain
    assert (
        f"fp32 peak of 500 GFLOP/s: right only for types narrower than fp32, as {dtype}" in item.sentence
    ) != certain
    for said in (analysed.verdict.sentence, analysed.verdict.grade_reason, analysed.verdict.next_step):
        assert ("contradict" in said) == certain


def test_a_chain_that_cannot_be_heads_the_verdict() -> None:
    work = replace(builder.LANES, serial_ops=20_000, flops=Affine(20_000, 1))
    verdict = family(declaring(work, Limits(chains={"add": 1e-10}))).verdict
    assert verdict.sentence.startswith("Its declared chain contradicts what was measured, so the shares")
    assert verdict.grade_reason.startswith("its chain contradicts what was measured; ")


def test_threads_that_contradict_weaken_the_evidence_and_no_declaration() -> None:
    verdict = family(with_cpu(lambda w, p: 3.9, threads=(1,))).verdict
    assert "declared" not in verdict.sentence
    assert verdict.grade_reason.startswith("its threads contradict what was measured; ")


def test_a_chain_longer_than_the_step() -> None:
    work = replace(builder.LANES, serial_ops=20_000, flops=Affine(20_000, 1))
    item = found(declaring(work, Limits(chains={"add": 1e-10})))["chain"]
    assert "a chain of 20000 operations, which takes 2.00 us at least" in item.sentence
    assert "the whole step took 1.00 us" in item.sentence
    assert found(declaring(replace(work, serial_ops=10_000), Limits(chains={"add": 1e-10}))) == {}
    assert found(declaring(work, Limits(chains={"multiply": 1e-10}))) == {}, "a cheaper operation was not measured"


def test_a_chain_longer_than_the_fit_leaves_room_for() -> None:
    # All of the time grows with W: the fit leaves nothing to a chain that takes a third of the narrowest step.
    work = replace(builder.LANES, serial_ops=1000, flops=Affine(1000, 1))
    run = builder.run(lambda w, p, f: 3e-7 * w, (1, 2, 4, 8), work=work, limits=Limits(chains={"add": 1e-10}))
    item = found(run)["chain"]
    assert "a chain of 1000 operations, which takes 100 ns at least, but the fit leaves at most" in item.sentence
    assert "more widths" in item.remedy


def test_a_short_chain_that_the_fit_does_not_show_is_no_contradiction() -> None:
    work = replace(builder.LANES, serial_ops=30, flops=Affine(30, 1))  # 3 ns of 300 ns
    assert (
        found(builder.run(lambda w, p, f: 3e-7 * w, (1, 2, 4, 8), work=work, limits=Limits(chains={"add": 1e-10})))
        == {}
    )


def test_a_chain_hidden_behind_the_width_work_is_no_contradiction() -> None:
    work = replace(builder.LANES, serial_ops=5000, flops=Affine(5000, 1))
    run = builder.run(lambda w, p, f: max(1e-6, 5e-8 * w), work=work, limits=Limits(chains={"add": 1e-10}), noise=0.01)
    assert found(run) == {}


def with_cpu(busy: Callable[[int, int], float], seconds: float = 0.1, threads: tuple[int, ...] = (1, 2)) -> StoredRun:
    """A run whose samples last `seconds` and used the CPU time of busy(width, threads) threads."""
    return scaled(builder.run(lambda w, p, f: 1e-7 + 2e-8 * w / min(p, w), threads=threads), busy, seconds)


def scaled(run: StoredRun, busy: Callable[[int, int], float], seconds: float) -> StoredRun:
    """The same with longer samples and their CPU time."""
    visits = []
    for visit in run.visits:
        setting = run.point(visit.point).setting
        share = busy(setting.width, setting.threads)
        scale = seconds / visit.samples[1].seconds
        samples = tuple(
            replace(sample, seconds=sample.seconds * scale, cpu_seconds=share * sample.seconds * scale)
            for sample in visit.samples
        )
        runs = round(visit.runs * scale)
        visits.append(replace(visit, runs=runs, readings=replace(visit.readings, samples=samples)))
    return replace(run, visits=tuple(visits))


def test_threads_that_are_as_busy_as_the_fit_says() -> None:
    assert found(with_cpu(lambda w, p: float(p))) == {}
    # Idle threads sleep: at least one, and the other while there is width work.
    assert found(with_cpu(lambda w, p: 1 + (p - 1) * 2e-8 * w / p / (1e-7 + 2e-8 * w / p))) == {}


def test_threads_that_sleep_though_the_fit_spreads_the_step() -> None:
    item = found(with_cpu(lambda w, p: 1.0))["threads"]
    assert item.threads == 2 and item.width == 256
    assert "at most 1.1" in item.sentence, "a tick of 10 ms in 100 ms may not be booked yet"
    assert "the fit spreads" in item.sentence and "neither clock nor cores shorten" in item.sentence


def test_one_thread_that_waits() -> None:
    item = found(with_cpu(lambda w, p: 0.5, threads=(1,)))["threads"]
    assert "at most 0.50 threads were busy where 1.00 are expected (it is one chain)" in item.sentence
    assert "sleeping" in item.remedy


def test_threads_that_nobody_asked_for() -> None:
    item = found(with_cpu(lambda w, p: 3.9, threads=(1,)))["threads"]
    assert "at least 3.9 threads were busy though the step was given 1" in item.sentence


def test_samples_shorter_than_a_tick_do_not_tell_how_many_threads_were_busy() -> None:
    # The kernel books what the second thread ran at its ticks, 10 ms apart at most: too late for 1 ms.
    assert found(with_cpu(lambda w, p: 1.0, seconds=1e-3)) == {}


def test_a_step_that_declares_no_lanes_need_not_spread_but_may_not_wait() -> None:
    step = lambda w, p, f: 1e-7 + 2e-8 * w / min(p, w)  # noqa: E731
    undeclared = builder.run(step, threads=(1, 2), work=None, mode="eager")
    assert found(scaled(undeclared, lambda w, p: 1.0, 0.1)) == {}
    assert "the step sleeps or waits" in found(scaled(undeclared, lambda w, p: 0.5, 0.1))["threads"].sentence


@pytest.mark.parametrize(
    ("busy", "seconds", "idle"),
    [
        (1.0, 0.5, True),
        (1.06, 0.5, False),
        (1.0, 0.02, True),
        (1.9, 0.5, False),
    ],
)
def test_threads_that_stay_idle_cannot_gain(busy: float, seconds: float, idle: bool) -> None:
    step = lambda w, p, f: 1e-6 * (1 + w)  # noqa: E731
    run = builder.run(step, threads=(1, 2), work=None, mode="eager", noise=0.1, blocks=12)
    verdict = family(scaled(run, lambda w, p: busy if p > 1 else 1.0, seconds)).verdict
    assert ("more threads stay idle, while +10 % clock may gain" in verdict.sentence) == idle
    assert ("Spread each step over its threads" in verdict.next_step) == idle


def test_samples_without_cpu_time_are_no_evidence() -> None:
    assert found(with_cpu(lambda w, p: 0.0)) == {}


def ticked(factor: float) -> StoredRun:
    """A run whose single steps take the step time over `factor`."""
    run = builder.run(lambda w, p, f: STEP + 1e-8 * w)
    visits: list[Visit] = []
    for visit in run.visits:
        seconds = visit.samples[1].seconds / (builder.DEPTH * builder.RUNS) / factor
        ticks = StepTicks(seconds / 100, struct.pack("<4q", 50, 100, 100, 150))
        visits.append(replace(visit, readings=replace(visit.readings, ticks=ticks)))
    return replace(run, visits=tuple(visits))


def test_depth_counted_by_single_steps() -> None:
    assert found(ticked(1.0)) == {}
    assert found(ticked(0.3)) == {}, "reading the clock makes short steps longer"
    item = found(ticked(1.5))["depth"]
    assert "run(10) takes as long as 15 of the steps that were timed one by one" in item.sentence
    assert "--depth" in item.remedy


def test_a_contradiction_weakens_the_evidence_and_comes_first() -> None:
    work = replace(builder.LANES, bytes=Affine(0, 12500))
    verdict = family(declaring(work, Limits(stream=(StreamRung(1 << 20, 1, 1e10),)))).verdict
    assert verdict.grade_reason.startswith("its bytes contradict what was measured; no clock was set")
    assert verdict.sentence.startswith(
        "Its declared bytes contradict what was measured, so the shares and the clock's gain here are not to be "
        "trusted. Threads were not varied"
    )
    assert verdict.next_step == (
        "Settle first why its bytes and what was measured contradict each other: check what the workload declares."
    )


def test_odd_cpu_times_break_nothing() -> None:
    run = builder.run(lambda w, p, f: STEP)
    odd = (Sample(1e-6, float("nan"), 0), Sample(1e-6, -1.0, 0), Sample(1e-6, float("inf"), 0))
    for point in run.plan.points:
        run = builder.with_samples(run, point.id, *odd)
    assert family(run).contradictions == ()
