# SPDX-License-Identifier: Apache-2.0
"""What an analysis of a whole run makes of dissections: attribution, verdict, advice, refusals."""

from dataclasses import replace

import pytest

from serialprof.limits import ChaseRung, Limits, StreamRung
from serialprof.model import LAUNCH, analyse
from serialprof.model.dissected import ON_DEVICE
from serialprof.records import GpuState, Readings
from tests.model.device.builder import MICRO, Truth, run

WIDTHS = (1, 4, 16, 64, 256, 1024)
SLOW = Truth(host=200 * MICRO)


@pytest.fixture(scope="module")
def family():
    stored = run(SLOW, WIDTHS, others={"graph": Truth(host=2 * MICRO)}, noise=0.01)
    return analyse(stored).families[0]


def with_readings(stored, point, **changes):
    visits = tuple(
        replace(item, readings=replace(item.readings, **changes)) if item.point == point else item
        for item in stored.visits
    )
    return replace(stored, visits=visits)


def test_the_verdict_answers_clock_or_cores_then_names_knee_parts_and_best_move(family):
    sentence = family.verdict.sentence
    assert sentence.startswith(
        "The host's clock, not cores: at B = 1 a step gains +10 % by +10 % of the host's, +0 % by"
    )
    assert " one thread drives the device. The knee is at B = 1" in sentence
    assert ": below it a step is batch-insensitive because of dispatch. " in sentence
    assert "At B = 1 a step is 87 % host dispatch and 10 % kernel latency floor" in sentence
    assert "; at B = 1 Ki it is 98 % [97 - 98] FLOP" in sentence
    assert "The best next move from B = 1 is batch 256: 18" in sentence
    assert " lanes per second; a step takes 1.39x [1.38 - 1.41] as long (measured)" in sentence
    assert "Where the batch has to stay, it is CUDA graphs: 7." in sentence
    assert "Threads were not varied" not in sentence
    assert "serial share" not in sentence, "its parts stand for it"
    assert family.verdict.next_step.startswith("From B = 1, go for batch 256 (")


def test_parts_and_knee_on_the_device_stand_alone(family):
    """A fit over widths would name other shares of the same step, and another knee."""
    assert family.device.steps
    assert family.device.sweep.knee.identified
    assert family.attributions == ()
    assert [knee.value for knee in family.fit.knees.values()] == [None]
    assert "serial share" not in family.verdict.sentence
    told = [item for item in family.refusals if item.reason == ON_DEVICE]
    assert [item.what for item in told] == ["shares of a step and knee by the fit over widths"]
    assert not [item for item in family.refusals if item.what.startswith("share of ")]


def test_on_a_cpu_threads_that_were_not_varied_leave_clock_or_cores_open():
    found = analyse(run(SLOW, WIDTHS, noise=0.01, device="cpu")).families[0]
    assert found.device is not None
    told = "Threads were not varied, so the data cannot tell whether clock beats cores. The knee is"
    assert found.verdict.sentence.startswith(told)


def test_without_dissections_nothing_changes():
    found = analyse(replace(run(SLOW, WIDTHS, noise=0.01), dissections=())).families[0]
    assert found.device is None
    assert found.attributions[0].part(LAUNCH).share.value is None
    assert found.fit.knees[1].reason != ON_DEVICE
    assert "(launch included)" in found.verdict.sentence


def test_the_ladders_and_peaks_of_the_host_say_nothing_of_a_gpu():
    slow = Limits(
        chains={"add": 1.0}, chase=(ChaseRung(1 << 20, 1.0),), stream=(StreamRung(1 << 20, 1, 1.0),), fma={"avx2": 1.0}
    )
    on_gpu = analyse(replace(run(SLOW, WIDTHS, noise=0.01), limits=slow)).families[0]
    assert on_gpu.contradictions == ()
    on_cpu = analyse(replace(run(SLOW, WIDTHS, noise=0.01, device="cpu"), limits=slow)).families[0]
    assert on_cpu.contradictions


def test_a_device_that_was_held_down_is_flagged():
    hot = GpuState(reasons=("idle", "heat (by hardware)"))
    stored = with_readings(run(SLOW, WIDTHS), 2, gpu=(hot, hot))
    found = analyse(stored).families[0]
    assert [item.held for item in found.points[:3]] == [(), (), ("heat (by hardware)",)]
    assert [step.held for step in found.device.steps[:3]] == [(), (), ("heat (by hardware)",)]
    told = next(item for item in found.refusals if item.what == "unthrottled step time")
    assert "heat (by hardware)" in told.reason
    assert told.points == ((16, 1),)
    assert "At B = 16 the device's clock was held down (heat (by hardware)), so" in found.verdict.sentence


def test_steps_that_keep_memory_are_flagged():
    found = analyse(with_readings(run(SLOW, WIDTHS), 1, leaked=4096.0)).families[0]
    told = next(item for item in found.refusals if item.what == "steady steps")
    assert "4 KiB" in told.reason
    assert told.points == ((4, 1),)
    assert "Every step keeps up to 4 KiB of memory, so later steps may take longer." in found.verdict.sentence
    assert found.verdict.next_step.endswith(" Free what every step keeps (up to 4 KiB), then run again.")
    assert not [item for item in analyse(run(SLOW, WIDTHS)).families[0].refusals if item.what == "steady steps"]


def test_a_planned_end_is_no_failure():
    stored = run(SLOW, WIDTHS, noise=0.01)
    visits = tuple(
        replace(item, status="ended", reason="out of memory", readings=Readings(())) if item.point == 5 else item
        for item in stored.visits
    )
    found = analyse(replace(stored, visits=visits)).families[0]
    last = found.points[-1]
    assert last.failed == ""
    assert last.ended == "out of memory"
    assert last.step.reason == "ended: out of memory"
    assert not [item for item in found.refusals if item.what == "step time"]
    assert [item.width for item in found.device.sweep.throughput] == [1, 4, 16, 64, 256]
    everything = tuple(replace(item, status="ended", reason="no memory", readings=Readings(())) for item in visits)
    assert "no memory" in analyse(replace(stored, visits=everything)).families[0].verdict.sentence


def test_one_thread_drives_a_gpu_so_cores_are_not_missed(family):
    assert not [item for item in family.refusals if "thread" in item.what or "cores" in item.what]
    assert "--threads" not in family.verdict.next_step
