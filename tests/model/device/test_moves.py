# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from serialprof.estimate import Estimate
from serialprof.model import analyse
from serialprof.model.answers import InjectedDelay
from serialprof.model.device.analysis import device_analysis, dissected
from serialprof.model.device.moves import CPU_CLOCK, GPU_CLOCK, GRAPHS, HOST_CLOCK, MULTIPROCESSORS
from serialprof.model.steptimes import collect
from serialprof.records import DissectionGap
from tests.model.device.builder import MICRO, WIDTHS, Truth, changed, run

SLOW = Truth(host=200 * MICRO)
QUICK = Truth(host=5 * MICRO)
GRAPH = Truth(host=2 * MICRO)


def analysis(stored, delays=(), mode="eager"):
    times = next(item for item in collect(stored) if item.family.mode == mode)
    return device_analysis(stored, times, dissected(stored, times), delays)


def move(found, name):
    return next(item for item in found.moves if item.name == name)


def delay(slope=1.0, slack=0.0, width=1, step=200 * MICRO, waits=False):
    return InjectedDelay(
        "", width, 1, True, Estimate(step), Estimate(slope, slope - 0.05, slope + 0.05),
        Estimate(slack, max(0.0, slack - 1e-6), slack + 1e-6), waits, (), (), 6,
    )  # fmt: skip


def test_a_faster_host_saves_what_the_device_leaves():
    # Of 200 us a tenth less is 18.2, more than the device leaves only where its own path takes over 181.8 us.
    gain = move(analysis(run(SLOW, noise=0.001)), HOST_CLOCK)
    assert gain.gain.value == pytest.approx(0.1, rel=0.01)
    assert gain.evidence == "model"
    bounded = move(analysis(run(Truth(host=30 * MICRO))), HOST_CLOCK)  # 30 of host, 26 of device
    assert bounded.gain.value == pytest.approx(30 / (30 / 1.1) - 1)
    tight = move(analysis(run(Truth(host=27 * MICRO))), HOST_CLOCK)
    assert tight.gain.value == pytest.approx(27 / 26 - 1)
    none = move(analysis(run(QUICK)), HOST_CLOCK)
    assert none.gain.value == 0


def test_injected_delays_confirm_the_host_or_acquit_it():
    sure = move(analysis(run(SLOW, noise=0.001), [delay()]), HOST_CLOCK)
    assert sure.evidence == "stand-in"
    assert sure.gain.value == pytest.approx(0.1, rel=0.01)
    assert 0.09 < sure.gain.low < sure.gain.value
    waits = move(analysis(run(SLOW), [delay(slack=90e-6, waits=True)]), HOST_CLOCK)
    assert (waits.gain.value, waits.gain.high) == (0.0, 0.0)
    unclear = move(analysis(run(SLOW), [delay(slack=15e-6)]), HOST_CLOCK)
    assert unclear.evidence == "bracket"
    assert unclear.gain.low == 0
    elsewhere = move(analysis(run(SLOW), [delay(width=4)]), HOST_CLOCK)
    assert elsewhere.evidence == "model"


def test_a_gpu_clock_is_a_bracket_that_a_slow_host_closes():
    open_ = move(analysis(run(QUICK)), GPU_CLOCK)
    assert open_.gain.value is None
    assert open_.gain.low == 0
    assert open_.gain.high == pytest.approx(26 / (26 - 21 / 11) - 1, rel=0.01)
    closed = move(analysis(run(SLOW)), GPU_CLOCK)
    assert closed.gain.high == 0
    assert "not varied" in closed.reason


def test_a_larger_batch_counts_lanes_per_second():
    found = analysis(run(SLOW, (1, 4, 16, 64, 256, 1024), noise=0.001))
    larger = next(item for item in found.moves if item.name.startswith("batch"))
    assert larger.name == "batch 256"
    assert larger.evidence == "measured"
    assert larger.gain.value == pytest.approx(256 * 200 / 281 - 1, rel=0.01)
    assert found.best == larger
    assert found.best_here.name == HOST_CLOCK


def test_graphs_are_measured_where_they_were_replayed():
    found = analysis(run(SLOW, others={"graph": GRAPH}, noise=0.001))
    measured = move(found, GRAPHS)
    assert measured.evidence == "measured"
    assert measured.gain.value == pytest.approx(200 / 26 - 1, rel=0.01)
    assert found.best_here == measured
    itself = move(analysis(run(SLOW, others={"graph": GRAPH}), mode="graph"), GRAPHS)
    assert itself.evidence == "refused"


def test_graphs_are_a_bracket_where_they_were_not():
    found = move(analysis(run(SLOW)), GRAPHS)
    assert found.gain.value is None
    assert found.gain.low == 0
    assert found.gain.high == pytest.approx(200 / 21 - 1, rel=0.01)
    assert "graph" in found.remedy


def test_compiled_steps_count_where_the_run_has_them():
    found = analysis(run(SLOW, others={"compile": Truth(host=100 * MICRO)}, noise=0.001))
    assert move(found, "torch.compile").gain.value == pytest.approx(1.0, rel=0.01)
    assert not [item for item in analysis(run(SLOW)).moves if item.name == "torch.compile"]


def test_what_was_not_varied_is_refused():
    refused = move(analysis(run()), MULTIPROCESSORS)
    assert refused.evidence == "refused"
    assert refused.gain.value is None
    assert "MPS" in refused.reason


def test_a_cpu_has_one_clock_and_no_graphs():
    found = analysis(run(device="cpu", limits=None))
    assert move(found, CPU_CLOCK).gain.low == 0
    assert move(found, CPU_CLOCK).gain.high == pytest.approx(0.1)
    assert move(found, GRAPHS).reason == "CUDA graphs need a CUDA device"
    assert not [item for item in found.moves if item.name in (GPU_CLOCK, MULTIPROCESSORS)]
    assert found.best.name.startswith("batch")
    assert found.best_here is None


def test_without_enough_units_nothing_is_best():
    assert analysis(run(SLOW, blocks=3)).best is None


def test_what_was_not_dissected_says_why():
    stored = changed(run(), lambda item: None if item.point in (1, 2) else item)
    stored = replace(stored, dissection_gaps=(DissectionGap(2, "the budget ended"),))
    stored = changed(
        stored,
        lambda item: replace(item, anatomy=replace(item.anatomy, disturbed="moved")) if item.point == 3 else item,
    )
    found = analysis(stored)
    assert [(item.width, item.reason) for item in found.missing] == [(16, "the budget ended"), (64, "moved")]
    nothing = replace(run(), dissections=())
    assert dissected(nothing, collect(nothing)[0]) is None


def test_a_larger_batch_at_most_doubles_a_step():
    family = analyse(run(Truth(host=10 * MICRO, floor=100 * MICRO, lane=0.5 * MICRO), WIDTHS)).families[0]
    assert next(item for item in family.device.moves if item.batch).batch == 64, "256 lanes take 233 us, 64 137 us"
    steep = analyse(run(Truth(host=10 * MICRO, floor=1 * MICRO, lane=50 * MICRO), WIDTHS)).families[0]
    refused = next(item for item in steep.device.moves if "larger batch" in item.name)
    assert refused.gain.value is None and refused.batch is None
