# SPDX-License-Identifier: Apache-2.0
"""serialprof.steps, region and recording in a real process: what is counted, never how long it took."""

import asyncio
import itertools
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import serialprof
from serialprof import _native
from serialprof.errors import StoreError, UsageError
from serialprof.live.records import Loop


def loops(live: serialprof.Live | None) -> dict[str, Loop]:
    assert live is not None
    return {loop.name: loop for loop in live.stored.loops}


def calls(loop: Loop) -> dict[tuple[str, ...], int]:
    return {place.path: place.calls for place in loop.places}


def test_steps_and_regions_are_counted_and_the_items_come_through() -> None:
    with serialprof.recording() as recording:
        items = []
        for item in serialprof.steps(iter("abc"), name="decode"):
            with serialprof.region("sample"), serialprof.region("inner"):
                items.append(item)
    assert items == ["a", "b", "c"]
    loop = loops(recording.live)["decode"]
    assert (loop.seen, loop.cut, loop.left_out) == (3, 0, 0)
    assert calls(loop) == {("next(loop)",): 3, ("sample",): 3, ("sample", "inner"): 3}
    assert loop.device.times == "none"


def test_regions_of_the_iterator_belong_to_next() -> None:
    def source() -> Iterator[int]:
        for item in range(2):
            with serialprof.region("tokenise"):
                made = item
            yield made

    with serialprof.recording() as recording:
        for _ in serialprof.steps(source(), "decode"):
            pass
    assert calls(loops(recording.live)["decode"])["next(loop)", "tokenise"] == 2


def test_an_exception_in_a_region_is_counted_and_goes_on() -> None:
    with serialprof.recording() as recording:
        for index in serialprof.steps(range(3), "decode"):
            with pytest.raises(ValueError, match="mine"), serialprof.region("sample"):
                raise ValueError(f"mine {index}")
        with pytest.raises(ZeroDivisionError):
            for _ in serialprof.steps(range(3), "failing"):
                1 / 0  # noqa: B018
    loop = loops(recording.live)["decode"]
    (sample,) = (place for place in loop.places if place.path == ("sample",))
    assert (sample.calls, sample.raised) == (3, 3)
    failing = loops(recording.live)["failing"]
    assert (failing.seen, failing.cut) == (0, 1)


def test_a_break_and_an_exception_of_the_iterator_end_the_loop() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise RuntimeError("no more")

    with serialprof.recording() as recording:
        for index in serialprof.steps(range(10), "left"):
            if index == 2:
                break
        with pytest.raises(RuntimeError, match="no more"):
            for _ in serialprof.steps(source(), "broken"):
                pass
        with serialprof.region("after"):
            pass
    assert recording.live is not None
    found = loops(recording.live)
    assert (found["left"].seen, found["left"].cut) == (2, 1)
    assert (found["broken"].seen, found["broken"].cut) == (2, 0)
    assert [place.path for place in recording.live.stored.outside] == [("after",)]


def test_a_loop_inside_a_step_of_its_own_name_is_told() -> None:
    with serialprof.recording() as recording:
        for _ in serialprof.steps(range(2), "decode"):
            assert list(serialprof.steps(range(3), "decode")) == [0, 1, 2]
    assert recording.live is not None
    assert loops(recording.live)["decode"].seen == 2
    assert recording.live.stored.losses.nested == 2
    assert any("same name" in loss for loss in recording.live.analysis.losses)


def test_threads_record_beside_each_other() -> None:
    barrier = threading.Barrier(4)

    def drive() -> None:
        barrier.wait()
        for _ in serialprof.steps(range(500), "decode"):
            with serialprof.region("sample"):
                pass
        barrier.wait()

    with serialprof.recording() as recording:
        threads = [threading.Thread(target=drive) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    loop = loops(recording.live)["decode"]
    assert (loop.lanes, loop.seen, calls(loop)["sample",]) == (4, 2000, 2000)


def test_threads_that_come_and_go_share_buffers() -> None:
    def drive() -> None:
        for _ in serialprof.steps(range(3), "decode"):
            pass

    with serialprof.recording() as recording:
        for _ in range(100):
            thread = threading.Thread(target=drive)
            thread.start()
            thread.join()
    assert recording.live is not None
    loop = loops(recording.live)["decode"]
    assert loop.seen == 300 and loop.lanes < 10
    assert recording.live.stored.losses.threads == 0


def test_a_loop_that_goes_on_on_another_thread_corrupts_nothing() -> None:
    with serialprof.recording() as recording:
        items = serialprof.steps(range(10), "decode")
        next(items)
        thread = threading.Thread(target=lambda shared: list(itertools.islice(shared, 3)), args=(items,))
        thread.start()
        thread.join()
        del items
        with serialprof.region("after"):
            pass
        for _ in serialprof.steps(range(5), "later"):
            pass
    assert recording.live is not None
    assert loops(recording.live)["later"].seen == 5
    assert [place.path for place in recording.live.stored.outside] == [("after",)]


def test_tasks_of_an_event_loop_that_interleave_get_no_times_and_are_told() -> None:
    async def first(entered: asyncio.Event, left: asyncio.Event) -> None:
        with serialprof.region("one"):
            await entered.wait()
        left.set()

    async def second(entered: asyncio.Event, left: asyncio.Event) -> None:
        with serialprof.region("two"):
            entered.set()
            await left.wait()

    async def both() -> None:
        entered, left = asyncio.Event(), asyncio.Event()
        await asyncio.gather(first(entered, left), second(entered, left))

    def loop() -> None:
        asyncio.run(both())
        with serialprof.region("alone"):
            pass

    # In a thread of its own: a browser that was tested before leaves an event loop running in this one.
    with serialprof.recording() as recording, ThreadPoolExecutor(1) as pool:
        pool.submit(loop).result()
    assert recording.live is not None
    losses = recording.live.stored.losses
    assert losses.left_open == 2 and losses.not_entered == 1
    assert [place.path for place in recording.live.stored.outside if place.path == ("alone",)]


class TestWhenNothingRecords:
    def test_items_and_exceptions_come_through(self) -> None:
        with pytest.raises(KeyError), serialprof.region("sample"):
            raise KeyError("mine")
        assert list(serialprof.steps([1, 2])) == [1, 2]
        assert not _native.live_recording()

    def test_a_recording_may_begin_and_end_inside_a_loop(self) -> None:
        recording = serialprof.recording()
        for index in serialprof.steps(range(10), "decode"):
            with serialprof.region("sample"):
                if index == 3:
                    recording.start()
            if index == 7:
                recording.stop()
        assert recording.live is not None
        assert loops(recording.live)["decode"].seen == 3
        assert recording.live.stored.losses.not_entered == 1

    def test_the_environment_switches_all_off(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SERIALPROF", "off")
        with serialprof.recording(tmp_path / "a.serialprof") as recording:
            assert list(serialprof.steps(range(3))) == [0, 1, 2]
            assert not _native.live_recording()
        assert recording.live is None and not list(tmp_path.iterdir())


class TestFiles:
    def test_what_was_recorded_is_written_and_read(self, tmp_path: Path) -> None:
        with serialprof.recording(tmp_path / "a.serialprof") as recording:
            for _ in serialprof.steps(range(50), "decode"):
                with serialprof.region("sample"):
                    pass
        assert recording.live is not None
        assert serialprof.load_live(tmp_path / "a.serialprof").stored == recording.live.stored
        assert [path.name for path in tmp_path.iterdir()] == ["a.serialprof"]

    def test_a_file_that_exists_is_refused_before_anything_is_recorded(self, tmp_path: Path) -> None:
        path = tmp_path / "a.serialprof"
        path.write_text("mine")
        with pytest.raises(StoreError, match="exists"):
            serialprof.recording(path).start()
        assert path.read_text() == "mine" and not _native.live_recording()

    def test_a_place_that_cannot_be_written_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="no folder"):
            serialprof.recording(tmp_path / "none" / "a.serialprof").start()

    def test_what_cannot_be_written_at_the_end_is_still_in_memory(self, tmp_path: Path) -> None:
        recording = serialprof.recording(tmp_path / "a.serialprof").start()
        assert list(serialprof.steps(range(3), "decode")) == [0, 1, 2]
        (tmp_path / "a.serialprof").write_text("somebody was faster")
        with pytest.raises(StoreError, match="exists"):
            recording.stop()
        assert loops(recording.live)["decode"].seen == 3

    def test_one_recording_at_a_time(self) -> None:
        with serialprof.recording(), pytest.raises(UsageError, match="already"):
            serialprof.recording().start()
        assert not _native.live_recording()

    def test_a_recording_is_made_once(self) -> None:
        with serialprof.recording() as recording:
            pass
        with pytest.raises(UsageError, match="has been made"):
            recording.start()


class TestBadInput:
    @pytest.mark.parametrize("name", [None, 3, b"sample", ["sample"]])
    def test_a_name_that_is_no_string(self, name: object) -> None:
        with pytest.raises(TypeError, match="a name is a string"):
            serialprof.region(name)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="a name is a string"):
            serialprof.steps([], name)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["", "x" * 201, "\ud800"])
    def test_a_name_that_is_none(self, name: str) -> None:
        with pytest.raises(ValueError):
            serialprof.region(name)

    def test_what_is_no_loop(self) -> None:
        async def tokens() -> object:
            yield 1

        with pytest.raises(TypeError, match="asynchronous"):
            serialprof.steps(tokens())  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="iterable"):
            serialprof.steps(3)  # type: ignore[call-overload, arg-type]

    def test_too_many_names_are_refused_with_a_sentence_and_nothing_else_breaks(self) -> None:
        """In a process of its own: names are kept as long as it lives."""
        script = """
import warnings, serialprof
with warnings.catch_warnings(record=True) as caught, serialprof.recording() as recording:
    for index in serialprof.steps(range(300), "decode"):
        with serialprof.region(f"request {index}"):
            pass
        with serialprof.region("request 1"):
            pass
(loop,) = recording.live.stored.loops
print(len(caught), str(caught[0].message)[:24], loop.seen, len(loop.places), recording.live.stored.losses.refused > 0)
"""
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert result.stdout.strip() == "1 more than 255 names of r 300 64 True"


class TestForks:
    def test_a_child_starts_empty_and_never_writes_its_parents_file(self, tmp_path: Path) -> None:
        theirs, own = tmp_path / "parent.serialprof", tmp_path / "child.serialprof"
        recording = serialprof.recording(theirs).start()
        assert len(list(serialprof.steps(range(5), "decode"))) == 5
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which this test is about
            child = os.fork()
        if child == 0:
            status = 1
            try:
                recording.stop()
                quiet = not _native.live_recording() and not theirs.exists()
                with serialprof.recording(own):
                    assert len(list(serialprof.steps(range(2), "decode"))) == 2
                status = 0 if quiet else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert len(list(serialprof.steps(range(4), "decode"))) == 4
        recording.stop()
        assert loops(recording.live)["decode"].seen == 9
        assert [loop.seen for loop in serialprof.load_live(own).stored.loops] == [2]
        assert [loop.seen for loop in serialprof.load_live(theirs).stored.loops] == [9]

    def test_a_fork_that_python_is_not_told_of_is_noticed(self, tmp_path: Path) -> None:
        """In a process of its own: a C library forks."""
        script = """
import ctypes, os, pathlib, sys, serialprof
from serialprof import _native
file = pathlib.Path(sys.argv[1])
recording = serialprof.recording(file).start()
list(serialprof.steps(range(5), "decode"))
child = ctypes.PyDLL(None).fork()
if child == 0:
    list(serialprof.steps(range(5), "decode"))
    recording.stop()
    os._exit(0 if not file.exists() and not _native.live_recording() else 1)
status = os.waitpid(child, 0)[1]
recording.stop()
print(status, recording.live.stored.loops[0].seen)
"""
        command = [sys.executable, "-c", script, str(tmp_path / "a.serialprof")]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["0", "5"]

    def test_a_fork_in_the_midst_of_a_step_leaves_the_child_silent(self) -> None:
        with serialprof.recording() as recording:
            for index in serialprof.steps(range(3), "decode"):
                if index == 1:
                    child = os.fork()
                    if child == 0:
                        with serialprof.region("sample"):
                            pass
                        os._exit(0 if _native.live_taken()["lanes"] == [] else 1)
                    assert os.waitpid(child, 0)[1] == 0
        assert loops(recording.live)["decode"].seen == 3


def test_a_process_that_ends_in_order_writes_its_file(tmp_path: Path) -> None:
    script = (
        "import serialprof, sys; serialprof.recording(sys.argv[1]).start(); list(serialprof.steps(range(7), 'decode'))"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.serialprof")], check=True)
    (loop,) = serialprof.load_live(tmp_path / "a.serialprof").stored.loops
    assert loop.seen == 7


def test_memory_is_bounded_however_long_it_runs() -> None:
    with serialprof.recording():
        for _ in serialprof.steps(range(2000), "decode"):
            with serialprof.region("sample"):
                pass
        before = _native.live_bytes()
        for _ in serialprof.steps(range(200_000), "decode"):
            with serialprof.region("sample"):
                pass
        assert _native.live_bytes() == before <= 64 << 20
