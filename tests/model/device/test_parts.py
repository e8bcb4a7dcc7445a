# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from serialprof.catalog import Affine
from serialprof.model.device.analysis import dissected
from serialprof.model.dissected import BANDWIDTH, DEVICE_CAUSES, FLOOR, FLOP, GAPS, HOST, SLOW, TRANSFERS, UNTOLD
from serialprof.model.steptimes import collect
from tests.model.device.builder import BLOCKS, LIMITS, MICRO, WORK, Truth, changed, run


def steps(stored, mode="eager"):
    times = next(item for item in collect(stored) if item.family.mode == mode)
    return {step.width: step for step in dissected(stored, times).steps}


def micro(step, cause):
    return step.part(cause).seconds.value / MICRO


def total(step):
    return sum(part.seconds.value or 0.0 for part in step.parts)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_planted_parts_of_a_step_come_back(noise):
    found = steps(run(Truth(host=200 * MICRO), noise=noise))
    for width, step in found.items():
        assert [part.cause for part in step.parts] == list(DEVICE_CAUSES)
        busy = 20 + width
        rel, small = (1e-3, 0.05) if not noise else (0.1, 4.0)
        assert micro(step, FLOOR) == pytest.approx(20, rel=rel, abs=small)
        assert micro(step, FLOP) == pytest.approx(width, rel=rel, abs=small)
        assert micro(step, GAPS) == pytest.approx(5, rel=rel, abs=small)
        assert micro(step, HOST) == pytest.approx(max(0, 195 - busy), rel=rel, abs=small)
        assert micro(step, BANDWIDTH) == 0
        assert micro(step, TRANSFERS) == 0
        assert abs(micro(step, UNTOLD)) < small
        assert total(step) == pytest.approx(step.step.value)
        assert sum(part.share.value for part in step.parts) == pytest.approx(1)


def test_units_are_the_blocks_of_the_dissections():
    step = steps(run(noise=0.01))[16]
    assert step.units == BLOCKS
    assert step.part(HOST).seconds.low is not None
    few = steps(run(noise=0.01, blocks=4))[16]
    assert few.part(FLOOR).seconds.low is None
    assert "5 independent units" in few.part(FLOOR).seconds.reason


def test_intervals_hold_the_planted_parts():
    for step in steps(run(Truth(host=200 * MICRO), noise=0.02, seed=3)).values():
        floor = step.part(FLOOR).seconds
        assert floor.low <= 20 * MICRO <= floor.high


def test_a_host_that_is_faster_than_the_device_shows_in_no_part():
    step = steps(run(Truth(host=10 * MICRO)))[64]
    assert micro(step, HOST) == 0
    assert micro(step, FLOOR) + micro(step, FLOP) + micro(step, GAPS) == pytest.approx(89, rel=1e-3)


def longer(stored, seconds):
    return changed(stored, lambda item: replace(item, anatomy=replace(item.anatomy, step=item.anatomy.step + seconds)))


def test_what_neither_path_explains_is_unattributed():
    step = steps(longer(run(Truth(host=200 * MICRO)), 7 * MICRO))[64]
    assert micro(step, UNTOLD) == pytest.approx(7 * 200 / 207), "of the step as sampled"
    assert total(step) == pytest.approx(step.step.value)


def test_what_nothing_fills_while_the_host_is_ahead_is_gaps():
    step = steps(longer(run(Truth(host=10 * MICRO)), 7 * MICRO))[64]
    assert micro(step, GAPS) == pytest.approx(5), "of the step as sampled"
    assert micro(step, UNTOLD) == pytest.approx(0, abs=1e-6)
    copying = steps(run(Truth(host=10 * MICRO, transfers=3 * MICRO)))[64]
    assert micro(copying, GAPS) == pytest.approx(5)
    tiny = Truth(host=10 * MICRO, floor=1 * MICRO, lane=0.01 * MICRO, gap=4 * MICRO)
    assert micro(steps(run(tiny))[4], GAPS) == pytest.approx(20), "enqueueing takes half of the step"


def test_a_host_that_is_not_surely_ahead_leaves_the_rest_unattributed():
    # At 4 lanes the kernels take 24 us and their gaps 5: the host's 26 us may be what takes the time.
    close = steps(longer(run(Truth(host=26 * MICRO)), 1 * MICRO))[4]
    assert micro(close, GAPS) == pytest.approx(5)
    assert micro(close, UNTOLD) == pytest.approx(0, abs=1e-6)
    # A slow host whose enqueueing was timed in a quick moment is no reason to call all that idles gaps.
    slow = steps(longer(run(Truth(host=200 * MICRO)), 40 * MICRO))[4]
    assert micro(slow, GAPS) == pytest.approx(5)
    assert micro(slow, UNTOLD) == pytest.approx(40 * 200 / 240)


def test_a_step_that_waits_adds_host_and_device():
    step = steps(run(Truth(waits=True, transfers=3 * MICRO)))[16]
    # Of the 30 us in which nothing runs, fetching a number takes 12, 3 of them copies.
    assert micro(step, TRANSFERS) == pytest.approx(12)
    assert micro(step, HOST) == pytest.approx(21)
    assert micro(step, UNTOLD) == pytest.approx(0, abs=1e-6)
    assert total(step) == pytest.approx(step.step.value)


def test_waiting_takes_no_more_than_the_time_in_which_nothing_runs():
    step = steps(run(Truth(host=0.0, gap=0.0, waits=True, transfers=3 * MICRO)))[16]
    assert micro(step, TRANSFERS) == pytest.approx(3)


def test_without_enqueue_times_the_step_stands_for_the_host():
    stored = changed(run(), lambda item: replace(item, anatomy=replace(item.anatomy, enqueue=None)))
    step = steps(stored)[64]
    assert micro(step, HOST) == pytest.approx(0, abs=1e-6)
    assert micro(step, UNTOLD) == pytest.approx(0, abs=1e-6)


def test_gaps_come_from_the_graph_of_the_same_steps():
    graph = Truth(host=2 * MICRO, gap=3 * MICRO, kernels=10)
    stored = run(Truth(host=200 * MICRO), others={"graph": graph})
    assert micro(steps(stored)[16], GAPS) == pytest.approx(15)
    assert micro(steps(stored, "graph")[16], GAPS) == pytest.approx(30)
    slow = run(Truth(host=200 * MICRO), others={"graph": replace(graph, host=500 * MICRO)})
    assert micro(steps(slow)[16], GAPS) == pytest.approx(5)


def test_gaps_are_unknown_without_limits_where_the_host_is_not_ahead():
    step = steps(run(Truth(host=200 * MICRO), limits=None))[64]
    assert step.part(GAPS).seconds.value is None
    assert "limits" in step.part(GAPS).seconds.reason
    assert micro(step, HOST) == pytest.approx(116), "the host's path hides the gaps, so they are in its part"


def test_weights_that_are_read_at_any_batch_are_bandwidth():
    work = replace(WORK, bytes=Affine(24e6, 8), footprint=Affine(24e6, 0))
    step = steps(run(work=work))[4]
    assert micro(step, BANDWIDTH) == pytest.approx(10, rel=1e-2)  # 12 us at 2 TB/s, but five kernels' floors take 10
    assert micro(step, FLOOR) == pytest.approx(10, rel=1e-2)
    assert micro(step, FLOP) == pytest.approx(4, rel=1e-2)
    light = steps(run(work=replace(work, bytes=Affine(8e6, 8))))[4]
    assert micro(light, BANDWIDTH) == pytest.approx(4, rel=1e-2)


def test_what_grows_by_reading_is_bandwidth():
    step = steps(run(work=replace(WORK, bytes=Affine(0, 3.6e6), flops=Affine(0, 1e3))))[64]
    assert micro(step, BANDWIDTH) == pytest.approx(0.9 * 64, rel=1e-2), "3.6 MB a lane at 4 TB/s"
    assert micro(step, SLOW) == pytest.approx(0.1 * 64, rel=2e-2)
    assert micro(step, FLOP) == 0


def test_what_grows_faster_than_declared_work_takes_is_below_the_roof():
    step = steps(run(work=replace(WORK, flops=Affine(0, 1e7))))[64]
    assert micro(step, FLOP) == pytest.approx(0.2 * 64, rel=1e-2), "10 MFLOP a lane at 50 TFLOP/s, of 1 us"
    assert micro(step, SLOW) == pytest.approx(0.8 * 64, rel=1e-2)
    assert micro(step, BANDWIDTH) == 0
    assert total(step) == pytest.approx(step.step.value)
    undeclared = steps(run(work=None))[64]
    assert undeclared.part(SLOW).seconds.value is None and "no work" in undeclared.part(SLOW).seconds.reason


@pytest.mark.parametrize(
    ("work", "limits", "why"),
    [(None, LIMITS, "declares no work"), (WORK, replace(LIMITS, flops={}), "was not measured")],
)
def test_bandwidth_that_cannot_be_told_is_in_the_others(work, limits, why):
    step = steps(run(work=work, limits=limits))[64]
    assert step.part(BANDWIDTH).seconds.value is None
    assert why in step.part(BANDWIDTH).seconds.reason
    assert micro(step, FLOP) == pytest.approx(64, rel=1e-2)
    assert why in step.part(FLOP).seconds.reason
    assert total(step) == pytest.approx(step.step.value)


def test_bytes_that_no_memory_moves_tell_no_bandwidth():
    # 256 lanes of 8 MB in 281 us are 7.3 TB/s, more than the 4 TB/s of the fastest rung; on no batch they count.
    false = replace(WORK, bytes=Affine(0, 8e6))
    for step in steps(run(Truth(host=10 * MICRO), work=false)).values():
        assert step.part(BANDWIDTH).seconds.value is None
        assert "more than memory can move" in step.part(BANDWIDTH).seconds.reason
        assert total(step) == pytest.approx(step.step.value)
    # Of 3.6 TB/s where 2 TB/s were measured some may come from a cache: that is no certain contradiction.
    open_ = replace(WORK, bytes=Affine(0, 4e6), footprint=Affine(0, 8e6))
    assert micro(steps(run(Truth(host=10 * MICRO), work=open_))[64], BANDWIDTH) > 0


def test_three_batches_tell_nothing_of_growth():
    step = steps(run(widths=(1, 4, 16)))[16]
    for cause in (FLOOR, BANDWIDTH, FLOP):
        seconds = step.part(cause).seconds
        assert seconds.value is None
        assert seconds.low == 0
        assert seconds.high == pytest.approx(36 * MICRO)
        assert "4 batches" in seconds.reason


def on_cpu(cost, **changes):
    return steps(run(Truth(cost=cost * MICRO), device="cpu", limits=None, work=None, **changes))[16]


def test_on_the_cpu_what_is_no_operation_is_dispatch():
    step = on_cpu(20)
    host = step.part(HOST).seconds
    # 36 us of operations with the profiler's 20 us in or beside them: the bracket is honest about it.
    assert host.low <= 30 * MICRO <= host.high
    assert total(step) == pytest.approx(step.step.value)
    assert micro(step, GAPS) == micro(step, TRANSFERS) == micro(step, UNTOLD) == 0
    assert step.overhead.value == pytest.approx(20 / 66)
    exact = on_cpu(0)
    assert micro(exact, HOST) == pytest.approx(30)
    assert micro(exact, FLOOR) == pytest.approx(20, rel=1e-2)


@pytest.mark.parametrize("blocks", [BLOCKS, 3])
def test_a_bracket_over_most_of_the_step_has_no_middle(blocks):
    step = on_cpu(40, blocks=blocks)  # of 66 us up to 36 are operations
    host = step.part(HOST)
    assert (host.seconds.value, host.share.value) == (None, None)
    assert host.seconds.low == pytest.approx(30 * MICRO)
    assert host.seconds.high == pytest.approx(66 * MICRO)
    assert host.share.high == pytest.approx(1)
    assert "profiler" in host.share.reason
    floor, flop = step.part(FLOOR).share, step.part(FLOP).share
    assert floor.value is flop.value is None
    assert floor.low == flop.low == 0
    assert floor.high + flop.high >= 0.999 * 36 / 66, "all of the operations have a place within the brackets"


def test_shares_lie_within_the_step():
    for step in steps(run(Truth(host=200 * MICRO), noise=0.3, seed=1)).values():
        for part in step.parts:
            if part.cause != UNTOLD:
                assert part.share.low >= 0
                assert part.share.high <= 1
                assert part.seconds.low >= 0
                assert part.seconds.high <= step.step.value * (1 + 1e-9)


def test_few_units_leave_the_profilers_cost_open():
    few = on_cpu(20, widths=(1, 4, 16), blocks=3).part(FLOOR)
    assert few.seconds.value is None
    assert few.seconds.high == pytest.approx(36 * MICRO)


def test_disturbed_dissections_and_those_without_a_profile_do_not_count():
    stored = run()

    def spoilt(item):
        if item.point == 0:
            return replace(item, anatomy=replace(item.anatomy, disturbed="kept off the CPU"))
        if item.point == 1:
            return replace(item, anatomy=replace(item.anatomy, profile=None, unprofiled="no profiler"))
        return item

    assert sorted(steps(changed(stored, spoilt))) == [16, 64, 256]


def test_the_profilers_cost_may_lie_in_the_operations_or_beside_them():
    host = steps(run(Truth(cost=10 * MICRO), device="cpu", limits=None, work=None))[16].part(HOST)
    assert host.seconds.low == pytest.approx(30 * MICRO)
    assert host.seconds.value == pytest.approx(35 * MICRO)
    assert host.seconds.high == pytest.approx(40 * MICRO)
