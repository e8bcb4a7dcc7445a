# SPDX-License-Identifier: Apache-2.0
"""Steps taken apart inside a worker, on the CPU: what is counted, and that the profile is in no other timing."""

import sys
from collections.abc import Iterator

import pytest

from serialprof.measure.anatomy import NO_FRAMEWORK, dissect, fitting, take_profile
from serialprof.measure.delay import spin
from serialprof.measure.instruments import Instruments
from serialprof.setting import Setting
from tests.measure.fakecuda import FakeCuda

torch = pytest.importorskip("torch")

SETTING = Setting(depth=10, mode="eager")
SPIN = 2e-3


class Counted:
    """Three operations a step, and a log of what was asked for."""

    def __init__(self) -> None:
        self.state, self.one = torch.zeros(8), torch.ones(8)
        self.asked: list[int] = []

    def run(self, steps: int, /) -> None:
        self.asked.append(steps)
        for _ in range(steps):
            torch.add(self.state, self.one, out=self.state)
            torch.mul(self.state, self.one, out=self.state)
            torch.sub(self.state, self.one, out=self.state)


class Spinning:
    """One operation a step that takes a known time, and a few tiny ones."""

    def __init__(self, operation: object) -> None:
        self.operation = operation
        self.state, self.one = torch.zeros(8), torch.ones(8)

    def run(self, steps: int, /) -> None:
        for _ in range(steps):
            torch.add(self.state, self.one, out=self.state)
            self.operation(self.state)  # type: ignore[operator]


class Alone:
    """Uses no framework."""

    def run(self, steps: int, /) -> None:
        spin(1e-6 * steps)


@pytest.fixture(scope="module")
def operation() -> Iterator[object]:
    """An operation of the framework that keeps its thread busy for SPIN seconds."""
    library = torch.library.Library("serialprof_test", "DEF")
    library.define("spin(Tensor state) -> Tensor")

    def busy(state: object) -> object:
        spin(SPIN)
        return torch.clone(state)

    library.impl("spin", busy, "CPU")
    yield torch.ops.serialprof_test.spin.default
    library._destroy()


def test_known_operations_are_counted_and_timed_apart_from_the_profile() -> None:
    stepper = Counted()
    anatomy = dissect(stepper, SETTING, steps=5, runs=3, instruments=Instruments([0]))
    assert stepper.asked == [5, 5, 5, 5], "once untimed, then the timing"
    assert anatomy.step > 0
    assert (anatomy.enqueue, anatomy.device) == (None, None), "the CPU has neither"
    assert anatomy.profile is None
    profile, unprofiled = take_profile(stepper, SETTING, 4)
    assert profile is not None and unprofiled == "" and stepper.asked[4:] == [4]
    assert (profile.steps, profile.kernels) == (4, 3.0)
    assert 0 < profile.busy < profile.step
    assert (profile.transfers, profile.waiting) == (0.0, 0.0)


def test_a_known_time_inside_an_operation_is_the_steps_busy_time(operation: object) -> None:
    assert dissect(Spinning(operation), SETTING, steps=2, runs=1, instruments=Instruments([0])).step >= SPIN
    profile, _ = take_profile(Spinning(operation), SETTING, 2)
    assert profile is not None and profile.kernels == 2
    assert SPIN <= profile.busy <= profile.step


def test_what_uses_no_framework_has_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    assert take_profile(Alone(), SETTING, 4) == (None, NO_FRAMEWORK)
    monkeypatch.delitem(sys.modules, "torch")
    assert take_profile(Alone(), SETTING, 4) == (None, NO_FRAMEWORK)
    assert dissect(Alone(), SETTING, 5, 1, Instruments([0])).step > 0
    assert "torch" not in sys.modules, "it is not imported for the purpose"


def test_a_profiler_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does where CUPTI is not allowed, which cannot be had on purpose."""

    def refuse(self: object) -> None:
        raise RuntimeError("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES\n  was returned")

    monkeypatch.setattr(torch.profiler.profile, "start", refuse)
    words = "torch.profiler fails: CUPTI_ERROR_INSUFFICIENT_PRIVILEGES was returned"
    assert take_profile(Counted(), SETTING, 4) == (None, words)


def test_an_error_of_the_step_is_not_swallowed_and_leaves_the_profiler_free() -> None:
    class Failing(Counted):
        def run(self, steps: int, /) -> None:
            super().run(steps)
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        take_profile(Failing(), SETTING, 4)
    assert take_profile(Counted(), SETTING, 4)[0] is not None


@pytest.mark.parametrize(
    ("host", "step", "room"),
    [
        (8e-6, 16e-6, 250),  # half of what is enqueued waits: 500 of 1000 launches in 2 us each
        (8e-6, 8e-6, 1000),  # the device keeps up
        (9e-6, 8e-6, 1000),
        (1e-4, 1e-2, 10),
        (5e-3, 1.0, 1),
    ],
)
def test_no_more_steps_are_enqueued_than_the_queue_of_a_device_holds(host: float, step: float, room: int) -> None:
    assert fitting(1000, host, step) == room


def test_on_a_cuda_device_steps_are_enqueued_timed_by_events_and_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up device whose kernels, two a step, take 800 us each while the host needs 4 us to enqueue one."""
    fake = FakeCuda(kernel=799e-6).lay(monkeypatch, torch)
    asked: list[int] = []

    class Stepper:
        def run(self, steps: int, /) -> None:
            asked.append(steps)
            for _ in range(2 * steps):
                fake.enqueue()

    setting = Setting(depth=100, mode="eager", device="cuda:0")
    anatomy = dissect(Stepper(), setting, steps=200, runs=5, instruments=Instruments([0]))
    assert anatomy.enqueue == pytest.approx(8e-6)
    assert anatomy.device == pytest.approx(1.6e-3, rel=0.01)
    assert anatomy.step == pytest.approx(1.6e-3, rel=0.01), "the device's time, and one launch and one wait of 1000"
    assert asked[:6] == [200] * 6 and asked[-5:] == [200] * 5
    assert asked[6:9] == [1] * 3 and set(asked[9:-5]) == {125}, "no more than the queue of the device holds"
    assert 3 <= len(asked[9:-5]) <= 50
