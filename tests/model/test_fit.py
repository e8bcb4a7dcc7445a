# SPDX-License-Identifier: Apache-2.0
"""Parameters recovered from made times; what cannot be told is refused or bracketed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from serialprof.catalog import Affine, Work
from serialprof.limits import BarrierRung, ChaseRung, Limits, StreamRung
from serialprof.model import analyse
from serialprof.model.fitting.cells import Cell, nearest
from serialprof.model.fitting.curves import RefusedFitError, complete
from serialprof.model.fitting.fit import fit_family
from serialprof.model.fitting.fitrecord import fit_record
from serialprof.model.fitting.fitted import Fitted
from serialprof.model.fitting.memory import Memory
from serialprof.model.results import COMPUTE, MEMORY, NOT_SCALING, SCALING, SERIAL, SYNCHRONISATION
from serialprof.model.steptimes import collect
from serialprof.store import StoredRun
from tests.model import builder

L2 = 1 << 20
LADDER = tuple(
    StreamRung(1 << power, threads, bandwidth * math.sqrt(threads))
    for threads in (1, 2)
    for power, bandwidth in ((15, 1e11), (20, 1e11), (22, 3e10), (24, 2e10), (26, 1e10))
)
#: Traffic of 64 bytes per lane that leaves L2 at 16 Ki lanes.
STREAMING = replace(builder.LANES, bytes=Affine(0, 64))
#: Weights of 8 kB that every step streams, in at least 64 pieces.
WEIGHTS = replace(builder.LANES, bytes=Affine(8000, 8), lanes=Affine(64, 64))


def fitted(run: StoredRun) -> Fitted:
    return fit_family(collect(run)[0], Memory.of(run.limits, run.machine.cache_bytes(2)))


def test_parameters_of_exact_times() -> None:
    fit = fit_record(fitted(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w / min(p, w) + 3e-7 * (p > 1), threads=(1, 2))))
    assert fit.form == "sum"
    assert fit.latency.value == pytest.approx(1e-6)
    assert fit.compute.value == pytest.approx(2e-8)
    assert fit.synchronisation[2].value == pytest.approx(3e-7)
    assert fit.residual["sum"] < 1e-9 < fit.residual["max"]
    assert fit.units == 8
    assert fit.memory.value is None


def test_seconds_beyond_l2_follow_the_ladder() -> None:
    memory = Memory.of(Limits(stream=LADDER), L2)
    cell = Cell(1 << 18, 1, STREAMING)  # 16 MiB of footprint, 16 MiB of traffic
    assert memory.seconds(cell) == pytest.approx(2**24 * (1 / 2e10 - 1 / 1e11))
    assert memory.seconds(replace(cell, threads=2)) == pytest.approx(2**24 * (1 / 2e10 - 1 / 1e11) / math.sqrt(2))
    assert memory.seconds(replace(cell, width=1 << 14)) == 0  # just fits
    assert Memory.of(Limits(), L2).seconds(cell) == 0
    assert "ladder" in Memory.of(Limits(), L2).unknown(cell)
    assert "L2" in Memory.of(Limits(stream=LADDER), None).unknown(cell)
    assert "declared" in memory.unknown(replace(cell, work=None))


def test_rungs_that_are_no_measurement_are_dropped() -> None:
    broken = (StreamRung(0, 1, 1e9), StreamRung(1 << 20, 1, math.nan), StreamRung(1 << 20, 1, 0.0))
    assert Memory.of(Limits(stream=broken), 0) == Memory(Limits(), None)


def test_memory_is_told_from_compute_by_the_ladder() -> None:
    limits = Limits(stream=LADDER)
    memory = Memory.of(limits, L2)
    widths = tuple(4**power for power in range(3, 11))
    run = builder.run(
        lambda w, p, f: 2e-6 + 4e-10 * w + 0.8 * memory.seconds(Cell(w, p, STREAMING)),
        widths=widths,
        work=STREAMING,
        limits=limits,
        noise=0.01,
    )
    fit = fitted(run)
    record = fit_record(fit)
    assert record.memory.value == pytest.approx(0.8, rel=0.05)
    assert record.compute.value == pytest.approx(4e-10, rel=0.05)
    assert fit.shares(MEMORY)[-1].value == pytest.approx(0.9, abs=0.05)


def test_traffic_that_grows_like_the_operations_leaves_brackets() -> None:
    # All widths far out on the flat end of the ladder: bytes and operations are proportional.
    limits = Limits(stream=LADDER)
    widths = tuple(2**power for power in range(21, 27))
    run = builder.run(lambda w, p, f: 1e-10 * w, widths=widths, work=STREAMING, limits=limits, noise=0.01)
    fit = fitted(run)
    for cause in (COMPUTE, MEMORY):
        share = fit.shares(cause)[-1]
        assert share.value is None
        assert share.low is not None and share.low < 0.1
        assert share.high is not None and share.high > 0.9
    assert "grows with W" in fit.shares(MEMORY)[-1].reason


def test_max_form_wins_on_a_knee_and_hides_the_smaller_part() -> None:
    fit = fitted(builder.run(lambda w, p, f: max(1e-6, 5e-8 * w), noise=0.01, seed=1))
    record = fit_record(fit)
    assert record.form == "max"
    assert record.latency.value == pytest.approx(1e-6, rel=0.02)
    assert record.compute.value == pytest.approx(5e-8, rel=0.02)
    serial = {cell.width: share for cell, share in zip(fit.curves.cells, fit.shares(SERIAL), strict=True)}
    assert serial[1].value == pytest.approx(1, abs=0.02)
    assert serial[256].value == 0


def test_a_latency_that_may_be_hidden_everywhere_is_bounded_by_the_shortest_step() -> None:
    latency = fit_record(fitted(builder.run(lambda w, p, f: 1e-7 * w))).latency
    assert latency.value == pytest.approx(0, abs=1e-12)
    assert latency.high == pytest.approx(1e-7)
    assert "hidden" in latency.reason


def test_weights_beyond_l2_are_not_guessed_apart_from_serial_and_fixed_work() -> None:
    # Over W and two thread counts, the three nearly constant columns differ only in how they shrink with p.
    limits = Limits(stream=LADDER, barriers=(BarrierRung(2, 0.0, 2e-7),))
    memory = Memory.of(limits, L2)
    model = Work(5, Affine(5, 1e5), Affine(15e6, 8000), Affine(15e6, 8000), Affine(256, 1))

    def step(width: int, threads: int, form: str) -> float:
        traffic = memory.seconds(Cell(width, threads, model))
        return 2e-6 + (3e-4 + 1e-6 * width) / threads + 0.9 * traffic + 2e-7 * (threads > 1)

    fit = fitted(builder.run(step, (1, 4, 16, 64, 256), (1, 2), work=model, limits=limits, noise=0.015, drift=0.03))
    share = fit.shares(SERIAL)[0]
    assert share.value is None
    assert share.low == 0 and share.high is not None and 0.1 < share.high < 0.6


def test_shares_never_exceed_the_whole() -> None:
    shares = fitted(builder.run(lambda w, p, f: max(1e-6, 5e-8 * w), noise=0.05, seed=5)).shares(SERIAL)
    assert all(share.high is not None and (share.high <= 1.0 or (share.value or 0.0) > 1) for share in shares)
    assert any(share.high == 1.0 for share in shares)


def test_the_measured_barrier_is_part_of_the_prediction() -> None:
    def step(width: int, threads: int, form: str) -> float:
        return (1e-6 + 2e-8 * width) / threads + 5e-7 * (threads > 1)

    fit = fitted(builder.run(step, work=WEIGHTS, threads=(1, 2), limits=Limits(barriers=(BarrierRung(2, 0.0, 5e-7),))))
    assert [estimate.value for estimate in fit.predict(fit.curves.cells)] == pytest.approx(list(fit.curves.mean))
    assert fit.seconds(SYNCHRONISATION)[1].value == pytest.approx(5e-7)


def test_fixed_work_and_one_thread_count_bracket_the_serial_part() -> None:
    fit = fitted(builder.run(lambda w, p, f: 2e-6 + 2e-8 * w, work=WEIGHTS, noise=0.01))
    serial, streamed = fit.shares(SERIAL)[0], fit.shares(MEMORY)[0]
    assert serial.value is None and streamed.value is None
    assert serial.low == 0
    assert serial.high is not None and serial.high > 0.98
    assert "latency" in serial.reason


def test_fixed_work_is_identified_over_threads_once_the_barrier_was_measured() -> None:
    def step(width: int, threads: int, form: str) -> float:
        return 1e-6 + (1e-6 + 2e-8 * width) / threads + 2e-7 * (threads > 1)

    known = fit_record(
        fitted(builder.run(step, work=WEIGHTS, threads=(1, 2), limits=Limits(barriers=(BarrierRung(2, 0.0, 2e-7),))))
    )
    assert known.latency.value == pytest.approx(1e-6)
    assert known.synchronisation[2].value == pytest.approx(2e-7)
    assert known.synchronisation[2].half_width == pytest.approx(0, abs=1e-12), "known exactly"
    assert "measured on its own" in known.synchronisation[2].reason
    unknown = fit_record(fitted(builder.run(step, work=WEIGHTS, threads=(1, 2), noise=0.01)))
    assert unknown.latency.value is None
    assert unknown.latency.low == 0
    assert unknown.latency.high is not None and unknown.latency.high > 1.1e-6
    assert any("synchronisation was not measured" in note for note in unknown.notes)


def test_undeclared_work_only_bounds_the_serial_part() -> None:
    one = fitted(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w, work=None, noise=0.01))
    two = fitted(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w / p, work=None, threads=(1, 2), noise=0.01))
    for fit in (one, two):
        serial = fit.shares(SERIAL)[0]
        assert (serial.value, serial.low) == (None, 0)
        assert serial.high is not None and serial.high > 0.95
        assert "weights or overhead" in serial.reason


def test_threads_without_a_single_thread_leave_synchronisation_and_serial_apart_unknown() -> None:
    fit = fitted(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w, threads=(2,), noise=0.01))
    assert fit.shares(SERIAL)[0].value is None
    assert fit.shares(SYNCHRONISATION)[0].value is None


@pytest.mark.study
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_interval_of_the_serial_share_covers_a_planted_one(share: float) -> None:
    serial, slope = share * 1e-6, (1 - share) * 1e-6 / 64
    hits, halves = 0, []
    trials = 70
    for seed in range(trials):
        run = builder.run(lambda w, p, f: serial + slope * w, noise=0.015, drift=0.03, seed=seed)
        fit = fitted(run)
        cell = next(index for index, cell in enumerate(fit.curves.cells) if cell.width == 64)
        estimate = fit.shares(SERIAL)[cell]
        assert estimate.low is not None and estimate.high is not None
        hits += estimate.low <= share <= estimate.high
        halves.append((estimate.high - estimate.low) / 2)
    assert hits >= 0.9 * trials
    assert float(np.median(halves)) <= 0.03


def test_prediction_one_octave_beyond_a_max_sweep() -> None:
    errors = []
    for seed in range(20):
        fit = fitted(builder.run(lambda w, p, f: max(1e-6, 3e-8 * w), noise=0.015, drift=0.02, seed=seed))
        assert fit_record(fit).form == "max"
        predicted = fit.predict([nearest(fit.curves.cells, 512)])[0]
        assert predicted.value is not None
        errors.append(abs(predicted.value / (3e-8 * 512) - 1))
    assert max(errors) < 0.05


def test_sum_wins_where_both_forms_are_within_noise() -> None:
    fit = fitted(builder.run(lambda w, p, f: 1e-6, noise=0.01, seed=3))
    assert fit_record(fit).form == "sum"
    assert any("equally well" in note for note in fit_record(fit).notes)


def test_curves_pass_through_the_measured_widths() -> None:
    record = fit_record(fitted(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w / min(p, w), threads=(1, 2))))
    assert [curve.threads for curve in record.curves] == [1, 2]
    curve = record.curves[0]
    assert set(builder.OCTAVES) <= set(curve.widths)
    assert list(curve.widths) == sorted(curve.widths)
    at_64 = curve.steps[curve.widths.index(64)]
    assert at_64.value == pytest.approx(1e-6 + 2e-8 * 64)


def test_four_units_give_a_fit_without_intervals() -> None:
    record = fit_record(fitted(builder.run(lambda w, p, f: 1e-6 + 2e-8 * w, blocks=4)))
    assert record.latency.value == pytest.approx(1e-6)
    assert record.latency.low is None and "5 independent units" in record.latency.reason


@pytest.mark.parametrize(
    ("widths", "blocks", "words"), [((1, 2, 4), 8, "4 distinct widths"), ((1, 2, 4, 8), 1, "2 units")]
)
def test_too_little_is_refused(widths: tuple[int, ...], blocks: int, words: str) -> None:
    with pytest.raises(RefusedFitError, match=words):
        fitted(builder.run(lambda w, p, f: 1e-6 * w, widths=widths, blocks=blocks))


@pytest.mark.parametrize("per_lane", [math.nan, math.inf, -1.0, 1e300])
def test_work_that_is_none_is_refused(per_lane: float) -> None:
    work = replace(builder.LANES, flops=Affine(0, per_lane))
    with pytest.raises(RefusedFitError, match="declared work"):
        fitted(builder.run(lambda w, p, f: 1e-6 * w, work=work))


def test_lack_of_fit_widens_intervals_where_units_agree() -> None:
    bent = builder.run(lambda w, p, f: 1e-6 + 2e-8 * w * (1 + 0.03 * (-1) ** w.bit_length()))
    straight = builder.run(lambda w, p, f: 1e-6 + 2e-8 * w)
    widths = []
    for run in (bent, straight):
        fit = analyse(run).families[0].fit
        assert fit is not None and fit.compute.half_width is not None and fit.compute.value
        widths.append(fit.compute.half_width / fit.compute.value)
    assert widths[0] > 0.01
    assert widths[1] < 1e-4, "no more than the noise that times are taken to have at least"


def test_units_with_gaps_are_left_out_while_enough_are_whole() -> None:
    run = builder.run(lambda w, p, f: 1e-6 + 2e-8 * w, drift=0.3, seed=4)
    gappy = replace(run, visits=tuple(visit for visit in run.visits if (visit.point, visit.block) != (8, 5)))
    curves, whole = complete(collect(gappy)[0]), complete(collect(run)[0])
    assert curves.units == pytest.approx(np.delete(whole.units, 5, axis=0))
    assert (curves.whole, whole.whole) == (7, 8)


def test_gaps_are_filled_where_few_units_are_whole_and_give_no_intervals() -> None:
    run = builder.run(lambda w, p, f: 1e-6 + 2e-8 * w, drift=0.3, seed=4)
    gaps = {(block, block) for block in range(4)}  # four of eight units lack a point each
    gappy = replace(run, visits=tuple(visit for visit in run.visits if (visit.point, visit.block) not in gaps))
    curves = complete(collect(gappy)[0])
    # Without noise a unit's level and a point's level give the missing time exactly.
    assert curves.units == pytest.approx(complete(collect(run)[0]).units)
    assert curves.whole == 4
    fit = analyse(gappy).families[0].fit
    assert fit is not None
    latency = fit.latency
    assert (latency.low, latency.high) == (None, None)
    assert "this has 4" in latency.reason


def test_rare_points_and_torn_units_are_left_out() -> None:
    run = builder.run(lambda w, p, f: 1e-6 + 2e-8 * w)
    visits = [visit for visit in run.visits if not (visit.point == 8 and visit.block > 2)]
    visits = [visit for visit in visits if not (visit.block == 7 and visit.point > 2)]
    curves = complete(collect(replace(run, visits=tuple(visits)))[0])
    assert [cell.width for cell in curves.cells] == list(builder.OCTAVES[:-1])
    assert len(curves.units) == 7
    assert len(curves.notes) == 1


def amdahl(threads: int, serial: float, barrier: float) -> float:
    return serial + (1 - serial) / threads + barrier * (threads - 1)


#: One lane that is cut into as many pieces as there are threads.
DIVISIBLE = Work(0, Affine(0, 1), Affine(), Affine(0, 64), Affine(1e9, 0))


def test_a_sweep_over_threads_alone_tells_the_serial_share() -> None:
    counts = (1, 2, 3, 4, 6, 8)
    run = builder.run(lambda w, p, f: amdahl(p, 0.3, 0.01), widths=(1,), threads=counts, work=DIVISIBLE)
    record = fit_record(fitted(run))
    assert record.latency.value == pytest.approx(0.3)
    assert record.compute.value == pytest.approx(0.7)
    assert record.synchronisation[8].value == pytest.approx(0.07)
    assert any("assumed to grow" in note for note in record.notes)
    with pytest.raises(RefusedFitError, match="as many thread counts"):
        fitted(builder.run(lambda w, p, f: 1.0, widths=(1,), threads=(1, 2, 3), work=DIVISIBLE))


def test_a_sweep_over_threads_with_a_measured_barrier_predicts_more_threads() -> None:
    rungs = tuple(BarrierRung(count, 0.0, 1e-3 * (count - 1)) for count in (2, 4, 8, 64))
    run = builder.run(
        lambda w, p, f: amdahl(p, 0.1, 1e-3),
        widths=(1,),
        threads=(1, 2, 4, 8),
        work=DIVISIBLE,
        limits=Limits(barriers=rungs),
        noise=0.02,
    )
    fit = fitted(run)
    (predicted,) = fit.predict([nearest(fit.curves.cells, 1, 64)])
    assert predicted.value == pytest.approx(amdahl(64, 0.1, 1e-3), rel=0.05)
    assert predicted.low is not None and predicted.high is not None
    assert predicted.low < amdahl(64, 0.1, 1e-3) < predicted.high


def test_dependent_loads_are_told_from_compute_by_the_latency_ladder() -> None:
    # At one footprint loads and operations both grow with W: only the measured latency tells them apart, within 10 %.
    limits = Limits(chase=(ChaseRung(1 << 15, 1e-9), ChaseRung(1 << 19, 5e-9), ChaseRung(1 << 26, 105e-9)))
    work = Work(5, Affine(5, 10), Affine(), Affine(1 << 26, 0), Affine(0, 1), loads=Affine(0, 1))
    run = builder.run(lambda w, p, f: 1e-6 + 2e-7 * w, work=work, limits=limits, noise=0.005)
    fit = fitted(run)
    index = next(index for index, cell in enumerate(fit.curves.cells) if cell.width == 64)
    share = fit.shares(MEMORY)[index]
    truth = 64 * 1e-7 / (1e-6 + 64 * 2e-7)
    assert share.value == pytest.approx(truth, rel=0.02)
    assert share.low is not None and share.high is not None
    assert share.low < 0.85 * truth and 1.15 * truth < share.high < 1.3 * truth


def test_loads_of_the_chain_are_serial_and_do_not_scale() -> None:
    limits = Limits(chase=(ChaseRung(1 << 15, 1e-9), ChaseRung(1 << 19, 5e-9), ChaseRung(1 << 26, 105e-9)))
    work = Work(5, Affine(5, 10), Affine(), Affine(1 << 26, 0), Affine(0, 1), serial_loads=8)
    run = replace(builder.run(lambda w, p, f: 1e-6 + 1e-8 * w, work=work, limits=limits, noise=0.005), limits=limits)
    first = analyse(run).families[0].attributions[0]
    fixed, scaling = first.part(NOT_SCALING).share, first.part(SCALING).share
    assert fixed.value == pytest.approx(8e-7 / 1.01e-6, rel=0.02)
    assert scaling.value == pytest.approx(2e-7 / 1.01e-6, rel=0.1)
    assert first.part(SERIAL).share.value == pytest.approx(1 / 1.01, rel=0.01)
    assert fixed.low is not None and fixed.high is not None and fixed.high - fixed.low > 0.2


def test_partial_overlap_is_a_form_between() -> None:
    fit = fitted(builder.run(lambda w, p, f: math.hypot(1e-6, 3e-8 * w), noise=0.002))
    record = fit_record(fit)
    assert record.form == "norm 2"
    assert record.latency.value == pytest.approx(1e-6, rel=0.01)
    (predicted,) = fit.predict([nearest(fit.curves.cells, 512)])
    assert predicted.value == pytest.approx(math.hypot(1e-6, 3e-8 * 512), rel=0.01)
    shares = [sum(fit.shares(cause)[4].value or 0.0 for cause in (SERIAL, COMPUTE)), fit.unattributed()[4].value]
    assert sum(shares) == pytest.approx(1)  # type: ignore[arg-type]


def test_a_measured_barrier_has_an_interval_of_its_own() -> None:
    def step(width: int, threads: int, form: str) -> float:
        return 1e-6 + (1e-6 + 2e-8 * width) / threads + 2e-7 * (threads > 1)

    exact, unsure = (
        fit_record(
            fitted(builder.run(step, work=WEIGHTS, threads=(1, 2), limits=Limits(barriers=(rung,)), noise=0.002))
        ).synchronisation[2]
        for rung in (BarrierRung(2, 0.0, 2e-7), BarrierRung(2, 0.0, 2e-7, 2e-8))
    )
    assert exact.half_width is not None and unsure.half_width is not None
    assert exact.half_width < 1e-9 < 2e-8 < unsure.half_width


def test_a_prediction_far_out_that_could_be_anything_is_no_number() -> None:
    counts = (1, 2, 3, 4, 6, 8)
    run = builder.run(lambda w, p, f: amdahl(p, 0.02, 3e-4), widths=(1,), threads=counts, work=DIVISIBLE, noise=0.02)
    fit = fitted(run)
    inside, outside = fit.predict([nearest(fit.curves.cells, 1, 8), nearest(fit.curves.cells, 1, 64)])
    assert inside.value == pytest.approx(amdahl(8, 0.02, 3e-4), rel=0.05)
    assert outside.value is None and "not identified" in outside.reason and "64 threads" in outside.remedy
    assert outside.reason.endswith("the data leave it open by more than 25 %")
    assert outside.low is not None and outside.high is not None
    assert outside.low < amdahl(64, 0.02, 3e-4) < outside.high
    assert type(outside.low) is float, "an estimate holds Python's numbers"


def test_weights_streamed_behind_the_operations_are_width_memory() -> None:
    # As an lstm in L2: 23 us to stream the weights, 10 us a lane to compute, the larger shows; two threads halve both.
    def step(width: int, threads: int, form: str) -> float:
        return max(23e-6, 10e-6 * width) / threads + 2e-7 * (threads > 1)

    barrier = Limits(barriers=(BarrierRung(2, 0.0, 2e-7, 2e-9),))
    fit = fitted(builder.run(step, work=WEIGHTS, threads=(1, 2), limits=barrier, noise=0.005))
    assert fit_record(fit).form == "sum, traffic hidden"
    at = {(cell.width, cell.threads): index for index, cell in enumerate(fit.curves.cells)}
    one, many = at[1, 1], at[64, 1]
    assert fit.shares(MEMORY)[one].value == pytest.approx(1, abs=0.02)
    assert fit.shares(COMPUTE)[many].value == pytest.approx(1, abs=0.02)
    assert fit.shares(SERIAL)[one].value == pytest.approx(0, abs=0.02)


def test_lanes_are_not_cut_in_two() -> None:
    # Three lanes on two threads take as long as two on each: 3 / 2 lanes' worth of speed-up, not 2.
    odd = replace(builder.LANES, lanes=Affine(0, 1))
    assert [Cell(width, 2, odd).share for width in (1, 2, 3, 4, 5)] == pytest.approx([1, 2, 3 / 2, 2, 5 / 3])
    assert Cell(7, 3, odd).share == pytest.approx(7 / 3)
    assert [Cell(1, threads, DIVISIBLE).share for threads in (1, 3, 64)] == pytest.approx([1, 3, 64])
    run = builder.run(lambda w, p, f: 1e-6 + 2e-7 * -(-w // p), widths=(1, 3, 5, 7, 9), threads=(1, 2), work=odd)
    record = fit_record(fitted(run))
    assert record.latency.value == pytest.approx(1e-6) and record.compute.value == pytest.approx(2e-7)


def test_the_parts_of_a_step_add_up_to_the_step_beside_them() -> None:
    run = builder.run(lambda w, p, f: 1e-6 + 2e-8 * w, drift=0.3, seed=4)
    gappy = replace(run, visits=tuple(visit for visit in run.visits if (visit.point, visit.block) != (8, 5)))
    for item in analyse(gappy).families[0].attributions:
        assert sum(part.seconds.value or 0.0 for part in item.parts) == pytest.approx(item.step.value)
