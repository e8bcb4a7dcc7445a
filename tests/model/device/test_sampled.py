# SPDX-License-Identifier: Apache-2.0
"""Dissected steps that take another time than sampled ones."""

from dataclasses import replace

import pytest

from serialprof.estimate import Estimate
from serialprof.model import analyse
from serialprof.model.device.moves import GPU_CLOCK, GRAPHS, HOST_CLOCK
from serialprof.model.device.sampled import against, factor
from serialprof.model.dissected import FLOOR, HOST, UNTOLD
from tests.model.device.builder import MICRO, Truth, changed, run

STEP = 200 * MICRO


def longer(times, points=(0,), **changes):
    """A run whose dissected steps take so many times as long as the sampled ones at some points."""

    def change(item):
        if item.point not in points:
            return item
        return replace(item, anatomy=replace(item.anatomy, step=times * item.anatomy.step))

    return analyse(changed(run(Truth(host=10 * MICRO, floor=STEP), **changes), change)).families[0]


def refused(family):
    return {item.name: item.reason for item in family.device.moves if item.evidence == "refused"}


def test_steps_that_agree_are_not_remarked_upon():
    family = longer(1.0, noise=0.01)
    for step in family.device.steps:
        assert step.ratio.low <= 1 <= step.ratio.high
        assert step.apart == ""


def test_steps_that_are_apart_say_so():
    family = longer(1.3, noise=0.01)
    first, second = family.device.steps[:2]
    assert first.ratio.value == pytest.approx(1.3, rel=0.02)
    assert 1.2 < first.ratio.low < 1.3 < first.ratio.high
    assert f"us when it was sampled ({first.ratio.value:.3g}x)" in first.apart
    assert second.apart == ""
    assert first.apart.endswith("the parts are those of the latter")
    assert first.step.value == pytest.approx(family.points[0].step.value)
    assert "parts of the step as sampled" not in {item.what for item in family.refusals}


def test_parts_on_a_cpu_are_those_of_the_dissected_step():
    family = longer(1.3, noise=0.01, device="cpu")
    told = next(item for item in family.refusals if item.what == "parts of the step as sampled")
    assert told.points == ((1, 1),)
    assert family.device.steps[0].apart in told.reason
    assert told.reason.endswith("the parts are those of the former")


@pytest.mark.parametrize("times", [1.1, 1 / 1.1])
def test_a_tenth_is_no_matter(times):
    assert [step.apart for step in longer(times).device.steps] == [""] * 5


@pytest.mark.parametrize("times", [1.7, 1 / 1.7])
@pytest.mark.parametrize("blocks", [6, 3])
def test_parts_of_another_step_are_not_told(times, blocks):
    family = longer(times, blocks=blocks)
    assert [step.width for step in family.device.steps] == [4, 16, 64, 256]
    (missing,) = family.device.missing
    assert missing.width == 1
    assert f"({times:.3g}x), so its parts are not told" in missing.reason
    assert [item.points for item in family.refusals if item.reason == missing.reason] == [((1, 1),)]


def test_moves_that_rest_on_these_parts_are_refused():
    family = longer(1.7, noise=0.01)
    for name in (HOST_CLOCK, GPU_CLOCK, GRAPHS):
        assert "parts of the step" in refused(family)[name]
    assert family.device.best.name.startswith("batch"), "what was measured stays"
    assert HOST_CLOCK not in refused(longer(1.0))


def test_intervals_that_overlap_leave_it_open():
    assert factor(against(Estimate(2.0, 0.9, 3.1), Estimate(1.0, 0.8, 1.2))) == 1
    assert factor(against(Estimate(2.0, 1.5, 2.5), Estimate(1.0, 0.8, 1.2))) == 2
    assert factor(against(Estimate(0.5, 0.4, 0.6), Estimate(1.0, 0.8, 1.2))) == 2
    unbounded = against(Estimate(2.0, reason="few"), Estimate(1.0, 0.8, 1.2))
    assert (unbounded.low, unbounded.high, unbounded.reason) == (None, None, "few")
    assert factor(unbounded) == 2
    assert factor(against(Estimate(2.0), Estimate.unknown("not sampled"))) == 1


@pytest.mark.parametrize("times", [1.1, 1.7, 1 / 1.7])
def test_a_host_that_was_slower_or_faster_is_taken_as_it_was_when_the_step_was_sampled(times):
    """As an H200's was: by half for minutes, while kernels took what they take."""
    truth = Truth(host=STEP, floor=50 * MICRO, lane=0.0)

    def change(item):
        if item.point != 0:
            return item
        step, enqueue = times * item.anatomy.step, times * item.anatomy.enqueue
        return replace(item, anatomy=replace(item.anatomy, step=step, enqueue=enqueue))

    family = analyse(changed(run(truth), change)).families[0]
    device = family.device
    first, second = device.steps[:2]
    assert first.step.value == pytest.approx(STEP)
    for cause in (HOST, FLOOR, UNTOLD):
        assert first.part(cause).seconds.value == pytest.approx(second.part(cause).seconds.value, abs=1e-9)
    assert first.part(HOST).seconds.value == pytest.approx(STEP - truth.device(1))
    assert first.ratio.value == pytest.approx(times)
    assert ("the parts are those of the latter" in first.apart) == (times != 1.1)
    assert not [item for item in family.refusals if item.what == "parts of the step as sampled"]
    gain = next(item.gain for item in device.moves if item.name == HOST_CLOCK)
    assert gain.high == pytest.approx(0.1, rel=0.05)
