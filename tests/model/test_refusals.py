# SPDX-License-Identifier: Apache-2.0
"""What is refused, why, and what would identify it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from serialprof.catalog import Affine, Work
from serialprof.limits import BarrierRung, Limits
from serialprof.model import FamilyAnalysis, analyse
from serialprof.model.answers import Refusal
from serialprof.model.plain import as_plain
from serialprof.model.span import needed_ratio, non_scaling_share
from serialprof.records import StoredRun, Visit
from serialprof.samples import Sample
from tests.model import builder

WEIGHTS = replace(builder.LANES, bytes=Affine(8000, 8), lanes=Affine(64, 64))


def law(width: int, threads: int, form: str) -> float:
    return 1e-6 + 2e-8 * width / min(threads, width) + 3e-7 * (threads > 1)


def family(run: StoredRun) -> FamilyAnalysis:
    return analyse(run).families[0]


def refused(run: StoredRun) -> dict[str, Refusal]:
    return {item.what: item for item in family(run).refusals}


def test_two_clocks_tell_the_share_that_does_not_scale() -> None:
    # r = 1.1, 2 % noise, one measurement at each clock: 1.96 x .02 x sqrt(2) / .1 = .554.
    assert non_scaling_share(1.1, 0.02, 1) == pytest.approx((0, 1.96 * 0.02 * math.sqrt(2) / 0.1))
    assert non_scaling_share(1.1, 0.02, 1)[1] == pytest.approx(0.53, abs=0.03)
    # Ten blocks: .175. Three clock octaves apart and 2 %: .0079 x (1 + .5 x 7) / 1 about one half.
    assert non_scaling_share(1.1, 0.02, 10)[1] == pytest.approx(0.175, abs=0.001)
    half = 1.96 * 0.02 * math.sqrt(0.2) * (1 + 0.5 * 7) / 7
    assert non_scaling_share(8.0, 0.02, 10, 0.5) == pytest.approx((0.5 - half, 0.5 + half))
    assert non_scaling_share(1.01, 0.05, 1) == (0, 1)


def test_the_formula_is_that_of_a_ratio_of_two_times() -> None:
    # n = (R - 1/r) / (1 - 1/r): an error of R by 1 % moves it by R x .01 / (1 - 1/r).
    ratio, share, units = 1.5, 0.3, 4
    measured = 1 / ratio + share * (1 - 1 / ratio)
    error = measured * 0.01 * math.sqrt(2 / units) / (1 - 1 / ratio)
    assert non_scaling_share(ratio, 0.01, units, share)[1] == pytest.approx(share + 1.96 * error)


def test_the_clocks_that_would_be_enough() -> None:
    ratio = needed_ratio(0.02, 10)
    assert non_scaling_share(ratio, 0.02, 10)[1] == pytest.approx(0.1)


def clocked(low: float, high: float, noise: float) -> StoredRun:
    """A run at two clocks, which everything in it follows."""

    def cycles(width: int, threads: int, form: str, hertz: float) -> float:
        return law(width, threads, form) * 3e9 / hertz

    return builder.run(cycles, (1, 4, 16, 64), noise=noise, seed=3, clocks=(low, high))


def test_clocks_too_close_together_are_refused_with_what_would_be_enough() -> None:
    item = refused(clocked(3.0e9, 3.3e9, 0.02))["clock split"]
    noise = float(item.reason.removeprefix("clocks that span 1.10x, at ").partition("%")[0])
    assert 1.5 < noise < 4, "the noise of one block, of the point where it is largest"
    assert "and 8 blocks, leave the share that does not scale anywhere in [0.00, 0." in item.reason
    assert item.remedy.startswith("clocks 1.") and item.remedy.endswith("x apart, or more blocks")
    assert "clock split" not in refused(clocked(1.0e9, 3.0e9, 0.02))
    assert "clock split" not in refused(clocked(3.0e9, 3.3e9, 0.001))


def test_without_a_clock_the_split_of_serial_beyond_l2_is_refused_at_every_point() -> None:
    run = builder.run(law, work=replace(builder.LANES, footprint=Affine(4 << 20, 0), bytes=Affine()))
    item = refused(run)["share of serial, scaling with the clock"]
    assert "beyond L2" in item.reason and "two clocks" in item.remedy
    assert item.points == tuple((width, 1) for width in builder.OCTAVES)
    assert "share of serial, scaling with the clock" not in refused(builder.run(law)), "narrowed: it fits L2"


def test_a_knee_beyond_the_sweep_is_refused() -> None:
    item = refused(builder.run(lambda w, p, f: 1e-6 + 1e-10 * w, noise=0.01))["knee on 1 thread"]
    assert item.reason.startswith("beyond W = 256") or "may lie beyond W = 256" in item.reason
    assert item.remedy.endswith("up to 1 Ki and more")


def test_serial_against_a_barrier_that_was_not_measured_at_this_grain() -> None:
    # A step of about 2 us passes one barrier.
    def run(*grains: float) -> StoredRun:
        limits = Limits(barriers=tuple(BarrierRung(2, grain, 3e-7, 1e-8) for grain in grains))
        return builder.run(lambda w, p, f: 1e-6 + (1e-6 + 2e-8 * w) / p + 3e-7 * (p > 1), threads=(1, 2),
                           work=WEIGHTS, limits=limits, noise=0.01)  # fmt: skip

    item = refused(run(1e-4, 1e-3))["serial share against barrier"]
    assert "none was measured at this grain" in item.reason
    assert "more thread counts" in item.remedy
    assert {threads for _, threads in item.points} == {2}
    assert "serial share against barrier" not in refused(run(1e-7, 1e-4))
    assert refused(run())["share of serial"].remedy, "without any barrier the shares themselves are brackets"


def test_more_thread_counts_tell_serial_from_barriers() -> None:
    limits = Limits(barriers=tuple(BarrierRung(count, 1e-3, 3e-7, 1e-8) for count in (2, 4)))
    run = builder.run(lambda w, p, f: 1e-6 + (1e-6 + 2e-8 * w) / p + 3e-7 * (p > 1), threads=(1, 2, 4),
                      work=WEIGHTS, limits=limits, noise=0.01)  # fmt: skip
    assert "serial share against barrier" not in refused(run)


def disturbed(share: float, run: StoredRun | None = None) -> StoredRun:
    """A run of which this share of the blocks' samples was disturbed, two of three in a visit."""
    run = run or builder.run(law, threads=(1, 2), noise=0.01)
    visits = []
    for visit in run.visits:
        flags = ("thrown off", "thrown off", "") if visit.block < 8 * share * 1.5 else ("", "", "")
        samples = tuple(replace(item, disturbed=flag) for item, flag in zip(visit.samples, flags, strict=True))
        visits.append(replace(visit, readings=replace(visit.readings, samples=samples)))
    return replace(run, visits=tuple(visits))


def test_much_disturbance_is_refused_and_too_much_names_no_winner() -> None:
    assert not any("disturbed" in item.reason for item in family(disturbed(0.15)).refusals)
    item = refused(disturbed(0.3))["intervals at their full level"]
    assert "serialprof doctor" in item.remedy
    assert {item.winner for item in family(disturbed(0.3)).tradeoffs} == {"clock", "cores"}
    most = family(disturbed(0.66))
    assert {item.winner for item in most.tradeoffs} == {"unknown"}
    assert "what gains more" in {item.what for item in most.refusals}
    assert "nothing is said to win" in most.verdict.sentence
    assert "quieter machine" in most.verdict.next_step


def test_too_much_disturbance_calls_nothing_futile() -> None:
    slower = builder.run(lambda w, p, f: 1e-6 * (w + p), threads=(1, 2), work=None, mode="eager", noise=0.001)
    assert {item.futile for item in family(disturbed(0.3, slower)).tradeoffs} == {"lose"}
    most = family(disturbed(0.66, slower))
    assert {item.futile for item in most.tradeoffs} == {None}
    assert "more threads" not in most.verdict.sentence
    assert all("more threads surely" not in tie.width.reason for tie in most.frontier.ties)


def test_a_factor_that_never_varies_is_named() -> None:
    threads = refused(builder.run(law))["clock against cores"]
    assert "only one thread count" in threads.reason and threads.remedy == "--threads 1,2"
    width = refused(builder.run(lambda w, p, f: 1e-6 + 1e-6 / p, (64,), threads=(1, 2, 4, 8)))
    assert width["serial depth against width"].reason == "only one width was measured"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: replace(run, visits=()), "no point of the serial form was measured"),
        (
            lambda run: replace(run, visits=tuple(Visit(p.id, 0, 0, "failed", reason="boom") for p in run.plan.points)),
            "no point of the serial form was measured",
        ),
        (lambda run: builder.run(law, widths=(1, 2)), "4 distinct widths"),
        (lambda run: builder.run(law, blocks=1), "2 units"),
        (lambda run: builder.run(law, work=replace(builder.LANES, bytes=Affine(math.nan, 0))), "step-time model"),
    ],
)
def test_bad_input_is_a_sentence_with_a_remedy(change, words: str) -> None:  # type: ignore[no-untyped-def]
    found = family(change(builder.run(law)))
    if found.refusal:
        item = next(item for item in found.refusals if item.what == "step-time model")
        assert item.reason == found.refusal and item.remedy
        assert words in item.reason or words == item.what
    else:
        assert words == "step-time model"


def test_times_that_are_none_fail_their_point_and_are_said() -> None:
    run = builder.with_samples(builder.run(law), 0, Sample(math.nan, 0.0, 0), Sample(0.0, 0.0, 0))
    found = family(run)
    assert "which is no time" in found.points[0].failed
    assert "step time" not in {item.what for item in found.refusals}, "failures are listed as such"


def test_points_that_were_not_reached_are_refused() -> None:
    run = builder.run(law)
    run = replace(run, visits=tuple(visit for visit in run.visits if visit.point != 8))
    item = refused(run)["step time"]
    assert (item.reason, item.points) == ("not visited", ((256, 1),))


def test_equal_refusals_are_one_with_all_their_points() -> None:
    found = family(builder.run(law, threads=(1, 2)))
    clock = [item for item in found.refusals if item.what == "clock elasticity"]
    assert [len(item.points) for item in clock] == [9, 9], "on two threads a barrier may not follow the clock"
    assert {threads for _, threads in clock[0].points} == {1} and {threads for _, threads in clock[1].points} == {2}


def test_an_answer_in_the_negative_is_no_refusal() -> None:
    found = family(builder.run(law, threads=(1, 2)))
    assert any(item.never for item in found.frontier.sensitivities)
    assert not any("no number of threads" in item.reason for item in found.refusals)
    for item in as_plain(found)["frontier"]["sensitivities"]:
        assert item["equal"]["identified"] == (item["never"] or item["equal"]["value"] is not None)
        assert item["equal"]["identified"] or item["equal"]["what_would_identify_it"]


def test_every_estimate_says_in_plain_records_whether_it_is_identified() -> None:
    plain = as_plain(family(builder.run(law, threads=(1, 2), work=None, noise=0.01)))

    def estimates(node: object) -> list[dict[str, object]]:
        if isinstance(node, dict):
            if "what_would_identify_it" in node:
                return [node]
            assert not {"value", "low"} <= node.keys(), "an estimate without its identification"
            return [item for child in node.values() for item in estimates(child)]
        return [item for child in node for item in estimates(child)] if isinstance(node, list) else []

    found = estimates(plain)
    assert len(found) > 300
    for item in found:
        answered = item["value"] is not None or str(item["reason"]).startswith("no number of threads")
        assert item["identified"] == answered
        assert item["identified"] or item["reason"]
    shares = [item for point in plain["attributions"] for part in point["parts"] for item in estimates(part)]
    assert all(item["identified"] or item["what_would_identify_it"] for item in shares)


def test_a_declaration_beyond_the_machine_is_refused_as_one_sentence() -> None:
    work = Work(5, Affine(5, 1), Affine(0, 1e9), Affine(0, 64), Affine(0, 1))
    found = family(builder.run(law, work=work, limits=Limits(stream=())))
    assert found.contradictions == (), "no bandwidth was measured, so nothing contradicts"
