# SPDX-License-Identifier: Apache-2.0
"""CUDA events around steps: which steps are taken, what their times are, and what is refused."""

import pytest

import serialprof
from serialprof.live.cuda import END, ENTER, LEAVE, STEP, Events, cuda_of_torch, devices
from tests.live.fakecuda import FakeCuda
from tests.live.replay import DECODE, FORWARD, INNER, NAMES, SAMPLE


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    return FakeCuda().lay(monkeypatch)


@pytest.fixture
def events(cuda: FakeCuda) -> Events:
    return Events(lambda: cuda.now)


def step(events: Events, cuda: FakeCuda, forward: float = 3e-3, sample: float = 1e-3) -> None:
    """The body of a step with two regions, and 2 ms of work in none."""
    for name, seconds in ((FORWARD, forward), (SAMPLE, sample)):
        events(ENTER, name)
        cuda.enqueue(seconds)
        events(LEAVE, name)
    cuda.enqueue(2e-3)


def test_a_step_is_split_by_the_time_of_its_stream(events: Events, cuda: FakeCuda) -> None:
    assert events(STEP, DECODE)
    step(events, cuda)
    events(STEP, DECODE)
    assert not events.steps
    cuda.done = cuda.queued
    events.resolve()
    ((seconds, parts),) = events.steps[DECODE]
    assert seconds == pytest.approx(6e-3)
    assert parts == {(FORWARD,): pytest.approx(3e-3), (SAMPLE,): pytest.approx(1e-3)}
    assert cuda.waited == 0


def test_events_cost_at_most_a_fiftieth_of_the_hosts_time(events: Events, cuda: FakeCuda) -> None:
    taken = 0
    for _ in range(10_000):
        if events(STEP, DECODE):
            taken += 1
            step(events, cuda)
        cuda.now += 20e-6
        cuda.done = cuda.queued
    # 6 events of 2 us a step, its enqueued work aside, then 50 times as long without.
    assert 6 * 2e-6 * taken <= cuda.now / 49 and taken > 10


def test_what_the_device_has_not_done_is_waited_for_by_nobody(events: Events, cuda: FakeCuda) -> None:
    for _ in range(500):
        if events(STEP, DECODE):
            step(events, cuda)
        cuda.now += 1.0
    events.give_up()
    assert events.steps == {} and 0 < events.dropped[DECODE] <= 66


@pytest.mark.parametrize("what", ["stream", "capturing"])
def test_a_step_that_changes_streams_or_is_captured_has_no_times(events: Events, cuda: FakeCuda, what: str) -> None:
    events(STEP, DECODE)
    events(ENTER, FORWARD)
    setattr(cuda, what, "another" if what == "stream" else True)
    events(LEAVE, FORWARD)
    setattr(cuda, what, "stream" if what == "stream" else False)
    events(STEP, DECODE)
    cuda.done = cuda.queued
    events.give_up()
    assert events.steps == {} and events.dropped[DECODE] >= 1


def test_nothing_is_taken_while_a_graph_is_captured(events: Events, cuda: FakeCuda) -> None:
    cuda.capturing = True
    assert not events(STEP, DECODE)


def test_a_loop_inside_a_step_is_a_part_of_it(events: Events, cuda: FakeCuda) -> None:
    events(STEP, DECODE)
    for _ in range(3):
        events(STEP, INNER)
        events(ENTER, SAMPLE)
        cuda.enqueue(1e-3)
        events(LEAVE, SAMPLE)
    events(END, INNER)
    events(STEP, DECODE)
    cuda.done = cuda.queued
    events.resolve()
    ((_, parts),) = events.steps[DECODE]
    assert parts == {(INNER, SAMPLE): pytest.approx(3e-3), (INNER,): pytest.approx(3e-3)}


def test_a_loop_that_ends_in_a_step_drops_it(events: Events, cuda: FakeCuda) -> None:
    events(STEP, DECODE)
    events(END, DECODE)
    cuda.done = cuda.queued
    events.give_up()
    assert events.steps == {} and events.dropped == {DECODE: 1}


class TestWhatIsKnownOfADevice:
    def test_without_cuda_host_times_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        FakeCuda().lay(monkeypatch).initialised = False
        assert cuda_of_torch() is None
        assert devices(Events(), ["decode"], NAMES)["decode"].times == "none"

    def test_with_cuda_and_no_events_host_times_are_of_enqueueing(self, cuda: FakeCuda) -> None:
        assert devices(None, ["decode"], NAMES)["decode"].times == "enqueue"

    def test_with_events_they_count(self, events: Events, cuda: FakeCuda) -> None:
        events(STEP, DECODE)
        step(events, cuda)
        events(STEP, DECODE)
        cuda.done = cuda.queued
        found = devices(events, ["decode", "inner"], NAMES)
        assert (found["decode"].times, found["inner"].times) == ("events", "enqueue")
        assert found["decode"].steps[0].paths == (("forward",), ("sample",))


def test_a_recording_takes_events_once_torch_uses_cuda(cuda: FakeCuda) -> None:
    """The whole way: the recorder notices CUDA between steps, and the verdict is by the stream's time."""
    cuda.initialised = False
    with serialprof.recording() as recording:
        for index in serialprof.steps(range(40), "decode"):
            cuda.initialised = index > 2
            if index < 6:
                pause()
            with serialprof.region("forward"):
                cuda.enqueue(3e-3)
            with serialprof.region("sample"):
                cuda.enqueue(1e-3)
            cuda.done = cuda.queued
            pause(1e-4)
    assert recording.live is not None
    (loop,) = recording.live.stored.loops
    assert loop.device.times == "events" and loop.device.steps
    for taken in loop.device.steps:
        parts = dict(zip(taken.paths, taken.parts, strict=True))
        assert parts["forward",] == pytest.approx(3e-3) and parts["sample",] == pytest.approx(1e-3)
    (told,) = recording.live.analysis.loops
    assert "on its stream, 75 %" in told.sentence
    (forward,) = (part for part in told.parts if part.path == ("forward",))
    assert forward.share.value == pytest.approx(0.75)


def test_regions_behind_a_loop_inside_the_step_are_told_as_well(cuda: FakeCuda) -> None:
    cuda.initialised = False
    with serialprof.recording() as recording:
        for index in serialprof.steps(range(30), "decode"):
            cuda.initialised = index > 1
            pause(0.06 if index < 5 else 1e-4)
            for _ in serialprof.steps(range(2), "layers"):
                cuda.enqueue(1e-3)
            with serialprof.region("sample"):
                cuda.enqueue(3e-3)
            cuda.done = cuda.queued
    assert recording.live is not None
    taken = {loop.name: loop.device for loop in recording.live.stored.loops}["decode"].steps
    assert taken
    for step in taken:
        parts = dict(zip(step.paths, step.parts, strict=True))
        assert parts["sample",] == pytest.approx(3e-3) and parts["layers",] == pytest.approx(2e-3)


def test_a_recording_that_takes_no_events_gives_no_share(cuda: FakeCuda) -> None:
    with serialprof.recording(cuda_events=False) as recording:
        for _ in serialprof.steps(range(40), "decode"):
            with serialprof.region("forward"):
                cuda.enqueue(3e-3)
    assert recording.live is not None
    (told,) = recording.live.analysis.loops
    assert told.device == "enqueue" and "no split of it is given" in told.sentence
    assert all(part.share.value is None and "enqueueing" in part.share.reason for part in told.parts)
    assert told.slow is None


def pause(seconds: float = 0.06) -> None:
    """Lets the time go by after which the recorder looks whether CUDA is in use."""
    import time

    time.sleep(seconds)
