# SPDX-License-Identifier: Apache-2.0
"""Injected delays and dilation inside a worker: who takes them, what is stored."""

import errno
import time
from collections.abc import Callable
from typing import ClassVar

import pytest

from serialprof import _native
from serialprof.catalog import StepFunction, Stepper
from serialprof.errors import WorkloadError
from serialprof.measure import delay as module
from serialprof.measure import dilation
from serialprof.measure.delay import LONG, Delayed, delayed, spin, time_delays
from serialprof.measure.dilation import NOT_DILATED, time_dilated
from serialprof.measure.instruments import Instruments
from serialprof.setting import Setting

SETTING = Setting(depth=5, mode="native")


class Native:
    def __init__(self) -> None:
        self.run = _native.Barrier(_native.Team([0]), 3).run


class Own:
    """A stepper that says itself how it delays its steps, and works asynchronously."""

    def __init__(self) -> None:
        self.log: list[tuple[int, float] | str] = []

    def run(self, steps: int, /) -> None:
        raise AssertionError("its own delayed() is to be used")

    def delayed(self, steps: int, seconds: float) -> None:
        self.log.append((steps, seconds))

    def sync(self) -> None:
        self.log.append("sync")


class Whole:
    def run(self, steps: int, /) -> None: ...


@pytest.mark.parametrize("build", [Native, lambda: StepFunction(lambda: None)])
def test_every_step_takes_its_delay(build: Callable[[], Stepper]) -> None:
    """A spin may be longer than asked for, never shorter."""
    found = delayed(build())
    began = time.perf_counter()
    found.run(5, 2e-3)
    assert time.perf_counter() - began > 0.99 * 5 * 2e-3


def test_a_spin_keeps_its_thread_busy_and_none_is_free() -> None:
    began, on_cpu = time.perf_counter(), time.thread_time()
    spin(5e-3)
    assert time.perf_counter() - began >= 5e-3
    assert time.thread_time() - on_cpu > 5e-4, "it does not sleep"
    began = time.perf_counter()
    spin(0.0)
    spin(-1.0)
    assert time.perf_counter() - began < 1.0


def test_no_step_is_lost() -> None:
    calls: list[int] = []
    found = delayed(StepFunction(lambda: calls.append(1)))
    found.run(7, 0.0)
    found.run(4, 1e-6)
    assert len(calls) == 11


def test_a_stepper_whose_steps_cannot_be_reached_is_refused() -> None:
    with pytest.raises(WorkloadError, match="its steps cannot be delayed") as caught:
        delayed(Whole())
    assert "delayed(steps, seconds)" in caught.value.remedy


@pytest.mark.parametrize("build", [Native, lambda: StepFunction(lambda: None), Own])
def test_short_delays_are_calibrated_around_nothing(
    build: Callable[[], Stepper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_least", lambda idle, steps, seconds: steps * (1e-9 + (seconds and seconds + 3e-8)))
    found = delayed(build())
    assert found.actual(1.23e-6) == pytest.approx(1.26e-6)
    assert found.actual(0.0) == 0.0
    assert found.actual(LONG) == LONG
    assert Delayed(found.run, None).actual(1.23e-6) == 1.23e-6


def test_levels_come_back_in_order_as_they_really_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Delayed, "actual", lambda self, seconds: 2 * seconds)
    stepper = Own()
    timings = time_delays(stepper, SETTING, 3, (0.0, 1e-3, 1e-3, 0.0), Instruments([0]))
    assert [timing.level for timing in timings] == [0.0, 2e-3, 2e-3, 0.0]
    assert stepper.log == [(5, 0.0), "sync"] + [
        item for level in (0.0, 1e-3, 1e-3, 0.0) for item in [(5, level)] * 3 + ["sync"]
    ]
    assert all(timing.seconds > 0 for timing in timings)


class FakeThief:
    """Says that it took a share of what passed, whatever it was asked for."""

    share = 0.5
    log: ClassVar[list[str]] = []

    def __init__(self, cpu: int, share: float, period: float, seconds: float) -> None:
        assert period < 0.01 and seconds < 60
        self.began = time.perf_counter()
        self.log.append(f"{share} of {cpu}")

    def taken(self) -> float:
        return self.share * (time.perf_counter() - self.began)

    def stop(self) -> None:
        self.log.append("stop")


@pytest.fixture
def thief(monkeypatch: pytest.MonkeyPatch) -> type[FakeThief]:
    monkeypatch.setattr(dilation._native, "Thief", FakeThief)
    monkeypatch.setattr(FakeThief, "log", [])
    return FakeThief


def test_what_the_thief_really_took_is_the_level(thief: type[FakeThief], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thief, "share", 0.47)
    setting = Setting(depth=5, mode="eager", cpus=(3,))
    plain, dilated = time_dilated(StepFunction(lambda: None), setting, 200, (0.0, 0.5), Instruments([0]))
    assert (plain.level, plain.disturbed in ("", "kept off the CPU")) == (0.0, True)
    assert dilated.level == pytest.approx(0.47, abs=0.01)
    assert dilated.disturbed == ""
    assert thief.log == ["0.5 of 3", "stop"]


@pytest.mark.parametrize(("share", "mode"), [(0.3, "eager"), (0.5, "native")])
def test_a_thief_that_took_nothing_from_the_step_is_noticed(
    thief: type[FakeThief], monkeypatch: pytest.MonkeyPatch, share: float, mode: str
) -> None:
    """It took less than asked for; or it says that it took half, of which the lone thread felt nothing."""
    monkeypatch.setattr(thief, "share", share)
    step, setting, instruments = StepFunction(lambda: None), Setting(mode=mode), Instruments([0])
    # On a busy machine a neighbour may take half of a timing, as the thief says that it did: not of five in a row.
    timings = [time_dilated(step, setting, 20_000, (0.5,), instruments)[0] for _ in range(5)]
    assert NOT_DILATED in {timing.disturbed for timing in timings}


def test_the_thief_ends_with_a_step_that_raises(thief: type[FakeThief]) -> None:
    left = [None]
    with pytest.raises(IndexError):
        time_dilated(StepFunction(left.pop), Setting(mode="eager"), 1, (0.5,), Instruments([0]))
    assert thief.log[-1] == "stop"


def test_without_permission_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(dilation._native, "Thief", refuse)
    with pytest.raises(WorkloadError, match=r"no real-time thread \(Operation not permitted\)"):
        time_dilated(StepFunction(lambda: None), SETTING, 1, (0.5,), Instruments([0]))
