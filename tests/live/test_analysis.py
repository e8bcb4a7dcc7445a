# SPDX-License-Identifier: Apache-2.0
"""What is said of recordings whose truth is known."""

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest

from serialprof.estimate import Estimate
from serialprof.live.analysis import analyse, quantile, tail_of
from serialprof.live.batches import batched, drift
from serialprof.live.collecting import bucket
from serialprof.live.records import Block, Device, Losses, Place, Spread
from serialprof.live.results import LoopAnalysis, Part
from serialprof.live.telling import percent
from tests.live import made
from tests.live.replay import DECODE, SAMPLE, recorded


def analysed(loop: object, **more: object) -> LoopAnalysis:
    (found,) = analyse(made.live(loop, **more).stored).loops  # type: ignore[arg-type]
    return found


def parts(loop: LoopAnalysis) -> dict[tuple[str, ...], Part]:
    return {part.path: part for part in loop.parts}


def test_shares_contain_the_truth_and_add_up() -> None:
    loop = analysed(made.loop())
    truth = {("next(loop)",): 0.1, ("forward",): 0.6, ("sample",): 0.2, (): 0.1}
    found = parts(loop)
    assert set(found) == set(truth)
    for path, share in truth.items():
        estimate = found[path].share
        assert estimate.low is not None and estimate.high is not None
        assert estimate.low < share < estimate.high or estimate.value == pytest.approx(share, rel=5e-3)
        assert found[path].own.value == pytest.approx(share * 100e-6, rel=0.01)
    assert sum(part.share.value or 0.0 for part in loop.parts) == pytest.approx(1.0)
    assert loop.step.value == pytest.approx(100e-6, rel=0.01)
    assert (loop.seen, loop.batches, loop.slow is None) == (4000, 32, False)


def test_nested_time_belongs_to_the_inner_region_alone() -> None:
    from tests.live.replay import ATTENTION, DECODE, FORWARD, recorded

    calls, now = [("begin", DECODE, 0)], 0
    for _ in range(2000):
        calls += [("enter", FORWARD, now), ("enter", ATTENTION, now + 10), ("leave", ATTENTION, now + 40)]
        calls += [("leave", FORWARD, now + 50), ("step", DECODE, now + 100)]
        now += 100
    (loop,), _, _ = recorded([*calls, ("end", DECODE, now)])
    found = parts(analysed(loop))
    assert found["forward",].whole.value == pytest.approx(50e-6)
    assert found["forward",].own.value == pytest.approx(20e-6)
    assert found["forward", "attention"].own.value == pytest.approx(30e-6)
    assert found[()].own.value == pytest.approx(50e-6)


def test_the_verdict_names_shares_waiting_others_and_its_own_limit() -> None:
    loop = analysed(made.with_cpu(made.loop(), thread=0.75, process=1.5))
    assert loop.waiting.value == pytest.approx(0.25)
    assert loop.threads.value == pytest.approx(1.5)
    for words in (
        "60 % in forward",
        "in no region",
        "for 25 % of",
        "worked 0.75 s per second",
        "One setting cannot tell",
    ):
        assert words in loop.sentence
    assert "CPU times were not read" in analysed(made.loop()).sentence


def test_shares_are_told_with_intervals_that_show() -> None:
    assert percent(Estimate(0.61, 0.59, 0.63)) == "61 % (59 to 63 %)"
    assert percent(Estimate(0.251, 0.2501, 0.252)) == "25 %"
    assert percent(Estimate(0.001, 0.0005, 0.02)) == "under 1 % (0 to 2 %)"
    assert percent(Estimate(0.5)) == "50 %"
    assert percent(Estimate.unknown("nothing")) == "an unknown share"


def test_slow_steps_are_traced_to_their_region() -> None:
    loop = analysed(made.loop(slow=50))
    assert loop.slow is not None and loop.slow.path == ("sample",) and loop.slow.share > 0.9
    assert loop.tail.p50 == pytest.approx(100e-6, rel=0.03)
    assert loop.tail.p99 == pytest.approx(1100e-6, rel=0.03)
    assert any("in sample" in note for note in loop.notes)


def test_drift_and_warm_up_are_told() -> None:
    rising = analysed(made.loop(drift=0.5))
    assert rising.drift.low is not None and 0.24 < rising.drift.low < 0.262 < (rising.drift.high or 0) < 0.28
    assert any("longer over the recording" in note for note in rising.notes)
    level = analysed(made.loop())
    assert level.drift.low is not None and level.drift.low < 0 < (level.drift.high or 0)
    warm = analysed(made.loop(warm=5))
    assert warm.warm_up.steps == 5 and warm.warm_up.seconds == pytest.approx(2500e-6, rel=0.05)
    assert level.warm_up.steps == 0


def test_neighbours_that_resemble_each_other_make_stretches_longer() -> None:
    independent, dependent = made.loop(16_000), made.loop(16_000, level=0.5)
    assert len(batched(independent.blocks).groups) == 32
    assert len(batched(dependent.blocks).groups) < 32


def test_intervals_over_stretches_cover_where_single_steps_would_not() -> None:
    """A level that wanders slowly: 200 recordings, 95 % intervals; those over single steps would be far too narrow."""
    draw = random.Random(3)
    covered = 0
    for _ in range(200):
        blocks, level = [], 0.0
        for index in range(256):
            level = 0.9 * level + draw.gauss(0, 0.1)
            seconds = 100 * (1.0 + level)
            blocks.append(Block(0, 100, seconds, index, index + 1.0, 1.0, 0.0, 0.0, 0.0, ()))
        estimate = batched(blocks).ratio(lambda block: block.seconds, lambda block: block.steps, "s")
        assert estimate.low is not None and estimate.high is not None
        covered += estimate.low <= 1.0 <= estimate.high
    assert 176 <= covered <= 196


def test_a_recording_too_short_for_intervals_says_so() -> None:
    loop = analysed(made.loop(30))
    assert loop.step.value is not None and loop.step.low is None and "record longer" in loop.step.reason
    assert drift(batched(made.loop(30).blocks).groups).value is None


def test_a_file_that_tells_of_events_and_holds_none_gives_no_shares() -> None:
    loop = analysed(replace(made.loop(100), device=Device("events")))
    assert all(part.share.value is None for part in loop.parts)


class TestTails:
    def test_buckets_cover_all_ticks_without_gaps(self) -> None:
        ends = [bucket(index) for index in range(2560)]
        assert all(low + width == after for (low, width), (after, _) in pairwise(ends))
        assert max(width / low for low, width in ends[64:]) <= 1 / 64

    def test_quantiles_are_within_a_bucket_of_the_truth(self) -> None:
        loop = made.loop(8000, seed=5)
        kept = sorted(step.seconds for step in loop.kept)
        tail = tail_of(loop.spread, loop.longest)
        assert tail.p50 == pytest.approx(kept[len(kept) // 2], rel=0.02)
        assert tail.longest == max(step.seconds for step in loop.slowest)

    def test_a_quantile_beyond_which_few_lie_is_not_given(self) -> None:
        spread = Spread((1.0,), (0.5,), (100,))
        tail = tail_of(spread)
        assert (tail.p50 is not None, tail.p95, tail.p99, tail.longest) == (True, None, None, 1.5)
        assert quantile(Spread(), 0.5) is None and tail_of(Spread()).longest is None

    def test_no_quantile_exceeds_the_longest(self) -> None:
        assert tail_of(Spread((1.0,), (0.5,), (1000,)), longest=1.1).p99 == pytest.approx(1.1)


def test_a_loop_without_a_whole_step_says_so_and_gives_no_time() -> None:
    (loop,), _, _ = recorded([("begin", DECODE, 0), ("enter", SAMPLE, 10), ("step", DECODE, 50), ("end", DECODE, 50)])
    (found,) = analyse(made.live(loop).stored).loops
    assert (found.seen, found.left_out) == (0, 1)
    assert found.sentence.startswith("No step of it was recorded from beginning to end")


def test_what_was_lost_is_told_with_a_remedy() -> None:
    found = analyse(made.live(losses=Losses(left_open=3, not_entered=1, threads=2)).stored).losses
    assert len(found) == 3
    assert found[0].endswith(": 3") and "does not await" in found[1]
    assert analyse(made.live().stored).losses == ()


def test_regions_outside_steps_are_told() -> None:
    place = Place(("load",), False, 20, 0, 2.0, Spread((0.1,), (0.01,), (20,)))
    live = made.live().stored
    (region,) = analyse(replace(live, outside=(place,))).outside
    assert (region.calls, region.seconds, region.tail.p50 is not None) == (20, 2.0, True)
    assert math.isfinite(region.tail.longest or math.nan)
